"""The traffic of a load run: events, repeats, deliveries, calls and invalid input, each with its expected outcome."""

import json
import time
from collections import Counter, defaultdict, deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from random import Random
from threading import Lock
from typing import Any

from journeys.events.model import ExternalId
from journeys.identity.model import Pair, pairs
from tools.load.deck import Deck
from tools.local_stack.sample import (
    CASE,
    CONTACT_SOURCE,
    CUSTOMER_SOURCE,
    EMAIL_SOURCE,
    EVENT_TYPES,
    ORDER,
    WEB_VISIT,
    SampleEventType,
    events,
)
from tools.native_events import genesys_event
from tools.signing import sign

Event = dict[str, Any]

CUSTOMERS = 200
HOT_CUSTOMERS = tuple(f"hot-{number}" for number in range(3))
TELEPHONE_SOURCE = "phone"
LINKING = {(): 60, (EMAIL_SOURCE,): 25, (CONTACT_SOURCE,): 10, (EMAIL_SOURCE, CONTACT_SOURCE): 5}
"""The other sources of which a posted event names an identifier, and of how many of 100 events."""
CALL = ("customer.start", "flow.start", "acd.start", "user.start", "user.end", "customer.end", "wrapup")
"""The kinds of a call's events."""
HOT_CALLERS = 0.3
EVENTS_PER_REQUEST = 100
EVENTS_PER_LARGE_DELIVERY = 1000
REMEMBERED = 500
"""The recorded events of each type that can be sent again."""

RECORDED = ("created", "duplicate")
QUEUED = "queued"
"""The outcome of an event whose delivery was acknowledged and is ingested from the queue."""
NO_RESPONSE = "no response"


class TrafficKind(StrEnum):
    """A kind of traffic. Each event is of one kind."""

    NEW = "new"
    HOT = "new, of a few busy customers"
    LATE = "new, days late"
    DELIVERED = "new, delivered to a webhook"
    LARGE = "new, in a delivery of 1,000"
    REPEATED = "sent before"
    REDELIVERED = "delivered before"
    UNDATED = "without a date"
    UNKNOWN = "with an unknown attribute"
    CONFLICTING = "with the id of another event"
    GARBLED = "not JSON"
    FORGED = "with a forged signature"
    NATIVE = "new, of a contact center, out of order"
    NATIVE_REPEATED = "of a contact center, sent before"
    NATIVE_MALFORMED = "of a contact center, malformed"
    NATIVE_UNMAPPED = "of an unknown contact center"


FRESH = frozenset(
    {
        TrafficKind.NEW, TrafficKind.HOT, TrafficKind.LATE, TrafficKind.DELIVERED, TrafficKind.LARGE,
        TrafficKind.NATIVE,
    }
)  # fmt: skip
REPEATS = frozenset({TrafficKind.REPEATED, TrafficKind.REDELIVERED, TrafficKind.NATIVE_REPEATED})
DELIVERED = frozenset({TrafficKind.DELIVERED, TrafficKind.LARGE, TrafficKind.REDELIVERED})
ON_BUS = frozenset(
    {TrafficKind.NATIVE, TrafficKind.NATIVE_REPEATED, TrafficKind.NATIVE_MALFORMED, TrafficKind.NATIVE_UNMAPPED}
)
"""The kinds that are put on the event bus. Nobody is told their outcome: it is read from what is stored and logged."""
REFUSAL_REASONS = {
    TrafficKind.UNDATED: "missing.date",
    TrafficKind.UNKNOWN: "unknown.attribute",
    TrafficKind.CONFLICTING: "event.conflict",
    TrafficKind.GARBLED: "bad.request",
    TrafficKind.FORGED: "not.proven",
    TrafficKind.NATIVE_MALFORMED: "invalid.attribute",
}
"""The reason for which each kind of invalid input is refused."""

STORED_REFUSALS = frozenset(
    {TrafficKind.UNDATED, TrafficKind.UNKNOWN, TrafficKind.CONFLICTING, TrafficKind.NATIVE_MALFORMED}
)
"""The kinds that are stored as failures. The others cannot be read, or do not come from the sender."""

POSTED = {TrafficKind.NEW: 200, TrafficKind.HOT: 80, TrafficKind.LATE: 56,
          TrafficKind.REPEATED: 60, TrafficKind.UNDATED: 1, TrafficKind.UNKNOWN: 1, TrafficKind.CONFLICTING: 1,
          TrafficKind.GARBLED: 1}  # fmt: skip
