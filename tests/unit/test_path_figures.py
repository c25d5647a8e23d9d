"""The computed figures of paths equal those of the reference implementation, `tests/support/paths_reference.py`."""

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from journeys import jsontext
from journeys.archive.columns import BUCKETS
from journeys.views.computation import run as batches
from journeys.views.computation import tallies
from journeys.views.computation.plan import EventType, compile_plan
from journeys.views.computation.results import to_result as view_result
from journeys.views.computation.run import run as run_view
from journeys.views.computation.tallies import Tally
from journeys.views.paths import steps
from journeys.views.paths.model import PathDefinition, view_of
from journeys.views.paths.partial_result import PathResult, TooManyPaths, merge, to_result
from journeys.views.paths.plan import compile_paths
from journeys.views.paths.run import run
from tests.support import paths_reference
from tests.support.properties import examples
from tests.support.views_reference import Happened, Rules, with_persons
from tests.unit.test_view_figures import (
    AT,
    FIELDS,
    NOTHING,
    archived,
    bounded,
    event_lists,
    filters,
    happened,
    moments,
    spans,
)
from tests.unit.test_view_identity import Archived, also, rules

TYPES = {f"type-{slot}": EventType(slot, FIELDS, f"Type {slot}") for slot in "abtP"}
SLOTS = {id_: one.slot for id_, one in TYPES.items()}
A, B, T = "type-a", "type-b", "type-t"


def paths_of(start: str = A, **values: Any) -> PathDefinition:
    values = {"name": "p", "interval": "2026-12-31T00:00Z/2028-12-31T00:00Z"} | values
    return PathDefinition.model_validate(values | {"start": selection(start)})


def selection(type_: str, **filter_: Any) -> dict[str, Any]:
    return {"attributes": {"id": type_}} | ({"filter": filter_} if filter_ else {})


def computed(
    connection: duckdb.DuckDBPyConnection, folder: Path, definition: PathDefinition, events: Sequence[Happened]
) -> dict[str, Any]:
    plan = compile_paths(definition, TYPES, AT)
    result = to_result(definition, TYPES, run(plan, archived(connection, folder, events), connection))
    return {name: with_ids(value) for name, value in result.items()}


def with_ids(value: Any) -> Any:
    """A result with the ids of its event types instead of the event types."""
    match value:
        case {"id": id_, "name": name}:
            assert name == TYPES[id_].name
            return id_
        case dict():
            return {key: with_ids(one) for key, one in value.items()}
        case list():
            return [with_ids(one) for one in value]
    return value


@st.composite
def definitions(draw: st.DrawFn, types: Sequence[str]) -> PathDefinition:
    def selections() -> dict[str, Any]:
        return selection(draw(st.sampled_from(types))) | {"filter": draw(filters) if draw(st.booleans()) else None}

    values = {
        "name": "p",
        "start": selections(),
        "direction": draw(st.sampled_from(["After", "Before"])),
        "steps": draw(st.integers(1, 4) | st.just(10)),
        "end": selections() if draw(st.integers(0, 2)) == 0 else None,
        "sessionGap": draw(st.none() | st.sampled_from(["PT0.5S", "PT1S", "PT0.999S", "P1D"])),
        "eventTypes": draw(st.none() | st.lists(st.sampled_from(types), min_size=1, unique=True)),
        "collapseRepeats": draw(st.booleans()),
        "mostPerLevel": draw(st.integers(1, 3) | st.just(50)),
        **draw(spans),
    }
    return PathDefinition.model_validate(values)


@st.composite
def cases(draw: st.DrawFn, also: st.SearchStrategy[tuple[str, ...]] = NOTHING) -> tuple[PathDefinition, list[Happened]]:
    """A definition, and events of its types; `also` draws their further identifiers."""
    types = sorted(TYPES)[: draw(st.integers(1, len(TYPES)))]
    return draw(definitions(types)), draw(event_lists(types, also))


