"""Views that count persons: their figures equal the reference, however the computation is split."""

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from journeys import keys
from journeys.archive import links as archive_links
from journeys.archive.columns import BUCKETS, bounds, bucket, customer_hash
from journeys.archive.reading import Events
from journeys.identity.resolve import Guards
from journeys.views.computation import lists, run
from journeys.views.computation.merging import Merging
from journeys.views.computation.partial_result import PartialResult, merge
from journeys.views.computation.persons import DecisionArrays, Persons, resolve
from journeys.views.computation.plan import compile_plan
from journeys.views.computation.results import to_result
from journeys.views.model import ViewDefinition
from tests.support import lists_reference
from tests.support.properties import examples
from tests.support.views_reference import Happened, Link_, Rules, figures, persons, with_persons
from tests.unit.test_view_figures import (
    AT,
    START,
    TYPES,
    archived_files,
    bounded,
    cases,
    chart_of,
    connections,
    element,
    metrics,
    view_of,
)

# -- running a view ----------------------------------------------------------------------------------------------------


class Archived:
    """Events in files, and the persons of their links."""

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        folder: Path,
        events: Sequence[Happened],
        rules: Rules,
        shuffle: int | None = None,
    ) -> None:
        self._connection, self._folder = connection, folder
        self._compacted, self._landed = archived_files(connection, folder, events, shuffle)
        self.persons = self._persons(rules)

    def _persons(self, rules: Rules) -> Persons:
        """Resolved from the file of links that a compaction writes, and from the landed files."""
        file = self._folder / "links.parquet"
        archive_links.find(self._connection, "org", self._compacted)
        archive_links.add(self._connection, None, file)
        archive_links.find(self._connection, "org", self._landed)
        found = archive_links.read(self._connection, file, lambda source: source not in rules.not_linking)
        return resolve(found, decided(rules), Guards(rules.links, rules.identifiers))

    def events(self, only: str = "true") -> Events:
        day = "2026-01-01"
        return Events(self._connection, {day: self._compacted}, {day: self._landed}, only=only)

    def run(self, view: ViewDefinition, at: int = AT, first: int = 0, last: int = BUCKETS - 1) -> PartialResult:
        """The partial result of some buckets, which reads the other buckets only as `elsewhere`."""
        merging, own = self.merging(first, last), self.events(run.hash_between(*bounds(first, last)))
        return run.run(compile_plan(view, TYPES, at), own, self._connection, first, last, merging)

    def merging(self, first: int, last: int) -> Merging:
        """The persons of some buckets, with the other buckets' events from `elsewhere`."""
        others = [number for number in self.persons.buckets(*bounds(first, last)) if not first <= number <= last]
        elsewhere = ((number, self.events(run.hash_between(*bounds(number, number)))) for number in others)
        return Merging(self.persons, self._folder, elsewhere)


def decided(rules: Rules) -> DecisionArrays:
    linked = [(*hashes_of(link), not sources_of(link) & rules.not_linking) for link in rules.linked]
    return DecisionArrays.of([*linked, *((*hashes_of(link), False) for link in rules.unlinked)])


def hashes_of(link: Link_) -> tuple[int, int]:
    one, other = (customer_hash(keys.journey("org", *identifier.split("/"))) for identifier in sorted(link))
    return one, other


def sources_of(link: Link_) -> set[str]:
    return {identifier.split("/")[0] for identifier in link}


# -- random links ------------------------------------------------------------------------------------------------------

IDENTIFIERS = ["crm/ann", "crm/bob", "crm/cat", "crm/dan", "email/a@x", "email/b@x", "phone/1", "phone/2"]
identifiers = st.sampled_from(IDENTIFIERS)
also = st.lists(identifiers, max_size=2).map(tuple)
links = st.sets(st.frozensets(identifiers, min_size=2, max_size=2), max_size=2).map(frozenset)
rules = st.builds(
    lambda not_linking, linked, unlinked, most, identifiers: Rules(
        not_linking, linked, unlinked - linked, most, identifiers
    ),
    st.sampled_from([frozenset(), frozenset({"phone"}), frozenset({"phone", "email"})]),
    links,
    links,
    st.sampled_from([2, 3, 10]),
    st.sampled_from([3, 5, 50]),
)


