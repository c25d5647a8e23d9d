"""The vendor's unmodified Python SDK as a client of journey views: every operation except those of jobs."""

import json
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import PureCloudPlatformClientV2 as Vendor
import pytest
from PureCloudPlatformClientV2.rest import ApiException

from tests.contract import test_vendor_sdk
from tests.contract.test_vendor_sdk import UNKNOWN, Unhappy, World, empty_fields, event, request

world = test_vendor_sdk.world

OPERATIONS = frozenset(
    {
        "delete_journey_view",
        "delete_journey_view_schedules",
        "get_journey_view",
        "get_journey_view_schedules",
        "get_journey_view_version",
        "get_journey_view_version_chart",
        "get_journey_view_version_chart_version",
        "get_journey_views",
        "get_journey_views_data_details",
        "get_journey_views_schedules",
        "post_journey_view_schedules",
        "post_journey_view_versions",
        "post_journey_views",
        "post_journey_views_encodings_validate",
        "put_journey_view_schedules",
        "put_journey_view_version",
    }
)

VIEWS = "/api/v2/journey/views"
NO_PAGE = ["created_by.email_address", "created_by.self_uri", "modified_by.email_address", "modified_by.self_uri"]
"""Fields of users that are empty, because clients have no e-mail address and no resource of their own."""
LANDED = 60
"""Seconds until an event is in the archive."""


# -- building requests, with the SDK's models --------------------------------------------------------------------------


def predicate(**changes: Any) -> Any:
    values = {"dimension": "channel", "values": ["web"], "operator": "Matches", "no_value": False}
    return request("JourneyViewElementFilterPredicate", **(values | changes))


def number_predicate(**range_: float) -> Any:
    bounds = {name: request("JourneyViewElementFilterRangeData", number=number) for name, number in range_.items()}
    return request(
        "JourneyViewElementFilterNumberPredicate",
        dimension="price",
        operator="Matches",
        no_value=False,
        range=request("JourneyViewElementFilterRange", **bounds),
    )


def element(id_: str, event_type: str, *links: Any, **changes: Any) -> Any:
    values = {
        "id": id_,
        "name": f"The {id_}",
        "attributes": request("JourneyViewElementAttributes", type="Event", id=event_type, source="Web"),
        "display_attributes": request("JourneyViewElementDisplayAttributes", x=10, y=20, col=1),
        "filter": request(
            "JourneyViewElementFilter",
            type="And",
            predicates=[predicate()],
            number_predicates=[number_predicate(gte=1.5, lt=100)],
        ),
        "followed_by": list(links),
    }
    return request("JourneyViewElement", **(values | changes))


def link(id_: str, **changes: Any) -> Any:
    values = {
        "id": id_,
        "constraint_after": request("JourneyViewLinkTimeConstraint", unit="Minutes", value=5),
        "constraint_within": request("JourneyViewLinkTimeConstraint", unit="Days", value=7),
        "event_count_type": "Sequential",
    }
    return request("JourneyViewLink", **(values | changes))


def chart(**changes: Any) -> Any:
    values = {
        "id": "visits",
        "name": "Visits",
        "rank": 1,
        "group_by_time": "Day",
        "group_by_attributes": [request("JourneyViewChartGroupByAttribute", element_id="first", attribute="channel")],
        "group_by_max": 10,
        "metrics": [
            request(
                "JourneyViewChartMetric",
                id="spent",
                element_id="first",
                aggregate="Sum",
                display_label="Spent",
                attribute="price",
            )
        ],
        "display_attributes": request(
            "JourneyViewChartDisplayAttributes",
            type="Line",
            group_by_title="Day",
            metrics_title="Money",
            secondary_metrics_title="None",
            show_legend=True,
        ),
    }
    return request("JourneyViewChart", **(values | changes))


def view(event_type: str, **changes: Any) -> Any:
    values = {
        "name": "Visits and then visits",
        "description": "Who comes again",
        "duration": "P30D",
        "elements": [element("first", event_type, link("second")), element("second", event_type)],
        "charts": [chart()],
    }
    return request("JourneyView", **(values | changes))


def event_type(world: World) -> str:
    """Create an active event type and return its id."""
    made = world.schema()
    world.activate(made.id)
    return str(made.id)


def saved(world: World, **changes: Any) -> Any:
    return world.sdk.post_journey_views(view(event_type(world), **changes))


def scheduled(world: World, frequency: str = "Daily") -> Any:
    """Create the schedule of a new view. Its id is the id of the view."""
    return world.sdk.post_journey_view_schedules(saved(world).id, request("JourneyViewSchedule", frequency=frequency))


