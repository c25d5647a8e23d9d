"""What the operator's commands are about, and what they report."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from threading import Lock

EVENT_MISSING = "event without a step"
ROW_MISSING = "step without a row"
STEP_FOREIGN = "step without an event"
STEP_MISTAKEN = "step of another type"
SUMMARY_WRONG = "summary that says something else"
UNREADABLE = "event that no journey can hold"
ARCHIVE_MISSING = "event not in the archive"
ARCHIVE_FOREIGN = "archived without an event"
ARCHIVE_REPEATED = "archived more than once"
ARCHIVE_DIFFERING = "archived with other values"
KINDS = (
    EVENT_MISSING, ROW_MISSING, STEP_FOREIGN, STEP_MISTAKEN, SUMMARY_WRONG, UNREADABLE,
    ARCHIVE_MISSING, ARCHIVE_FOREIGN, ARCHIVE_REPEATED, ARCHIVE_DIFFERING,
)  # fmt: skip


BUSY = "busy, and left for another time"


@dataclass(frozen=True)
class Scope:
    """What a command is about: all organisations, one, or one customer of it."""

    organization_id: str | None = None
    customer: str | None = None
    """The key of a journey."""


@dataclass
class Report:
    """What was found and what was done about it; keys are kept only where they are to be shown."""

    show: bool = False
    events: int = 0
    journeys: int = 0
    found: Counter[str] = field(default_factory=Counter)
    mended: Counter[str] = field(default_factory=Counter)
    outcomes: Counter[str] = field(default_factory=Counter)
    shown: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    left_over: int = 0
    swept: int = 0
    _lock: Lock = field(default_factory=Lock)

    def differs(self, kind: str, names: Sequence[str]) -> None:
        """Counts what differs; `names` are the keys of it."""
        with self._lock:
            self.found[kind] += len(names)
            if self.show:
                self.shown[kind] += names

    def add(self, counter: Counter[str], counts: Counter[str] | Sequence[str]) -> None:
        """Adds to one of the counters."""
        with self._lock:
            counter.update(counts)

    def count_swept(self, rows: int) -> None:
        """Counts rows that were removed."""
        with self._lock:
            self.swept += rows

    @property
    def left(self) -> int:
        """How many differences are still there."""
        return self.outcomes[BUSY] + (self.found - self.mended).total()
