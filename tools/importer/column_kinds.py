"""Finds out what the columns of a CSV contain: the formats of dates and numbers, and the kinds of attributes."""

import itertools
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from zoneinfo import ZoneInfo

from journeys.date_formats import DateFormat
from tools.importer.mapping import milliseconds
from tools.importer.values import FALSE_WORDS, TRUE_WORDS, NumberFormat

MOST, MOST_DATES = 0.95, 0.5
"""The share of a column's cells that make it a column of numbers, or of dates."""
MOST_ROWS = 0.95
"""The share of rows with a value in a column that events need."""
DATES_READ, FIRST_VALUES = 1000, 20
"""Values that are tried for each date format, and those of which one at least must fit any format."""
UNKNOWN = ("?", "-", "--", "null", "none", "nan", "n/a", "na", "nil", "undefined", "unknown", "(not set)", "\\n")
"""Texts, in lower case, that many systems write for a cell without a value."""
NUMBER_FORMATS = (
    NumberFormat(), NumberFormat(".", ","), NumberFormat(",", "."), NumberFormat(",", ""),
    NumberFormat(",", " "), NumberFormat(".", " "), NumberFormat(".", "'"),
)  # fmt: skip

_DAYS = ("%Y-%m-%d", "%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y", "%d-%m-%Y", "%m-%d-%Y", "%Y/%m/%d", "%Y.%m.%d", "%d.%m.%y",
         "%d/%m/%y", "%m/%d/%y", "%d %b %Y", "%d-%b-%Y", "%d %B %Y", "%b %d, %Y", "%B %d, %Y", "%Y%m%d")  # fmt: skip
_TIMES = (" %H:%M", " %H:%M:%S", " %H:%M:%S.%f", " %I:%M %p", " %I:%M:%S %p", ", %H:%M", ", %H:%M:%S", "T%H:%M:%S")
_ZONES = ("", " %Z", " %z", "%z")
_RESTS = ("", *map("".join, itertools.product(_TIMES, _ZONES)))
DATE_FORMATS = ("iso", *(day + rest for rest in _RESTS for day in _DAYS))
_UNIX = {"unix": re.compile(r"\d{9,10}(\.\d*)?", re.ASCII), "unix_ms": re.compile(r"\d{12,13}(\.0*)?", re.ASCII)}

_WORD = re.compile(r"[A-Za-z]+|\d+")
_LEADING_ZERO = re.compile(r"[+-]?0\d")
_DATE_WORDS = ("time", "date", "created", "updated", "changed", "modified", "occurred", "happened", "event", "when",
               "datum", "zeit", "day")  # fmt: skip
"""Words that are in the names of columns with Unix times."""
UTC = ZoneInfo("UTC")


@dataclass(frozen=True)
class Column:
    """A column of the sample: its name, its cells, and what they have in common."""

    name: str
    cells: Sequence[str | None]
    """A cell for each row, or None where the row has no value."""
    values: Sequence[str]
    """The cells with a value."""
    date_format: str | None
    number_formats: frozenset[NumberFormat]

    @property
    def complete(self) -> bool:
        """Whether nearly every row has a value."""
        return len(self.values) >= len(self.cells) * MOST_ROWS


def column_of(name: str, texts: Sequence[str], unknown: Sequence[str]) -> Column:
    """A column with these cells. `unknown` are the texts of cells without a value."""
    cells = [text if text and text not in unknown else None for text in texts]
    values = [cell for cell in cells if cell is not None]
    plain = bool(values) and not any(_LEADING_ZERO.match(value) for value in values)
    numbers = frozenset(form for form in NUMBER_FORMATS if plain and _share(form.number, values) >= MOST)
    return Column(name, cells, values, _date_format(name, values), numbers)


def unknown_texts(texts: Iterable[str]) -> list[str]:
    """Those of the texts that mean that a cell has no value."""
    return sorted(text for text in set(texts) if text.lower() in UNKNOWN)


def words(name: str) -> list[str]:
    """The words of a name in lower case: orderId and order_id are order, id."""
    return [word.lower() for word in _WORD.findall(re.sub(r"([a-z])([A-Z])", r"\1 \2", name))]


