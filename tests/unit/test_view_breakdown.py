"""The groups of a breakdown and their figures equal the reference, however the computation is split."""

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from journeys import jsontext
from journeys.archive.columns import BUCKETS
from journeys.views.breakdown import Breakdown
from journeys.views.computation import breakdown_results, group_tallies, portions, run, tallies
from journeys.views.computation.group_tallies import TooManyValues
from journeys.views.computation.partial_result import PartialResult, merge
from journeys.views.computation.plan import BrokenView, compile_plan
from journeys.views.computation.results import to_result
from journeys.views.model import ViewDefinition
from tests.support.breakdown_reference import breakdown_of
from tests.support.properties import examples
from tests.support.views_reference import Happened, Rules, figures, with_persons
from tests.unit.test_view_figures import (
    AT,
    FIELDS,
    START,
    TYPES,
    bounded,
    cases,
    chart_of,
    element,
    moments,
    view_of,
)
from tests.unit.test_view_identity import Archived, also, rules

BY_SOURCE = Breakdown(by="Source")


def by(element_id: str, attribute: str) -> Breakdown:
    return Breakdown(elementId=element_id, attribute=attribute)


def parts_of(
    archive: Archived,
    connection: duckdb.DuckDBPyConnection,
    view: ViewDefinition,
    breakdown: Breakdown,
    cuts: Sequence[int] = (),
    at: int = AT,
) -> list[PartialResult]:
    """The partial results of the buckets between the cuts, as they are stored."""
    plan, found = compile_plan(view, TYPES, at, breakdown), []
    for first, after in pairwise([0, *cuts, BUCKETS]):
        merging = archive.merging(first, after - 1)
        part = run.run(plan, archive.events(), connection, first, after - 1, merging)
        found.append(PartialResult.from_values(jsontext.loads(jsontext.dumps(part.to_values()).encode())))
    return found


def groups_in(breakdown: Any) -> list[Any]:
    """The groups of a result as the reference has them, without tests."""
    found = []
    for group in breakdown["values"]:
        for one in group["elements"]:
            del one["tests"]
            for link in one["followedBy"]:
                del link["test"]
        found.append(((group["kind"], group.get("value", "")), group["customerCount"], group["elements"]))
    return found


@st.composite
def broken_down(draw: st.DrawFn) -> tuple[ViewDefinition, Breakdown, list[Happened]]:
    """A view, its breakdown, and events with sources. Many dates are equal, so that first events often tie."""
    view, events = draw(cases(also))
    sources = draw(st.lists(st.sampled_from(["web", "shop", "", "Web"]), min_size=len(events), max_size=len(events)))
    events = [replace(event, source=source) for event, source in zip(events, sources, strict=True)]
    if draw(st.integers(0, 3)) == 0:
        return view, BY_SOURCE, events
    ids = st.sampled_from([one.id for one in view.elements])
    return view, by(draw(ids), draw(st.sampled_from(sorted(FIELDS)))), events


@pytest.mark.slow
@bounded(examples(40))
@given(
    case=broken_down(),
    at=moments,
    rules=rules,
    shuffle=st.none() | st.integers(0, 104),
    rows_per_batch=st.sampled_from([4, 2_000_000]),
    key_bits=st.sampled_from([1, 62]),
    cuts=st.sets(st.integers(1, BUCKETS - 1), max_size=3),
    shown=st.sampled_from([1, 2, 20]),
)
def test_groups_equal_the_reference_in_one_run_and_in_parts(
    connection: duckdb.DuckDBPyConnection,
    tmp_path: Path,
    case: tuple[ViewDefinition, Breakdown, list[Happened]],
    at: int,
    rules: Rules,
    shuffle: int | None,
    rows_per_batch: int,
    key_bits: int,
    cuts: set[int],
    shown: int,
) -> None:
    view, breakdown, events = case
    archive = Archived(connection, tmp_path, events, rules, shuffle)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(run, "ROWS_PER_BATCH", rows_per_batch)
        patch.setattr(portions, "KEY_BITS", key_bits)
        patch.setattr(breakdown_results, "SHOWN_VALUES", shown)
        merged = merge(parts_of(archive, connection, view, breakdown, sorted(cuts), at))
        found = breakdown_results.to_result(view, breakdown, merged)["breakdown"]
    named = with_persons(events, rules)
    assert groups_in(found) == breakdown_of(view, named, at, breakdown, shown)
    whole = to_result(view, merged)
    assert whole == figures(view, named, at)  # charts, too
    for index, one in enumerate(whole["elements"]):
        for count, value in one["metrics"].items():
            assert sum(group["elements"][index]["metrics"][count] for group in found["values"]) == value