@pytest.mark.slow
@bounded(examples(100))
@given(
    case=cases(),
    at=moments,
    shuffle=st.none() | st.integers(0, 104),
    rows_per_batch=st.sampled_from([8, 2_000_000]),
    key_bits=st.sampled_from([46, 63]),
    table_size=st.sampled_from([0, steps.TABLE_SIZE, 1000]),
    bounds=st.lists(st.integers(1, BUCKETS - 1), max_size=3, unique=True).map(sorted),
)
def test_every_figure_equals_the_reference(
    connection: duckdb.DuckDBPyConnection,
    tmp_path: Path,
    case: tuple[PathDefinition, list[Happened]],
    at: int,
    shuffle: int | None,
    rows_per_batch: int,
    key_bits: int,
    table_size: int,
    bounds: list[int],
) -> None:
    definition, events = case
    plan = compile_paths(definition, TYPES, at)
    archive = archived(connection, tmp_path, events, shuffle)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(batches, "ROWS_PER_BATCH", rows_per_batch)
        patch.setattr(steps, "KEY_BITS", key_bits)
        patch.setattr(steps, "TABLE_SIZE", table_size)
        parts = [
            run(plan, archive, connection, first, last - 1)
            for first, last in zip([0, *bounds], [*bounds, BUCKETS], strict=True)
        ]
    stored = [PathResult.from_values(jsontext.loads(jsontext.dumps(part.to_values()).encode())) for part in parts]
    result = to_result(definition, TYPES, merge(iter(stored)))
    assert with_ids(result) == paths_reference.result(definition, SLOTS, events, at)
    check_sums(result["tree"])


def check_sums(step: dict[str, Any]) -> None:
    """Every path at a step goes on with a shown step or with others, or dropped off, or ended."""
    parts = [step["dropped"], step["ended"], step["others"], *step["steps"]]
    assert sum(part["eventCount"] for part in parts) == step["eventCount"]
    for below in step["steps"]:
        check_sums(below)


@pytest.mark.slow
@bounded(examples(33))
@given(case=cases())
def test_the_customers_of_a_path_take_part_in_every_element_of_its_view(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path, case: tuple[PathDefinition, list[Happened]]
) -> None:
    definition, events = case
    archive = archived(connection, tmp_path, events)
    result = to_result(definition, TYPES, run(compile_paths(definition, TYPES, AT), archive, connection))
    for path in result["paths"]:
        ids = tuple(one["id"] for one in path["eventTypes"])
        view = view_of(definition, ids, {id_: one.name for id_, one in TYPES.items()}, ended=definition.end is not None)
        figures = view_result(view, run_view(compile_plan(view, TYPES, AT), archive, connection))
        assert len(view.elements) == len(ids) + 1
        for element in figures["elements"]:
            assert element["metrics"]["participantCount"] >= path["customerCount"]


@pytest.mark.slow
@bounded(examples(66))
@given(
    case=cases(also),
    rules=rules,
    shuffle=st.none() | st.integers(0, 104),
    rows_per_batch=st.sampled_from([4, 2_000_000]),
    cuts=st.sets(st.integers(1, BUCKETS - 1), max_size=3),
)
def test_figures_of_persons_equal_the_reference_in_one_run_and_in_parts(
    connection: duckdb.DuckDBPyConnection,
    tmp_path: Path,
    case: tuple[PathDefinition, list[Happened]],
    rules: Rules,
    shuffle: int | None,
    rows_per_batch: int,
    cuts: set[int],
) -> None:
    definition, events = case
    archive, plan = Archived(connection, tmp_path, events, rules, shuffle), compile_paths(definition, TYPES, AT)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(batches, "ROWS_PER_BATCH", rows_per_batch)
        parts = [
            run(plan, archive.events(), connection, first, after - 1, archive.merging(first, after - 1))
            for first, after in pairwise([0, *sorted(cuts), BUCKETS])
        ]
    expected = paths_reference.result(definition, SLOTS, with_persons(events, rules), AT)
    assert with_ids(to_result(definition, TYPES, merge(parts))) == expected


