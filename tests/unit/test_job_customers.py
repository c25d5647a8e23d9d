"""The API of the customers behind a figure: lists agree with figures, pages are stable, and logs name nobody."""

import csv
import io
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from journeys import aws, cursors, jsontext
from journeys.events.model import ExternalId
from journeys.registry.people.model import ROLES
from journeys.views.computation import lists, names
from journeys.views.jobs.customers import ElementState
from journeys.views.model import View
from tests.support.functions import Context, api_event, load
from tests.support.jobs import HOUR, NOON, JobHarness, harness
from tests.support.logs import logs_at
from tests.support.views import delete_view

__all__ = ["harness"]

PEOPLE = [f"customer {number}" for number in range(7)]
Ask = Callable[..., tuple[int, Any]]


@pytest.fixture
def view(harness: JobHarness) -> View:
    """Seven customers order, three of them pay. One order has a channel that a spreadsheet takes for a formula."""
    placed, paid = harness.event_type("Placed", channel="string", amount="number"), harness.event_type("Paid")
    harness.land(placed, *((one, NOON) for one in PEOPLE[:4]), received=NOON + HOUR, channel="=web", amount=5)
    harness.land(placed, *((one, NOON) for one in PEOPLE[4:]), received=NOON + 2 * HOUR)
    harness.land(paid, *((one, NOON + HOUR) for one in PEOPLE[:3]), received=NOON + 3 * HOUR)
    return harness.view(
        name="Orders",
        interval="2026-01-01T00:00:00Z/2027-01-01T00:00:00Z",
        elements=[
            {"id": "a", "name": "Placed", "attributes": {"id": placed.schema_id}, "followedBy": [{"id": "b"}]},
            {"id": "b", "name": "Paid", "attributes": {"id": paid.schema_id}},
        ],
        charts=[
            {
                "id": "c",
                "name": "By channel",
                "groupByTime": "Month",
                "groupByAttributes": [{"elementId": "a", "attribute": "channel"}],
                "metrics": [
                    {"id": "m", "elementId": "a"},
                    {"id": "n", "elementId": "a", "aggregate": "Sum", "attribute": "amount"},
                    {"id": "o", "elementId": "b"},
                ],
            },
            {"id": "d", "name": "All", "metrics": [{"id": "m", "elementId": "b", "aggregate": "EventCount"}]},
            {
                "id": "e",
                "name": "Greatest",
                "groupByMax": 1,
                "groupByAttributes": [{"elementId": "a", "attribute": "channel"}],
                "metrics": [{"id": "m", "elementId": "a"}],
            },
        ],
    )


@pytest.fixture
def path(harness: JobHarness, view: View) -> str:
    """The path of a complete job."""
    path = harness.accept(view)
    assert harness.deliver() == []
    return path


@pytest.fixture
def ask(harness: JobHarness, path: str) -> Ask:
    """Asks for the customers behind a figure."""
    return lambda **query: harness.request("GET", f"{path}/results/customers", query=query)


def values(page: Any) -> list[str]:
    return [one["customer"]["value"] for one in page["entities"]]


# -- figures and lists agree -------------------------------------------------------------------------------------------


def every_figure(results: Any) -> list[tuple[dict[str, str], int]]:
    """All figures of customers in the result, each with the query that lists them."""
    figures: list[tuple[dict[str, str], int]] = []
    for element in results["elements"]:
        figures += [
            ({"elementId": element["id"], "state": state}, element["metrics"][f"{state[:11].lower().rstrip('s')}Count"])
            for state in ElementState
        ]
        figures += [
            ({"elementId": element["id"], "linkId": link["id"]}, link["connectionCount"])
            for link in element["followedBy"]
        ]
    for chart in results["charts"]:
        for metric in chart["metrics"]:
            for value in metric["values"]:
                group = jsontext.dumps([entry["value"] for entry in value["groupByAttributes"]])
                figures.append(({"chartId": chart["id"], "metricId": metric["id"], "group": group}, value["value"]))
    return figures


BY_CHANNEL = {"breakdown": {"elementId": "a", "attribute": "channel"}}