def kind_of(column: Column, numbers: NumberFormat) -> tuple[str, str]:
    """The kind of an attribute, and what to check about it."""
    values = column.values
    if not values:
        return "text", "no row has a value"
    if column.date_format and (share := _dates_share(column.date_format, values)) >= MOST:
        other = other_date_format(column.date_format, values)
        note = f"or {other}: day and month cannot be told apart" if other else _misfits(share, "dates")
        return "date" if _is_day(column.date_format, values) else "datetime", note
    if {value.lower() for value in values} <= {*TRUE_WORDS, *FALSE_WORDS}:
        if all(value[0] in "01" for value in values):
            return "integer", "or boolean: every value is 0 or 1"
        return "boolean", "" if len(set(values)) > 1 else "or text: every value is the same"
    if numbers in column.number_formats:
        whole, share = _share(numbers.integer, values), _share(numbers.number, values)
        return "integer" if whole == share else "number", _misfits(share, "numbers")
    return _text_kind(column)


def _misfits(share: float, meaning: str) -> str:
    return "" if share == 1 else f"{1 - share:.1%} of the cells are no {meaning}, and their rows are rejected"


def _text_kind(column: Column) -> tuple[str, str]:
    values = column.values
    longest = max(map(len, values))
    if all(re.fullmatch(r"https?://\S{1,1990}", value, re.IGNORECASE) for value in values):
        return "url", ""
    if longest > 100:
        return "longtext", f"at most 1,000 characters; the longest cell has {longest:,}" if longest > 700 else ""
    if words(column.name)[-1:] in (["id"], ["key"], ["uuid"]) and not any(re.search(r"\s", value) for value in values):
        return "identifier", ""
    return "text", ""


def _is_day(pattern: str, values: Sequence[str]) -> bool:
    if pattern == "iso":
        return all(len(value) <= 10 for value in values)
    return not pattern.startswith("unix") and "%H" not in pattern and "%I" not in pattern


def other_date_format(pattern: str, values: Sequence[str]) -> str | None:
    """The format with day and month swapped, if it reads every date as well."""
    swapped = pattern.replace("%d", "%~").replace("%m", "%d").replace("%~", "%m")
    if swapped == pattern or pattern.startswith("%Y"):
        return None
    return swapped if _dates_share(swapped, values) >= _dates_share(pattern, values) else None


def _share(parse: Callable[[str], object], values: Sequence[str]) -> float:
    """The share of the values that can be parsed."""
    parsed = 0
    for number, value in enumerate(values, start=1):
        try:
            parse(value)
            parsed += 1
        except ValueError:
            if not parsed and number >= FIRST_VALUES:
                return 0
    return parsed / max(1, len(values))


def _date_format(name: str, values: Sequence[str]) -> str | None:
    """The format of a column of dates. Numbers are dates only if they are plausible Unix times."""
    if not values:
        return None
    for unix, digits in _UNIX.items():
        if all(digits.fullmatch(value) for value in values):
            return unix if any(word in name.lower() for word in _DATE_WORDS) else None
    if all(value.isdecimal() for value in values[:20]) and len(values[0]) != 8:
        return None  # fromisoformat and strptime also read digits alone
    best, most = None, 0.0
    shapes = {_shape(value) for value in values[:FIRST_VALUES]}
    for pattern in DATE_FORMATS:
        if pattern != "iso" and shapes.isdisjoint(_shapes_of(pattern)):
            continue  # strptime is slow
        share = _dates_share(pattern, values)
        if share > most:
            best, most = pattern, share
        if share == 1:
            break
    return best if most >= MOST_DATES else None


def _shape(text: str) -> str:
    """The text with 0 for each number and a for each word."""
    return re.sub(r"[^\W\d]+\.?", "a", re.sub(r"\d+", "0", text))


@cache
def _shapes_of(pattern: str) -> frozenset[str]:
    """The shapes of the dates that a pattern can read."""
    shape = re.sub(r"%[bBpZ]", "a", re.sub(r"%[YymdHIMSf]", "0", pattern))
    zones = ("+0", "-0", "+0:0", "-0:0", "a") if "%z" in shape else ("",)
    return frozenset(_shape(shape.replace("%z", zone)) for zone in zones)


def _dates_share(pattern: str, values: Sequence[str]) -> float:
    form = DateFormat.of(pattern, UTC)
    return _share(lambda text: milliseconds(form, text), values[:DATES_READ])