# -- readable examples -------------------------------------------------------------------------------------------------


def happened(customer: str, second: int, type_: str = "type-a", source: str = "test", **attributes: Any) -> Happened:
    return Happened(customer, START + 1000 * second, type_, attributes, source=source)


FROM_A_TO_B = view_of(element("start", "type-a", "end"), element("end", "type-b"))


def computed(
    connection: duckdb.DuckDBPyConnection,
    folder: Path,
    breakdown: Breakdown,
    events: Sequence[Happened],
    view: ViewDefinition = FROM_A_TO_B,
) -> Any:
    (part,) = parts_of(Archived(connection, folder, events, Rules()), connection, view, breakdown)
    return breakdown_results.to_result(view, breakdown, part)["breakdown"]


def sizes(breakdown: Any) -> list[tuple[str, str | None, int]]:
    return [(group["kind"], group.get("value"), group["customerCount"]) for group in breakdown["values"]]


def test_a_customer_is_in_the_group_of_the_first_event(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    events = [
        happened("ann", 1, channel="web"), happened("ann", 2, channel="phone"),
        happened("bob", 1), happened("bob", 2, channel="web"),
        happened("cat", 1, channel="b"), happened("cat", 1, channel="a"), happened("cat", 1),
        happened("dan", 1, "type-t", channel="web"),
    ]  # fmt: skip
    found = computed(connection, tmp_path, by("start", "channel"), events)
    assert sizes(found) == [("Value", "a", 1), ("Value", "web", 1), ("Missing", None, 1)]
    assert (found["elementId"], found["attribute"], found["valueCount"]) == ("start", "channel", 2)


def test_customers_who_do_not_reach_the_element_are_a_group(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    events = [happened("ann", 1), happened("ann", 2, "type-b", channel="web"), happened("bob", 1)]
    found = computed(connection, tmp_path, by("end", "channel"), events)
    assert sizes(found) == [("Value", "web", 1), ("NotReached", None, 1)]
    assert [group["elements"][0]["metrics"]["participantCount"] for group in found["values"]] == [1, 1]


def test_by_source_is_where_journeys_begin(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    """At the same date, the first element counts, and at the same element the source that sorts first."""
    view = view_of(element("later"), element("sooner", "type-b"))
    events = [
        happened("ann", 1, "type-b", "shop"), happened("ann", 2, "type-a", "web"),
        happened("bob", 1, "type-b", "app"), happened("bob", 1, "type-a", "web"), happened("bob", 1, "type-a", "shop"),
        happened("cat", 0, "type-t", "not in the view"), happened("cat", 1, "type-a", "web"),
    ]  # fmt: skip
    found = computed(connection, tmp_path, BY_SOURCE, events, view)
    assert sizes(found) == [("Value", "shop", 2), ("Value", "web", 1)]
    assert found["by"] == "Source"


@pytest.mark.parametrize(
    ("attribute", "values", "expected"),
    [
        ("amount", [1, 1.0, "1.50", "1e3", "-0.0"], ["0", "1", "1.5", "1000"]),
        ("amount", ["9007199254740992", "9007199254740993"], ["9007199254740992", "9007199254740993"]),
        ("member", [True, False], ["false", "true"]),
        ("Count", [10, 9], ["10", "9"]),
        ("channel", ["", "\u00e9", "E", "null"], ["", "E", "null", "\u00e9"]),
    ],
)
def test_values_are_texts_as_in_charts(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path, attribute: str, values: list[Any], expected: list[str]
) -> None:
    events = [
        Happened(f"c{number}", START, "type-a", {attribute: Decimal(value) if attribute == "amount" else value})
        for number, value in enumerate(values)
    ]
    found = computed(connection, tmp_path, by("start", attribute), events)
    assert sorted(value for _, value, _ in sizes(found) if value is not None) == expected


def test_the_greatest_20_values_are_shown_and_the_others_are_exact(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    """Value v has v customers; 21 to 25 and the ties of 6 are shown by their customers, then by their texts."""
    events = [
        happened(f"{value} {number}", 1, channel=f"v{value:02}") for value in range(1, 26) for number in range(value)
    ]
    events += [happened(f"tie {number}", 1, channel="a tie") for number in range(6)]
    found = computed(connection, tmp_path, by("start", "channel"), events)
    assert [value for _, value, _ in sizes(found)] == [*(f"v{n:02}" for n in range(25, 6, -1)), "a tie", None]
    others = found["values"][-1]
    assert (others["kind"], others["valueCount"], others["customerCount"]) == ("Others", 6, 21)
    assert others["elements"][0]["metrics"]["participantCount"] == 21
    assert found["valueCount"] == 26


@pytest.mark.parametrize("rows_per_batch", [2, 2_000_000])
def test_durations_of_a_group_are_those_of_all_its_customers(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rows_per_batch: int
) -> None:
    took = {"a1": 9, "a2": 5, "a3": 7, "b1": 8, "c1": 3, "c2": 6}
    events = [happened(name, 0, channel=name[0]) for name in took]
    events += [happened(name, seconds, "type-b") for name, seconds in took.items()]
    monkeypatch.setattr(run, "ROWS_PER_BATCH", rows_per_batch)
    monkeypatch.setattr(breakdown_results, "SHOWN_VALUES", 1)
    found = computed(connection, tmp_path, by("start", "channel"), events)
    shown, others = (group["elements"][0]["followedBy"][0]["duration"] for group in found["values"])
    assert [shown[name] for name in ("customerCount", "minimum", "average", "maximum")] == [3, 5000, 7000, 9000]
    assert [others[name] for name in ("customerCount", "minimum", "maximum")] == [3, 3000, 8000]


def test_each_group_is_tested_against_all_other_customers(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    """Of 40 customers of the web 30 go on, and of 20 others 5."""
    events = [happened(f"w{number}", 1, channel="web") for number in range(40)]
    events += [happened(f"p{number}", 1, channel="phone") for number in range(15)]
    events += [happened(f"m{number}", 1) for number in range(5)]
    events += [happened(f"w{number}", 2, "type-b") for number in range(30)]
    events += [happened(f"p{number}", 2, "type-b") for number in range(5)]
    found = computed(connection, tmp_path, by("start", "channel"), events)
    start, end = found["values"][0]["elements"]
    test = start["followedBy"][0]["test"]
    assert (test["share"], test["otherShare"], test["difference"]) == (0.75, 0.25, 0.5)
    assert test["z"] == pytest.approx(0.5 / (35 / 60 * 25 / 60 * (1 / 40 + 1 / 20)) ** 0.5)
    assert test["isSignificantCorrected"] is True
    assert start["tests"]["completedCount"] == test
    assert start["tests"]["participantCount"]["reason"].startswith("The groups are made by")
    assert end["tests"]["participantCount"]["share"] == 0.75
    assert found["testCount"] == sum("isSignificantCorrected" in one for one in tests_in(found))
    assert len(found["values"]) == 3
    assert found["correctedLevel"] == 0.05 / found["testCount"]
    assert len(found["assumptions"]) == 4


def test_each_test_of_two_groups_counts_once(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    """Each of them is compared with the other one, so both have the same tests."""
    events = [happened(f"{source}{number}", 1, source=source) for source in "xy" for number in range(40)]
    events += [happened(f"{source}{number}", 2, "type-b") for source in "xy" for number in range(20)]
    found = computed(connection, tmp_path, Breakdown(by="Source"), events)
    made = [test for test in tests_in(found) if "pValue" in test]
    assert (len(found["values"]), len(made), found["testCount"]) == (2, 8, 4)
    assert found["correctedLevel"] == 0.05 / 4


@pytest.mark.parametrize("element_id", ["middle", "end"])
def test_only_customers_who_reached_the_element_are_compared(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path, element_id: str
) -> None:
    """Otherwise each group differs from the others before and after the element, because it reached it."""
    view = view_of(element("start", "type-a", "middle"), element("middle", "type-b", "end"), element("end", "type-a"))
    events = [happened(f"c{number}", 1) for number in range(300)]
    for number in range(200):
        channel = "web" if number % 2 else "phone"
        events.append(happened(f"c{number}", 2, "type-b", channel=channel))
        if number % 4 < 2:  # half of each group
            events.append(happened(f"c{number}", 3, "type-a", channel=channel))
    found = computed(connection, tmp_path, by(element_id, "channel"), events, view)
    assert [group["kind"] for group in found["values"]] == ["Value", "Value", "NotReached"]
    *shown, not_reached = found["values"]
    assert not any(test["isSignificant"] for test in tests_in(found) if "pValue" in test)
    assert {test["reason"].split(" who")[0] for test in tests_in({"values": [not_reached]})} <= {
        "Only customers", "The groups are made by whether and how customers reached this element.",
    }  # fmt: skip
    if element_id == "middle":
        tests = shown[0]["elements"][2]["tests"]["participantCount"]
        assert (tests["share"], tests["otherShare"]) == (0.5, 0.5)
        assert found["testCount"] == 6  # two states at the start, two and a link in the middle, participants at the end
    assert any("who reached the element" in sentence for sentence in found["assumptions"])


def tests_in(breakdown: Any) -> list[Any]:
    return [
        test
        for group in breakdown["values"]
        for one in group["elements"]
        for test in (*one["tests"].values(), *(link["test"] for link in one["followedBy"]))
    ]


tests_in.__test__ = False  # type: ignore[attr-defined]  # pytest would collect it by its name


def test_a_breakdown_leaves_charts_as_they_are(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    chart = chart_of(
        {"id": "m", "elementId": "start"}, groupByAttributes=[{"elementId": "start", "attribute": "channel"}]
    )
    view = view_of(element("start", "type-a", "end"), element("end", "type-b"), charts=[chart])
    events = [happened("ann", 1, channel="web"), happened("bob", 2, channel="phone")]
    (part,) = parts_of(Archived(connection, tmp_path, events, Rules()), connection, view, by("start", "channel"))
    assert to_result(view, part) == figures(view, events, AT)


# -- bounds and errors -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("bound", "most"), [("MAX_ROWS", 8), ("MAX_CHARACTERS", 2)])
def test_too_many_values_are_refused(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bound: str, most: int
) -> None:
    events = [happened(f"c{number}", 1, channel=str(number)) for number in range(9)]
    monkeypatch.setattr(tallies if bound == "MAX_ROWS" else group_tallies, bound, most)
    with pytest.raises(TooManyValues, match="fewer values"):
        computed(connection, tmp_path, by("start", "channel"), events)


@pytest.mark.parametrize("breakdown", [by("gone", "channel"), by("start", "gone")])
def test_a_breakdown_that_does_not_fit_anymore_is_a_broken_view(breakdown: Breakdown) -> None:
    with pytest.raises(BrokenView):
        compile_plan(FROM_A_TO_B, TYPES, AT, breakdown)
