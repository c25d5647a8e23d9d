"""Whatever text is sent as a cursor, every listing answers with a page or with 400."""

import base64
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from journeys import aws, cursors, keys
from journeys.events.failures.store import FailureStore
from journeys.journey.model import step
from journeys.journey.projection import count_steps
from journeys.journey.store import JourneyStore
from journeys.webhooks.deliveries.store import DeliveryStore
from journeys.webhooks.model import Endpoint
from journeys.webhooks.store import EndpointStore
from tests.conftest import ORGANIZATION
from tests.support.aws_errors import client_error
from tests.support.client_events import handling
from tests.support.functions import api_event, call, load
from tests.support.tables import Tables
from tests.unit.test_delivery_records import ENDPOINT, record
from tests.unit.test_failures import a_failure
from tests.unit.test_http import FUNCTIONS, refuse_long_keys
from tests.unit.test_journey_reading import CUSTOMER, KEY, NOON

FUNCTION_OF = {
    "list_failures": "failures",
    "replay_failures": "failures",
    "list_customer_events": "customers",
    "list_deliveries": "endpoints",
    "list_jobs": "jobs",
    "list_own_jobs": "jobs",
    "list_path_jobs": "jobs",
}
STORED = {
    "get_job_results", "get_job_chart_result", "get_path_job_results", "compare_job_results", "list_job_customers",
}  # fmt: skip
"""Their cursors are places in a stored result; see test_result_tables.py and test_job_customers.py."""
INTERVAL = "2026-01-01T00:00:00Z/2026-02-01T00:00:00Z"
JOURNEY = {"externalSourceId": CUSTOMER.source_id, "value": CUSTOMER.value}
REQUESTS: dict[str, list[Callable[[str], dict[str, Any]]]] = {
    "list_failures": [
        lambda cursor: api_event("GET", "externalevents/failures", query={"cursor": cursor}),
        lambda cursor: api_event("GET", "externalevents/failures", query={"cursor": cursor, "reason": "missing.date"}),
    ],
    "replay_failures": [
        lambda cursor: api_event("POST", "externalevents/failures/replay", {"cursor": cursor, "reason": "invalid.id"})
    ],
    "list_customer_events": [
        lambda cursor: api_event("GET", "customers/events", query=JOURNEY | {"cursor": cursor}),
        lambda cursor: api_event("GET", "customers/events", query=JOURNEY | {"cursor": cursor, "order": "desc"}),
    ],
    "list_deliveries": [
        lambda cursor: api_event("GET", f"webhooks/endpoints/{ENDPOINT}/deliveries", query={"cursor": cursor}),
        lambda cursor: api_event(
            "GET", f"webhooks/endpoints/{ENDPOINT}/deliveries", query={"cursor": cursor, "outcome": "failed"}
        ),
    ],
    "list_jobs": [
        lambda cursor: api_event("GET", "views/jobs", query={"cursor": cursor}),
        lambda cursor: api_event("GET", "views/jobs", query={"cursor": cursor, "interval": INTERVAL}),
    ],
    "list_own_jobs": [lambda cursor: api_event("GET", "views/jobs/me", query={"cursor": cursor})],
    "list_path_jobs": [lambda cursor: api_event("GET", "paths/jobs", query={"cursor": cursor})],
}
"""The requests for each listing with a cursor, by the name of its handler."""

TEXTS = st.text(st.characters(exclude_categories=["Cs"]))
POSITIONS = st.one_of(
    TEXTS,
    st.sampled_from(["", "SUMMARY", "SUMMARYz", "0", "9999-99", "~", "2026-01-31T09:30:00.000Z#" + "x" * 2000 + "#y"]),
    st.from_regex(keys.STEP, fullmatch=True),
    st.from_regex(keys.FAILURE_BY_TIME, fullmatch=True),
    st.from_regex(keys.DELIVERY, fullmatch=True),
    st.from_regex(r"[0-9]{1,9} [0-9a-f-]{36}", fullmatch=True),
)


def forged(position: str) -> str:
    """The cursor that a caller can make for a position in a listing of its own."""
    return base64.urlsafe_b64encode(bytes(cursors.CHECKSUM_BYTES) + position.encode()).decode().rstrip("=")


