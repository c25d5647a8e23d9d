"""The files of an organization's archive, the manifest that lists them, and the snapshot that a reader uses.

    archive/{org}/landed/{day}/{name}.parquet      one batch of the stream; the name describes the content
    archive/{org}/compacted/{day}/{name}.parquet   the events of a day, each once, by buckets of customers
    archive/{org}/links/{name}.parquet             the distinct links of all compacted events; see `links`
    archive/{org}/manifests/{name}.json            which files are current, and which are retired

Days are days of receipt in UTC, such as 2026-11-23. Times are in milliseconds.
"""

import hashlib
import uuid
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import quote, unquote

from journeys import dates
from journeys.archive import sources
from journeys.archive.columns import BUCKETS

ROOT = "archive/"
LANDED, COMPACTED, LINKS, MANIFESTS = "landed", "compacted", "links", "manifests"


# -- the names of objects ----------------------------------------------------------------------------------------------


def folder(organization_id: str, part: str = "") -> str:
    """The prefix of the keys of an organization's archive, or of one part of it."""
    return f"{ROOT}{quote(organization_id, safe='')}/" + (f"{part}/" if part else "")


def organization_of(prefix: str) -> str:
    """The organization that a prefix belongs to."""
    return unquote(prefix.removeprefix(ROOT).split("/")[0])


def day_of(received: int) -> str:
    """The day of a date of receipt."""
    return dates.text(received)[:10]


# -- files -------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ArchiveFile:
    """A file of events. `first` and `last` are the earliest and latest event dates, `received` the latest receipt.

    `native` are the native events among its rows. Only the compaction counts them, so a landed file has none.
    """

    key: str
    day: str
    first_bucket: int
    last_bucket: int
    rows: int
    size: int
    first: int
    last: int
    received: int
    native: int = 0

    def may_hold(self, start: int, end: int, first_bucket: int, last_bucket: int) -> bool:
        """Whether the file may hold events of these buckets from `start` (inclusive) to `end` (exclusive)."""
        return (
            self.first < end
            and self.last >= start
            and self.first_bucket <= last_bucket
            and self.last_bucket >= first_bucket
        )

    def to_values(self) -> list[Any]:
        return [
            self.key, self.day, self.first_bucket, self.last_bucket,
            self.rows, self.size, self.first, self.last, self.received, self.native,
        ]  # fmt: skip

    @classmethod
    def from_values(cls, values: Iterable[Any]) -> "ArchiveFile":
        return cls(*values)


@dataclass(frozen=True, slots=True)
class LinksFile:
    """The file of the distinct links of an archive. `links` is their number, `size` is in bytes."""

    key: str
    links: int
    size: int

    def to_values(self) -> list[Any]:
        return [self.key, self.links, self.size]

    @classmethod
    def from_values(cls, values: Iterable[Any] | None) -> "LinksFile | None":
        """The stored file; None if there is none, as in manifests and jobs of an earlier version."""
        return None if values is None else cls(*values)


def landed_key(organization_id: str, event_keys: Iterable[str], *, received: int, first: int, last: int) -> str:
    """The key of a landed file. It is derived from the content, so the same events always have the same key."""
    names = sorted(event_keys)
    digest = hashlib.blake2b("\n".join(names).encode(), digest_size=16).hexdigest()
    name = f"{received:013d}_{first:013d}_{last:013d}_{len(names)}_{digest}.parquet"
    return f"{folder(organization_id, LANDED)}{day_of(received)}/{name}"


def compacted_key(organization_id: str, day: str, first_bucket: int, last_bucket: int) -> str:
    """A unique key for a new compacted file."""
    name = f"{first_bucket:02d}-{last_bucket:02d}_{uuid.uuid4().hex}.parquet"
    return f"{folder(organization_id, COMPACTED)}{day}/{name}"


def links_key(organization_id: str) -> str:
    """A unique key for a new file of links."""
    return f"{folder(organization_id, LINKS)}{uuid.uuid4().hex}.parquet"


def manifest_key(organization_id: str, version: int) -> str:
    """A unique key for a new manifest. Two manifests of the same version have different keys."""
    return f"{folder(organization_id, MANIFESTS)}{version:08d}-{uuid.uuid4().hex}.json"


def landed_file(key: str, size: int) -> ArchiveFile:
    """The landed file with this key and size in bytes. Raises ValueError if the key is not one of `landed_key`."""
    _, _, part, day, name = key.split("/")
    received, first, last, rows, _ = name.split("_")
    if part != LANDED:
        raise ValueError("not the key of a landed file")
    return ArchiveFile(key, day, 0, BUCKETS - 1, int(rows), size, int(first), int(last), int(received))


