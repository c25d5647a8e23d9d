"""The computed figures of views equal those of the reference implementation, `tests/support/views_reference.py`."""

import string
from collections.abc import Mapping, Sequence
from decimal import Decimal
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any
from uuid import uuid4

import duckdb
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from journeys import dates, jsontext
from journeys.archive import parquet
from journeys.archive.columns import BUCKETS
from journeys.archive.reading import Events, connect
from journeys.events.model import Event, ExternalId, StoredEvent
from journeys.registry.schemas.kinds import AttributeKind
from journeys.views.computation import charts as charts_module
from journeys.views.computation import links, lists, portions, run
from journeys.views.computation import partial_result as partial_result_module
from journeys.views.computation.figures import evaluate_links
from journeys.views.computation.merging import Merging
from journeys.views.computation.partial_result import PartialResult, TooManyGroups, merge
from journeys.views.computation.persons import Persons
from journeys.views.computation.plan import BrokenView, EventType, compile_plan
from journeys.views.computation.results import to_result
from journeys.views.model import ViewDefinition
from tests.support import lists_reference
from tests.support.properties import examples
from tests.support.views_reference import CUSTOMERS, Happened, figures

FIELDS = {
    "channel": AttributeKind.STRING,
    "Level": AttributeKind.ENUM,
    "amount": AttributeKind.NUMBER,
    "Count": AttributeKind.INTEGER,
    "member": AttributeKind.BOOLEAN,
    "conversationId": AttributeKind.STRING,
}
TYPES = {f"type-{slot}": EventType(slot, FIELDS) for slot in "abtP"}
START = dates.parse("2026-12-31T23:59:56Z")
"""A few seconds before the end of a day, a month and a year, in the middle of a week."""
AT = START + 500 * 86_400_000


# -- running a view ----------------------------------------------------------------------------------------------------


def archived(
    connection: duckdb.DuckDBPyConnection, folder: Path, events: Sequence[Happened], shuffle: int | None = None
) -> Events:
    """Write the events to one compacted file; with `shuffle`, to several compacted and landed files with repeats."""
    compacted, landed = archived_files(connection, folder, events, shuffle)
    return Events(connection, {"2026-01-01": compacted}, {"2026-01-01": landed})


def archived_files(
    connection: duckdb.DuckDBPyConnection, folder: Path, events: Sequence[Happened], shuffle: int | None = None
) -> tuple[list[Path], list[Path]]:
    """The compacted and the landed files of `archived`."""
    rows = [parquet.row(stored(index, one)) for index, one in enumerate(events)]
    if shuffle is None:
        compacted, landed = [rows], []
    else:
        compacted = [rows[0::4] + rows[1::4], rows[2::4][: shuffle % 3]]
        landed = [rows[2::4][shuffle % 3 :], rows[3::4] + rows[shuffle % 5 :: 5], rows[shuffle % 7 :: 7]]
    return (
        [written(connection, folder, some) for some in compacted],
        [written(connection, folder, some) for some in landed],
    )


def written(connection: duckdb.DuckDBPyConnection, folder: Path, rows: Sequence[parquet.Row]) -> Path:
    path = folder / f"{uuid4()}.parquet"
    parquet.write(connection, rows, path)
    return path


def stored(index: int, event: Happened) -> StoredEvent:
    kept = TYPES[event.definition_id]
    identifiers = (f"{CUSTOMERS}/{event.customer}", *event.also)
    return StoredEvent(
        Event(str(index), event.date, tuple(ExternalId(*one.split("/")) for one in identifiers), event.attributes),
        "org",
        "configuration",
        event.definition_id,
        1,
        kept.slot,
        event.definition_id,
        event.source,
        event.date,
        f"request#{index}",
    )


def computed(
    connection: duckdb.DuckDBPyConnection,
    folder: Path,
    view: ViewDefinition,
    events: Sequence[Happened],
    at: int = AT,
) -> dict[str, Any]:
    """The result of a view over the events, which counts persons: there are no links, so each has one identifier."""
    plan = compile_plan(view, TYPES, at)
    nobody = Merging(Persons(np.zeros(0, np.int64), np.zeros(0, np.int64)), folder)
    return to_result(view, run.run(plan, archived(connection, folder, events), connection, merging=nobody))


def element(id_: str, type_: str = "type-a", *to: Any, **filter_: Any) -> dict[str, Any]:
    return {
        "id": id_,
        "name": id_,
        "attributes": {"type": "Event", "id": type_},
        "followedBy": [{"id": one} if isinstance(one, str) else one for one in to],
    } | ({"filter": filter_} if filter_ else {})


def view_of(
    *elements: dict[str, Any],
    charts: Sequence[dict[str, Any]] = (),
    durations: Sequence[dict[str, Any]] = (),
    **span: str,
) -> ViewDefinition:
    values = {"name": "v", "elements": list(elements), "charts": list(charts), "durations": list(durations)}
    return ViewDefinition.model_validate(values | (span or {"interval": "2026-12-31T00:00Z/2028-12-31T00:00Z"}))


def happened(customer: str, second: float, type_: str = "type-a", **attributes: Any) -> Happened:
    return Happened(customer, START + int(second * 1000), type_, attributes)


# -- hypothesis --------------------------------------------------------------------------------------------------------

