"""Sample data: event types of four systems, and simulated customers of a web shop."""

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

CUSTOMER_SOURCE = "crm"
DAYS = 60


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

    def add_event(self, event_type: SampleEventType, id_: str, attributes: dict[str, Any]) -> None:
        if self.now < self.end:
            self.events.append(
                (
                    event_type,
                    {
                        "id": id_,
                        "dateCreated": self.now.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
                        "identifiers": {
                            "externalIds": [{"externalSourceId": CUSTOMER_SOURCE, "value": f"C-{self.number:04d}"}]
                        },
                        "attributes": attributes,
                    },
                )
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
            self._visit(section, campaign)
            self.wait(hours=20)

    def _visit(self, section: str, campaign: str = "") -> None:
        pages = self.dice.randint(1, 14)
        attributes = {
            "section": section,
            "device": self.dice.choice(["desktop", "mobile", "mobile", "tablet"]),
            "pages": pages,
            "minutes": round(pages * self.dice.uniform(0.4, 1.6), 1),
            "loggedIn": self.dice.random() < 0.4,
        }
        if campaign:
            attributes["campaign"] = campaign
        self.add_event(WEB_VISIT, f"hit-{self.number:04d}-{len(self.events):03d}", attributes)

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
            self.add_event(ORDER, f"{order_id}-{status}", {**order, "status": status})

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
        self._visit("support")
        self.wait(minutes=40)
        number = f"CS{self.number:04d}{len(self.events):03d}"
        case: dict[str, Any] = {
            "caseNumber": number,
            "priority": self.dice.choice(["2 - High", "3 - Moderate", "3 - Moderate", "4 - Low"]),
            "category": self.dice.choice(["Delivery", "Broken on arrival", "Billing", "How do I"]),
            "reassignments": 0,
        }
        states = ["New", "In Progress", *(["Awaiting Customer"] * (self.dice.random() < 0.4)), "Resolved", "Closed"]
        for index, state in enumerate(states):
            self.add_event(CASE, f"{number}-{index}", {**case, "state": state})
            case["reassignments"] += self.dice.random() < 0.25
            self.wait(hours=30)

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
        self.add_event(SURVEY, f"R_{self.number:04d}{len(self.events):03d}", attributes)


def events(seed: str, customers: int, today: datetime) -> Iterator[tuple[SampleEventType, dict[str, Any]]]:
    """Yields the events of some customers in the 60 days before `today`. The same arguments give the same events."""
    end = today.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    for number in range(1, customers + 1):
        customer = SimulatedCustomer(number, random.Random(f"{seed}-{number}"), end - timedelta(days=DAYS), end)
        customer.simulate()
        yield from customer.events