@pytest.mark.parametrize(("in_parts", "options"), [(False, None), (True, None), (True, BY_CHANNEL)])
def test_every_figure_of_a_result_is_the_number_of_its_customers(
    harness: JobHarness, view: View, in_parts: bool, options: Any
) -> None:
    status, job = harness.request("POST", f"/{view.view_id}/versions/1/jobs", options)
    assert status == 202
    path = str(job["selfUri"]).removeprefix("/api/v2/journey/views")
    if in_parts:
        with harness.small_runs(3):
            harness.drain()
            harness.run_machine()
    else:
        assert harness.deliver() == []
    counted = every_figure(harness.results(path))
    assert len(counted) == 17
    for query, figure in counted:
        status, page = harness.request("GET", f"{path}/results/customers", query=query)
        assert status == 200, page
        if query.get("metricId") != "n":  # a sum of amounts
            assert page["total"] == figure, query
        assert page["total"] == page["listed"] == len(set(values(page)))
        assert page["maximum"] == 1000


def test_the_customers_of_a_figure_are_those_with_its_events(ask: Ask) -> None:
    assert set(values(ask(elementId="a", state="Completed")[1])) == set(PEOPLE[:3])
    assert set(values(ask(elementId="a", linkId="b")[1])) == set(PEOPLE[:3])
    assert set(values(ask(elementId="a", state="Participants")[1])) == set(PEOPLE)
    assert set(values(ask(chartId="c", metricId="m", group='["2026-09","=web"]')[1])) == set(PEOPLE[:4])
    assert set(values(ask(chartId="c", metricId="m", group='["2026-09",null]')[1])) == set(PEOPLE[4:])
    assert set(values(ask(chartId="c", metricId="n", group='["2026-09","=web"]')[1])) == set(PEOPLE[:4])
    assert set(values(ask(chartId="d", metricId="m")[1])) == set(PEOPLE[:3])


def test_a_figure_of_nobody_has_an_empty_page(ask: Ask) -> None:
    status, page = ask(elementId="b", state="Dropout")
    assert (status, page["entities"], page["total"], page["listed"]) == (200, [], 0, 0)
    assert "nextUri" not in page


def test_a_customer_has_the_address_of_its_journey(ask: Ask) -> None:
    page = ask(elementId="b", state="Participants")[1]
    for one in page["entities"]:
        assert one["identifiers"] == [one["customer"]]
        address = urlsplit(one["selfUri"])
        assert address.path == "/api/v2/journey/customers"
        assert dict(parse_qsl(address.query)) == one["customer"] | {"scope": "person"}


def test_a_view_of_identifiers_leads_to_the_journeys_of_identifiers(harness: JobHarness, view: View) -> None:
    path = harness.accept(harness.view(**view.definition.to_values() | {"identity": "Identifier"}))
    assert harness.deliver() == []
    page = harness.request("GET", f"{path}/results/customers", query={"elementId": "b", "state": "Completed"})[1]
    assert {dict(parse_qsl(urlsplit(one["selfUri"]).query))["scope"] for one in page["entities"]} == {"identifier"}