NUMBERS = [
    Decimal(text)
    for text in (
        "0", "-0.0", "1", "-1", "2.50", "0.1", "0.10000000000000000001", "0.1000000000000000000099", "0.3",
        "9007199254740992", "9007199254740993", "-9007199254740993", "-9007199254740994.5",
        "12345678901234567890.123456789012345678", "12345678901234567890.123456789012345679",
        "-12345678901234567890.123456789012345678", "-12345678901234567890.123456789012345679",
        "99999999999999999999999999999999999999", "-99999999999999999999999999999999999999",
        "123456.7891", "1234567890.123456", "0.0000000000001", "1e-30", "31536000000", "0.30000000000000004",
        "999999999999.999", "1000000000000",
    )
]  # fmt: skip
TIED = [Decimal(text) for text in ("9007199254740992", "9007199254740993", "0.1", "0.10000000000000000001")]
"""Two pairs of numbers. Each pair shares a double; one number of each pair has exact digits in column `x:`."""
INTEGERS = [0, -1, 1, 7, 9007199254740993, 9007199254740992, -9007199254740993, 10**37, 86_400_000]
TEXTS = ["web", "Web", "phone", "it's", '"; DROP TABLE x; --', "$p0", "{0}", "null", "5", ""]
LEVELS = ["low", "high"]
CONVERSATIONS = ["one", "two", "two", ""]
ATTRIBUTES = {
    "channel": st.sampled_from(TEXTS),
    "Level": st.sampled_from(LEVELS),
    "amount": st.sampled_from(NUMBERS) | st.sampled_from(TIED) | st.decimals(-100, 100, places=2),
    "Count": st.sampled_from(INTEGERS) | st.sampled_from([int(number) for number in TIED[:2]]),
    "member": st.booleans(),
    "conversationId": st.sampled_from(CONVERSATIONS),
}
SECOND = {"unit": "Seconds"}


NOTHING: st.SearchStrategy[tuple[str, ...]] = st.just(())


def event_lists(
    types: Sequence[str], also: st.SearchStrategy[tuple[str, ...]] = NOTHING
) -> st.SearchStrategy[list[Happened]]:
    """Events of five customers, and few per customer, so that each one matters. `also` are further identifiers."""
    one = st.builds(
        Happened,
        customer=st.sampled_from(["ann", "bob", "cat", "dan", "eve"]),
        date=st.builds(
            lambda half_seconds, days: START + 500 * half_seconds + 86_400_000 * days,
            st.integers(0, 14),
            st.sampled_from([0, 0, 0, 0, 1, 31, 366]),
        ),
        definition_id=st.sampled_from(types),
        attributes=st.fixed_dictionaries({}, optional=ATTRIBUTES),
        also=also,
    )
    return st.integers(0, 24).flatmap(lambda count: st.lists(one, min_size=count, max_size=count))


operators = st.sampled_from(["Matches", "NotMatches"])


def texts_of(name: str) -> st.SearchStrategy[list[str]]:
    kind = FIELDS[name]
    of_kind: Mapping[AttributeKind, list[str]] = {
        AttributeKind.STRING: [*TEXTS, *CONVERSATIONS, "not there"],
        AttributeKind.ENUM: LEVELS,
        AttributeKind.BOOLEAN: ["true", "false"],
        AttributeKind.INTEGER: [str(number) for number in INTEGERS],
        AttributeKind.NUMBER: [f"{number:f}" for number in NUMBERS] + ["1.000000"],
    }
    texts = st.sampled_from(of_kind[kind])
    if kind in (AttributeKind.INTEGER, AttributeKind.NUMBER):
        texts |= st.sampled_from([f"{number:f}" for number in (TIED if kind is AttributeKind.NUMBER else TIED[:2])])
    return st.lists(texts, min_size=1, max_size=4)


predicates = st.sampled_from(sorted(FIELDS)).flatmap(
    lambda name: st.one_of(
        st.fixed_dictionaries({"dimension": st.just(name), "operator": operators, "values": texts_of(name)}),
        st.fixed_dictionaries({"dimension": st.just(name), "operator": operators, "noValue": st.just(True)}),
    )
)
range_values = st.one_of(
    st.sampled_from(NUMBERS).map(lambda number: {"number": number}),
    st.sampled_from(TIED).map(lambda number: {"number": number}),
    st.sampled_from(INTEGERS).map(lambda number: {"number": number}),
    st.sampled_from(["P1D", "P365D", "PT0.007S"]).map(lambda text: {"duration": text}),
)
ranges = st.dictionaries(st.sampled_from(["lt", "lte", "gt", "gte", "eq", "neq"]), range_values, min_size=1, max_size=2)
number_predicates = st.one_of(
    st.fixed_dictionaries({"dimension": st.sampled_from(["amount", "Count"]), "operator": operators, "range": ranges}),
    st.fixed_dictionaries(
        {"dimension": st.sampled_from(["amount", "Count"]), "operator": operators, "noValue": st.just(True)}
    ),
)
filters = st.none() | st.builds(
    lambda some, numbers: {"type": "And", "predicates": some, "numberPredicates": numbers},
    st.lists(predicates, max_size=1),
    st.lists(number_predicates, max_size=1),
)
constraints = st.none() | st.one_of(
    st.integers(0, 4).map(lambda value: {"unit": "Seconds", "value": value}),
    st.sampled_from([{"unit": "Days", "value": 1}, {"unit": "Months", "value": 20}, {"unit": "Weeks", "value": 0}]),
)
link_kinds = st.sampled_from(["Sequential", "All", "Concurrent"])
joins = st.sampled_from([None, None, [], ["conversationId"]])