def spoken(model: Any) -> Any:
    """Return the JSON form of a model without its empty fields."""
    if isinstance(model, list):
        return [spoken(one) for one in model]
    if not hasattr(model, "attribute_map"):
        return model
    said = {wire: spoken(getattr(model, name)) for name, wire in model.attribute_map.items()}
    return {wire: value for wire, value in said.items() if value is not None and value != []}


# -- when it goes well -------------------------------------------------------------------------------------------------

HAPPY: dict[str, Callable[[World], None]] = {}


def happy(check: Callable[[World], None]) -> Callable[[World], None]:
    """Register the test of a successful call. The function has the name of the operation."""
    HAPPY[check.__name__] = check
    return check


@pytest.mark.parametrize("operation", sorted(OPERATIONS))
def test_a_successful_response_has_every_known_field(world: World, operation: str) -> None:
    HAPPY[operation](world)
    assert operation in world.sdk.called


@happy
def post_journey_views(world: World) -> None:
    before = datetime.now(UTC) - timedelta(seconds=5)
    asked = view(event_type(world))
    made = world.sdk.post_journey_views(asked)
    assert sorted(empty_fields(made)) == sorted([*NO_PAGE, "interval", *_never_given(made)])
    assert (made.version, made.created_by.id, made.modified_by.id) == (1, world.client_id, world.client_id)
    assert before <= made.date_created <= datetime.now(UTC) + timedelta(seconds=5)
    assert made.self_uri == f"{VIEWS}/{made.id}/versions/1"
    assert spoken(made.elements) == spoken(asked.elements)
    assert (made.name, made.description, made.duration) == (asked.name, asked.description, asked.duration)
    (drawn,) = made.charts
    assert (drawn.version, drawn.self_uri) == (1, f"{made.self_uri}/charts/visits/versions/1")
    assert {**spoken(asked.charts[0]), "version": 1, "selfUri": drawn.self_uri} == spoken(drawn)


def _never_given(made: Any) -> Iterator[str]:
    """Yield the fields that the view of this test does not use."""
    for where in empty_fields(made):
        if where.endswith((".join_attributes", ".lte", ".gt", ".eq", ".neq", ".duration")):
            yield where


@happy
def get_journey_views(world: World) -> None:
    type_ = event_type(world)
    made = [world.sdk.post_journey_views(view(type_, name=name)) for name in ("Alpha", "Beta", "Gamma")]
    listing = world.sdk.get_journey_views(page_size=2, page_number=2, expand="charts")
    assert listing.entities == made[2:]
    assert (listing.total, listing.page_count, listing.page_size, listing.page_number) == (3, 2, 2, 2)
    assert sorted(empty_fields(listing))[-1:] == ["next_uri"]
    assert world.sdk.get_journey_views(name_or_created_by="ALPH", expand="charts").entities == made[:1]
    assert len(world.sdk.get_journey_views(name_or_created_by=world.client_id).entities) == 3
    (listed,) = world.sdk.get_journey_views(id=f"{made[1].id},{UNKNOWN}").entities
    assert (listed.id, listed.charts) == (made[1].id, None)


@happy
def get_journey_view(world: World) -> None:
    made = saved(world)
    assert world.sdk.get_journey_view(made.id) == made


@happy
def delete_journey_view(world: World) -> None:
    made = saved(world)
    assert world.sdk.delete_journey_view(made.id) is None
    assert world.sdk.get_journey_views().entities == []


@happy
def post_journey_view_versions(world: World) -> None:
    made = saved(world)
    made.name, made.charts[0].group_by_time = "Renamed", "Week"
    changed = world.sdk.post_journey_view_versions(made.id, made)  # a view from a response is a valid request
    assert (changed.id, changed.version, changed.name) == (made.id, 2, "Renamed")
    assert (changed.charts[0].version, changed.charts[0].group_by_time) == (2, "Week")
    assert world.sdk.get_journey_view(made.id) == changed


@happy
def get_journey_view_version(world: World) -> None:
    made = saved(world)
    changed = world.sdk.post_journey_view_versions(made.id, view(made.elements[0].attributes.id, charts=[]))
    assert world.sdk.get_journey_view_version(made.id, "1") == made
    assert world.sdk.get_journey_view_version(made.id, "2") == changed


@happy
def put_journey_view_version(world: World) -> None:
    made = saved(world)
    made.duration, made.interval = None, "2026-01-01T00:00:00/2026-02-01T00:00:00"
    edited = world.sdk.put_journey_view_version(made.id, "1", made)
    assert (edited.version, edited.interval, edited.duration) == (1, made.interval, None)
    assert edited.date_modified > edited.date_created
    assert world.sdk.get_journey_view(made.id) == edited


@happy
def get_journey_view_version_chart(world: World) -> None:
    made = saved(world)
    assert world.sdk.get_journey_view_version_chart(made.id, "1", "visits") == made.charts[0]