def test_a_person_shows_the_identifiers_with_events_in_the_period(
    harness: JobHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(names, "MAX_IDENTIFIERS", 2)
    placed = harness.event_type("Placed")
    web = ExternalId("web", "w")
    harness.land(placed, ("d", NOON), ("b", NOON + 1), ("c", NOON + 2), ("a", NOON - 10**11), also=(web,))
    view = harness.view(
        name="Orders",
        interval="2026-01-01T00:00:00Z/2027-01-01T00:00:00Z",
        elements=[{"id": "a", "name": "Placed", "attributes": {"id": placed.schema_id}}],
    )
    path = harness.accept(view)
    assert harness.deliver() == []
    (one,) = harness.request("GET", f"{path}/results/customers", query={"elementId": "a", "state": "Participants"})[1][
        "entities"
    ]
    assert one["identifiers"] == [{"externalSourceId": "crm", "value": value} for value in ("b", "c")]
    assert one["customer"] == one["identifiers"][0]


# -- pages -------------------------------------------------------------------------------------------------------------


def test_the_pages_of_a_list_are_the_list(harness: JobHarness, ask: Ask) -> None:
    whole = values(ask(elementId="a", state="Participants")[1])
    for size in (1, 3, 7):
        found, query = [], {"elementId": "a", "state": "Participants", "pageSize": str(size)}
        while query:
            page = ask(**query)[1]
            assert page["pageSize"] == size
            assert len(page["entities"]) <= size
            assert urlsplit(page["selfUri"]).path.endswith("/results/customers")
            found += values(page)
            query = dict(parse_qsl(urlsplit(page.get("nextUri", "")).query))
        assert found == whole


def test_a_list_has_at_most_its_bound_and_the_total_is_exact(
    harness: JobHarness, view: View, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lists, "MAX_LISTED", 2)
    path = harness.accept(view)
    assert harness.deliver() == []
    page = harness.request("GET", f"{path}/results/customers", query={"elementId": "a", "state": "Participants"})[1]
    assert (page["total"], page["listed"], page["maximum"], len(page["entities"])) == (7, 2, 2, 2)
    query = {"elementId": "a", "state": "Participants", "format": "csv"}
    answer = load("jobs").handler(api_event("GET", f"views{path}/results/customers", query=query), Context())
    assert (answer["headers"]["X-Total-Count"], answer["headers"]["X-Listed-Count"]) == ("7", "2")


def test_a_cursor_of_another_figure_is_refused(ask: Ask) -> None:
    following = ask(elementId="a", state="Participants", pageSize="1")[1]["nextUri"]
    query = dict(parse_qsl(urlsplit(following).query))
    assert ask(**query)[0] == 200
    for other in ({"state": "Completed"}, {"cursor": "x"}):
        status, error = ask(**query | other)
        assert (status, error["code"]) == (400, "invalid.cursor")


@pytest.mark.parametrize("position", ["", "-1", "1 ", "\u0661", "9" * 10, "0x1", "1\n"])
def test_a_position_that_no_page_can_begin_at_is_refused(
    ask: Ask, position: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cursors, "_checksum", lambda *_: bytes(cursors.CHECKSUM_BYTES))
    query = {"elementId": "a", "state": "Participants", "cursor": cursors.encode(position)}
    assert ask(**query)[1]["code"] == "invalid.cursor"
    assert ask(**query, format="csv")[1]["code"] == "invalid.cursor"
    assert ask(**query | {"cursor": cursors.encode("9" * 9)})[1]["entities"] == []


def test_customers_as_csv(harness: JobHarness, path: str) -> None:
    placed = harness.event_type("Called")
    harness.land(placed, ("=1+1", NOON), also=(ExternalId("mail", "a@shop.example"), ExternalId("web", "w")))
    harness.land(placed, ("-2", NOON), also=(ExternalId("web", "w"),))
    view = harness.view(
        name="Calls",
        interval="2026-01-01T00:00:00Z/2027-01-01T00:00:00Z",
        elements=[{"id": "a", "name": "Called", "attributes": {"id": placed.schema_id}}],
    )
    path = harness.accept(view)
    assert harness.deliver() == []
    answer = load("jobs").handler(
        api_event(
            "GET",
            f"views{path}/results/customers",
            query={"elementId": "a", "state": "Participants", "format": "csv"},
        ),
        Context(),
    )
    assert answer["headers"]["Content-Type"].startswith("text/csv")
    columns, row = csv.reader(io.StringIO(answer["body"], newline=""))
    assert columns == ["externalSourceId", "value", "furtherIdentifiers", "journey"]
    assert row[:3] == ["crm", "-2", "crm: =1+1"]
    assert row[3].endswith("/api/v2/journey/customers?externalSourceId=crm&value=-2&scope=person")


# -- what is refused ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("query", "code", "said"),
    [
        ({}, "figure.not.clear", "elementId and state"),
        ({"elementId": "a"}, "figure.not.clear", "elementId and state"),
        ({"elementId": "a", "state": "Flow", "linkId": "b"}, "figure.not.clear", "elementId and state"),
        ({"elementId": "a", "state": "Flow", "group": "[]"}, "figure.not.clear", "elementId and state"),
        ({"elementId": "a", "chartId": "c", "metricId": "m"}, "figure.not.clear", "elementId and state"),
        ({"chartId": "c"}, "figure.not.clear", "elementId and state"),
        ({"elementId": "z", "state": "Flow"}, "figure.not.found", 'no element "z". Use one of a, b.'),
        ({"elementId": "z", "linkId": "b"}, "figure.not.found", 'no element "z". Use one of a, b.'),
        ({"elementId": "a", "linkId": "a"}, "figure.not.found", 'no link to the element "a". Use b.'),
        ({"elementId": "b", "linkId": "a"}, "figure.not.found", "The element has none."),
        ({"chartId": "z", "metricId": "m"}, "figure.not.found", 'no chart "z". Use one of c, d, e.'),
        ({"chartId": "c", "metricId": "z"}, "figure.not.found", 'no metric "z". Use one of m, n, o.'),
        ({"chartId": "c", "metricId": "m"}, "figure.not.found", "groupByAttributes"),
        ({"chartId": "c", "metricId": "m", "group": '["2026-09","x"]'}, "figure.not.found", "groupByAttributes"),
        ({"chartId": "e", "metricId": "m", "group": "[null]"}, "figure.not.found", "groupByAttributes"),
        ({"elementId": "a", "state": "Gone"}, "bad.request", "Participants, Completed, Flow, Active, Dropout"),
        ({"chartId": "c", "metricId": "m", "group": "x"}, "bad.request", "Use a JSON array of texts and nulls"),
        ({"chartId": "c", "metricId": "m", "group": "[1]"}, "bad.request", "Use a JSON array of texts and nulls"),
        ({"chartId": "c", "metricId": "m", "group": '{"a":1}'}, "bad.request", "Use a JSON array of texts and nulls"),
        ({"chartId": "c", "metricId": "m", "group": f"[{'null,' * 11}null]"}, "bad.request", "Use a JSON array"),
    ],
)
def test_a_figure_that_the_result_does_not_have_is_refused(
    ask: Ask, query: dict[str, str], code: str, said: str
) -> None:
    status, error = ask(**query)
    assert (status, error["code"]) == (400, code)
    assert said in error["message"]