@st.composite
def graphs(draw: st.DrawFn, types: Sequence[str]) -> list[dict[str, Any]]:
    """Elements in any order, with links that do not form a cycle."""
    ids = list(string.ascii_lowercase[: draw(st.integers(1, 6))])
    elements = [element(id_, draw(st.sampled_from(types))) for id_ in ids]
    for index, one in enumerate(elements):
        if draw(st.integers(0, 2)) == 0:
            one["filter"] = draw(filters)
        for other in ids[index + 1 :]:
            if draw(st.integers(0, 9)) < 5:
                one["followedBy"].append(
                    {
                        "id": other,
                        "eventCountType": draw(link_kinds),
                        "constraintWithin": draw(constraints),
                        "constraintAfter": draw(constraints),
                        "joinAttributes": draw(joins),
                    }
                )
    return draw(st.permutations(elements))


@st.composite
def charts(draw: st.DrawFn, ids: Sequence[str]) -> dict[str, Any]:
    metrics = []
    for index in range(draw(st.integers(1, 3))):
        aggregate = draw(
            st.sampled_from(["EventCount", "CustomerCount", "Minimum", "Maximum", "Average", "Sum", "Sum", "Average"])
        )
        metric = {"id": f"m{index}", "elementId": draw(st.sampled_from(ids)), "aggregate": aggregate}
        if not aggregate.endswith("Count"):
            metric["attribute"] = draw(st.sampled_from(["amount", "Count"]))
        metrics.append(metric)
    groups = [
        {"elementId": draw(st.sampled_from(ids)), "attribute": draw(st.sampled_from(sorted(FIELDS)))}
        for _ in range(draw(st.integers(0, 3)))
    ]
    return {
        "id": str(draw(st.uuids())),
        "name": "chart",
        "metrics": metrics,
        "groupByAttributes": groups,
        "groupByTime": draw(st.none() | st.sampled_from(["Day", "Week", "Month", "Year"])),
        "groupByMax": draw(st.none() | st.integers(1, 4)),
    }


spans = st.one_of(
    st.tuples(st.integers(0, 6), st.integers(7, 14)).map(
        lambda bounds: {"interval": "/".join(dates.text(START + 500 * bound) for bound in bounds)}
    ),
    st.just({"interval": "2026-12-31T00:00:00/2029-01-01T00:00:00"}),
    st.sampled_from(["PT3.5S", "P1D", "P1000D"]).map(lambda text: {"duration": text}),
)
moments = st.one_of(
    st.integers(0, 20).map(lambda half_seconds: START + 500 * half_seconds),
    st.just(AT),
    st.just(START + 30 * 86_400_000),
)


@st.composite
def cases(draw: st.DrawFn, also: st.SearchStrategy[tuple[str, ...]] = NOTHING) -> tuple[ViewDefinition, list[Happened]]:
    """A view, and events of its types. There is often only one type, so that an event can match several elements."""
    types = sorted(TYPES)[: draw(st.integers(1, len(TYPES)))]
    elements = draw(graphs(types))
    ids = [one["id"] for one in elements]
    measured = draw(st.lists(st.tuples(st.sampled_from(ids), st.sampled_from(ids)), max_size=2))
    view = view_of(
        *elements,
        charts=draw(st.lists(charts(ids), max_size=2)),
        durations=[{"fromId": one, "toId": other} for one, other in measured if one != other],
        **draw(spans),
    )
    return view, draw(event_lists(types, also))


def bounded(count: int) -> settings:
    return settings(
        max_examples=count,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture, HealthCheck.data_too_large],
    )


@pytest.mark.slow
@bounded(examples(100))
@given(
    case=cases(),
    at=moments,
    shuffle=st.none() | st.integers(0, 104),
    rows_per_batch=st.sampled_from([8, 2_000_000, 2_000_000]),
    key_bits=st.sampled_from([1, 40, 62]),
    most=st.sampled_from([1, 2, 1000]),
    together=st.sampled_from([1, 8, 40, 200_000]),
)
def test_every_figure_and_list_equals_the_reference(
    connection: duckdb.DuckDBPyConnection,
    tmp_path: Path,
    case: tuple[ViewDefinition, list[Happened]],
    at: int,
    shuffle: int | None,
    rows_per_batch: int,
    key_bits: int,
    most: int,
    together: int,
) -> None:
    view, events = case
    archive = archived(connection, tmp_path, events, shuffle)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(run, "ROWS_PER_BATCH", rows_per_batch)
        patch.setattr(portions, "KEY_BITS", key_bits)
        patch.setattr(lists, "MAX_LISTED", most)
        patch.setattr(lists, "MAX_TOGETHER", together)
        part = run.run(compile_plan(view, TYPES, at), archive, connection)
        lists_reference.check(view, events, at, part.lists)
    assert to_result(view, part) == figures(view, events, at)


MARKED = {f"e{index}": AttributeKind.BOOLEAN for index in range(4)}


@st.composite
def joined_cases(draw: st.DrawFn) -> tuple[ViewDefinition, list[Happened]]:
    """A view whose links mostly join by conversation, and events in any order that can match any of its elements."""
    ids = list(MARKED)
    elements = [
        element(
            id_,
            "type-a",
            *(
                {
                    "id": other,
                    "eventCountType": draw(link_kinds),
                    "constraintWithin": draw(constraints),
                    "joinAttributes": draw(st.sampled_from([["conversationId"], ["conversationId"], None])),
                }
                for other in ids[index + 1 :]
                if draw(st.booleans())
            ),
            predicates=[{"dimension": id_, "values": ["true"]}],
        )
        for index, id_ in enumerate(ids)
    ]
    one = st.builds(
        lambda customer, second, matched, conversation: Happened(
            customer, START + 1000 * second, "type-a", dict.fromkeys(matched, True) | conversation
        ),
        st.sampled_from(["0", "1", "2"]),
        st.integers(0, 9),
        st.lists(st.sampled_from(ids), min_size=1, max_size=2),
        st.sampled_from(["", "1", "2", "3"]).map(lambda text: {"conversationId": text} if text else {}),
    )
    return view_of(*draw(st.permutations(elements))), draw(st.lists(one, min_size=1, max_size=30))


