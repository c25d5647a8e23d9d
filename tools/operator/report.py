"""The scope and the report of `journeys verify` and `journeys rebuild`."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from threading import Lock

EVENT_MISSING = "event without a step"
ROW_MISSING = "step without a row"
STEP_ORPHANED = "step without an event"
STEP_WRONG_TYPE = "step with the wrong event type"
SUMMARY_WRONG = "summary with wrong figures"
LINK_MISSING = "link without a row"
LINK_ORPHANED = "link without an event"
SOURCE_MISSING = "identifier source that is not listed"
UNREADABLE = "event that cannot be read"
ARCHIVE_MISSING = "event not in the archive"
ARCHIVE_ORPHANED = "archived event not in the log"
ARCHIVE_REPEATED = "event archived more than once"
ARCHIVE_DIFFERING = "event archived with other values"
DIFFERENCES = (
    EVENT_MISSING, ROW_MISSING, STEP_ORPHANED, STEP_WRONG_TYPE, SUMMARY_WRONG,
    LINK_MISSING, LINK_ORPHANED, SOURCE_MISSING, UNREADABLE,
    ARCHIVE_MISSING, ARCHIVE_ORPHANED, ARCHIVE_REPEATED, ARCHIVE_DIFFERING,
)  # fmt: skip
"""Every kind of difference between the log and what is derived from it."""

LINK_DIFFERENCES = (LINK_MISSING, LINK_ORPHANED, SOURCE_MISSING)

BUSY = "busy: run the command again"
"""The outcome of a journey that was throttled, or changed by others, in two attempts."""


@dataclass(frozen=True)
class RepairScope:
    """What a command covers: all organizations, one organization, or one customer of an organization."""

    organization_id: str | None = None
    journey_key: str | None = None


@dataclass
class RepairReport:
    """What a command found and did. May be used by several threads.

    `show` keeps the keys of what differs; they contain customers' identifiers.
    """

    show: bool = False
    events: int = 0
    journeys: int = 0
    differences: Counter[str] = field(default_factory=Counter)
    repaired: Counter[str] = field(default_factory=Counter)
    outcomes: Counter[str] = field(default_factory=Counter)
    keys: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    obsolete_rows: int = 0
    """Rows that an interrupted rebuild left behind; no reader sees them."""
    deleted_rows: int = 0
    _lock: Lock = field(default_factory=Lock)

    def add_differences(self, kind: str, keys: Sequence[str]) -> None:
        """Counts differences of one kind. `keys` are the keys of what differs."""
        with self._lock:
            self.differences[kind] += len(keys)
            if self.show:
                self.keys[kind] += keys

    def add_repaired(self, kind: str, number: int) -> None:
        """Counts repaired differences of one kind."""
        with self._lock:
            self.repaired[kind] += number

    def add_outcome(self, outcome: str, number: int = 1) -> None:
        """Counts journeys by what was done about them."""
        with self._lock:
            if number:
                self.outcomes[outcome] += number

    def add_deleted_rows(self, number: int) -> None:
        """Counts rows that were deleted."""
        with self._lock:
            self.deleted_rows += number

    @property
    def remaining(self) -> int:
        """The number of differences that were not repaired."""
        return self.outcomes[BUSY] + (self.differences - self.repaired).total()
