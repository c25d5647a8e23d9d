"""Dates and times: milliseconds since 1970 in UTC inside the application, ISO-8601 text in requests and stores."""

import re
import time
from datetime import UTC, datetime, timedelta
from functools import lru_cache

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
_DAY_MS = 24 * 60 * 60 * 1000
_ZONED = re.compile(
    r"(\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d(:\d\d([.,]\d{1,9})?)?|\d{8}[Tt]\d{4}(\d\d([.,]\d{1,9})?)?)"
    r"([Zz]|[+-]\d\d(:?\d\d)?)",
    re.ASCII,
)


def now_ms() -> int:
    """The current time in milliseconds."""
    return time.time_ns() // 1_000_000


def parse(text: str) -> int:
    """The milliseconds of an ISO-8601 date and time with a time zone. Finer digits are cut off. Raises ValueError."""
    if not _ZONED.fullmatch(text):
        raise ValueError("not an ISO-8601 date and time with a time zone")
    try:
        return (datetime.fromisoformat(text.upper()).astimezone(UTC) - _EPOCH) // _MILLISECOND
    except OverflowError:
        raise ValueError("out of range") from None


def text(ms: int) -> str:
    """The ISO-8601 text of a time. It always has 24 characters, so texts sort in the order of time."""
    days, rest = divmod(ms, _DAY_MS)
    hours, rest = divmod(rest, 3_600_000)
    minutes, rest = divmod(rest, 60_000)
    seconds, rest = divmod(rest, 1000)
    return f"{_day(days)}T{hours:02}:{minutes:02}:{seconds:02}.{rest:03}Z"


@lru_cache(maxsize=1000)  # Most events are of the last days. Formatting a day takes longer than all the rest.
def _day(days: int) -> str:
    """The date that many days after 1970-01-01."""
    return (_EPOCH + timedelta(days=days)).date().isoformat()