# -- the manifest ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Manifest:
    """One version of the compacted archive. Version 0 stands for an archive that was never compacted.

    `retired` holds the keys of objects that are no longer used, with the time when they were retired: landed files
    whose events were compacted, files that were replaced, and earlier manifests. `key` is the manifest's own. `links`
    is the file of the links of all events that were ever compacted, None if there are none.
    `sources` holds the number of events of each configuration by day of receipt, and `journeys` the number of customers
    with events by day of receipt, both of the last days; see `sources.with_day`.
    """

    organization_id: str
    version: int = 0
    key: str = ""
    compacted: tuple[ArchiveFile, ...] = ()
    retired: Mapping[str, int] = field(default_factory=dict)
    sources: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    journeys: Mapping[str, int] = field(default_factory=dict)
    links: LinksFile | None = None

    def to_values(self) -> dict[str, Any]:
        return {
            "organizationId": self.organization_id,
            "version": self.version,
            "key": self.key,
            "compacted": [file.to_values() for file in self.compacted],
            "retired": dict(self.retired),
            "sources": {configuration_id: dict(days) for configuration_id, days in self.sources.items()},
            "journeys": dict(self.journeys),
            "links": self.links and self.links.to_values(),
        }

    @classmethod
    def from_values(cls, values: Mapping[str, Any]) -> "Manifest":
        return cls(
            organization_id=values["organizationId"],
            version=values["version"],
            key=values["key"],
            compacted=tuple(ArchiveFile.from_values(file) for file in values["compacted"]),
            retired=values["retired"],
            sources={id_: _counts(days) for id_, days in values.get("sources", {}).items()},
            journeys=values.get("journeys", {}),
            links=LinksFile.from_values(values.get("links")),
        )


def _counts(days: Mapping[str, int] | Iterable[str]) -> Mapping[str, int]:
    """The events of a source by day. Manifests of an earlier version hold the days without counts."""
    return days if isinstance(days, Mapping) else dict.fromkeys(days, 0)


# -- figures -----------------------------------------------------------------------------------------------------------

RECENT_DAYS = 7
"""Days with events whose latest receipt a summary has."""
MAX_SOURCES = 200
"""Configurations whose events a summary has: those with the most. With 14 days each, they take about 20 KB."""


@dataclass(frozen=True, slots=True)
class ManifestSummary:
    """The figures of a manifest's compacted files. The archive's row has them, so that they cost one small read.

    `months` are the events by month of receipt, and `native_months` the native ones among them. `first` and `last` are
    the earliest and the latest date of an event, None if there are no events. `received` is the latest receipt of each
    of the RECENT_DAYS newest days with events, and `received_before` that of all earlier days. `landed_until` is the
    greatest landed key of each day whose events are compacted. A landed file with a smaller key is rare, and the next
    compaction finds it.

    `days` are the events of the newest HELD_DAYS days with events, `sources` those of at most MAX_SOURCES
    configurations, and `journeys` the customers with events, both on the same days. A day that an earlier version
    compacted has neither `sources` nor `journeys`.
    """

    months: Mapping[str, int] = field(default_factory=dict)
    first: int | None = None
    last: int | None = None
    received: Mapping[str, int] = field(default_factory=dict)
    received_before: int | None = None
    landed_until: Mapping[str, str] = field(default_factory=dict)
    days: Mapping[str, int] = field(default_factory=dict)
    sources: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    journeys: Mapping[str, int] = field(default_factory=dict)
    native_months: Mapping[str, int] = field(default_factory=dict)

    @classmethod
    def of(cls, manifest: Manifest) -> "ManifestSummary":
        files, months, received, days = manifest.compacted, Counter[str](), dict[str, int](), Counter[str]()
        native_months = Counter[str]()
        for file in files:
            months[file.day[:7]] += file.rows
            native_months[file.day[:7]] += file.native
            days[file.day] += file.rows
            received[file.day] = max(received.get(file.day, 0), file.received)
        recent = sorted(received)[-RECENT_DAYS:]
        landed = folder(manifest.organization_id, LANDED)
        held = sorted(days)[-sources.HELD_DAYS :]
        return cls(
            months=months,
            first=min((file.first for file in files), default=None),
            last=max((file.last for file in files), default=None),
            received={day: received[day] for day in recent},
            received_before=max((latest for day, latest in received.items() if day not in recent), default=None),
            landed_until={_day_of_key(key): key for key in sorted(manifest.retired) if key.startswith(landed)},
            days={day: days[day] for day in held},
            sources=_largest(manifest.sources, held),
            journeys={day: manifest.journeys[day] for day in held if day in manifest.journeys},
            native_months=_nonzero(native_months.items()),
        )

    def to_values(self) -> dict[str, Any]:
        """The summary in a form that JSON can represent."""
        return {
            "months": dict(self.months),
            "first": self.first,
            "last": self.last,
            "received": dict(self.received),
            "receivedBefore": self.received_before,
            "landedUntil": dict(self.landed_until),
            "days": dict(self.days),
            "sources": {id_: [counts.get(day, 0) for day in self.days] for id_, counts in self.sources.items()},
            "journeys": dict(self.journeys),
            "nativeMonths": dict(self.native_months),
        }

    @classmethod
    def from_values(cls, values: Mapping[str, Any]) -> "ManifestSummary":
        days: Mapping[str, int] = values.get("days", {})  # Summaries of an earlier version have no days.
        counts = values.get("sources", {})
        return cls(
            months=values["months"],
            first=values["first"],
            last=values["last"],
            received=values["received"],
            received_before=values["receivedBefore"],
            landed_until=values["landedUntil"],
            days=days,
            sources={id_: _nonzero(zip(days, held, strict=True)) for id_, held in counts.items()},
            journeys=values.get("journeys", {}),
            native_months=values.get("nativeMonths", {}),
        )


