"""The comparison of two jobs: the figures, the test and its limits, what only one version has, and refusals."""

import csv
import io
import math
import re
from statistics import NormalDist
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from journeys import dates
from journeys.registry.clients.model import PERMISSIONS, Client
from journeys.registry.clients.store import ClientStore
from journeys.registry.schemas.model import Schema
from journeys.views.comparison import Computed, compare
from journeys.views.jobs.store import JobStore
from journeys.views.model import View, ViewDefinition
from journeys.views.proportions import LEAST_EXPECTED, z_test
from journeys.views.store import ViewStore
from journeys.views.tables import comparison as comparison_table
from tests.conftest import ORGANIZATION
from tests.support.functions import Context, api_event
from tests.support.jobs import HOUR, NOON, JobHarness, harness
from tests.support.properties import examples

__all__ = ["harness"]

DAY = 24 * HOUR
WEEKS = ("2026-01-08T00:00:00Z/2026-01-15T00:00:00Z", "2026-01-01T00:00:00Z/2026-01-08T00:00:00Z")
AT = dates.parse("2026-02-01T00:00:00Z")


def definition(links: dict[str, list[str]], interval: str, **more: Any) -> ViewDefinition:
    """A view whose elements link as `links` say."""
    elements = [
        {"id": id_, "name": id_.upper(), "attributes": {"id": "t"}, "followedBy": [{"id": to} for to in targets]}
        for id_, targets in links.items()
    ]
    return ViewDefinition.model_validate({"name": "v", "interval": interval, "elements": elements, **more})


def result(links: dict[str, list[str]], counts: dict[str, tuple[int, int]], **durations: int) -> dict[str, Any]:
    """A result. `counts` has the participants of each element, and how many completed; the others dropped out."""
    return {
        "elements": [
            {
                "id": id_,
                "metrics": {
                    "participantCount": counts[id_][0],
                    "completedCount": counts[id_][1],
                    "flowCount": 0,
                    "activeCount": 0,
                    "dropoutCount": counts[id_][0] - counts[id_][1],
                },
                "followedBy": [{"id": to, "connectionCount": counts[id_][1], "duration": durations} for to in targets],
            }
            for id_, targets in links.items()
        ],
        "durations": [],
        "charts": [],
    }


CHAIN = {"a": ["b"], "b": []}


def compared(
    one: dict[str, tuple[int, int]],
    other: dict[str, tuple[int, int]],
    links: dict[str, list[str]] = CHAIN,
    other_links: dict[str, list[str]] | None = None,
    weeks: tuple[str, str] = WEEKS,
    at: tuple[int, int] = (AT, AT),
) -> dict[str, Any]:
    other_links = links if other_links is None else other_links
    return compare(
        Computed(definition(links, weeks[0]), at[0], result(links, one)),
        Computed(definition(other_links, weeks[1]), at[1], result(other_links, other)),
    )


def shares_tested(comparison: dict[str, Any]) -> list[dict[str, Any]]:
    """All tests of a comparison, also those that do not apply."""
    figures = [
        figure
        for element in comparison["elements"]
        for figure in (
            *element.get("metrics", {}).values(),
            *(link["connectionCount"] for link in element.get("followedBy", ()) if "connectionCount" in link),
        )
    ]
    return [figure["test"] for figure in figures]


# -- the test ----------------------------------------------------------------------------------------------------------


def test_the_test_has_the_published_outcome() -> None:
    """The example of `proportions_ztest` in the documentation of statsmodels has the p-value 0.159."""
    found = z_test((5, 12), (83, 99))
    assert round(found["pValue"], 3) == 0.159
    assert found["isSignificant"] is False
    assert (found["share"], found["otherShare"]) == (5 / 83, 12 / 99)
    assert found["difference"] == pytest.approx(5 / 83 - 12 / 99)


