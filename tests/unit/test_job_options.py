"""Jobs with options: what they compute, that they are never the latest job, and which options are refused."""

from typing import Any

import pytest

from journeys import dates
from journeys.views.jobs import computing, service
from journeys.views.jobs import options as options_module
from journeys.views.jobs.model import Job
from journeys.views.jobs.options import JobOptions, applied
from journeys.views.jobs.store import JobStore
from journeys.views.model import View, ViewDefinition
from journeys.views.store import ViewStore
from tests.conftest import ORGANIZATION
from tests.support.jobs import HOUR, NOON, JobHarness, harness
from tests.support.views import delete_view

__all__ = ["harness"]

DAY = 24 * HOUR
NOW = NOON + DAY


@pytest.fixture(autouse=True)
def now(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    moments = [NOW]
    monkeypatch.setattr(dates, "now_ms", lambda: moments[0])
    return moments


@pytest.fixture
def view(harness: JobHarness) -> View:
    """A view of orders and ratings. Three customers ordered in the last week, and two in the week before."""
    placed, rated = harness.event_type("Order placed", channel="string", tags="array"), harness.event_type("Rated")
    harness.land(placed, ("ada", NOON), ("bob", NOON), channel="web")
    harness.land(placed, ("cyd", NOON), received=NOON + 1)
    harness.land(placed, ("old", NOON - 7 * DAY), ("dan", NOON - 8 * DAY))
    harness.land(rated, ("ada", NOON + HOUR), ("dan", NOON - 8 * DAY + HOUR))
    return harness.view(
        name="Orders",
        duration="P7D",
        elements=[
            {
                "id": "placed",
                "name": "Placed",
                "attributes": {"id": placed.schema_id},
                "followedBy": [{"id": "rated", "constraintWithin": {"unit": "Days", "value": 5}}],
            },
            {"id": "rated", "name": "Rated", "attributes": {"id": rated.schema_id}},
        ],
    )


def post(harness: JobHarness, view: View, body: Any = None, **how: Any) -> tuple[int, Any]:
    return harness.request("POST", f"/{view.view_id}/versions/{view.version}/jobs", body, **how)


def path_of(job: Any) -> str:
    return str(job["selfUri"]).removeprefix("/api/v2/journey/views")


def metrics(harness: JobHarness, job: Any) -> dict[str, int]:
    """The metrics of the first element."""
    metrics: dict[str, int] = harness.results(path_of(job))["elements"][0]["metrics"]
    return metrics


def interval(start: int, end: int) -> str:
    return f"{dates.text(start)}/{dates.text(end)}"


# -- what a job computes -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "participants"),
    [
        (None, 3),
        ({}, 3),
        ({"interval": None, "period": None}, 3),
        ({"period": "Before"}, 2),
        ({"interval": interval(NOON - 8 * DAY, NOON - 7 * DAY)}, 1),
        ({"interval": interval(NOON - 8 * DAY, NOON - 7 * DAY + 1)}, 2),
        ({"interval": interval(NOON + 1, NOON + 2)}, 0),
    ],
)
def test_options_choose_the_events(harness: JobHarness, view: View, options: Any, participants: int) -> None:
    status, job = post(harness, view, options)
    assert status == 202
    assert harness.deliver() == []
    assert metrics(harness, job)["participantCount"] == participants


def test_customers_are_active_in_the_period_before_as_they_were_then(harness: JobHarness, view: View) -> None:
    """The customer `old` had five days to rate, and the period before ended a day after the order."""
    jobs = [post(harness, view, options)[1] for options in ({"period": "Before"}, {"interval": interval(0, NOON)})]
    assert harness.deliver() == []
    before, ended = (metrics(harness, job) for job in jobs)
    assert (before["activeCount"], before["completedCount"], before["dropoutCount"]) == (1, 1, 0)
    assert (ended["activeCount"], ended["completedCount"], ended["dropoutCount"]) == (0, 1, 1)


def test_the_period_before_has_the_same_length_and_ends_where_the_own_begins() -> None:
    options = JobOptions.model_validate({"period": "Before"})
    element = {"id": "a", "name": "A", "attributes": {"id": "t"}}
    for own, expected in (
        ({"interval": interval(NOON, NOON + 3 * HOUR)}, interval(NOON - 3 * HOUR, NOON)),
        ({"duration": "P2D"}, interval(NOW - 4 * DAY, NOW - 2 * DAY)),
        ({"duration": "PT0.001S"}, interval(NOW - 2, NOW - 1)),
    ):
        definition = ViewDefinition.model_validate({"name": "v", "elements": [element], **own})
        found, at = applied(options, definition, NOW)
        assert (found.interval, found.duration) == (expected, None)
    assert at == NOW - 1
    assert applied(None, definition, NOW) == (definition, NOW)