@pytest.mark.slow
@bounded(examples(150))
@given(case=joined_cases(), at=moments, key_bits=st.sampled_from([1, 17, 62]))
def test_links_that_join_by_conversation_equal_the_reference_for_events_in_any_order(
    case: tuple[ViewDefinition, list[Happened]], at: int, key_bits: int
) -> None:
    view, events = case
    plan = compile_plan(view, {"type-a": EventType("a", FIELDS | MARKED)}, at)
    indexes = {one.id: index for index, one in enumerate(view.elements)}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(portions, "KEY_BITS", key_bits)
        result = evaluate_links(
            plan,
            np.array([int(event.customer) for event in events], np.int64),
            np.array([event.date for event in events], np.int64),
            np.array(
                [sum(1 << indexes[id_] for id_ in MARKED if id_ in event.attributes) for event in events], np.uint8
            ),
            np.array([int(event.attributes.get("conversationId", 0)) for event in events], np.uint64),
        )
    assert to_result(view, PartialResult(result.elements, result.durations, result.spans, ())) == figures(
        view, events, at
    )


@pytest.mark.slow
@bounded(examples(70))
@given(filter_=filters, events=event_lists(["type-a"]))
def test_every_filter_selects_the_same_events_as_the_reference(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path, filter_: dict[str, Any] | None, events: list[Happened]
) -> None:
    charts_ = [chart_of({"id": "m", "elementId": "a", "aggregate": "EventCount"})]
    view = view_of(element("a") | {"filter": filter_}, charts=charts_)
    assert computed(connection, tmp_path, view, events) == figures(view, events, AT)


@pytest.mark.slow
@bounded(examples(30))
@given(
    case=cases(),
    cuts=st.sets(st.integers(1, BUCKETS - 1), max_size=4),
    most=st.sampled_from([2, 1000]),
    together=st.sampled_from([20, 200_000]),
)
def test_partial_results_of_any_split_merge_to_the_whole(
    connection: duckdb.DuckDBPyConnection,
    tmp_path: Path,
    case: tuple[ViewDefinition, list[Happened]],
    cuts: set[int],
    most: int,
    together: int,
) -> None:
    view, events = case
    plan = compile_plan(view, TYPES, AT)
    archive = archived(connection, tmp_path, events)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lists, "MAX_LISTED", most)
        patch.setattr(lists, "MAX_TOGETHER", together)
        parts = [
            run.run(plan, archive, connection, first, after - 1)
            for first, after in pairwise([0, *sorted(cuts), BUCKETS])
        ]
        lists_reference.check(view, events, AT, merge(parts).lists)
        lists_reference.check(view, events, AT, merge(reversed(parts)).lists)
    restored = [PartialResult.from_values(jsontext.loads(jsontext.dumps(part.to_values()).encode())) for part in parts]
    assert restored == parts
    assert to_result(view, merge(restored)) == to_result(view, run.run(plan, archive, connection))
    assert to_result(view, merge(reversed(restored))) == figures(view, events, AT)


# -- readable examples -------------------------------------------------------------------------------------------------


def metrics(result: dict[str, Any]) -> dict[str, tuple[int, ...]]:
    """Participants, completed, flow, active and dropout of each element."""
    names = ("participantCount", "completedCount", "flowCount", "activeCount", "dropoutCount")
    return {one["id"]: tuple(one["metrics"][name] for name in names) for one in result["elements"]}


def connections(result: dict[str, Any]) -> dict[tuple[str, str], int]:
    return {(one["id"], to["id"]): to["connectionCount"] for one in result["elements"] for to in one["followedBy"]}


Compute = partial[dict[str, Any]]


