"""Dates as other systems write them: ISO-8601, Unix time or a strptime pattern, with or without a time zone.

Mappings of webhooks and the importer share these rules:

- A date without a time zone is in the given zone. Where the clock repeats an hour, it is the first of the two times.
  Where the clock skips an hour, the time is read with the offset before the change, so it lies after the change.
- `%Z` accepts UTC, GMT and Z. Other abbreviations are refused, because several zones share them. `%z` accepts offsets.
- Digits finer than a millisecond are cut off.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import cached_property
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

FORMATS = ("iso", "unix", "unix_ms")
"""The formats that are not strptime patterns. Unix time is in seconds, or in milliseconds."""

MAX_TEXT = 100
"""Characters of a date."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
_UNIX = re.compile(r"[+-]?\d{1,20}(\.\d{0,20})?", re.ASCII)
_PROBE = datetime(2001, 11, 27, 15, 42, 36, tzinfo=UTC)
"""A time that differs in every part from strptime's defaults, to find the parts that a pattern leaves out."""
_DIRECTIVE = re.compile(r"%.", re.DOTALL)
_NO_ZONES = ("localtime", "posixrules", "Factory")
"""Files in the folder of zones that depend on the machine."""
_UTC_NAMES = ("UTC", "GMT", "Z")


class InvalidDateFormat(ValueError):
    """A format that cannot be used. The message continues a sentence that names the format's field."""


class InvalidDate(ValueError):
    """A value that is not a date in the expected format."""


@dataclass(frozen=True)
class DateFormat:
    """A format of dates, and the zone of dates that have none. Create it with `of`, which checks it."""

    pattern: str
    zone: ZoneInfo | None = None

    @classmethod
    def of(cls, pattern: object, zone: ZoneInfo | None = None) -> "DateFormat":
        """A format out of FORMATS, or a strptime pattern. Raises InvalidDateFormat."""
        if not isinstance(pattern, str) or not 0 < len(pattern) <= MAX_TEXT:
            raise InvalidDateFormat(f"must be {', '.join(FORMATS)} or a strptime pattern")
        if pattern not in FORMATS and not _is_complete(pattern):
            raise InvalidDateFormat(
                f"must be {', '.join(FORMATS)} or a strptime pattern that includes the year, month and day, "
                "and AM or PM with a 12-hour clock, such as %Y-%m-%d %H:%M"
            )
        return cls(pattern, zone)

    @property
    def needs_zone(self) -> bool:
        """Whether no date can be read, because neither the format nor `zone` says in which zone dates are."""
        return self.zone is None and self.pattern not in FORMATS and not re.search("%[zZ]", self.pattern)

    def milliseconds(self, value: object) -> int:
        """The milliseconds since 1970 of a date in this format. Raises InvalidDate."""
        try:
            if self.pattern in ("unix", "unix_ms"):
                return _unix_milliseconds(value, self.pattern)
            if not isinstance(value, str) or len(value) > MAX_TEXT:
                raise InvalidDate("not a date in the expected format")
            date = datetime.fromisoformat(value) if self.pattern == "iso" else self._parse(value)
            if date.tzinfo is None:
                if self.zone is None:
                    raise InvalidDate("the date has no time zone, and none is configured")
                date = date.replace(tzinfo=self.zone)
            return (date - _EPOCH) // _MILLISECOND
        except InvalidDate:
            raise
        except (ArithmeticError, ValueError):
            raise InvalidDate("not a date in the expected format") from None

    def _parse(self, value: str) -> datetime:
        """Try the pattern with each name of UTC in the place of `%Z`, which strptime accepts but ignores."""
        if len(self._patterns) == 1:
            return datetime.strptime(value, self.pattern)  # the caller adds the zone
        for pattern in self._patterns:
            try:
                return datetime.strptime(value, pattern).replace(tzinfo=UTC)
            except ValueError:
                continue
        raise InvalidDate(f"the time zone is not one of {', '.join(_UTC_NAMES)}, or the date has another format")

    @cached_property
    def _patterns(self) -> tuple[str, ...]:
        replaced = tuple(_with_zone_name(self.pattern, name) for name in _UTC_NAMES)
        return replaced if replaced[0] != self.pattern else (self.pattern,)


def time_zone(name: object) -> ZoneInfo:
    """The zone of a name in the IANA database. Raises InvalidDateFormat."""
    try:
        if name in _NO_ZONES:
            raise ValueError("not a zone of the database")
        return ZoneInfo(name)  # type: ignore[arg-type]  # whatever it is, an invalid one raises
    except (ZoneInfoNotFoundError, ValueError, TypeError, OSError):
        raise InvalidDateFormat("must be the name of a time zone in the IANA database, such as Europe/Berlin") from None


def _unix_milliseconds(value: object, pattern: str) -> int:
    """Unix time from a number or text. Text is checked before it becomes a number: 1e999990 would take a minute."""
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal | str):
        raise InvalidDate("not a Unix time")
    if isinstance(value, int) and value.bit_length() > 64:
        raise InvalidDate("not a Unix time")
    text = format(value, "f") if isinstance(value, float) else str(value).strip()
    if not _UNIX.fullmatch(text):
        raise InvalidDate("not a Unix time")
    return int(Decimal(text) * (1000 if pattern == "unix" else 1))


def _with_zone_name(pattern: str, name: str) -> str:
    return _DIRECTIVE.sub(lambda directive: name if directive[0] == "%Z" else directive[0], pattern)


def _is_complete(pattern: str) -> bool:
    """Whether a strptime pattern includes the day, and the half of the day if it includes the hour."""
    try:
        parsed = datetime.strptime(_PROBE.strftime(pattern), pattern)
    except (ValueError, re.error):  # An unknown or a repeated directive.
        return False
    return parsed.date() == _PROBE.date() and parsed.hour in (0, _PROBE.hour)