@happy
def get_journey_view_version_chart_version(world: World) -> None:
    made = saved(world)
    before = spoken(made.charts[0])
    made.charts[0].group_by_time = "Month"
    edited = world.sdk.put_journey_view_version(made.id, "1", made)
    assert spoken(world.sdk.get_journey_view_version_chart_version(made.id, "1", "visits", "1")) == before
    assert world.sdk.get_journey_view_version_chart_version(made.id, "1", "visits", "2") == edited.charts[0]


@happy
def post_journey_view_schedules(world: World) -> None:
    made = scheduled(world)
    assert list(empty_fields(made)) == ["user.self_uri"]
    assert (made.frequency, made.user.id) == ("Daily", world.client_id)
    assert made.self_uri == f"{VIEWS}/{made.id}/schedules"


@happy
def get_journey_view_schedules(world: World) -> None:
    made = scheduled(world)
    assert world.sdk.get_journey_view_schedules(made.id) == made


@happy
def put_journey_view_schedules(world: World) -> None:
    made = scheduled(world)
    made.frequency = "Monthly"
    changed = world.sdk.put_journey_view_schedules(made.id, made)
    assert changed.frequency == "Monthly"
    assert changed.date_modified > made.date_modified
    assert world.sdk.get_journey_view_schedules(made.id) == changed


@happy
def delete_journey_view_schedules(world: World) -> None:
    made = scheduled(world)
    assert world.sdk.delete_journey_view_schedules(made.id) == made
    assert world.sdk.get_journey_views_schedules().entities == []


@happy
def get_journey_views_schedules(world: World) -> None:
    made = scheduled(world, "Weekly")
    listing = world.sdk.get_journey_views_schedules(page_size=5, page_number=1)
    assert listing.entities == [made]
    assert (listing.total, listing.page_count) == (1, 1)


@happy
def get_journey_views_data_details(world: World) -> None:
    nothing = world.sdk.get_journey_views_data_details()
    assert (nothing.date_min, nothing.date_max) == (None, None)
    configuration = world.configuration(event_type(world))
    moment = datetime(2026, 1, 31, 9, 30, tzinfo=UTC)
    later = moment + timedelta(hours=1, milliseconds=5)
    world.send(configuration.id, event("a", date_created=later), event("b", date_created=moment))
    until = time.monotonic() + LANDED
    found = nothing
    while (found.date_min, found.date_max) != (moment, later) and time.monotonic() < until:
        time.sleep(1)
        found = world.sdk.get_journey_views_data_details()
    assert (found.date_min, found.date_max) == (moment, later)


@happy
def post_journey_views_encodings_validate(world: World) -> None:
    event_type(world)
    labels = [("channel", "web"), ("channel", "fax"), ("member", "true"), ("price", "much"), ("nothing", "x")]
    body = [request("Label", name=name, value=value) for name, value in labels]
    found = world.sdk.post_journey_views_encodings_validate(body=body).entities
    assert [(one["name"], one["value"]) for one in found] == labels
    assert [one["encoded"] for one in found] == [True, False, True, False, False]


# -- when it goes wrong ------------------------------------------------------------------------------------------------


def _cycle(world: World) -> Any:
    type_ = event_type(world)
    around = [element("first", type_, link("second")), element("second", type_, link("first"))]
    return view(type_, elements=around)


def _inactive(world: World) -> Any:
    return view(world.schema().id)


def _frequency(value: str) -> Any:
    return request("JourneyViewSchedule", frequency=value)