CARRIED = {TrafficKind.DELIVERED: 39, TrafficKind.REDELIVERED: 10, TrafficKind.FORGED: 1}
CALLED = {TrafficKind.NATIVE: 14, TrafficKind.NATIVE_REPEATED: 4,
          TrafficKind.NATIVE_MALFORMED: 1, TrafficKind.NATIVE_UNMAPPED: 1}  # fmt: skip
"""The mix of kinds among posted events, among deliveries, and among events of calls.

Of the posted and delivered events 1% is invalid. Calls have more, because a short run has few of them.
"""


# -- expected outcomes -------------------------------------------------------------------------------------------------


class LoadTally:
    """Counts what was sent, by outcome. May be used by several threads."""

    def __init__(self) -> None:
        self._lock = Lock()
        self.sent: Counter[TrafficKind] = Counter()
        self.outcomes: Counter[tuple[TrafficKind, str]] = Counter()
        self.unexpected: Counter[tuple[TrafficKind, str]] = Counter()
        self.unanswered: Counter[str] = Counter()

    def send(self, kinds: Iterable[TrafficKind]) -> None:
        """Counts events before they are sent; once, even if they are sent again."""
        with self._lock:
            self.sent.update(kinds)

    def add(self, kind: TrafficKind, outcome: str, *, retried: bool) -> None:
        """Counts the outcome of an event. `retried` says that an earlier attempt had no response."""
        with self._lock:
            self.outcomes[kind, outcome] += 1
            if outcome not in _expected(kind, retried=retried):
                self.unexpected[kind, outcome] += 1

    def miss(self, reason: str) -> None:
        """Counts a request whose response does not say what became of its events."""
        with self._lock:
            self.unanswered[reason] += 1

    def number(self, kinds: Iterable[TrafficKind], *outcomes: str) -> int:
        """The number of events of some kinds with some outcomes."""
        return sum(self.outcomes[kind, outcome] for kind in kinds for outcome in outcomes)

    @property
    def answered(self) -> bool:
        """Whether a sender was told an outcome, which shows that the functions behind the API have started."""
        return any(kind not in ON_BUS for kind, _ in self.outcomes.copy())

    def refused(self, kind: TrafficKind) -> Counter[str]:
        """The refused events of a kind, by reason."""
        return Counter(
            {
                outcome: number
                for (of, outcome), number in self.outcomes.items()
                if of is kind and outcome not in (*RECORDED, QUEUED, NO_RESPONSE)
            }
        )

    def adds_up(self, kind: TrafficKind) -> bool:
        """Whether every event of a kind has the outcome that it must have."""
        accounted = self.number([kind], *RECORDED, QUEUED) + self.refused(kind).total()
        return self.sent[kind] == accounted and not any(of is kind for of, _ in self.unexpected)


def _expected(kind: TrafficKind, *, retried: bool) -> frozenset[str]:
    if kind in ON_BUS:
        return frozenset({QUEUED})
    queued = {QUEUED} if kind in DELIVERED else set()
    if kind in REPEATS:
        return frozenset({"duplicate"} | queued)
    if kind in FRESH:
        return frozenset(({"created", "duplicate"} if retried else {"created"}) | queued)
    return frozenset({REFUSAL_REASONS[kind]})


# -- requests and deliveries -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class TrafficRequest:
    """Events of one type to post. A request that is not JSON has one event."""

    title: str
    kinds: tuple[TrafficKind, ...]
    events: tuple[Event, ...]

    def body(self, indexes: Sequence[int]) -> bytes:
        """The body with the events at these indexes."""
        body = json.dumps({"entities": [self.events[index] for index in indexes]}).encode()
        return body[:-1] if self.kinds[0] is TrafficKind.GARBLED else body


@dataclass(frozen=True, slots=True)
class TrafficDelivery:
    """One event that a sender delivers, or a list of events of one kind."""

    sender: "TrafficSender"
    kind: TrafficKind
    events: tuple[Event, ...]

    @property
    def body(self) -> bytes:
        return json.dumps(self.events if len(self.events) > 1 else self.events[0]).encode()

    def headers(self, url: str) -> dict[str, str]:
        """The headers that sign the delivery at the present time."""
        secret = self.sender.wrong_secret if self.kind is TrafficKind.FORGED else self.sender.secret
        return sign(self.sender.name, self.body, secret, url, time.time()).headers