def test_a_job_that_was_computed_before_lists_existed_has_none(harness: JobHarness, path: str, ask: Ask) -> None:
    stored = [one["Key"] for one in aws.s3().list_objects_v2(Bucket="archive", Prefix="results/")["Contents"]]
    result, *of_lists = sorted(stored, key=len)
    for key in of_lists:
        aws.s3().delete_object(Bucket="archive", Key=key)
    status, error = ask(elementId="a", state="Flow")
    assert (status, error["code"]) == (404, "customers.not.listed")
    assert error["message"].endswith("Create a new job.")
    assert harness.request("GET", f"{path}/results")[0] == 200
    aws.s3().delete_object(Bucket="archive", Key=result)
    assert ask(elementId="a", state="Flow")[1]["code"] == "results.expired"


def test_a_job_that_is_not_complete_has_no_customers(harness: JobHarness, view: View) -> None:
    path = harness.accept(view)
    query = {"elementId": "a", "state": "Flow"}
    status, error = harness.request("GET", f"{path}/results/customers", query=query)
    assert (status, error["code"]) == (409, "job.not.complete")


def test_lists_are_deleted_with_the_view(harness: JobHarness, view: View, path: str) -> None:
    assert aws.s3().list_objects_v2(Bucket="archive", Prefix="results/")["KeyCount"] == 3
    delete_view(harness.tables, view_id=view.view_id, organization_id="acme")
    assert aws.s3().list_objects_v2(Bucket="archive", Prefix="results/")["KeyCount"] == 0


def test_who_may_see_customers_may_list_them() -> None:
    for permissions in ROLES.values():
        assert ("journey:viewsCustomers:view" in permissions) == ("journey:customers:view" in permissions)


# -- logs --------------------------------------------------------------------------------------------------------------


def test_a_listing_is_logged_with_who_asked_and_how_many_but_no_names(
    ask: Ask, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with logs_at("INFO") as written:
        ask(elementId="a", state="Participants", pageSize="5")
        ask(chartId="c", metricId="m", group='["2026-09","=web"]', format="json")
        csv_of_link = {"elementId": "a", "linkId": "b", "format": "csv"}
        load("jobs").handler(api_event("GET", f"views{path}/results/customers", query=csv_of_link), Context())
    lines = [jsontext.loads(line.encode()) for line in written.getvalue().splitlines()]
    told = [line for line in lines if line["message"] == "customers behind a figure were listed"]
    job = path.rsplit("/", 1)[1]
    assert [
        {name: line[name] for name in ("organization", "caller", "job", "figure", "customers", "CustomersListed")}
        for line in told
    ] == [
        {"organization": "acme", "caller": "client", "job": job} | more
        for more in (
            {"figure": "Participants", "customers": 5, "CustomersListed": 5},
            {"figure": "Group", "customers": 4, "CustomersListed": 4},
            {"figure": "Link", "customers": 3, "CustomersListed": 3},
        )
    ]
    assert "customer " not in written.getvalue()
    assert "=web" not in written.getvalue()