def _largest(counts: Mapping[str, Mapping[str, int]], days: Iterable[str]) -> dict[str, Mapping[str, int]]:
    """The events on these days of the MAX_SOURCES configurations that have the most."""
    recent = {id_: _nonzero((day, held.get(day, 0)) for day in days) for id_, held in counts.items()}
    largest = sorted(recent.items(), key=lambda one: (-sum(one[1].values()), one[0]))[:MAX_SOURCES]
    return {id_: held for id_, held in largest if held}


def _nonzero(counts: Iterable[tuple[str, int]]) -> Mapping[str, int]:
    return {day: count for day, count in counts if count}


@dataclass(frozen=True, slots=True)
class Figures:
    """The figures of an archive at one time: of its compacted files, and of the files that landed since."""

    compacted: ManifestSummary = field(default_factory=ManifestSummary)
    landed: tuple[ArchiveFile, ...] = ()

    @property
    def months(self) -> Mapping[str, int]:
        """The number of events by month of receipt. An event that landed twice counts twice until it is compacted."""
        months = Counter(self.compacted.months)
        for file in self.landed:
            months[file.day[:7]] += file.rows
        return months

    @property
    def dates(self) -> tuple[int, int] | None:
        """The dates of the earliest and the latest event; None if there are no events."""
        firsts = [self.compacted.first, *(file.first for file in self.landed)]
        lasts = [self.compacted.last, *(file.last for file in self.landed)]
        return _span([date for date in firsts if date is not None], [date for date in lasts if date is not None])

    @property
    def exact_until(self) -> int | None:
        """The latest receipt in the compacted files of the days before the first day with landed files, or None."""
        oldest = min((file.day for file in self.landed), default=None)
        received, before = self.compacted.received, self.compacted.received_before
        if oldest is not None and received and oldest < min(received):
            return None
        exact = [latest for day, latest in received.items() if oldest is None or day < oldest]
        return max(exact, default=before)


def _span(firsts: Iterable[int], lasts: Iterable[int]) -> tuple[int, int] | None:
    first, last = min(firsts, default=None), max(lasts, default=None)
    return None if first is None or last is None else (first, last)


def _day_of_key(key: str) -> str:
    """The day of the key of a landed file."""
    return key.split("/")[3]


# -- snapshots ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The files of an archive at one time. They hold every event.

    Landed files may repeat events of the same day of receipt, from other landed files and from compacted ones. `links`
    is the file of the links of the compacted events.
    """

    organization_id: str
    compacted: tuple[ArchiveFile, ...]
    landed: tuple[ArchiveFile, ...]
    links: LinksFile | None = None

    @property
    def files(self) -> tuple[ArchiveFile, ...]:
        return self.compacted + self.landed

    @property
    def received(self) -> int:
        """The latest date of receipt; 0 if there are no events."""
        return max((file.received for file in self.files), default=0)

    @property
    def rows(self) -> int:
        """The number of events. Events that landed twice count twice until they are compacted."""
        return sum(file.rows for file in self.files)

    def within(self, start: int, end: int, first_bucket: int = 0, last_bucket: int = BUCKETS - 1) -> "Snapshot":
        """The files that may hold events of these buckets with a date from `start` (inclusive) to `end` (exclusive).

        They hold all such events. They also hold some other events, which may be repeated.
        """
        return replace(
            self,
            compacted=tuple(file for file in self.compacted if file.may_hold(start, end, first_bucket, last_bucket)),
            landed=tuple(file for file in self.landed if file.may_hold(start, end, first_bucket, last_bucket)),
        )

    def to_values(self) -> dict[str, Any]:
        """The snapshot in a form that JSON can represent."""
        return {
            "organizationId": self.organization_id,
            "compacted": [file.to_values() for file in self.compacted],
            "landed": [file.to_values() for file in self.landed],
            "links": self.links and self.links.to_values(),
        }

    @classmethod
    def from_values(cls, values: Mapping[str, Any]) -> "Snapshot":
        return cls(
            organization_id=values["organizationId"],
            compacted=tuple(ArchiveFile.from_values(file) for file in values["compacted"]),
            landed=tuple(ArchiveFile.from_values(file) for file in values["landed"]),
            links=LinksFile.from_values(values.get("links")),
        )
