"""Dates and times: milliseconds since 1970 in UTC inside the application, ISO-8601 text in requests and stores."""

import re
import time
from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
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
    moment = _EPOCH + timedelta(milliseconds=ms)
    return moment.replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"
