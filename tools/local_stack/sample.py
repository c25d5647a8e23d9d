"""Sample data: event types of four systems, calls to a contact center, and simulated customers of a web shop.

Each system knows customers by an identifier of its own. The shop's pages know a visitor, and the customer only after
sign-in; orders name the customer and an e-mail address; surveys the e-mail address alone; calls a contact and a
telephone number; and a case names the customer and the contact who called.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from tools.native_events import genesys_event

CUSTOMER_SOURCE = "crm"
VISITOR_SOURCE, EMAIL_SOURCE, CONTACT_SOURCE = "adobe-ecid", "email", "genesys"
DAYS = 60

QUEUES = ("queue-orders", "queue-returns", "queue-billing")
AGENTS = tuple(f"agent-{number}" for number in range(1, 9))


def core(kind: str, **constraints: Any) -> dict[str, Any]:
    """An attribute's schema that refers to a core type."""
    return {"allOf": [{"$ref": f"#/definitions/{kind}"}], **constraints}


@dataclass(frozen=True)
class SampleEventType:
    """An event type, and the system that is its source."""

    source: str
    schema: dict[str, Any]

    @property
    def title(self) -> str:
        return str(self.schema["title"])


WEB_VISIT = SampleEventType(
    "Adobe Analytics",
    {
        "title": "Web Visit",
        "description": "A visit to the web shop.",
        "required": ["section", "device"],
        "properties": {
            "section": core("enum", enum=["home", "laptops", "phones", "audio", "support", "checkout"]),
            "device": core("enum", enum=["desktop", "mobile", "tablet"]),
            "campaign": core("text", maxLength=60),
            "pages": core("integer", minimum=1, maximum=500),
            "minutes": core("number", minimum=0),
            "loggedIn": core("boolean"),
        },
    },
)
ORDER = SampleEventType(
    "ERP",
    {
        "title": "Order Updated",
        "description": "An order whose status changed.",
        "required": ["orderId", "status", "amount"],
        "properties": {
            "orderId": core("identifier"),
            "status": core("enum", enum=["placed", "shipped", "delivered", "returned"]),
            "amount": core("number", minimum=0),
            "currency": core("enum", enum=["EUR", "USD", "GBP"]),
            "items": core("integer", minimum=1),
            "express": core("boolean"),
        },
    },
)
CASE = SampleEventType(
    "ServiceNow",
    {
        "title": "Case Updated",
        "description": "A support case whose state changed.",
        "required": ["caseNumber", "state"],
        "properties": {
            "caseNumber": core("identifier"),
            "state": core("enum", enum=["New", "In Progress", "Awaiting Customer", "Resolved", "Closed"]),
            "priority": core("enum", enum=["1 - Critical", "2 - High", "3 - Moderate", "4 - Low"]),
            "category": core("text"),
            "reassignments": core("integer", minimum=0),
        },
    },
)
SURVEY = SampleEventType(
    "Qualtrics",
    {
        "title": "Survey Response",
        "description": "A response to a survey.",
        "required": ["survey", "score"],
        "properties": {
            "survey": core("text"),
            "score": core("integer", minimum=0, maximum=10),
            "recommends": core("boolean"),
            "comment": core("longtext"),
            "topics": core("tag"),
        },
    },
)
EVENT_TYPES = (WEB_VISIT, ORDER, CASE, SURVEY)