@settings(max_examples=examples(100), deadline=None)
@given(
    st.tuples(st.integers(1, 10_000), st.integers(1, 10_000)),
    st.tuples(st.floats(0, 1), st.floats(0, 1)),
)
def test_the_test_is_the_chi_square_test_of_the_four_counts(
    totals: tuple[int, int], shares: tuple[float, float]
) -> None:
    """The square of z is the chi-square statistic, computed here from observed and expected counts."""
    counts = (round(totals[0] * shares[0]), round(totals[1] * shares[1]))
    found = z_test(counts, totals)
    columns = (sum(counts), sum(totals) - sum(counts))
    table = [
        (observed, total * column / sum(totals))
        for count, total in zip(counts, totals, strict=True)
        for observed, column in zip((count, total - count), columns, strict=True)
    ]
    if min(total * column for total in totals for column in columns) < LEAST_EXPECTED * sum(totals):
        assert "reason" in found
        assert not found.keys() & {"z", "pValue", "isSignificant"}
        return
    chi_square = sum((observed - expected) ** 2 / expected for observed, expected in table)
    assert math.isclose(found["z"] ** 2, chi_square, rel_tol=1e-9, abs_tol=1e-9)
    assert math.isclose(found["pValue"], 2 * NormalDist().cdf(-abs(found["z"])), rel_tol=1e-6, abs_tol=1e-12)
    assert found["isSignificant"] == (found["pValue"] < 0.05)
    assert (found["z"] > 0) == (found["share"] > found["otherShare"])


@pytest.mark.parametrize(
    ("counts", "totals", "applies"),
    [
        ((5, 5), (10, 10), True),
        ((4, 5), (10, 10), False),  # 4.5 are expected in each
        ((5, 6), (10, 10), False),  # 4.5 others are expected in each
        ((10, 0), (20, 20), True),
        ((0, 0), (100, 100), False),
        ((100, 100), (100, 100), False),
        ((0, 5), (0, 10), False),
    ],
)
def test_the_test_applies_if_each_expected_count_is_at_least_5(
    counts: tuple[int, int], totals: tuple[int, int], *, applies: bool
) -> None:
    found = z_test(counts, totals)
    assert ("pValue" in found, "reason" in found) == (applies, not applies)
    assert found["name"] == "Two-proportion z-test"


# -- figures -----------------------------------------------------------------------------------------------------------


def test_figures_have_differences_ratios_and_shares() -> None:
    comparison = compared({"a": (200, 100), "b": (100, 100)}, {"a": (100, 40), "b": (40, 40)})
    a, b = comparison["elements"]
    assert (a["id"], a["name"]) == ("a", "A")
    participants = a["metrics"]["participantCount"]
    assert [participants[name] for name in ("value", "otherValue", "difference", "ratio")] == [200, 100, 100, 2.0]
    assert participants["test"]["reason"].startswith("Journeys begin at this element")
    completed = a["metrics"]["completedCount"]
    assert (completed["test"]["share"], completed["test"]["otherShare"]) == (0.5, 0.4)
    assert a["followedBy"][0]["connectionCount"]["test"] == completed["test"]
    assert b["metrics"]["participantCount"]["test"] == completed["test"]  # a share of the participants of a
    assert a["metrics"]["flowCount"] == {
        "value": 0, "otherValue": 0, "difference": 0, "ratio": None, "ratioReason": "The value of the other job is 0.",
        "test": {
            "name": "Two-proportion z-test", "share": 0.0, "otherShare": 0.0, "difference": 0.0,
            "reason": "One of the four expected counts is less than 5.",
        },
    }  # fmt: skip


def test_durations_are_compared_without_a_test() -> None:
    sides = [
        Computed(definition(CHAIN, week), AT, result(CHAIN, {"a": (1, 1), "b": (1, 1)}, **durations))
        for week, durations in zip(WEEKS, ({"average": 30, "median": 20}, {"average": 20}), strict=True)
    ]
    duration = compare(*sides)["elements"][0]["followedBy"][0]["duration"]
    assert duration["average"] == {"value": 30, "otherValue": 20, "difference": 10, "ratio": 1.5}
    assert duration["median"] == {
        "value": 20, "otherValue": None, "difference": None, "ratio": None,
        "ratioReason": "One of the jobs has no such value.",
    }  # fmt: skip


def test_the_corrected_level_is_that_of_all_tests_that_were_made() -> None:
    comparison = compared({"a": (200, 100), "b": (100, 100)}, {"a": (200, 124), "b": (124, 124)})
    made = [test for test in shares_tested(comparison) if "pValue" in test]
    assert (len(made), comparison["testCount"]) == (4, 4)
    assert comparison["correctedLevel"] == 0.05 / 4
    assert all(0.0125 < test["pValue"] < 0.05 for test in made)
    assert {(test["isSignificant"], test["isSignificantCorrected"]) for test in made} == {(True, False)}
    assert any(sentence.startswith("There are 4 tests.") for sentence in comparison["assumptions"])


