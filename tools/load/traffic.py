"""What a load run sends: a mix of events, repeats, deliveries and bad input, and what must become of each of them."""

import json
import time
from collections import Counter, defaultdict, deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from random import Random
from threading import Lock
from typing import Any

from tools.local_stack.sample import CASE, CUSTOMER_SOURCE, EVENT_TYPES, ORDER, WEB_VISIT, EventType, events
from tools.signing import sign

Event = dict[str, Any]

CUSTOMERS = 200
HOT_CUSTOMERS = tuple(f"hot-{number}" for number in range(3))
MOST_IN_A_REQUEST = 100
REMEMBERED = 500
"""How many events of a type, that were taken in, may be sent again."""

TAKEN = ("created", "duplicate")
NO_ANSWER = "no answer"


class Kind(StrEnum):
    """What is sent. An event is of one kind only."""

    NEW = "new"
    HOT = "new, of a few hot customers"
    LATE = "new, days late"
    DELIVERED = "new, delivered to a webhook"
    REPEATED = "sent before"
    REDELIVERED = "delivered before"
    UNDATED = "no date"
    UNKNOWN = "an unknown attribute"
    CONFLICTING = "another's id"
    GARBLED = "not JSON"
    FORGED = "a forged signature"


FRESH = frozenset({Kind.NEW, Kind.HOT, Kind.LATE, Kind.DELIVERED})
REPEATS = frozenset({Kind.REPEATED, Kind.REDELIVERED})
REFUSED = {
    Kind.UNDATED: "missing.date",
    Kind.UNKNOWN: "unknown.attribute",
    Kind.CONFLICTING: "event.conflict",
    Kind.GARBLED: "bad.request",
    Kind.FORGED: "not.proven",
}
"""The reason for which each kind of bad input is refused."""

KEPT = frozenset({Kind.UNDATED, Kind.UNKNOWN, Kind.CONFLICTING})
"""What is found among the failures; of the others nothing says which event they would have been."""

POSTED = {Kind.NEW: 200, Kind.HOT: 80, Kind.LATE: 56, Kind.REPEATED: 60,
          Kind.UNDATED: 1, Kind.UNKNOWN: 1, Kind.CONFLICTING: 1, Kind.GARBLED: 1}  # fmt: skip
CARRIED = {Kind.DELIVERED: 39, Kind.REDELIVERED: 10, Kind.FORGED: 1}
"""How many of each kind are among so many events that are posted, and among so many that tools deliver: 1% is bad."""


# -- what must become of it --------------------------------------------------------------------------------------------


class Tally:
    """What was sent and what became of it. May be used by several threads."""

    def __init__(self) -> None:
        self._lock = Lock()
        self.sent: Counter[Kind] = Counter()
        self.outcomes: Counter[tuple[Kind, str]] = Counter()
        self.mistaken: Counter[tuple[Kind, str]] = Counter()
        self.unanswered: Counter[str] = Counter()

    def send(self, kinds: Iterable[Kind]) -> None:
        """Counts what is being sent, before anything is known of it; once, however often it is sent again."""
        with self._lock:
            self.sent.update(kinds)

    def add(self, kind: Kind, outcome: str, *, again: bool) -> None:
        """Counts what became of one; `again` where it had been sent before without an answer."""
        with self._lock:
            self.outcomes[kind, outcome] += 1
            if outcome not in _right(kind, again=again):
                self.mistaken[kind, outcome] += 1

    def miss(self, what: str) -> None:
        """Counts a request that got no answer which says what became of its events."""
        with self._lock:
            self.unanswered[what] += 1

    def number(self, kinds: Iterable[Kind], *outcomes: str) -> int:
        """How many of some kinds came to some outcomes."""
        return sum(self.outcomes[kind, outcome] for kind in kinds for outcome in outcomes)

    def refused(self, kind: Kind) -> Counter[str]:
        """How many of a kind were refused, by reason."""
        told = (*TAKEN, NO_ANSWER)
        return Counter(
            {outcome: n for (one, outcome), n in self.outcomes.items() if one is kind and outcome not in told}
        )

    def adds_up(self, kind: Kind) -> bool:
        """Whether all that was sent of a kind was created, a duplicate or refused, and each as it should be."""
        taken = self.number([kind], *TAKEN) + self.refused(kind).total()
        return self.sent[kind] == taken and not any(one is kind for one, _ in self.mistaken)


def _right(kind: Kind, *, again: bool) -> frozenset[str]:
    if kind in REPEATS:
        return frozenset({"duplicate"})
    if kind in FRESH:
        return frozenset({"created", "duplicate"} if again else {"created"})
    return frozenset({REFUSED[kind]})


# -- what is sent ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Request:
    """Events of one type, to be posted; a body that is not JSON holds one."""

    title: str
    kinds: tuple[Kind, ...]
    events: tuple[Event, ...]

    def body(self, places: Sequence[int]) -> bytes:
        """The body with the events at these places."""
        whole = json.dumps({"entities": [self.events[place] for place in places]}).encode()
        return whole[:-1] if self.kinds[0] is Kind.GARBLED else whole