@dataclass
class SimulatedCustomer:
    """One simulated customer. Each action moves the clock forward."""

    number: int
    dice: random.Random
    now: datetime
    end: datetime
    events: list[tuple[SampleEventType, dict[str, Any]]] = field(default_factory=list)
    calls: list[dict[str, Any]] = field(default_factory=list)

    @property
    def identifiers(self) -> dict[str, str]:
        """The customer's identifiers, by their source."""
        return {
            CUSTOMER_SOURCE: f"C-{self.number:04d}",
            VISITOR_SOURCE: f"4040{self.number:034d}",
            EMAIL_SOURCE: f"c{self.number:04d}@mail.example",
            CONTACT_SOURCE: f"contact-{self.number:04d}",
        }

    def add_event(self, event_type: SampleEventType, id_: str, attributes: dict[str, Any], *sources: str) -> None:
        """Adds an event that names the customer by the identifiers of these sources."""
        if self.now < self.end:
            self.events.append(
                (
                    event_type,
                    {
                        "id": id_,
                        "dateCreated": self.now.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
                        "identifiers": {
                            "externalIds": [
                                {"externalSourceId": source, "value": self.identifiers[source]} for source in sources
                            ]
                        },
                        "attributes": attributes,
                    },
                )
            )

    def add_call_event(self, kind: str, conversation_id: str, **body: Any) -> None:
        """Adds an event of a call, as EventBridge delivers it."""
        if self.now < self.end:
            date = int(self.now.timestamp() * 1000)
            contact = self.identifiers[CONTACT_SOURCE]
            named: dict[str, Any] = {"conversationExternalContactIds": [contact]}
            if kind.startswith("customer."):
                named["externalContactId"] = contact
            number = f"tel:+1317555{self.number:04d}"
            self.calls.append(
                genesys_event(kind, date_ms=date, conversation_id=conversation_id, ani=number, **named, **body)
            )

    def wait(self, **limit: float) -> None:
        """Moves the clock by a random time of at most `limit`, such as days=2."""
        ((unit, number),) = limit.items()
        self.now += timedelta(**{unit: self.dice.uniform(0.1, 1) * number}, milliseconds=self.dice.randrange(1000))

    def simulate(self) -> None:
        self.wait(days=12)
        while self.now < self.end:
            self._browse()
            if self.dice.random() < 0.45:
                self._order()
            self.wait(days=16)

    def _browse(self) -> None:
        campaign = self.dice.choice(["", "", "autumn-sale", "newsletter-42", "search-brand"])
        for _ in range(self.dice.randint(1, 4)):
            section = self.dice.choice(["home", "laptops", "phones", "audio", "laptops"])
            self._visit(section, campaign, logged_in=self.dice.random() < 0.3)
            self.wait(hours=20)

    def _visit(self, section: str, campaign: str = "", *, logged_in: bool = True) -> None:
        pages = self.dice.randint(1, 14)
        attributes = {
            "section": section,
            "device": self.dice.choice(["desktop", "mobile", "mobile", "tablet"]),
            "pages": pages,
            "minutes": round(pages * self.dice.uniform(0.4, 1.6), 1),
            "loggedIn": logged_in,
        }
        if campaign:
            attributes["campaign"] = campaign
        sources = (CUSTOMER_SOURCE, VISITOR_SOURCE) if logged_in else (VISITOR_SOURCE,)
        self.add_event(WEB_VISIT, f"hit-{self.number:04d}-{len(self.events):03d}", attributes, *sources)

    def _order(self) -> None:
        self._visit("checkout")
        self.wait(minutes=9)
        order_id = f"SO-{self.number:04d}{len(self.events):03d}"
        order = {
            "orderId": order_id,
            "amount": self.dice.choice([49.9, 129, 349, 899, 1299, 1749.5]) * self.dice.choice([1, 1, 1, 2]),
            "currency": self.dice.choice(["EUR", "EUR", "EUR", "USD", "GBP"]),
            "items": self.dice.randint(1, 4),
            "express": self.dice.random() < 0.2,
        }

        def change_status(status: str) -> None:
            attributes = {**order, "status": status}
            self.add_event(ORDER, f"{order_id}-{status}", attributes, CUSTOMER_SOURCE, EMAIL_SOURCE)

        change_status("placed")
        self.wait(days=2)
        change_status("shipped")
        self.wait(days=3)
        change_status("delivered")
        happy = self.dice.random() < 0.7
        if not happy:
            self._complain()
            if self.dice.random() < 0.4:
                self.wait(days=4)
                change_status("returned")
        if self.dice.random() < 0.55:
            self.wait(days=2)
            self._respond(happy)

    def _complain(self) -> None:
        self.wait(days=2)
        self._visit("support", logged_in=self.dice.random() < 0.5)
        self.wait(minutes=40)
        if self.dice.random() < 0.75:
            self._call()
            self.wait(minutes=20)
        number = f"CS{self.number:04d}{len(self.events):03d}"
        case: dict[str, Any] = {
            "caseNumber": number,
            "priority": self.dice.choice(["2 - High", "3 - Moderate", "3 - Moderate", "4 - Low"]),
            "category": self.dice.choice(["Delivery", "Broken on arrival", "Billing", "How do I"]),
            "reassignments": 0,
        }
        states = ["New", "In Progress", *(["Awaiting Customer"] * (self.dice.random() < 0.4)), "Resolved", "Closed"]
        for index, state in enumerate(states):
            attributes = {**case, "state": state}
            self.add_event(CASE, f"{number}-{index}", attributes, CUSTOMER_SOURCE, CONTACT_SOURCE)
            case["reassignments"] += self.dice.random() < 0.25
            self.wait(hours=30)

    def _call(self) -> None:
        """A call: a voice menu, a queue, and an agent, unless the customer hangs up before."""
        conversation = str(UUID(int=self.dice.getrandbits(128), version=4))
        queue, agent = {"queueId": self.dice.choice(QUEUES)}, self.dice.choice(AGENTS)
        waiting, talking = self.dice.randint(5, 420), self.dice.randint(90, 900)
        self.add_call_event("customer.start", conversation)
        self.wait(seconds=2)
        self.add_call_event("flow.start", conversation)
        self.wait(seconds=40)
        self.add_call_event("flow.end", conversation)
        self.wait(seconds=1)
        self.add_call_event("acd.start", conversation, **queue)
        self.now += timedelta(seconds=waiting)
        answered = self.dice.random() < 1 - waiting / 800
        self.add_call_event(
            "acd.end",
            conversation,
            **queue,
            acdOutcome="ANSWERED" if answered else "ABANDON",
            answeredUserId=agent if answered else None,
            connectedDurationMs=1000 * waiting,
        )
        self.wait(seconds=1)
        if answered:
            self.add_call_event("user.start", conversation, **queue, userId=agent)
            self.now += timedelta(seconds=talking)
            self.add_call_event("user.end", conversation, **queue, userId=agent, interactingDurationMs=1000 * talking)
        self.add_call_event("customer.end", conversation, interactingDurationMs=1000 * talking if answered else None)
        if answered:
            code = self.dice.choice(["code-refund", "code-delivery", "code-question", "code-complaint"])
            self.wait(seconds=45)
            self.add_call_event("wrapup", conversation, **queue, wrapupCode=code)
            self.wait(seconds=5)
            self.add_call_event("acw", conversation, **queue, userId=agent, wrapupCode=code)

    def _respond(self, happy: bool) -> None:
        score = self.dice.randint(8, 10) if happy else self.dice.randint(0, 7)
        comment = self.dice.choice(
            ["Quick and easy.", "Will come back.", "Delivery was a day early."]
            if happy
            else ["Had to ask three times.", "Friendly, but slow.", "It arrived broken."]
        )
        attributes = {
            "survey": "After delivery",
            "score": score,
            "recommends": score >= 9,
            "comment": comment,
            "topics": self.dice.sample(["price", "delivery", "support", "product"], k=self.dice.randint(1, 2)),
        }
        self.add_event(SURVEY, f"R_{self.number:04d}{len(self.events):03d}", attributes, EMAIL_SOURCE)


def events(seed: str, customers: int, today: datetime) -> Iterator[tuple[SampleEventType, dict[str, Any]]]:
    """Yields the events of some customers in the 60 days before `today`. The same arguments give the same events."""
    for customer in _simulated(seed, customers, today):
        yield from customer.events


def calls(seed: str, customers: int, today: datetime, source: str) -> Iterator[dict[str, Any]]:
    """Yields the events of the same customers' calls, as EventBridge delivers them. `source` is the contact center."""
    for customer in _simulated(seed, customers, today):
        for event in customer.calls:
            yield event | {"source": source}


def _simulated(seed: str, customers: int, today: datetime) -> Iterator[SimulatedCustomer]:
    end = today.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    for number in range(1, customers + 1):
        customer = SimulatedCustomer(number, random.Random(f"{seed}-{number}"), end - timedelta(days=DAYS), end)
        customer.simulate()
        yield customer