def refuse(params: dict[str, Any], **_: Any) -> None:
    """Refuse long keys, and the start of a query outside its range, as DynamoDB does and moto does not."""
    refuse_long_keys(params)
    values = params.get("ExpressionAttributeValues", {})
    if "ExclusiveStartKey" in params and ":low" in values:
        start = params["ExclusiveStartKey"].get("sk", params["ExclusiveStartKey"].get("place"))
        if not values[":low"]["S"] <= start["S"] <= values[":high"]["S"]:
            raise client_error("ValidationException")


@dataclass
class Listing:
    tables: Tables
    module: Any
    name: str

    def statuses(self, cursor: str) -> list[int]:
        with handling(self.tables.dynamodb, "provide-client-params.dynamodb", refuse):
            return [call(self.module, request(cursor))[0] for request in REQUESTS[self.name]]


@pytest.fixture
def listing(tables: Tables, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Listing:
    """A listing that holds one entity. The checksum of every cursor is that of `forged`."""
    monkeypatch.setenv("SECRETS_PREFIX", "stack/webhooks/")
    monkeypatch.setattr(cursors, "_checksum", lambda *_: bytes(cursors.CHECKSUM_BYTES))
    FailureStore(tables.dynamodb, tables.failures, aws.s3, "archive").put(a_failure(1))
    count_steps(JourneyStore(tables.dynamodb, tables.journeys), KEY, [step(NOON, "c-1", "e-1", "a")])
    DeliveryStore(tables.dynamodb, tables.deliveries).add(record())
    EndpointStore(tables.dynamodb, tables.registry).create(
        Endpoint(ENDPOINT, ORGANIZATION, "Shop", "shopify", "configuration-1", True, 0, 0)
    )
    return Listing(tables, load(FUNCTION_OF[request.param]), request.param)


def test_every_listing_with_a_cursor_is_tested(tables: Tables, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRETS_PREFIX", "stack/webhooks/")
    found = {
        route.handler.__name__
        for function in FUNCTIONS
        for route in load(function).router.routes
        if "cursor" in {parameter.name for parameter in route.query}
        or "cursor" in getattr(route.body, "model_fields", {})
    }
    assert found == REQUESTS.keys() | STORED
    assert REQUESTS.keys() == FUNCTION_OF.keys()


@pytest.mark.parametrize("listing", REQUESTS, indirect=True)
def test_any_cursor_gives_a_page_or_400(listing: Listing) -> None:
    @settings(max_examples=60)
    @given(st.one_of(TEXTS, POSITIONS.map(forged)))
    def check(cursor: str) -> None:
        assert set(listing.statuses(cursor)) <= {200, 400}

    check()


@pytest.mark.parametrize("listing", REQUESTS, indirect=True)
@pytest.mark.parametrize("position", ["", "SUMMARYz", "2026-01-31T09:30:00.000Z#" + "x" * 2000 + "#y"])
def test_a_position_that_no_page_can_begin_at_is_refused(listing: Listing, position: str) -> None:
    assert set(listing.statuses(forged(position))) == {400}


FIRST_POSITIONS = {
    "list_failures": "2026-01-31T09:30:00.000Z#0a",
    "replay_failures": "2026-01-31T09:30:00.000Z#0a",
    "list_customer_events": "2026-01-31T09:30:00.000Z#c#e",
    "list_deliveries": "0" * 28,
    "list_jobs": "1 019c0000-0000-7000-8000-000000000000",
    "list_own_jobs": "1 019c0000-0000-7000-8000-000000000000",
}
"""A position in the form of each listing."""


@pytest.mark.parametrize(("listing", "position"), FIRST_POSITIONS.items(), indirect=["listing"])
def test_a_position_in_the_form_of_the_listing_gives_a_page(listing: Listing, position: str) -> None:
    assert set(listing.statuses(forged(position))) == {200}


@pytest.mark.parametrize(("listing", "position"), FIRST_POSITIONS.items(), indirect=["listing"])
def test_a_position_with_text_before_or_after_it_is_refused(listing: Listing, position: str) -> None:
    for extended in (f"{position}\n", f"{position} #", f" {position}"):
        assert set(listing.statuses(forged(extended))) == {400}