# -- examples ----------------------------------------------------------------------------------------------------------


def test_a_path_goes_on_within_its_session_only(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    events = [happened("ann", 0, A), happened("ann", 60, B), happened("ann", 121, T)]
    tree = computed(connection, tmp_path, paths_of(sessionGap="PT1M"), events)["tree"]
    (step,) = tree["steps"]
    assert (step["eventType"], step["dropped"], step["steps"]) == (B, {"customerCount": 1, "eventCount": 1}, [])


def test_a_customer_counts_once_in_others_however_many_hidden_steps_follow(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    events = [
        happened(customer, second, type_)
        for customer in ("ann", "bob")
        for second, type_ in enumerate((A, B, A, A, T, A, B))
    ]
    tree = computed(connection, tmp_path, paths_of(steps=1, mostPerLevel=1), events)["tree"]
    assert [(step["eventType"], step["customerCount"], step["eventCount"]) for step in tree["steps"]] == [(B, 2, 4)]
    assert tree["others"] == {"customerCount": 2, "eventCount": 4}


def test_paths_begin_at_every_start_and_can_overlap(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    events = [happened("ann", 0, A), happened("ann", 1, B), happened("ann", 2, A)]
    result = computed(connection, tmp_path, paths_of(), events)
    assert result["start"] == {"customerCount": 1, "eventCount": 2}
    assert [path["eventTypes"] for path in result["paths"]] == [[], [B, A]]


def test_before_reads_events_backwards(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    events = [happened("ann", 0, T), happened("ann", 1, B), happened("ann", 2, A)]
    result = computed(connection, tmp_path, paths_of(direction="Before"), events)
    assert [path["eventTypes"] for path in result["paths"]] == [[B, T]]


@pytest.mark.parametrize(
    ("options", "path"),
    [
        ({"eventTypes": [A, B, T]}, [B, T]),
        ({"eventTypes": [A, T, B]}, [T, B]),
        ({"eventTypes": [B, A, T]}, [T]),
        ({"eventTypes": [T, B]}, [T, B]),
        ({"eventTypes": [T, B], "direction": "Before"}, [B, T]),
        ({"eventTypes": [T], "end": selection(B)}, [T, B]),
        ({"eventTypes": [B, T, A], "direction": "Before"}, [T, B]),
    ],
)
def test_events_of_the_same_time_have_the_order_of_the_named_types(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path, options: dict[str, Any], path: list[str]
) -> None:
    events = [happened("ann", 0, type_) for type_ in (B, T, A)]
    result = computed(connection, tmp_path, paths_of(**options), events)
    assert [one["eventTypes"] for one in result["paths"]] == [path]


def test_only_paths_that_reach_the_end_count(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    events = [happened("ann", 0, A), happened("ann", 1, B), happened("bob", 0, A), happened("bob", 1, T)]
    result = computed(connection, tmp_path, paths_of(end=selection(B)), events)
    assert result["start"]["customerCount"] == 2
    assert result["tree"]["customerCount"] == 1
    assert result["tree"]["steps"][0]["ended"] == {"customerCount": 1, "eventCount": 1}


# -- bounds ------------------------------------------------------------------------------------------------------------


def test_too_many_different_paths_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tallies, "MAX_ROWS", 2)
    numbers = np.arange(3)
    with pytest.raises(TooManyPaths):
        Tally(numbers, numbers, numbers).merged(TooManyPaths)


def test_more_start_events_than_a_number_can_hold_are_refused(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(steps, "PATH_BITS", 1)
    with pytest.raises(TooManyPaths):
        computed(connection, tmp_path, paths_of(), [happened("ann", second, A) for second in range(2)])