@pytest.mark.parametrize(
    ("own", "at", "expected"),
    [
        ((NOW - DAY, NOW + 9 * DAY), NOW - 10 * DAY, (NOW - 11 * DAY, NOW - 10 * DAY)),
        ((NOW - DAY, NOW), NOW - DAY, (NOW - 2 * DAY, NOW - DAY)),
        ((NOW, NOW + DAY), NOW - DAY, (NOW - DAY, NOW - DAY + 1)),  # An interval has at least a millisecond.
        ((NOW + 3 * DAY, NOW + 4 * DAY), NOW - DAY, (NOW + 2 * DAY, NOW + 2 * DAY + 1)),
    ],
)
def test_the_period_before_an_interval_that_has_not_ended_ends_at_the_same_moment(
    own: tuple[int, int], at: int, expected: tuple[int, int]
) -> None:
    options = JobOptions.model_validate({"period": "Before"})
    element = {"id": "a", "name": "A", "attributes": {"id": "t"}}
    definition = ViewDefinition.model_validate({"name": "v", "elements": [element], "interval": interval(*own)})
    found, moment = applied(options, definition, NOW)
    assert (found.interval, moment) == (interval(*expected), at)


def test_the_period_before_a_running_interval_has_no_events_after_the_same_moment(
    harness: JobHarness, view: View
) -> None:
    """The interval began two days ago. Of its eight days before that, the first two count: `dan`, not `old`."""
    own = ViewDefinition.model_validate(
        view.definition.to_values() | {"duration": None, "interval": interval(NOW - 2 * DAY, NOW + 6 * DAY)}
    )
    ViewStore(harness.tables.dynamodb, harness.tables.registry).add_version(ORGANIZATION, view.view_id, own, "client")
    status, job = harness.request("POST", f"/{view.view_id}/versions/2/jobs", {"period": "Before"})
    assert status == 202
    assert harness.deliver() == []
    assert metrics(harness, job)["participantCount"] == 1


def test_parts_compute_the_options(harness: JobHarness, view: View) -> None:
    _, job = post(harness, view, {"period": "Before"})
    with harness.small_runs(1):
        assert harness.deliver() == []
    assert len(next(iter(harness.machine.started.values()))["parts"]) > 1
    harness.run_machine()
    assert metrics(harness, job)["participantCount"] == 2


BREAKDOWN = {"elementId": "placed", "attribute": "channel"}


@pytest.mark.parametrize("runs", ["one run", "parts"])
def test_a_result_has_the_breakdown_of_the_options(harness: JobHarness, view: View, runs: str) -> None:
    _, job = post(harness, view, {"breakdown": BREAKDOWN})
    with harness.small_runs(1 if runs == "parts" else 1000):
        assert harness.deliver() == []
    harness.run_machine()
    breakdown = harness.results(path_of(job))["breakdown"]
    assert (breakdown["elementId"], breakdown["attribute"], breakdown["valueCount"]) == ("placed", "channel", 1)
    groups = [(group["kind"], group.get("value"), group["customerCount"]) for group in breakdown["values"]]
    assert groups == [("Value", "web", 2), ("Missing", None, 1)]
    assert [group["elements"][0]["metrics"]["completedCount"] for group in breakdown["values"]] == [1, 0]


def test_a_breakdown_combines_with_a_period(harness: JobHarness, view: View) -> None:
    _, job = post(harness, view, {"period": "Before", "breakdown": {"by": "Source"}})
    assert harness.deliver() == []
    (group,) = harness.results(path_of(job))["breakdown"]["values"]
    assert (group["kind"], group["value"], group["customerCount"]) == ("Value", "ERP", 2)


def test_a_result_without_a_breakdown_has_no_such_field(harness: JobHarness, view: View) -> None:
    _, job = post(harness, view, {"period": "Before"})
    assert harness.deliver() == []
    assert "breakdown" not in harness.results(path_of(job))


def test_a_breakdown_that_makes_the_result_too_large_fails_the_job(
    harness: JobHarness, view: View, monkeypatch: pytest.MonkeyPatch
) -> None:
    jobs = [post(harness, view, options)[1] for options in (None, {"breakdown": BREAKDOWN})]
    monkeypatch.setattr(computing, "MAX_RESULT_BYTES", 1500)
    assert harness.deliver() == []
    plain, broken_down = (harness.job(path_of(job)) for job in jobs)
    assert (plain["status"], broken_down["status"]) == ("Complete", "Failed")
    assert broken_down["error"]["code"] == "result.too.large"
    assert "leave out the breakdown" in broken_down["error"]["message"]