@pytest.fixture
def compute(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> Compute:
    return partial(computed, connection, tmp_path)


def test_each_customer_is_counted_once_in_the_first_group_that_applies(compute: Compute) -> None:
    view = view_of(
        element("start", "type-a", {"id": "middle", "constraintWithin": {"unit": "Seconds", "value": 10}}),
        element("middle", "type-b", "end"),
        element("end", "type-t"),
    )
    events = [
        happened("through", 0), happened("through", 5, "type-b"), happened("through", 6, "type-t"),
        happened("through", 50),  # a second start without a following event
        happened("halfway", 0), happened("halfway", 10, "type-b"),
        happened("late", 0), happened("late", 10.001, "type-b"), happened("late", 11, "type-t"),
        happened("waiting", 95),
    ]  # fmt: skip
    result = compute(view, events, START + 100_000)
    assert metrics(result) == {"start": (4, 1, 1, 1, 1), "middle": (2, 1, 0, 1, 0), "end": (1, 1, 0, 0, 0)}
    assert connections(result) == {("start", "middle"): 2, ("middle", "end"): 1}


def test_an_event_does_not_satisfy_a_link_to_itself(compute: Compute) -> None:
    both = {"id": "second", "eventCountType": "All"}
    view = view_of(element("first", "type-a", both), element("second", "type-a"))
    alone, twice = [happened("ann", 1)], [happened("ann", 1), happened("ann", 1)]
    assert connections(compute(view, alone)) == {("first", "second"): 0}
    assert connections(compute(view, twice)) == {("first", "second"): 1}


def test_an_event_does_not_complete_through_itself_where_links_meet(compute: Compute) -> None:
    view = view_of(
        element("early", "type-b", "end"),
        element("same", "type-a", {"id": "end", "eventCountType": "All"}),
        element("end", "type-a"),
    )
    events = [happened("ann", 0, "type-b"), happened("ann", 1), happened("bob", 1), happened("bob", 1)]
    result = compute(view, events)
    assert metrics(result) == {"early": (1, 1, 0, 0, 0), "same": (2, 1, 0, 1, 0), "end": (2, 2, 0, 0, 0)}
    assert connections(result) == {("early", "end"): 1, ("same", "end"): 1}


@pytest.mark.parametrize(("after", "there"), [(1.999, False), (2, True), (4, True), (4.001, False)])
def test_a_window_includes_its_ends_also_where_links_meet(compute: Compute, after: float, there: bool) -> None:
    window = {"constraintAfter": {"unit": "Seconds", "value": 2}, "constraintWithin": {"unit": "Seconds", "value": 4}}
    view = view_of(
        element("left", "type-a", {"id": "end", **window}),
        element("right", "type-b", "end"),
        element("end", "type-t"),
    )
    events = [happened("ann", 0, "type-b"), happened("ann", 1), happened("ann", 1 + after, "type-t")]
    result = compute(view, events)
    assert metrics(result)["left"] == ((1, 1, 0, 0, 0) if there else (1, 0, 0, 0, 1))
    assert connections(result) == {("left", "end"): int(there), ("right", "end"): 1}


def test_no_customer_is_active_after_the_interval_has_ended(compute: Compute) -> None:
    elements = element("start", "type-a", "end"), element("end", "type-b")
    ended = view_of(*elements, interval="2026-12-31T00:00:00Z/2027-01-02T00:00:00Z")
    events = [happened("ann", 1)]
    assert metrics(compute(ended, events, dates.parse("2027-01-02T00:00:00Z")))["start"] == (1, 0, 0, 1, 0)
    assert metrics(compute(ended, events, dates.parse("2027-01-02T00:00:00.001Z")))["start"] == (1, 0, 0, 0, 1)
    running = view_of(*elements, duration="P1D")
    assert metrics(compute(running, events, START + 86_400_000))["start"] == (1, 0, 0, 1, 0)


def by_conversation(id_: str, **more: Any) -> dict[str, Any]:
    return {"id": id_, "joinAttributes": ["conversationId"]} | more


@pytest.mark.parametrize(
    ("first", "second", "connected"),
    [
        ({"conversationId": "one"}, {"conversationId": "one"}, 1),
        ({"conversationId": "one"}, {"conversationId": "two"}, 0),
        ({"conversationId": "one"}, {}, 0),
        ({}, {"conversationId": "one"}, 0),
        ({}, {}, 0),
    ],
)
def test_a_link_can_join_by_conversation(
    compute: Compute, first: dict[str, str], second: dict[str, str], connected: int
) -> None:
    view = view_of(element("start", "type-a", by_conversation("end")), element("end", "type-b"))
    events = [happened("ann", 0, "type-a", **first), happened("ann", 1, "type-b", **second)]
    assert connections(compute(view, events)) == {("start", "end"): connected}


def test_a_conversation_of_two_customers_does_not_link_them(compute: Compute) -> None:
    view = view_of(element("start", "type-a", by_conversation("end")), element("end", "type-b"))
    events = [happened("ann", 0, conversationId="one"), happened("bob", 1, "type-b", conversationId="one")]
    assert connections(compute(view, events)) == {("start", "end"): 0}


def test_a_newer_event_of_another_conversation_does_not_hide_the_one_that_is_joined(compute: Compute) -> None:
    view = view_of(element("start", "type-a", by_conversation("end", constraintWithin=SECOND | {"value": 5})),
                   element("end", "type-b"))  # fmt: skip
    events = [
        happened("ann", 0, conversationId="one"),
        happened("ann", 1, conversationId="two"),
        happened("ann", 5, "type-b", conversationId="one"),
    ]
    assert connections(compute(view, events)) == {("start", "end"): 1}


def test_an_event_without_a_conversation_does_not_wait_for_one(compute: Compute) -> None:
    view = view_of(element("start", "type-a", by_conversation("end")), element("end", "type-b"))
    assert metrics(compute(view, [happened("ann", 0, conversationId="one")], START))["start"] == (1, 0, 0, 1, 0)
    assert metrics(compute(view, [happened("ann", 0)], START))["start"] == (1, 0, 0, 0, 1)


def test_more_conversations_than_keys_can_number_are_refused() -> None:
    view = view_of(element("start", "type-a", by_conversation("end")), element("end", "type-b"))
    days = np.array([0, 1, 2, 1 << 61], np.int64)
    marks = np.array([1, 2, 1, 2], np.uint8)
    plan = compile_plan(view, TYPES, AT)
    found = evaluate_links(plan, np.zeros(4, np.int64), days, marks, np.array([7, 7, 7, 7], np.uint64))
    assert [durations.count for durations in found.durations] == [1]
    with pytest.raises(links.TooManyConversations):
        evaluate_links(plan, np.zeros(4, np.int64), days, marks, np.array([7, 7, 8, 9], np.uint64))


def test_customers_with_many_conversations_are_evaluated_in_portions() -> None:
    """Two bits are left to number conversations, and each of two customers has three."""
    view = view_of(element("start", "type-a", by_conversation("end")), element("end", "type-b"))
    hashes = np.repeat(np.arange(2), 4)
    dates_ = np.array([0, 1, 2, 1 << 59] * 2, np.int64)
    marks = np.array([1, 1, 1, 2] * 2, np.uint8)
    conversations = np.array([7, 8, 9, 9] * 2, np.uint64)
    found = evaluate_links(compile_plan(view, TYPES, AT), hashes, dates_, marks, conversations)
    assert [durations.count for durations in found.durations] == [2]


@pytest.mark.parametrize("customers", [[4, 4, 4], [1, 1, 10], [20], [1] * 12])
def test_portions_have_as_many_whole_customers_as_keys_can_number(
    monkeypatch: pytest.MonkeyPatch, customers: list[int]
) -> None:
    """Each customer is given by the number of events. With 8 values per date, 3 of 5 bits are left for 4 numbers."""
    monkeypatch.setattr(portions, "KEY_BITS", 5)
    hashes = np.repeat(np.arange(len(customers)), customers)
    dates_ = np.arange(len(hashes)) % 8
    edges = {0, *np.cumsum(customers).tolist()}
    for by_event in (False, True):
        found = list(portions.divide(hashes, dates_, by_event=by_event))
        assert [one.start for one in found[1:]] == [one.stop for one in found[:-1]]
        assert {found[0].start, *(one.stop for one in found)} <= edges
        for one in found:
            numbers = one.stop - one.start if by_event else len(set(hashes[one]))
            assert numbers <= 4 or len(set(hashes[one])) == 1


def test_a_duration_and_an_interval_exclude_their_end(compute: Compute) -> None:
    events = [happened("first", 0), happened("last", 10)]
    spans_: list[tuple[dict[str, str], int, int]] = [
        ({"duration": "PT10S"}, START + 10_000, 1),
        ({"duration": "PT10S"}, START + 10_001, 1),
        ({"duration": "PT10.001S"}, START + 10_001, 2),
        ({"interval": f"{dates.text(START)}/{dates.text(START + 10_000)}"}, AT, 1),
        ({"interval": f"{dates.text(START)}/{dates.text(START + 10_001)}"}, AT, 2),
    ]
    for span, at, there in spans_:
        assert metrics(compute(view_of(element("all"), charts=(), durations=(), **span), events, at))["all"][0] == there


def test_a_view_can_have_50_elements(compute: Compute) -> None:
    elements = [element(f"e{index}", "type-a", *([f"e{index + 1}"] if index < 49 else [])) for index in range(50)]
    counted = metrics(compute(view_of(*elements), [happened("ann", index) for index in range(49)]))
    assert counted["e48"] == (1, 0, 0, 1, 0)
    assert counted["e49"] == (0, 0, 0, 0, 0)


def test_a_view_without_events_has_zero_counts_and_no_sums(connection: duckdb.DuckDBPyConnection) -> None:
    charts = [
        chart_of({"id": "m", "elementId": "a"}, {"id": "n", "elementId": "a", "aggregate": "Sum", "attribute": "Count"})
    ]
    view = view_of(element("a", "type-a", "b"), element("b"), charts=charts)
    result = to_result(view, run.run(compile_plan(view, TYPES, AT), Events(connection, {}, {}), connection))
    assert metrics(result) == {"a": (0, 0, 0, 0, 0), "b": (0, 0, 0, 0, 0)}
    assert result["charts"] == [
        {
            "id": "00000000-0000-0000-0000-000000000001",
            "metrics": [{"id": "m", "values": [{"value": 0, "groupByAttributes": []}]}, {"id": "n", "values": []}],
        }
    ]


# -- filters -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", NUMBERS, ids=str)
def test_numbers_are_compared_exactly(compute: Compute, number: Decimal) -> None:
    """Compare every number with every other, with every comparator and operator, also if they share a double."""
    numbers = [{"range": {comparator: {"number": number}}} for comparator in ("lt", "lte", "gt", "gte", "eq", "neq")]
    text = f"{number:f}"
    padded = f"{text}{'' if '.' in text else '.'}{'0' * 40}"
    negated: list[dict[str, Any]] = [{}, {"operator": "NotMatches"}]
    filters_: list[dict[str, Any]] = [
        *({"numberPredicates": [{"dimension": "amount"} | one | how]} for one in numbers for how in negated),
        *(
            {"predicates": [{"dimension": "amount", "values": [same]} | how]}
            for same in (text, padded)
            for how in negated
        ),
    ]
    ids = [f"e{index}" for index in range(len(filters_))]
    charts = [
        chart_of(
            *({"id": id_, "elementId": id_, "aggregate": "EventCount"} for id_ in some),
            groupByAttributes=[{"elementId": id_, "attribute": "amount"} for id_ in some],
        )
        for some in (ids[::2], ids[1::2])
    ]
    view = view_of(*(element(id_, **filter_) for id_, filter_ in zip(ids, filters_, strict=True)), charts=charts)
    events = [happened("ann", 1, amount=amount) for amount in NUMBERS] + [happened("bob", 1)]
    assert compute(view, events) == figures(view, events, AT)


# -- charts ------------------------------------------------------------------------------------------------------------


def chart_of(*metrics_: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"id": "00000000-0000-0000-0000-000000000001", "name": "chart", "metrics": list(metrics_)} | more


def values(result: dict[str, Any], metric: int = 0) -> dict[tuple[str | None, ...], Any]:
    """The values of a metric of the first chart, by group."""
    return {
        tuple(one["value"] for one in value["groupByAttributes"]): value["value"]
        for value in result["charts"][0]["metrics"][metric]["values"]
    }


def test_the_lists_of_all_groups_share_their_bound(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first chart alone could list six customers. With the four groups of the second one, each list has one."""
    monkeypatch.setattr(lists, "MAX_TOGETHER", 6)
    metric = {"id": "m", "elementId": "a"}
    grouped = {"groupByAttributes": [{"elementId": "a", "attribute": "channel"}]}
    view = view_of(element("a"), charts=[chart_of(metric), chart_of(metric, id="second", **grouped)])
    events = [happened(customer, 1, channel=channel) for customer in ("ann", "bob", "cat") for channel in "wxyz"]
    part = run.run(compile_plan(view, TYPES, AT), archived(connection, tmp_path, events), connection)
    lists_reference.check(view, events, AT, part.lists)
    assert part.lists is not None
    assert [len(listed.hashes) for chart in part.lists.charts for listed in chart[0].values()] == [1] * 5
    assert len(part.lists.elements[0][0].hashes) == 1


def test_sums_and_averages_are_exact(compute: Compute) -> None:
    amounts = [Decimal("0.1")] * 3 + [Decimal(10**38 - 1), Decimal("1e-30")]
    charts = [
        chart_of(
            *({"id": one, "elementId": "a", "aggregate": one, "attribute": "amount"} for one in ("Sum", "Average"))
        )
    ]
    result = compute(view_of(element("a"), charts=charts), [happened("ann", 1, amount=amount) for amount in amounts])
    assert values(result) == {(): Decimal("99999999999999999999999999999999999999.300000000000000000000000000001")}
    assert values(result, 1) == {(): 20_000_000_000_000_000_000_000_000_000_000_000_000}


def test_groups_are_named_by_time_and_attribute_values(compute: Compute) -> None:
    grouped = [{"elementId": "a", "attribute": name} for name in ("channel", "member", "amount")]
    charts = [
        chart_of(
            {"id": "m", "elementId": "a", "aggregate": "EventCount"}, groupByTime="Week", groupByAttributes=grouped
        )
    ]
    events = [
        happened("ann", 0, channel="web", member=True, amount=Decimal("1200.50")),
        happened("bob", 3, channel="web", member=True, amount=Decimal("1200.5")),
        happened("bob", 3 * 86_400),
    ]
    result = compute(view_of(element("a"), charts=charts), events)
    assert result["charts"][0]["metrics"][0]["values"] == [
        {
            "value": 2,
            "groupByAttributes": [
                {"attribute": "groupByTime", "value": "2026-W53"},
                {"attribute": "channel", "value": "web"},
                {"attribute": "member", "value": "true"},
                {"attribute": "amount", "value": "1200.5"},
            ],
        },
        {
            "value": 1,
            "groupByAttributes": [
                {"attribute": "groupByTime", "value": "2026-W53"},
                {"attribute": "channel", "value": None},
                {"attribute": "member", "value": None},
                {"attribute": "amount", "value": None},
            ],
        },
    ]


@pytest.mark.parametrize("zeros", [["-0.0"], ["-0.0", "0"], ["0", "-0.0"]])
def test_negative_zero_and_zero_are_one_group(compute: Compute, zeros: list[str]) -> None:
    grouped = [{"elementId": "a", "attribute": "amount"}]
    charts = [chart_of({"id": "m", "elementId": "a", "aggregate": "EventCount"}, groupByAttributes=grouped)]
    events = [happened("ann", index, amount=Decimal(zero)) for index, zero in enumerate(zeros)]
    assert values(compute(view_of(element("a"), charts=charts), events)) == {("0",): len(zeros)}


def test_group_by_max_selects_the_greatest_groups_and_breaks_ties_by_name(compute: Compute) -> None:
    charts = [
        chart_of(
            {"id": "m", "elementId": "a", "aggregate": "EventCount"},
            {"id": "n", "elementId": "a", "aggregate": "Maximum", "attribute": "Count"},
            groupByAttributes=[{"elementId": "a", "attribute": "channel"}],
            groupByMax=2,
        )
    ]
    events = [happened("ann", 1, channel=name, Count=count) for count, name in enumerate(["d", "b", "c", "d", "a"])]
    result = compute(view_of(element("a"), charts=charts), events)
    assert (values(result), values(result, 1)) == ({("a",): 1, ("d",): 2}, {("a",): 4, ("d",): 3})


def test_a_chart_with_too_many_groups_fails(compute: Compute, monkeypatch: pytest.MonkeyPatch) -> None:
    charts = [
        chart_of(
            {"id": "m", "elementId": "a", "aggregate": "EventCount"},
            groupByAttributes=[{"elementId": "a", "attribute": "Count"}],
        )
    ]
    view = view_of(element("a"), charts=charts)
    for module in (partial_result_module, charts_module):
        monkeypatch.setattr(module, "MAX_GROUPS", 10)
    many = [happened(f"c{number}", 1, Count=number) for number in range(11)]
    assert len(values(compute(view, many[:10]))) == 10
    with pytest.raises(TooManyGroups, match="more than 10 groups"):
        compute(view, many)
    monkeypatch.setattr(run, "ROWS_PER_BATCH", 1)
    with pytest.raises(TooManyGroups):  # although no batch has too many
        compute(view, many)


def test_charts_with_too_many_values_in_total_fail(compute: Compute, monkeypatch: pytest.MonkeyPatch) -> None:
    metrics_ = [{"id": id_, "elementId": "a", "aggregate": "EventCount"} for id_ in ("m", "n")]
    grouped = {"groupByAttributes": [{"elementId": "a", "attribute": "Count"}]}
    view = view_of(
        element("a"), charts=[chart_of(*metrics_, **grouped), chart_of(metrics_[0], groupByMax=1, **grouped)]
    )
    monkeypatch.setattr(partial_result_module, "MAX_VALUES", 30)
    many = [happened(f"c{number}", 1, Count=number) for number in range(11)]
    assert len(values(compute(view, many[:10]))) == 10
    with pytest.raises(TooManyGroups, match="more than 30 values together"):
        compute(view, many)
    monkeypatch.setattr(run, "ROWS_PER_BATCH", 1)
    with pytest.raises(TooManyGroups, match="more than 30 values together"):  # although no batch has too many
        compute(view, many)


def test_attributes_stay_with_their_events_when_duckdb_uses_several_threads(tmp_path: Path) -> None:
    """There are enough events for several threads, and the files are not sorted by customer."""
    customers, each = 20_000, 20
    with connect(tmp_path, "1GB", 4) as threaded:
        for file in range(2):
            threaded.execute(
                f"COPY (SELECT 'e' || i AS event, 'c' AS customer, "  # noqa: S608
                f"((hash(i % {customers}) >> 1)::BIGINT - (1::BIGINT << 62)) * 2 AS hash, {START} + i AS date, "
                "1::BIGINT AS received, (i % 3 = 0)::UTINYINT AS type, 1::UINTEGER AS version, 'n' AS name, "
                """'s' AS source, ['web', 'phone', 'shop'][1 + i % 3] AS "s:channel", (i % 7)::DOUBLE AS "n:amount" """
                f"FROM range({file}, {customers * each}, 2) t(i)) TO '{tmp_path}/{file}.parquet' (FORMAT parquet)"
            )
        charts = [
            chart_of(
                {"id": "m", "elementId": id_, "aggregate": "EventCount"},
                {"id": "n", "elementId": id_, "aggregate": "Sum", "attribute": "amount"},
                groupByAttributes=[{"elementId": id_, "attribute": "channel"}],
            )
            for id_ in ("a", "b")
        ]
        view = view_of(
            element("a", "type-a", "b", predicates=[{"dimension": "channel", "values": ["phone"]}]),
            element("b", "type-b"),
            charts=charts,
        )
        files = [tmp_path / f"{file}.parquet" for file in range(2)]
        part = run.run(compile_plan(view, TYPES, AT), Events(threaded, {"2026-01-01": files}, {}), threaded)
    result = to_result(view, part)
    phoned = [i for i in range(customers * each) if i % 3 == 1]
    assert values(result) == {("phone",): len(phoned)}
    assert values(result, 1) == {("phone",): sum(i % 7 for i in phoned)}
    first: dict[int, int] = {}
    for i in phoned:
        first.setdefault(i % customers, i)
    after = [i for i in range(0, customers * each, 3) if first.get(i % customers, i) < i]
    assert values({"charts": result["charts"][1:]}) == {("web",): len(after)}
    assert values({"charts": result["charts"][1:]}, 1) == {("web",): sum(i % 7 for i in after)}


# -- user input in SQL -------------------------------------------------------------------------------------------------

HOSTILE = ['"', "'; DROP TABLE viewed; --", "$p0", "{below}", "n:x", "MiXed", "mixed", "%4d", "\\", "a\nb", "☃"]


@pytest.mark.parametrize("name", HOSTILE)
def test_names_and_values_are_never_interpreted_as_sql(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path, name: str
) -> None:
    fields = {
        "type-a": EventType("a", {name: AttributeKind.STRING}),
        "type-b": EventType("b", {name: AttributeKind.STRING}),
    }
    charts = [
        chart_of(
            {"id": "m", "elementId": "is", "aggregate": "EventCount"},
            groupByAttributes=[{"elementId": "is", "attribute": name}],
        )
    ]
    view = view_of(
        element("is", predicates=[{"dimension": name, "values": [*HOSTILE, "\0"]}]),
        element("is not", predicates=[{"dimension": name, "operator": "NotMatches", "values": [name]}]),
        element("lacks", predicates=[{"dimension": name, "noValue": True}]),
        charts=charts,
    )
    events = [
        happened("ann", 1, "type-a", **{name: name}),
        happened("bob", 1, "type-a"),
        happened("cat", 1, **{name: "\0"}),
    ]
    archive = archived(connection, tmp_path, events)
    result = to_result(view, run.run(compile_plan(view, fields, AT), archive, connection))
    assert [counts[0] for counts in metrics(result).values()] == [2, 2, 1]
    assert values(result) == {(name,): 1, ("\0",): 1}


SUM_OF_TEXTS = chart_of({"id": "m", "elementId": "a", "aggregate": "Sum", "attribute": "channel"})
OF_NO_ELEMENT = chart_of({"id": "m", "elementId": "x"})
BY_A_MOMENT = chart_of({"id": "m", "elementId": "a"}, groupByAttributes=[{"elementId": "a", "attribute": "when"}])


@pytest.mark.parametrize(
    "view",
    [
        view_of(element("a", "type-x")),
        view_of(element("a", "type-a", "nowhere")),
        view_of(element("a", "type-a", "a")),
        view_of(element("a", "type-a", "b"), element("b", "type-a", "a")),
        view_of(element("a", predicates=[{"dimension": "gone", "values": ["x"]}])),
        view_of(element("a", numberPredicates=[{"dimension": "channel", "range": {"lt": {"number": 1}}}])),
        view_of(element("a"), charts=[SUM_OF_TEXTS]),
        view_of(element("a", "type-a", {"id": "b", "joinAttributes": ["channel"]}), element("b")),
        view_of(element("a", "type-a", {"id": "b", "joinAttributes": ["conversationId"]}), element("b", "no-join")),
        view_of(element("a"), charts=[OF_NO_ELEMENT]),
        view_of(element("a"), charts=[BY_A_MOMENT]),
        view_of(element("a"), interval="yesterday"),
        ViewDefinition.model_validate({"name": "v", "elements": [element("a")]}),
    ],
)  # fmt: skip
def test_a_view_that_does_not_fit_its_event_types_is_refused_when_it_is_compiled(view: ViewDefinition) -> None:
    types = {"type-a": EventType("a", FIELDS | {"when": AttributeKind.DATETIME}), "no-join": EventType("b", {})}
    with pytest.raises(BrokenView):
        compile_plan(view, types, AT)
