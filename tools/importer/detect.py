"""Proposes a mapping for a CSV, for `journeys import --detect`. `proposal` writes it as TOML."""

import itertools
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from zoneinfo import ZoneInfo

from journeys.date_formats import DateFormat
from tools.importer.columns import check_columns
from tools.importer.csv_reader import REJECTED_COLUMNS, CsvFile, CsvFormat, byte_order_mark
from tools.importer.errors import CannotImport
from tools.importer.mapping import milliseconds
from tools.importer.mapping_file import parse_plan
from tools.importer.proposal import AttributeProposal, Proposal, write
from tools.importer.values import FALSE_WORDS, TRUE_WORDS, NumberFormat

ROWS_READ = 5000
"""Rows from which the mapping is derived."""
DELIMITERS = (",", ";", "\t", "|")
MOST, MOST_DATES = 0.95, 0.5
"""The share of a column's cells that make it a column of numbers, or of dates."""
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

_LEADING_ZERO = re.compile(r"[+-]?0\d")
_WORD = re.compile(r"[A-Za-z]+|\d+")
_DATE_NAMES = ("occurred", "happened", "event", "timestamp", "when", "updated", "changed", "modified", "created",
               "time", "date", "at", "datum", "zeit", "day")  # fmt: skip
_ID_NAMES = ("eventid", "event", "uuid", "guid", "id", "key", "number", "no", "nr", "reference", "ref")
_CUSTOMER_NAMES = ("customer", "client", "contact", "caller", "user", "visitor", "member", "person", "subscriber",
                   "patient", "kunde", "account", "who", "buyer", "email", "mail", "phone", "guest")  # fmt: skip
UTC = ZoneInfo("UTC")


@dataclass(frozen=True)
class Column:
    """A column of the sample: its name, the cells with a value, and what they have in common."""

    name: str
    values: Sequence[str]
    complete: bool
    """Whether every row has a value."""
    date_format: str | None
    number_formats: frozenset[NumberFormat]

    @property
    def unique(self) -> bool:
        return self.complete and len(set(self.values)) == len(self.values)

    @property
    def words(self) -> list[str]:
        """The words of the name in lower case: orderId and order_id are order, id."""
        return [word.lower() for word in _WORD.findall(re.sub(r"([a-z])([A-Z])", r"\1 \2", self.name))]


def propose(path: Path, encoding: str | None = None) -> str:
    """The text of a mapping file for a CSV. Raises CannotImport if the file cannot be read, or has no row."""
    file = _open(path, encoding)
    names = [name for name in file.columns if name and name not in REJECTED_COLUMNS and not set(name) & set("{}")]
    rows = _sample(file)
    if not names or not rows:
        raise CannotImport(f"{path} has no complete row after the header, from which a mapping can be derived.")
    check_columns(file, names, "every mapping")
    unknown = _unknown_texts(rows, names)
    columns = [_column(name, [row[name].strip() for row in rows], unknown) for name in names]
    proposal = _proposal(file, columns, unknown, len(rows))
    plan = parse_plan(write(proposal), "that was proposed")
    fitting = sum(plan.is_event(file.columns, [row[name] for name in file.columns]) for row in rows)
    return write(proposal, fitting)


# -- the file ----------------------------------------------------------------------------------------------------------


def _open(path: Path, encoding: str | None) -> CsvFile:
    if not path.is_file():
        raise CannotImport(f"There is no file {path}.")
    encoding = encoding or byte_order_mark(path) or _encoding(path)
    candidates: list[tuple[float, CsvFile]] = []
    error: CannotImport | None = None
    for delimiter in DELIMITERS:
        try:
            file = CsvFile(path, CsvFormat(delimiter, encoding))
        except CannotImport as caught:
            error = error or caught
            continue
        if file.separator_line:
            return file
        widths = [len(row.cells) for row in itertools.islice(file.rows(), 200)]
        fitting = sum(width == len(file.header) for width in widths) / max(1, len(widths))
        candidates.append((fitting * (len(file.header) - 1), file))
    _, best = max(candidates, key=lambda candidate: candidate[0], default=(0, None))
    if best is None or (error and len(best.header) == 1):
        raise error or CannotImport(f"{path} cannot be read.")
    return best