def test_a_breakdown_is_checked_again_when_it_is_computed(
    harness: JobHarness, view: View, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(options_module, "check", lambda *_: None)
    monkeypatch.setattr(service, "check", lambda *_: None)
    _, job = post(harness, view, {"breakdown": BREAKDOWN | {"attribute": "gone"}})
    assert harness.deliver() == []
    error = harness.job(path_of(job))["error"]
    assert (error["code"], "gone" in error["message"]) == ("view.broken", True)


# -- how a job with options is found -----------------------------------------------------------------------------------


def test_a_job_shows_its_options(harness: JobHarness, view: View) -> None:
    _, job = post(harness, view, {"period": "Before"})
    assert job["options"] == {"period": "Before"}
    assert harness.job(path_of(job)) == job
    _, page = harness.request("GET", "/jobs")
    assert [one["options"] for one in page["entities"]] == [job["options"]]
    status, canceled = harness.request("PATCH", path_of(job), job | {"status": "Cancelled"})
    assert (status, canceled["status"], canceled["options"]) == (200, "Cancelled", job["options"])


@pytest.mark.parametrize("raw", [b"", b"{}", b"null"])
def test_a_job_without_options_shows_none(harness: JobHarness, view: View, raw: bytes) -> None:
    """The vendor's SDK sends null for no body."""
    status, job = post(harness, view, raw=raw)
    assert (status, "options" in job) == (202, False)


def test_a_job_with_options_is_never_the_latest(harness: JobHarness, view: View, now: list[int]) -> None:
    latest = f"/{view.view_id}/versions/1/jobs/latest"
    post(harness, view, {"period": "Before"})
    assert harness.request("GET", latest)[0] == 404
    now[0] += 1
    _, plain = post(harness, view)
    now[0] += 1
    post(harness, view, {"period": "Before"})
    assert harness.request("GET", latest) == (200, plain)


def test_jobs_with_options_are_deleted_with_their_view(harness: JobHarness, view: View) -> None:
    _, job = post(harness, view, {"period": "Before"})
    delete_view(harness.tables, ORGANIZATION, view.view_id)
    assert JobStore(harness.tables.dynamodb, harness.tables.registry).find(ORGANIZATION, [job["id"]]) == []


def test_an_item_of_a_job_before_there_were_options_is_readable(harness: JobHarness, view: View) -> None:
    _, job = post(harness, view)
    store = JobStore(harness.tables.dynamodb, harness.tables.registry)
    values = store.get(ORGANIZATION, job["id"]).to_values()
    assert values.pop("options") is None
    values = {name: value for name, value in values.items() if value is not None}
    assert Job.from_values(ORGANIZATION, values).options is None


def test_options_are_part_of_what_an_idempotency_key_stands_for(harness: JobHarness, view: View) -> None:
    headers = {"idempotency-key": "k"}
    _, job = post(harness, view, {"period": "Before"}, headers=headers)
    assert post(harness, view, {"period": "Before", "interval": None}, headers=headers) == (202, job)
    for other in (None, {"interval": interval(0, 1)}):
        assert post(harness, view, other, headers=headers)[1]["code"] == "idempotency.key.reused"
    other_headers = {"idempotency-key": "another"}
    _, plain = post(harness, view, headers=other_headers)
    assert post(harness, view, {}, headers=other_headers) == (202, plain)


# -- which options are refused -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "code", "field"),
    [
        ({"period": "Before", "interval": interval(0, 1)}, "interval.or.period", "period"),
        ({"interval": "P7D"}, "invalid.interval", "interval"),
        ({"interval": interval(1, 1)}, "invalid.interval", "interval"),
        ({"interval": interval(0, 36_501 * DAY)}, "invalid.interval", "interval"),
        ({"period": "After"}, "not.allowed", "period"),
        ({"duration": "P7D"}, "unknown.field", "duration"),
        ({"period": 1}, "not.allowed", "period"),
        ({"breakdown": {}}, "attribute.or.source", "breakdown"),
        ({"breakdown": {"elementId": "placed"}}, "attribute.or.source", "breakdown"),
        ({"breakdown": {"attribute": "channel"}}, "attribute.or.source", "breakdown"),
        ({"breakdown": BREAKDOWN | {"by": "Source"}}, "attribute.or.source", "breakdown"),
        ({"breakdown": {"elementId": "placed", "by": "Source"}}, "attribute.or.source", "breakdown"),
        ({"breakdown": {"by": "Person"}}, "not.allowed", "breakdown.by"),
        ({"breakdown": {"by": "Source", "values": 3}}, "unknown.field", "breakdown.values"),
        ({"breakdown": BREAKDOWN | {"elementId": "gone"}}, "unknown.element", "breakdown.elementId"),
        ({"breakdown": BREAKDOWN | {"attribute": "gone"}}, "unknown.attribute", "breakdown.attribute"),
        ({"breakdown": BREAKDOWN | {"attribute": "tags"}}, "not.filterable", "breakdown.attribute"),
        ({"breakdown": BREAKDOWN | {"elementId": "rated"}}, "unknown.attribute", "breakdown.attribute"),
        ([], "bad.request", None),
        ("null", "bad.request", None),
    ],
)
def test_wrong_options_are_refused(harness: JobHarness, view: View, options: Any, code: str, field: str | None) -> None:
    status, error = post(harness, view, options)
    assert status == 400, error
    if field is None:
        assert error["message"] == "The body is not a JSON object. Send a JSON object."
    else:
        assert [(detail["errorCode"], detail["fieldName"]) for detail in error["details"]] == [(code, field)]
    assert harness.messages() == []


def test_a_period_before_the_year_1_is_refused(harness: JobHarness, view: View) -> None:
    early = harness.view(
        name="Early",
        interval="0010-01-01T00:00:00Z/0050-01-01T00:00:00Z",
        elements=[view.definition.elements[1].model_dump()],
    )
    status, error = post(harness, early, {"period": "Before"})
    assert (status, error["details"][0]["errorCode"]) == (400, "period.too.early")