UNHAPPY = [
    Unhappy("post_journey_views", 400, "invalid.view", lambda w: w.sdk.post_journey_views(_cycle(w))),
    Unhappy("post_journey_views", 400, "invalid.view", lambda w: w.sdk.post_journey_views(_inactive(w))),
    Unhappy("post_journey_views", 400, "invalid.view",
            lambda w: saved(w, interval="2026-01-01T00:00:00Z/2026-02-01T00:00:00Z")),
    Unhappy("post_journey_views", 400, "invalid.field", lambda w: saved(w, name=" ")),
    Unhappy("post_journey_views", 401, "authentication.required",
            lambda w: w.anonymous.post_journey_views(_inactive(w))),
    Unhappy("post_journey_views", 403, "missing.permissions", lambda w: w.powerless.post_journey_views(_inactive(w))),
    Unhappy("get_journey_views", 403, "missing.permissions", lambda w: w.powerless.get_journey_views()),
    Unhappy("get_journey_views", 400, "bad.request",
            lambda w: w.sdk.get_journey_views(id=",".join(map(str, range(101))))),
    Unhappy("get_journey_view", 404, "not.found", lambda w: w.sdk.get_journey_view(UNKNOWN)),
    Unhappy("delete_journey_view", 404, "not.found", lambda w: w.sdk.delete_journey_view(UNKNOWN)),
    Unhappy("post_journey_view_versions", 404, "not.found",
            lambda w: w.sdk.post_journey_view_versions(UNKNOWN, view(event_type(w)))),
    Unhappy("post_journey_view_versions", 400, "invalid.view",
            lambda w: w.sdk.post_journey_view_versions(saved(w).id, view(UNKNOWN))),
    Unhappy("get_journey_view_version", 404, "not.found", lambda w: w.sdk.get_journey_view_version(saved(w).id, "2")),
    Unhappy("put_journey_view_version", 404, "not.found",
            lambda w: w.sdk.put_journey_view_version(UNKNOWN, "1", view(event_type(w)))),
    Unhappy("put_journey_view_version", 400, "invalid.view",
            lambda w: w.sdk.put_journey_view_version(saved(w).id, "1", view(UNKNOWN))),
    Unhappy("get_journey_view_version_chart", 404, "not.found",
            lambda w: w.sdk.get_journey_view_version_chart(saved(w).id, "1", "nothing")),
    Unhappy("get_journey_view_version_chart_version", 404, "not.found",
            lambda w: w.sdk.get_journey_view_version_chart_version(saved(w).id, "1", "visits", "2")),
    Unhappy("post_journey_view_schedules", 404, "not.found",
            lambda w: w.sdk.post_journey_view_schedules(UNKNOWN, _frequency("Daily"))),
    Unhappy("post_journey_view_schedules", 409, "schedule.exists",
            lambda w: w.sdk.post_journey_view_schedules(scheduled(w).id, _frequency("Weekly"))),
    Unhappy("post_journey_view_schedules", 400, "invalid.field",
            lambda w: w.sdk.post_journey_view_schedules(saved(w).id, {"frequency": "Hourly"})),
    Unhappy("get_journey_view_schedules", 404, "not.found", lambda w: w.sdk.get_journey_view_schedules(saved(w).id)),
    Unhappy("put_journey_view_schedules", 404, "not.found",
            lambda w: w.sdk.put_journey_view_schedules(saved(w).id, _frequency("Daily"))),
    Unhappy("delete_journey_view_schedules", 404, "not.found",
            lambda w: w.sdk.delete_journey_view_schedules(saved(w).id)),
    Unhappy("get_journey_views_schedules", 403, "missing.permissions",
            lambda w: w.powerless.get_journey_views_schedules()),
    Unhappy("get_journey_views_data_details", 403, "missing.permissions",
            lambda w: w.powerless.get_journey_views_data_details()),
    Unhappy("post_journey_views_encodings_validate", 400, "invalid.field",
            lambda w: w.sdk.post_journey_views_encodings_validate(body=[request("Label", name="channel")])),
]  # fmt: skip


@pytest.mark.parametrize("case", UNHAPPY, ids=lambda case: f"{case.operation}-{case.code}")
def test_a_failed_call_raises_an_exception_with_an_error_body(world: World, case: Unhappy) -> None:
    with pytest.raises(ApiException) as caught:
        case.call(world)
    body = json.loads(caught.value.body)
    assert (caught.value.status, body["code"]) == (case.status, case.code), body["message"]
    assert body["message"]
    assert body["contextId"]
    assert case.operation in world.sdk.called | world.powerless.called | world.anonymous.called


def test_every_invalid_field_of_a_view_is_named(world: World) -> None:
    type_ = event_type(world)
    alone = chart(group_by_attributes=[])
    alone._group_by_time = None  # the SDK's setter does not accept None
    wrong = view(type_, duration=None, charts=[alone])
    wrong.elements[0].filter.predicates = [predicate(dimension="price", values=["much"]), predicate(dimension="x")]
    with pytest.raises(ApiException) as caught:
        world.sdk.post_journey_views(wrong)
    assert [tuple(detail.values()) for detail in json.loads(caught.value.body)["details"]] == [
        ("interval.or.duration", "interval"),
        ("impossible.value", "elements[0].filter.predicates[0].values[0]"),
        ("unknown.attribute", "elements[0].filter.predicates[1].dimension"),
        ("group.by.max.alone", "charts[0].groupByMax"),
    ]


# -- and all of them ---------------------------------------------------------------------------------------------------


def test_every_operation_has_a_test_of_success_and_of_failure() -> None:
    assert len(OPERATIONS) == 16
    assert HAPPY.keys() == OPERATIONS
    assert {case.operation for case in UNHAPPY} == OPERATIONS


def test_the_operations_are_all_that_the_sdk_has_for_views_except_jobs_and_event_definitions() -> None:
    offered = {
        name
        for name in dir(Vendor.JourneyApi)
        if "journey_view" in name and "_job" not in name and "eventdefinition" not in name
    }
    assert {name for name in offered if not name.endswith("_with_http_info")} == OPERATIONS
