"""What an organisation's archive consists of: files of events, the manifest that lists them, and what a reader sees.

    archive/{org}/landed/{day}/{name}.parquet      a batch as it came; the name says what is in it
    archive/{org}/compacted/{day}/{name}.parquet   a day's events, each once, by buckets of customers
    archive/{org}/manifests/{name}.json            which compacted files hold, and which files are retired

Days are those of receipt, in UTC, as 2026-11-23; moments are milliseconds.
"""

import hashlib
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import quote, unquote

from journeys import dates
from journeys.archive.columns import BUCKETS

ROOT = "archive/"
LANDED, COMPACTED, MANIFESTS = "landed", "compacted", "manifests"


# -- the names of objects ----------------------------------------------------------------------------------------------


def folder(organization_id: str, part: str = "") -> str:
    """What the keys of an organisation's archive begin with, or those of one part of it."""
    return f"{ROOT}{quote(organization_id, safe='')}/" + (f"{part}/" if part else "")


def organization_of(prefix: str) -> str:
    """The organisation whose folder it is."""
    return unquote(prefix.removeprefix(ROOT).split("/")[0])


def day_of(received: int) -> str:
    """The day of a receipt."""
    return dates.text(received)[:10]


# -- files -------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ArchiveFile:
    """A file of events. `first` and `last` are the least and greatest of their dates, `received` the newest receipt."""

    key: str
    day: str
    first_bucket: int
    last_bucket: int
    rows: int
    size: int
    first: int
    last: int
    received: int

    def may_hold(self, start: int, end: int, first_bucket: int, last_bucket: int) -> bool:
        """Whether there may be events of these buckets in it, from `start` up to and without `end`."""
        return (
            self.first < end
            and self.last >= start
            and self.first_bucket <= last_bucket
            and self.last_bucket >= first_bucket
        )

    def to_values(self) -> list[Any]:
        return [
            self.key, self.day, self.first_bucket, self.last_bucket,
            self.rows, self.size, self.first, self.last, self.received,
        ]  # fmt: skip

    @classmethod
    def from_values(cls, values: Iterable[Any]) -> "ArchiveFile":
        return cls(*values)


def landed_key(organization_id: str, event_keys: Iterable[str], *, received: int, first: int, last: int) -> str:
    """The key of a landed file. It follows from what the file holds, so that the same events have the same name."""
    names = sorted(event_keys)
    digest = hashlib.blake2b("\n".join(names).encode(), digest_size=16).hexdigest()
    name = f"{received:013d}_{first:013d}_{last:013d}_{len(names)}_{digest}.parquet"
    return f"{folder(organization_id, LANDED)}{day_of(received)}/{name}"


def compacted_key(organization_id: str, day: str, first_bucket: int, last_bucket: int) -> str:
    """The key of a new compacted file; no two are the same."""
    name = f"{first_bucket:02d}-{last_bucket:02d}_{uuid.uuid4().hex}.parquet"
    return f"{folder(organization_id, COMPACTED)}{day}/{name}"


def manifest_key(organization_id: str, version: int) -> str:
    """The key of a new manifest; no two are the same, also of one version."""
    return f"{folder(organization_id, MANIFESTS)}{version:08d}-{uuid.uuid4().hex}.json"


def landed_file(key: str, size: int) -> ArchiveFile:
    """A landed file by its key and its bytes. Raises ValueError for a key that `landed_key` did not make."""
    _, _, part, day, name = key.split("/")
    received, first, last, rows, _ = name.split("_")
    if part != LANDED:
        raise ValueError("not the key of a landed file")
    return ArchiveFile(key, day, 0, BUCKETS - 1, int(rows), size, int(first), int(last), int(received))


# -- the manifest ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Manifest:
    """One state of the compacted archive; version 0 is that of an organisation which has none.

    `retired` are objects that no longer count, with the moment since when: landed files whose events were taken in,
    compacted ones that were replaced, and manifests before this one. `key` is where it is itself.
    """

    organization_id: str
    version: int = 0
    key: str = ""
    compacted: tuple[ArchiveFile, ...] = ()
    retired: Mapping[str, int] = field(default_factory=dict)

    def to_values(self) -> dict[str, Any]:
        return {
            "organizationId": self.organization_id,
            "version": self.version,
            "key": self.key,
            "compacted": [file.to_values() for file in self.compacted],
            "retired": dict(self.retired),
        }

    @classmethod
    def from_values(cls, values: Mapping[str, Any]) -> "Manifest":
        return cls(
            organization_id=values["organizationId"],
            version=values["version"],
            key=values["key"],
            compacted=tuple(ArchiveFile.from_values(file) for file in values["compacted"]),
            retired=values["retired"],
        )


# -- what a reader sees ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The files of an archive at one moment. They hold every event; landed ones may repeat some, within their day."""

    organization_id: str
    compacted: tuple[ArchiveFile, ...]
    landed: tuple[ArchiveFile, ...]

    @property
    def files(self) -> tuple[ArchiveFile, ...]:
        return self.compacted + self.landed

    @property
    def received(self) -> int:
        """The newest receipt; 0 where there are no events."""
        return max((file.received for file in self.files), default=0)

    @property
    def rows(self) -> int:
        """How many events there are, those counted twice that landed twice."""
        return sum(file.rows for file in self.files)

    def within(self, start: int, end: int, first_bucket: int = 0, last_bucket: int = BUCKETS - 1) -> "Snapshot":
        """The files that may hold events of these buckets with a date from `start` up to and without `end`.

        Of such events they hold all; of others some, and maybe twice.
        """
        return replace(
            self,
            compacted=tuple(file for file in self.compacted if file.may_hold(start, end, first_bucket, last_bucket)),
            landed=tuple(file for file in self.landed if file.may_hold(start, end, first_bucket, last_bucket)),
        )

    def to_values(self) -> dict[str, Any]:
        """A form that JSON can hold."""
        return {
            "organizationId": self.organization_id,
            "compacted": [file.to_values() for file in self.compacted],
            "landed": [file.to_values() for file in self.landed],
        }

    @classmethod
    def from_values(cls, values: Mapping[str, Any]) -> "Snapshot":
        return cls(
            organization_id=values["organizationId"],
            compacted=tuple(ArchiveFile.from_values(file) for file in values["compacted"]),
            landed=tuple(ArchiveFile.from_values(file) for file in values["landed"]),
        )