@dataclass(frozen=True, slots=True)
class Delivery:
    """One event that a tool delivers."""

    tool: "Tool"
    kind: Kind
    event: Event

    @property
    def body(self) -> bytes:
        return json.dumps(self.event).encode()

    def headers(self, url: str) -> dict[str, str]:
        """By which the tool proves the delivery, at this moment."""
        secret = self.tool.other_secret if self.kind is Kind.FORGED else self.tool.secret
        return sign(self.tool.sender, self.body, secret, url, time.time()).headers


@dataclass(frozen=True)
class Tool:
    """A SaaS tool that delivers events. Its payload is the event as our API has it; its signature is its own."""

    sender: str
    event_type: EventType
    secret: str
    other_secret: str

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


TOOLS = (
    Tool("shopify", ORDER, "a-secret-of-the-shop", "another"),
    Tool("segment", WEB_VISIT, "a-secret-of-segment", "another"),
    Tool("standard", CASE, "whsec_bG9hZC1ydW4tb25lLTE=", "whsec_bG9hZC1ydW4tdHdvLTI="),
)


@dataclass
class _Deck:
    """Kinds in random order, each as often as it is said; when all have been drawn they are shuffled anew."""

    of: Mapping[Kind, int]
    dice: Random
    left: list[Kind] = field(default_factory=list)

    def draw(self) -> Kind:
        if not self.left:
            self.left = list(Counter(self.of).elements())
            self.dice.shuffle(self.left)
        return self.left.pop()

    def put_back(self, kind: Kind) -> None:
        """For one that cannot be played yet."""
        self.left.insert(self.dice.randrange(len(self.left) + 1), kind)


class Traffic:
    """All that one organisation's senders send, without end: the same for the same seed, but for dates and for what
    was taken in when. May be used by several threads."""

    def __init__(self, seed: str) -> None:
        self._dice = Random(seed)
        self._posted, self._carried = _Deck(POSTED, self._dice), _Deck(CARRIED, self._dice)
        self._lock = Lock()
        self._made = 0
        self._attributes: dict[str, list[Any]] = defaultdict(list)
        for event_type, event in events(seed, 40, datetime.now(UTC)):
            self._attributes[event_type.title].append(event["attributes"])
        self._taken: dict[tuple[str, bool], deque[Event]] = defaultdict(lambda: deque(maxlen=REMEMBERED))

    def request(self) -> Request:
        """The next request: one event, or up to a hundred."""
        with self._lock:
            title = self._dice.choice(EVENT_TYPES).title
            wanted = 1 if self._dice.random() < 0.5 else self._dice.randint(2, MOST_IN_A_REQUEST)
            kinds: list[Kind] = []
            while len(kinds) < wanted:
                kind = self._posted.draw()
                if kind is Kind.GARBLED:  # a request of its own
                    if kinds:
                        self._posted.put_back(kind)
                    else:
                        kinds.append(kind)
                    break
                if kind in (Kind.REPEATED, Kind.CONFLICTING) and not self._taken[title, False]:
                    self._posted.put_back(kind)
                    kind = Kind.NEW
                kinds.append(kind)
            return Request(title, tuple(kinds), tuple(self._event(title, kind) for kind in kinds))

    def delivery(self) -> Delivery:
        """The next delivery of one of the tools."""
        with self._lock:
            tool = self._dice.choice(TOOLS)
            kind = self._carried.draw()
            if kind is Kind.REDELIVERED and not self._taken[tool.event_type.title, True]:
                self._carried.put_back(kind)
                kind = Kind.DELIVERED
            return Delivery(tool, kind, self._event(tool.event_type.title, kind))

    def taken(self, title: str, event: Event, *, delivered: bool) -> None:
        """Tells that a new event is stored, so that it may be sent again."""
        with self._lock:
            self._taken[title, delivered].append(event)

    def _event(self, title: str, kind: Kind) -> Event:
        if kind in REPEATS:
            return self._dice.choice(self._taken[title, kind is Kind.REDELIVERED])
        self._made += 1
        now = datetime.now(UTC)
        happened = now - timedelta(days=self._dice.uniform(2, 60)) if kind is Kind.LATE else now
        customer = self._dice.choice(HOT_CUSTOMERS) if kind is Kind.HOT else f"C-{self._dice.randrange(CUSTOMERS):04d}"
        event = {
            "id": f"load-{self._made}",
            "dateCreated": happened.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "identifiers": {"externalIds": [{"externalSourceId": CUSTOMER_SOURCE, "value": customer}]},
            "attributes": self._dice.choice(self._attributes[title]),
        }
        if kind is Kind.UNDATED:
            del event["dateCreated"]
        if kind is Kind.UNKNOWN:
            event["attributes"] = {**event["attributes"], "notInTheSchema": self._made}
        if kind is Kind.CONFLICTING:
            event["id"] = self._dice.choice(self._taken[title, False])["id"]
        return event