def _encoding(path: Path) -> str:
    """UTF-8 if the whole file is, UTF-16 if every other byte is zero, and otherwise Windows-1252."""
    with path.open("rb") as raw:
        start = raw.read(200)
    for name, zeros in (("utf-16-le", start[1::2]), ("utf-16-be", start[::2])):
        if len(zeros) > 4 and zeros.count(0) > len(zeros) * 0.8:
            return name
    try:
        with path.open(encoding="utf-8", newline="") as file:
            while file.read(1 << 20):
                pass
    except UnicodeError:
        return "cp1252"
    return "utf-8"


def _sample(file: CsvFile) -> list[Mapping[str, str]]:
    rows = (row for row in file.rows() if not row.refusal)
    return [dict(zip(file.columns, row.cells, strict=True)) for row in itertools.islice(rows, ROWS_READ)]


def _unknown_texts(rows: Sequence[Mapping[str, str]], names: Sequence[str]) -> list[str]:
    found = {row[name].strip() for row in rows for name in names}
    return sorted(text for text in found if text.lower() in UNKNOWN)


# -- the columns -------------------------------------------------------------------------------------------------------


def _column(name: str, cells: Sequence[str], unknown: Sequence[str]) -> Column:
    values = [cell for cell in cells if cell and cell not in unknown]
    plain = bool(values) and not any(_LEADING_ZERO.match(value) for value in values)
    numbers = frozenset(form for form in NUMBER_FORMATS if plain and _share(form.number, values) >= MOST)
    return Column(name, values, len(values) == len(cells), _date_format(name, values), numbers)


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
            return unix if _score([name.lower()], _DATE_NAMES, within=True) else None
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


def _score(words: Sequence[str], names: Sequence[str], *, within: bool = False) -> int:
    """How well a column's name fits: more for the names that come first in `names`."""
    for rank, name in enumerate(names):
        if name in words or (within and len(name) > 3 and any(name in word for word in words)):
            return len(names) - rank
    return 0


# -- the proposal ------------------------------------------------------------------------------------------------------


def _proposal(file: CsvFile, columns: Sequence[Column], unknown: Sequence[str], rows: int) -> Proposal:
    numbers = _number_format(file, columns)
    date = _best(columns, lambda one: one.date_format is not None, _DATE_NAMES)
    rest = [one for one in columns if one is not date]
    ids, customer = _id_and_customer(rest)
    used = {id(column) for column in (date, customer, *ids) if column}
    attributes = [one for one in columns if id(one) not in used]
    if len(ids) > 1:
        attributes += [one for one in ids if one is not customer]
    pattern = date.date_format if date else None
    return Proposal(
        path=file.path,
        rows=rows,
        delimiter=file.delimiter,
        encoding=file.encoding,
        unknown=unknown,
        numbers=numbers,
        ambiguous_numbers=_ambiguous_numbers(columns),
        id_columns=[one.name for one in ids],
        unique_id=len(ids) != 1 or ids[0].unique,
        date_column=(date or columns[0]).name,
        date_format=pattern or "iso",
        found_date=date is not None,
        other_date_format=_other_date_format(pattern, date.values) if date and pattern else None,
        customer_column=customer.name,
        attributes=list(_attributes(attributes, numbers)),
        left_out=[name for name in file.columns if set(name) & set("{}")],
    )


def _number_format(file: CsvFile, columns: Sequence[Column]) -> NumberFormat:
    """The format that reads most columns. In doubt a comma is a decimal comma if it does not separate cells."""
    formats = sorted(NUMBER_FORMATS, key=lambda one: one != NumberFormat())
    if file.delimiter != ",":
        formats.sort(key=lambda one: (one != NumberFormat(), one.decimal != ","))
    return max(formats, key=lambda one: sum(one in column.number_formats for column in columns))


def _ambiguous_numbers(columns: Sequence[Column]) -> list[str]:
    """Columns in which a separator can be a decimal sign or a thousands separator: 1.234 in every row."""
    return [
        column.name
        for column in columns
        if any(set(value) & {",", "."} for value in column.values)
        and ({".", ","} <= {one.decimal for one in column.number_formats})
    ]