@pytest.mark.slow
@bounded(examples(60))
@given(
    case=cases(also),
    rules=rules,
    shuffle=st.none() | st.integers(0, 104),
    rows_per_batch=st.sampled_from([4, 2_000_000]),
    cuts=st.sets(st.integers(1, BUCKETS - 1), max_size=3),
    most=st.sampled_from([2, 1000]),
)
def test_figures_and_lists_of_persons_equal_the_reference_in_one_run_and_in_parts(
    connection: duckdb.DuckDBPyConnection,
    tmp_path: Path,
    case: tuple[ViewDefinition, list[Happened]],
    rules: Rules,
    shuffle: int | None,
    rows_per_batch: int,
    cuts: set[int],
    most: int,
) -> None:
    view, events = case
    archive = Archived(connection, tmp_path, events, rules, shuffle)
    counted, groups = with_persons(events, rules), persons(events, rules)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(run, "ROWS_PER_BATCH", rows_per_batch)
        patch.setattr(lists, "MAX_LISTED", most)
        parts = [archive.run(view, first=first, last=after - 1) for first, after in pairwise([0, *sorted(cuts), 16])]
        merged = merge(reversed(parts))
        lists_reference.check(
            view, events, AT, merged.lists, identifiers=lambda one: groups.get(one, {one}), counted=counted
        )
    assert to_result(view, merged) == figures(view, counted, AT)


# -- readable examples -------------------------------------------------------------------------------------------------


def computed(
    connection: duckdb.DuckDBPyConnection, folder: Path, view: ViewDefinition, *events: Happened
) -> dict[str, Any]:
    return to_result(view, Archived(connection, folder, events, Rules()).run(view))


def happened(customer: str, second: float, type_: str, *also: str) -> Happened:
    return Happened(customer, START + int(second * 1000), type_, {}, also)


FROM_A_TO_B = view_of(element("start", "type-a", "end"), element("end", "type-b"))


def test_a_journey_goes_on_under_another_identifier_of_the_person(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    visit, order = happened("visitor", 0, "type-a"), happened("ann", 5, "type-b")
    sign_in = happened("visitor", 1, "type-t", "crm/ann")
    assert connections(computed(connection, tmp_path, FROM_A_TO_B, visit, order)) == {("start", "end"): 0}
    result = computed(connection, tmp_path, FROM_A_TO_B, visit, order, sign_in)
    assert connections(result) == {("start", "end"): 1}
    assert metrics(result) == {"start": (1, 1, 0, 0, 0), "end": (1, 1, 0, 0, 0)}


def test_links_of_events_outside_the_time_frame_count(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    long_ago = happened("visitor", -(10**9), "type-a", "crm/ann")
    events = happened("visitor", 0, "type-a"), happened("ann", 5, "type-b")
    assert connections(computed(connection, tmp_path, FROM_A_TO_B, *events, long_ago)) == {("start", "end"): 1}


def test_a_chart_counts_a_person_once(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    view = view_of(element("a", "type-a"), charts=[chart_of({"id": "m", "elementId": "a"})])
    events = [happened(name, 0, "type-a", "email/shared@x") for name in ("ann", "bob", "cat")]
    events.append(happened("dan", 0, "type-a"))
    (chart,) = computed(connection, tmp_path, view, *events)["charts"]
    assert chart["metrics"][0]["values"][0]["value"] == 2


def test_a_kiosk_merges_nobody(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    events = [happened(f"c{number}", number, "type-a", "device/kiosk") for number in range(12)]
    assert metrics(computed(connection, tmp_path, FROM_A_TO_B, *events))["start"][0] == 12
    assert metrics(computed(connection, tmp_path, FROM_A_TO_B, *events[:10]))["start"][0] == 1


def test_each_part_reads_the_events_that_its_persons_have_in_other_buckets(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    """Two hundred persons of three identifiers, whose events are spread over all buckets."""
    events = [
        happened(f"c{person}-{number}", number, "type-b" if number == 2 else "type-a", f"email/{person}@x")
        for person in range(200)
        for number in range(3)
    ]
    archive = Archived(connection, tmp_path, events, Rules())
    apart = {bucket(customer_hash(keys.journey("org", "crm", event.customer))) for event in events[:3]}
    assert len(apart) > 1
    whole = to_result(FROM_A_TO_B, archive.run(FROM_A_TO_B))
    assert metrics(whole)["end"] == (200, 200, 0, 0, 0)
    parts = [archive.run(FROM_A_TO_B, first=number, last=number) for number in range(BUCKETS)]
    assert to_result(FROM_A_TO_B, merge(parts)) == whole
    assert max(part.elements[0].participants for part in parts) < 30
    merged = merge(parts).lists
    assert merged is not None
    assert sorted(merged.names.values()) == sorted(
        tuple(f"crm#c{person}-{number}" for number in range(3)) for person in range(200)
    )