def test_jobs_with_overlapping_intervals_are_not_tested() -> None:
    counts = {"a": (200, 100), "b": (100, 100)}
    common = "2026-01-07T23:59:59Z/2026-01-15T00:00:00Z"
    for weeks in ((common, WEEKS[1]), (WEEKS[1], common), (common, common)):
        comparison = compared(counts, counts, weeks=weeks)
        assert comparison["testCount"] == 0
        reasons = {test["reason"] for test in shares_tested(comparison)}
        assert (
            "The intervals of the jobs overlap, so the same customers can be in both. "
            "Compute the earlier period first, or choose intervals that do not overlap."
        ) in reasons
    assert compared(counts, counts)["testCount"] == 4


def test_the_assumptions_say_if_only_one_of_the_jobs_counts_active_customers() -> None:
    counts = {"a": (1, 1), "b": (1, 1)}

    def says(at: tuple[int, int]) -> bool:
        return any("active customers" in one for one in compared(counts, counts, at=at)["assumptions"])

    during = dates.parse("2026-01-10T00:00:00Z")
    assert [says((AT, AT)), says((during, AT)), says((during, during - 7 * DAY))] == [False, True, False]


def test_active_customers_and_dropouts_are_tested_only_if_both_jobs_count_active_ones() -> None:
    """Otherwise all customers who can still go on are dropouts on one side, and active on the other."""
    during = dates.parse("2026-01-10T00:00:00Z")
    counts, others = ({"a": (200, completed), "b": (100, 100)} for completed in (100, 120))
    both, one = (compared(counts, others, at=at)["elements"][0]["metrics"] for at in ((AT, AT), (during, AT)))
    assert "pValue" in both["dropoutCount"]["test"]
    for state in ("activeCount", "dropoutCount"):
        assert one[state]["test"]["reason"].startswith("The interval of only one of the jobs had ended")
    assert one["completedCount"]["test"]["pValue"] == both["completedCount"]["test"]["pValue"]


def test_the_assumptions_name_no_fields() -> None:
    counts = {"a": (200, 100), "b": (100, 100)}
    sentences = " ".join(compared(counts, counts)["assumptions"])
    assert "The corrected level is 0.05 divided by the number of tests" in sentences
    assert not re.search("[a-z][A-Z]", sentences)


# -- versions ----------------------------------------------------------------------------------------------------------


def test_elements_and_links_of_only_one_version_are_named() -> None:
    one, other = {"a": ["b", "c"], "b": [], "c": []}, {"d": ["a"], "a": ["b"], "b": []}
    counts = dict.fromkeys("abcd", (10, 5))
    comparison = compared(counts, counts, one, other)
    assert [(element["id"], element.get("only")) for element in comparison["elements"]] == [
        ("a", None), ("b", None), ("c", "Job"), ("d", "OtherJob"),
    ]  # fmt: skip
    assert comparison["elements"][3] == {"id": "d", "name": "D", "only": "OtherJob"}
    links = comparison["elements"][0]["followedBy"]
    assert [(link["id"], link.get("only")) for link in links] == [("b", None), ("c", "Job")]


@pytest.mark.parametrize(
    ("links", "other", "reason"),
    [
        ({"a": ["c"], "b": ["c"], "c": []}, None, "Several first elements"),
        ({"a": ["c"], "c": []}, {"a": ["c"], "b": ["c"], "c": []}, "Several first elements"),
        ({"a": ["c"], "c": []}, {"b": ["c"], "c": []}, "The first elements that lead to this one differ"),
        ({"a": ["c"], "c": []}, {"c": []}, "Journeys begin at this element"),
    ],
)
def test_participants_are_a_share_only_of_one_first_element(links: Any, other: Any, reason: str) -> None:
    counts = dict.fromkeys("abc", (10, 5))
    comparison = compared(counts, counts, links, other)
    (c,) = (element for element in comparison["elements"] if element["id"] == "c")
    assert c["metrics"]["participantCount"]["test"]["reason"].startswith(reason)