def _best(columns: Sequence[Column], fits: Callable[[Column], bool], names: Sequence[str]) -> Column | None:
    """The fitting column whose name fits best. Columns with a value in every row go first."""
    return max(
        (column for column in columns if fits(column)),
        key=lambda one: (one.complete, _score(one.words, names), _score(one.words, names, within=True)),
        default=None,
    )


def _id_and_customer(columns: Sequence[Column]) -> tuple[list[Column], Column]:
    """The columns of the event's id, and that of the customer."""
    if not columns:
        raise CannotImport("The file has a single column. An event needs a date, a customer and an id.")
    named = [one for one in columns if _score(one.words, _CUSTOMER_NAMES, within=True) and one.complete]
    customer = _best(named, lambda _: True, _CUSTOMER_NAMES)
    possible = [one for one in columns if one is not customer and one.complete and not one.date_format]
    id_ = _best([one for one in possible if one.unique], lambda _: True, _ID_NAMES)
    ids = [id_] if id_ else _pair(possible, customer)
    if customer is None:
        others = [one for one in columns if one not in ids and one.complete and not one.date_format]
        customer = next((one for one in others if not one.number_formats), others[0] if others else columns[0])
    return ids or [customer], customer


def _pair(columns: Sequence[Column], customer: Column | None) -> list[Column]:
    """Two columns that are unique together, preferably named like an id."""
    ranked = sorted(columns, key=lambda one: -_score(one.words, _ID_NAMES))[:12]
    for first, second in itertools.combinations([*ranked, *([customer] if customer else [])], 2):
        if len(set(zip(first.values, second.values, strict=True))) == len(first.values):
            return [first, second]
    return []


def _other_date_format(pattern: str, values: Sequence[str]) -> str | None:
    """The format with day and month swapped, if it reads every date as well."""
    swapped = pattern.replace("%d", "%~").replace("%m", "%d").replace("%~", "%m")
    if swapped == pattern or pattern.startswith("%Y"):
        return None
    return swapped if _dates_share(swapped, values) >= _dates_share(pattern, values) else None


def _attributes(columns: Sequence[Column], numbers: NumberFormat) -> Iterator[AttributeProposal]:
    for column in columns:
        own = next((one for one in (numbers, *NUMBER_FORMATS) if one in column.number_formats), numbers)
        kind, note = _kind(column, own)
        pattern = column.date_format if kind in ("date", "datetime") else None
        yield AttributeProposal(column.name, kind, pattern, own if own != numbers else None, note)


def _kind(column: Column, numbers: NumberFormat) -> tuple[str, str]:
    """The kind of an attribute, and what to check about it."""
    values = column.values
    if not values:
        return "text", "no row has a value"
    if column.date_format:
        other = _other_date_format(column.date_format, values)
        note = f"or {other}: day and month cannot be told apart" if other else ""
        return "date" if _is_day(column.date_format, values) else "datetime", note
    if {value.lower() for value in values} <= {*TRUE_WORDS, *FALSE_WORDS}:
        only_numbers = all(value[0] in "01" for value in values)
        return ("integer", "or boolean: every value is 0 or 1") if only_numbers else ("boolean", "")
    if numbers in column.number_formats:
        whole, share = _share(numbers.integer, values), _share(numbers.number, values)
        kind = "integer" if whole == share else "number"
        return kind, "" if share == 1 else f"{1 - share:.1%} of the cells are no numbers, and their rows are rejected"
    longest = max(map(len, values))
    if all(re.fullmatch(r"https?://\S{1,1990}", value, re.IGNORECASE) for value in values):
        return "url", ""
    if longest > 100:
        return "longtext", f"at most 1,000 characters; the longest cell has {longest:,}" if longest > 700 else ""
    if column.words[-1:] in (["id"], ["key"], ["uuid"]) and not any(re.search(r"\s", value) for value in values):
        return "identifier", ""
    return "text", ""


def _is_day(pattern: str, values: Sequence[str]) -> bool:
    if pattern == "iso":
        return all(len(value) <= 10 for value in values)
    return not pattern.startswith("unix") and "%H" not in pattern and "%I" not in pattern
