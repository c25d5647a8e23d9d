"""Native events on the deployed stack: from the event bus to journeys, archive and views, and whose they are."""

import json
import random
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from journeys import dates
from tests.conftest import Caller
from tests.e2e.test_pipeline import MINUTES, events_of, wait_for
from tests.e2e.test_views import computed
from tests.support.waiting import wait_until
from tools.api import ApiError
from tools.native_events import BODIES, connect_event, genesys_event, put_events
from tools.operator.admin import Admin
from tools.stack import Stack

START = dates.parse("2026-03-02T12:00:00Z")
SECOND = 1000


class Bus:
    """The event bus, and a source of a new organization on it."""

    def __init__(self, stack: Stack, caller: Caller) -> None:
        self._stack = stack
        self.organization_id, self.api = caller.organization_id, caller.api
        self.source = f"local.{caller.organization_id}"
        self.customer = ("genesys", f"contact-{uuid.uuid4().hex[:8]}")
        Admin(stack).add_native_source(caller.organization_id, self.source)

    def event(self, kind: str, index: int = 0, **body: Any) -> dict[str, Any]:
        """Return an event of this organization's customer, `index` seconds after the first."""
        given = {"externalContactId": self.customer[1], "source": self.source, "conversation_id": "call-1"} | body
        return genesys_event(kind, date_ms=START + SECOND * index, **given)

    def put(self, *envelopes: dict[str, Any]) -> None:
        """Put events on the bus, as a partner does."""
        put_events(self._stack, envelopes)

    def journey(self) -> list[dict[str, Any]]:
        """Return the customer's events, oldest first; none if there is no journey."""
        try:
            return events_of(self.api, self.customer, order="asc", pageSize=100)
        except ApiError as error:
            if error.status != 404:
                raise
            return []

    def failures(self) -> list[dict[str, Any]]:
        listed: list[dict[str, Any]] = self.api.call("GET", "externalevents/failures")["entities"]
        return listed


@pytest.fixture
def bus(stack: Stack, caller: Callable[..., Caller]) -> Callable[[], Bus]:
    """Creates an organization with a source of native events."""
    return lambda: Bus(stack, caller())


def test_events_of_every_kind_arrive_in_any_order_and_again(
    bus: Callable[[], Bus],
    run: Callable[..., int],
) -> None:
    own = bus()
    envelopes = [own.event(kind, index) for index, kind in enumerate(BODIES)]
    shuffled = [*envelopes, *envelopes[::3]]
    random.Random(13).shuffle(shuffled)
    own.put(*shuffled)
    wait_for(own.api, len(envelopes), own.customer)
    own.put(*envelopes[:4])
    own.put(own.event("acw", 99))
    summary = wait_for(own.api, len(envelopes) + 1, own.customer)
    journey = own.journey()
    assert [one["schemaId"] for one in journey[:-1]] == [f"native-{kind.replace('.', '-')}" for kind in BODIES]
    assert {one["configurationId"] for one in journey} == {"native"}
    assert {one["source"] for one in journey} == {"genesys"}
    assert {one["attributes"]["conversationId"] for one in journey} == {"call-1"}
    assert sum(entry["eventCount"] for entry in summary["eventTypes"]) == len(journey)
    assert own.failures() == []
    scope = ("--organization", own.organization_id)
    wait_until(lambda: run("verify", *scope) == 0, 3 * MINUTES)
    assert run("rebuild", *scope) == 0
    assert [one["id"] for one in own.journey()] == [one["id"] for one in journey]


def test_both_vendors_events_come_through_one_door_into_one_view(bus: Callable[[], Bus]) -> None:
    own = bus()
    own.put(own.event("customer.start", 0), own.event("acd.start", 2))
    contact = {"contact_id": "contact-1", "source": own.source, "customerId": own.customer[1]}
    queued = connect_event("QUEUED", date_ms=START + 40 * SECOND, **contact)
    own.put(connect_event("INITIATED", date_ms=START + 20 * SECOND, **contact), queued)
    wait_for(own.api, 2, own.customer)
    wait_for(own.api, 2, ("amazon-connect", own.customer[1]))
    view = {
        "name": "From the call to the queue",
        "interval": "2026-03-01T00:00:00Z/2026-03-04T00:00:00Z",
        "elements": [
            {"id": "start", "name": "Call", "attributes": {"type": "Event", "id": "native-customer-start"},
             "followedBy": [{"id": "queue"}]},
            {"id": "queue", "name": "Queue", "attributes": {"type": "Event", "id": "native-acd-start"}},
        ],
    }  # fmt: skip
    made = own.api.call("POST", "views", view)

    def customers_at_the_queue() -> int:
        _, result = computed(own.api, made)
        return int(next(one["metrics"]["participantCount"] for one in result["elements"] if one["id"] == "queue"))

    wait_until(lambda: customers_at_the_queue() == 2, 3 * MINUTES)


def test_a_malformed_event_is_a_failure_that_can_be_replayed(bus: Callable[[], Bus]) -> None:
    own = bus()
    own.put(own.event("acd.end", queueId=7), own.event("acd.start"))
    wait_for(own.api, 1, own.customer)
    wait_until(lambda: len(own.failures()) == 1, MINUTES)
    (failure,) = own.failures()
    assert (failure["configurationId"], failure["source"]) == ("native", "genesys")
    assert (failure["reason"], failure["fieldName"]) == ("invalid.attribute", "attributes.queueId")
    whole = own.api.call("GET", f"externalevents/failures/{failure['id']}")
    assert whole["payload"]["detail"]["eventBody"]["queueId"] == 7
    again = own.api.call("POST", f"externalevents/failures/{failure['id']}/replay")
    assert again["replays"][-1]["reason"] == "invalid.attribute"


def test_past_events_are_imported_through_the_function_of_new_ones(
    bus: Callable[[], Bus], run: Callable[..., int], tmp_path: Path
) -> None:
    own = bus()
    past = [own.event(kind, index) for index, kind in enumerate(BODIES)]
    stranger = own.event("acw", source=f"local.unknown-{uuid.uuid4().hex[:8]}")
    file = tmp_path / "calls"  # As Amazon Data Firehose writes it, without line breaks.
    file.write_text("".join(json.dumps(one) for one in [*past, own.event("acd.end", 99, queueId=7), stranger]))
    assert run("import-native", str(file), "--dry-run") == 1
    assert own.journey() == []
    for _ in range(2):
        assert run("import-native", str(file)) == 1
        wait_for(own.api, len(past), own.customer)
    own.put(*past)
    own.put(own.event("acw", 100))
    wait_for(own.api, len(past) + 1, own.customer)
    assert [one["reason"] for one in own.failures()] == ["invalid.attribute"]


def test_a_source_writes_only_into_the_organization_that_has_it(bus: Callable[[], Bus]) -> None:
    own, other = bus(), bus()
    stranger = own.event("customer.start", source=f"local.unknown-{uuid.uuid4().hex[:8]}")
    # The body names the other organization, as a dishonest sender would.
    forged = own.event("customer.end", 1, organizationId=other.organization_id, externalContactId=other.customer[1])
    own.put(stranger, forged, own.event("acw", 2))
    wait_for(own.api, 1, own.customer)
    assert [one["eventName"] for one in own.journey()] == ["After-call work"]
    assert own.api.call("GET", "customers", externalSourceId="genesys", value=other.customer[1])["eventCount"] == 1
    assert other.journey() == []
    assert other.failures() == []
    other.put(other.event("acw", 3))
    wait_for(other.api, 1, other.customer)