@dataclass(frozen=True, slots=True)
class TrafficCall:
    """Events of a call, as EventBridge delivers them, in the order in which they are put on the bus."""

    kinds: tuple[TrafficKind, ...]
    events: tuple[Event, ...]
    links: frozenset[Pair]
    """The links that its new events make."""


def links_of(event: Event) -> list[Pair]:
    """The links that a posted event makes."""
    return pairs([ExternalId(one["externalSourceId"], one["value"]) for one in event["identifiers"]["externalIds"]])


@dataclass(frozen=True)
class TrafficSender:
    """A sender of webhooks. Its payload is an event in the API's form; its signature is the sender's own."""

    name: str
    event_type: SampleEventType
    secret: str
    wrong_secret: str

    @property
    def mapping(self) -> dict[str, Any]:
        return {
            "id": "id",
            "dateCreated": "dateCreated",
            "dateFormat": "iso",
            "externalSourceId": f"'{CUSTOMER_SOURCE}'",
            "customer": "identifiers.externalIds[0].value",
            "attributes": {name: f"attributes.{name}" for name in self.event_type.schema["properties"]},
        }


SENDERS = (
    TrafficSender("shopify", ORDER, "a-secret-of-the-shop", "another"),
    TrafficSender("segment", WEB_VISIT, "a-secret-of-segment", "another"),
    TrafficSender("standard", CASE, "whsec_bG9hZC1ydW4tb25lLTE=", "whsec_bG9hZC1ydW4tdHdvLTI="),
)

LARGE_SENDER = next(sender for sender in SENDERS if sender.name == "segment")
"""The sender of deliveries of many events."""