def test_participants_are_a_share_of_the_first_element_of_the_chain() -> None:
    links = {"c": [], "a": ["b"], "b": ["c", "d"], "d": ["c"]}
    sides = [{"a": (100, n), "b": (n, n), "c": (n, n), "d": (n, n)} for n in (50, 60)]
    for element in compared(sides[0], sides[1], links)["elements"]:
        if element["id"] != "a":
            test = element["metrics"]["participantCount"]["test"]
            assert (test["share"], test["otherShare"]) == (0.5, 0.6)


# -- the API -----------------------------------------------------------------------------------------------------------


@pytest.fixture(autouse=True)
def now(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    moments = [NOON + DAY]
    monkeypatch.setattr(dates, "now_ms", lambda: moments[0])
    return moments


@pytest.fixture
def placed(harness: JobHarness) -> Schema:
    """Orders of 30 customers this week and of 20 in the week before."""
    placed = harness.event_type("Order placed")
    harness.land(placed, *((f"new {number}", NOON) for number in range(30)))
    harness.land(placed, *((f"old {number}", NOON - 7 * DAY) for number in range(20)), received=NOON + HOUR)
    return placed


@pytest.fixture
def view(harness: JobHarness, placed: Schema) -> View:
    return harness.view(
        name="Orders",
        duration="P7D",
        elements=[{"id": "placed", "name": "Placed", "attributes": {"id": placed.schema_id}}],
    )


def accept(harness: JobHarness, view: View, body: Any = None, version: int = 1) -> Any:
    status, job = harness.request("POST", f"/{view.view_id}/versions/{version}/jobs", body)
    assert status == 202, job
    return job


def ask(harness: JobHarness, job: Any, other: Any, **query: str) -> tuple[int, Any]:
    path = str(job["selfUri"]).removeprefix("/api/v2/journey/views")
    return harness.request("GET", f"{path}/results/comparison", query={"jobId": other["id"]} | query)


def test_a_job_is_compared_with_the_period_before(harness: JobHarness, view: View) -> None:
    job, before = accept(harness, view), accept(harness, view, {"period": "Before"})
    assert harness.deliver() == []
    status, comparison = ask(harness, job, before)
    assert status == 200
    now = NOON + DAY
    assert comparison["job"] == {
        "id": job["id"], "version": 1, "dateCreated": dates.text(now),
        "interval": f"{dates.text(now - 7 * DAY)}/{dates.text(now)}",
        "dateDataUntil": dates.text(NOON + HOUR), "selfUri": job["selfUri"],
    }  # fmt: skip
    assert comparison["otherJob"]["options"] == {"period": "Before"}
    assert comparison["otherJob"]["interval"] == f"{dates.text(now - 14 * DAY)}/{dates.text(now - 7 * DAY)}"
    assert comparison["selfUri"] == f"{job['selfUri']}/results/comparison?jobId={before['id']}"
    (element,) = comparison["elements"]
    participants = element["metrics"]["participantCount"]
    assert [participants[name] for name in ("value", "otherValue", "difference", "ratio")] == [30, 20, 10, 1.5]
    assert len(comparison["assumptions"]) == 4
    _, reverse = ask(harness, before, job)
    assert reverse["elements"][0]["metrics"]["participantCount"]["difference"] == -10


def test_jobs_of_two_versions_are_compared(harness: JobHarness, view: View, placed: Schema) -> None:
    element = {"id": "other", "name": "Other", "attributes": {"id": placed.schema_id}}
    changed = ViewDefinition.model_validate({"name": "Orders", "duration": "P7D", "elements": [element]})
    ViewStore(harness.tables.dynamodb, harness.tables.registry).add_version(
        ORGANIZATION, view.view_id, changed, "client"
    )
    job, other = accept(harness, view), accept(harness, view, version=2)
    assert harness.deliver() == []
    status, comparison = ask(harness, job, other)
    assert (status, comparison["otherJob"]["version"]) == (200, 2)
    assert [(one["id"], one["only"]) for one in comparison["elements"]] == [("placed", "Job"), ("other", "OtherJob")]


def test_a_comparison_as_csv(harness: JobHarness, view: View) -> None:
    job, before = accept(harness, view), accept(harness, view, {"period": "Before"})
    assert harness.deliver() == []
    path = str(job["selfUri"]).removeprefix("/api/v2/journey/")
    query = {"jobId": before["id"], "format": "csv"}
    response = harness.api.handler(api_event("GET", f"{path}/results/comparison", query=query), Context())
    assert response["statusCode"] == 200
    rows = list(csv.DictReader(io.StringIO(response["body"])))
    assert [row["figure"] for row in rows] == [
        "participantCount", "completedCount", "flowCount", "activeCount", "dropoutCount",
    ]  # fmt: skip
    assert (rows[0]["elementId"], rows[0]["value"], rows[0]["otherValue"], rows[0]["ratio"]) == (
        "placed", "30", "20", "1.5",
    )  # fmt: skip
    assert rows[1]["testShare"] == rows[1]["testOtherShare"] == "1.0"
    assert rows[1]["testReason"] == "One of the four expected counts is less than 5."
    assert (rows[2]["ratio"], rows[2]["ratioReason"]) == ("", "The value of the other job is 0.")


def test_figures_of_durations_have_the_same_names_as_rows_of_a_table() -> None:
    counts: dict[str, Any] = {"a": (1, 1), "b": (1, 1)}
    found = result(CHAIN, counts, average=30, median=20)
    found["durations"] = [{"fromId": "a", "toId": "b", "customerCount": 1, "average": 30, "median": 20}]
    one, other = (Computed(definition(CHAIN, week), AT, found) for week in WEEKS)
    columns, rows = comparison_table(compare(one, other))
    named = [dict(zip(columns, row, strict=True)) for row in rows]
    durations = [row for row in named if str(row["figure"]).startswith("duration")]
    assert [row["figure"] for row in durations] == ["durationAverage", "durationMedian"] * 2
    assert {row["testReason"] for row in (*durations, named[-3])} == {"Durations are compared without a test."}
    assert named[-3]["figure"] == "customerCount"


def test_a_job_of_another_organization_is_not_found(harness: JobHarness, view: View) -> None:
    tables = harness.tables
    ClientStore(tables.dynamodb, tables.registry).put(Client("other", "globex", "Another", PERMISSIONS))
    job, compared_ = accept(harness, view), accept(harness, view)
    elements = [element.model_dump() for element in view.definition.elements]
    own = harness.view("globex", name="Own", duration="P7D", elements=elements)
    _, theirs = harness.request("POST", f"/{own.view_id}/versions/1/jobs", client_id="other")
    assert harness.deliver() == []
    assert ask(harness, job, compared_)[0] == 200
    assert ask(harness, job, theirs)[0] == 404


def test_no_job_is_read_by_an_id_that_dynamodb_refuses() -> None:
    dynamodb: Any = None
    assert JobStore(dynamodb, "table").read(ORGANIZATION, "x" * 1100) is None


def test_jobs_that_cannot_be_compared_are_refused(harness: JobHarness, view: View, placed: Schema) -> None:
    job, waiting = accept(harness, view), {"id": "01990000-0000-7000-8000-000000000000"}
    elements = [element.model_dump() for element in view.definition.elements]
    other_view = accept(harness, harness.view(name="Another", duration="P7D", elements=elements))
    body = {"name": "Paths", "duration": "P7D", "start": {"attributes": {"id": placed.schema_id}}}
    _, paths = harness.ask("POST", "paths/jobs", body)
    assert ask(harness, job, other_view)[0] == 409  # The job itself is not complete.
    assert harness.deliver() == []
    others = (job, other_view, paths, waiting, {"id": "x" * 1100})
    refusals = [ask(harness, job, other) for other in others]
    assert [(status, error["code"]) for status, error in refusals] == [
        (400, "not.comparable"), (400, "not.comparable"), (400, "not.comparable"), (404, "not.found"),
        (404, "not.found"),
    ]  # fmt: skip
    assert [error["message"].split(".")[0] for _, error in refusals] == [
        "A job cannot be compared with itself",
        "The job in jobId computes another view",
        "The job in jobId computes paths",
        "There is no job with the id in jobId",
        "There is no job with the id in jobId",
    ]
    status, error = ask(harness, job, accept(harness, view))
    assert (status, error["code"], error["message"].split(".")[0]) == (
        409, "job.not.complete", "The status of the job in jobId is Accepted",
    )  # fmt: skip
    path = str(job["selfUri"]).removeprefix("/api/v2/journey/views")
    status, error = harness.request("GET", f"{path}/results/comparison")
    assert (status, error["details"][0]["errorCode"]) == (400, "missing.parameter")
