"""One person under four identifiers, with external and native events: one journey, and one way through a view."""

from collections.abc import Callable
from typing import Any

import pytest

from journeys import dates
from tests.conftest import Caller
from tests.e2e.test_pipeline import MINUTES, events_of
from tests.e2e.test_views import computed
from tests.support.waiting import wait_until
from tools.api import ApiClient, ApiError
from tools.local_stack.run import configurations
from tools.local_stack.sample import CASE, ORDER, SURVEY, WEB_VISIT, SampleEventType
from tools.local_stack.sample_view import sample_view
from tools.native_events import genesys_event, put_events
from tools.operator.admin import Admin
from tools.stack import Stack

HOUR = 3_600_000
START = dates.now_ms() - 10 * 24 * HOUR
VISITOR, CRM, EMAIL, CONTACT = (
    ("adobe-ecid", "40401"), ("crm", "C-1"), ("email", "ada@shop.example"), ("genesys", "contact-1"),
)  # fmt: skip
WAY = ("checkout", "placed", "delivered", "support", "waiting", "answered", "case", "resolved")
"""The elements of the sample view that the person reaches in turn."""

_SAMPLES: dict[str, dict[str, Any]] = {
    WEB_VISIT.title: {"section": "checkout", "device": "mobile", "pages": 3},
    ORDER.title: {"orderId": "SO-1", "status": "placed", "amount": 49.9},
    CASE.title: {"caseNumber": "CS-1", "state": "New"},
    SURVEY.title: {"survey": "After delivery", "score": 3},
}


class Shop:
    """An organization with the sample's event types, and the events of one person in four systems and a call."""

    def __init__(self, stack: Stack, caller: Caller) -> None:
        self._stack, self.organization_id, self.api = stack, caller.organization_id, caller.api
        self._source = f"local.{caller.organization_id}"
        Admin(stack).add_native_source(caller.organization_id, self._source)
        self._configurations = configurations(self.api)

    def send(self, event_type: SampleEventType, hours: float, *identifiers: tuple[str, str], **attributes: Any) -> None:
        event = {
            "id": f"{event_type.source}-{hours}",
            "dateCreated": dates.text(START + int(hours * HOUR)),
            "identifiers": {
                "externalIds": [{"externalSourceId": source, "value": value} for source, value in identifiers]
            },
            "attributes": _SAMPLES[event_type.title] | attributes,
        }
        (done,) = self.api.send(self._configurations[event_type.title], [event])["processed"]
        assert done["outcome"] == "created"

    def call(self, hours: float) -> None:
        """A call that waits in a queue and is answered."""
        first = START + int(hours * HOUR)
        named = {"conversation_id": "call-1", "source": self._source, "externalContactId": CONTACT[1]}
        kinds = ("customer.start", "acd.start", "acd.end", "user.start", "user.end", "customer.end", "wrapup")
        put_events(
            self._stack, [genesys_event(kind, date_ms=first + 20_000 * n, **named) for n, kind in enumerate(kinds)]
        )


def journey(api: ApiClient, identifier: tuple[str, str]) -> list[dict[str, Any]]:
    """The events of a customer, oldest first; none if there are none."""
    try:
        return events_of(api, identifier, order="asc", pageSize=100)
    except ApiError as error:
        if error.status != 404:
            raise
        return []


@pytest.fixture
def shop(stack: Stack, caller: Callable[..., Caller]) -> Shop:
    return Shop(stack, caller())


def test_a_person_of_four_systems_and_a_call_is_one_journey_and_one_way_through_a_view(
    shop: Shop,
    run: Callable[..., int],
) -> None:
    api = shop.api
    shop.send(SURVEY, 80, EMAIL)
    shop.call(52)
    shop.send(WEB_VISIT, 0, VISITOR, section="laptops")
    shop.send(WEB_VISIT, 1, CRM, VISITOR)
    shop.send(ORDER, 1.5, CRM, EMAIL)
    shop.send(ORDER, 40, CRM, EMAIL, status="delivered")
    shop.send(WEB_VISIT, 51.5, VISITOR, section="support")
    shop.send(CASE, 52.5, CRM, CONTACT)
    shop.send(CASE, 60, CRM, CONTACT, state="Resolved")
    wait_until(lambda: len(journey(api, VISITOR)) == 15, MINUTES)

    events = journey(api, EMAIL)
    assert [one["eventName"] for one in events] == [
        "Web Visit", "Web Visit", "Order Updated", "Order Updated", "Web Visit", "Customer start", "ACD start",
        "ACD end", "Agent start", "Agent end", "Customer end", "Wrap-up", "Case Updated", "Case Updated",
        "Survey Response",
    ]  # fmt: skip
    assert [(one["identifier"]["externalSourceId"], one["identifier"]["value"]) for one in events] == [
        VISITOR, CRM, CRM, CRM, VISITOR, *[CONTACT] * 7, CRM, CRM, EMAIL,
    ]  # fmt: skip

    definitions = {one["name"]: one["id"] for one in api.call("GET", "views/eventdefinitions")["entities"]}
    view = api.call("POST", "views", sample_view(definitions))
    identifiers_only = api.call("POST", "views", sample_view(definitions) | {"identity": "Identifier"})
    wait_until(lambda: reached(api, view) == {*WAY, "survey"}, 3 * MINUTES)
    assert reached(api, identifiers_only) == {"checkout", "placed", "delivered"}

    link = {
        name: {"externalSourceId": source, "value": value} for name, (source, value) in (("from", CRM), ("to", EMAIL))
    }
    api.call("POST", "customers/unlinks", link)
    assert [one["eventName"] for one in journey(api, EMAIL)] == ["Survey Response"]
    assert len(journey(api, CONTACT)) == 14
    assert reached(api, view) == set(WAY)
    api.call("POST", "customers/links", link)
    assert journey(api, CONTACT) == events
    assert reached(api, view) == {*WAY, "survey"}

    scope = ("--organization", shop.organization_id)
    wait_until(lambda: run("verify", *scope) == 0, 3 * MINUTES)
    assert run("rebuild", *scope) == 0
    assert journey(api, CRM) == events


def reached(api: ApiClient, view: dict[str, Any]) -> set[str]:
    """The elements that somebody reaches in the view; each is reached by one customer."""
    _, result = computed(api, view)
    counts = {one["id"]: one["metrics"]["participantCount"] for one in result["elements"]}
    assert set(counts.values()) <= {0, 1}
    return {id_ for id_, count in counts.items() if count}