class Traffic:
    """The endless traffic of one organization's senders. May be used by several threads.

    The same seed gives the same traffic, except for dates and for which recorded events are repeated.
    """

    def __init__(self, seed: str) -> None:
        self._dice = Random(seed)
        self._posted, self._carried = Deck(POSTED, self._dice), Deck(CARRIED, self._dice)
        self._called, self._calls = Deck(CALLED, self._dice), deque[Event](maxlen=REMEMBERED)
        self._lock = Lock()
        self._number = 0
        self._attributes: dict[str, list[Any]] = defaultdict(list)
        for event_type, event in events(seed, 40, datetime.now(UTC)):
            self._attributes[event_type.title].append(event["attributes"])
        self._recorded: dict[tuple[str, bool], deque[Event]] = defaultdict(lambda: deque(maxlen=REMEMBERED))

    def request(self) -> TrafficRequest:
        """The next request, of 1 to 100 events."""
        with self._lock:
            title = self._dice.choice(EVENT_TYPES).title
            size = 1 if self._dice.random() < 0.5 else self._dice.randint(2, EVENTS_PER_REQUEST)
            kinds: list[TrafficKind] = []
            while len(kinds) < size:
                kind = self._posted.draw()
                if kind is TrafficKind.GARBLED:  # is sent alone
                    if kinds:
                        self._posted.put_back(kind)
                    else:
                        kinds.append(kind)
                    break
                if kind in (TrafficKind.REPEATED, TrafficKind.CONFLICTING) and not self._recorded[title, False]:
                    self._posted.put_back(kind)
                    kind = TrafficKind.NEW
                kinds.append(kind)
            return TrafficRequest(title, tuple(kinds), tuple(self._event(title, kind) for kind in kinds))

    def delivery(self) -> TrafficDelivery:
        """The next delivery of a sender."""
        with self._lock:
            sender = self._dice.choice(SENDERS)
            kind = self._carried.draw()
            if kind is TrafficKind.REDELIVERED and not self._recorded[sender.event_type.title, True]:
                self._carried.put_back(kind)
                kind = TrafficKind.DELIVERED
            return TrafficDelivery(sender, kind, (self._event(sender.event_type.title, kind),))

    def large_delivery(self) -> TrafficDelivery:
        """The next delivery of many new events."""
        with self._lock:
            title, kind = LARGE_SENDER.event_type.title, TrafficKind.LARGE
            made = tuple(self._event(title, kind) for _ in range(EVENTS_PER_LARGE_DELIVERY))
            return TrafficDelivery(LARGE_SENDER, kind, made)

    def call(self, source: str) -> TrafficCall:
        """The events of the next call, out of order. `source` is the contact center's."""
        with self._lock:
            self._number += 1
            customer, start = self._customer(hot=self._dice.random() < HOT_CALLERS), datetime.now(UTC)
            drawn: list[tuple[TrafficKind, Event]] = []
            for index, step in enumerate(CALL):
                kind = self._called.draw()
                if kind is TrafficKind.NATIVE_REPEATED and not self._calls:
                    self._called.put_back(kind)
                    kind = TrafficKind.NATIVE
                date = start - timedelta(seconds=len(CALL) - index)
                drawn.append((kind, self._call_event(step, kind, customer, date, source)))
            self._dice.shuffle(drawn)
            kinds, made = zip(*drawn, strict=True)
            linked = pairs(
                [ExternalId(CONTACT_SOURCE, _contact(customer)), ExternalId(TELEPHONE_SOURCE, _telephone(customer))]
            )
            return TrafficCall(kinds, made, frozenset(linked if TrafficKind.NATIVE in kinds else ()))

    def recorded(self, title: str, event: Event, *, delivered: bool) -> None:
        """Remembers a recorded event, so that it can be sent again."""
        with self._lock:
            self._recorded[title, delivered].append(event)

    def _event(self, title: str, kind: TrafficKind) -> Event:
        if kind in REPEATS:
            return self._dice.choice(self._recorded[title, kind is TrafficKind.REDELIVERED])
        self._number += 1
        now = datetime.now(UTC)
        date = now - timedelta(days=self._dice.uniform(2, 60)) if kind is TrafficKind.LATE else now
        hot = kind is TrafficKind.HOT
        customer = self._customer(hot=hot)
        event = {
            "id": f"load-{self._number}",
            "dateCreated": date.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "identifiers": {"externalIds": self._identifiers(kind, customer)},
            "attributes": self._dice.choice(self._attributes[title]),
        }
        if kind is TrafficKind.UNDATED:
            del event["dateCreated"]
        if kind is TrafficKind.UNKNOWN:
            event["attributes"] = {**event["attributes"], "notInTheSchema": self._number}
        if kind is TrafficKind.CONFLICTING:
            event["id"] = self._dice.choice(self._recorded[title, False])["id"]
        return event

    def _customer(self, *, hot: bool) -> str:
        return self._dice.choice(HOT_CUSTOMERS) if hot else f"C-{self._dice.randrange(CUSTOMERS):04d}"

    def _identifiers(self, kind: TrafficKind, customer: str) -> list[dict[str, str]]:
        """The identifiers that an event names. Deliveries are mapped to one."""
        values = {EMAIL_SOURCE: f"{customer.lower()}@mail.example", CONTACT_SOURCE: _contact(customer)}
        (others,) = self._dice.choices(list(LINKING), list(LINKING.values())) if kind in POSTED else ((),)
        named = {CUSTOMER_SOURCE: customer} | {source: values[source] for source in others}
        return [{"externalSourceId": source, "value": value} for source, value in named.items()]

    def _call_event(self, step: str, kind: TrafficKind, customer: str, date: datetime, source: str) -> Event:
        if kind is TrafficKind.NATIVE_REPEATED:
            return self._dice.choice(self._calls)
        body: Event = {
            "date_ms": int(date.timestamp() * 1000),
            "conversation_id": f"call-{self._number}",
            "ani": f"tel:{_telephone(customer)}",
            "externalContactId": _contact(customer),
            "source": source,
        }
        if kind is TrafficKind.NATIVE_MALFORMED:
            return genesys_event(step, **body, provider=self._number)
        if kind is TrafficKind.NATIVE_UNMAPPED:
            # A source of its own, so that the log tells one that was dropped twice from two.
            return genesys_event(step, **body | {"source": f"{source}.unknown-{self._number}-{step}"})
        event = genesys_event(step, **body)
        self._calls.append(event)
        return event


def _contact(customer: str) -> str:
    return f"contact-{customer.lower()}"


def _telephone(customer: str) -> str:
    return f"+1317{'555' if customer in HOT_CUSTOMERS else '556'}{int(customer.rpartition('-')[2]):04d}"
