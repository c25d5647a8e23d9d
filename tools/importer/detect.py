"""Proposes a mapping for a CSV, for `journeys import --detect`. `proposal` writes it as TOML."""

import contextlib
import itertools
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from tools.importer.column_kinds import (
    NUMBER_FORMATS,
    Column,
    column_of,
    kind_of,
    other_date_format,
    unknown_texts,
    words,
)
from tools.importer.csv_reader import CsvFile
from tools.importer.dry_run import judge_for
from tools.importer.errors import RowRefused
from tools.importer.mapping import ImportPlan
from tools.importer.mapping_file import parse_plan
from tools.importer.proposal import AttributeProposal, Proposal, write
from tools.importer.sample import Sample, read_sample
from tools.importer.tally import VALID
from tools.importer.values import NumberFormat

MOST_IDS = 0.99
"""The share of rows with an id of their own, if no column or pair of columns is unique."""
PAIRED = 12
"""Columns that are tried in pairs as an id."""
_DATE_NAMES = ("occurred", "happened", "event", "timestamp", "when", "updated", "changed", "modified", "created",
               "time", "date", "at", "datum", "zeit", "day")  # fmt: skip
_ID_NAMES = ("eventid", "event", "uuid", "guid", "id", "key", "number", "no", "nr", "reference", "ref")
_NOT_CUSTOMERS = ("type", "kind", "group", "status", "state", "segment", "channel", "count")
"""Last words of columns that describe customers and do not identify them."""
_CUSTOMER_NAMES = ("customer", "client", "contact", "caller", "user", "visitor", "member", "person", "subscriber",
                   "patient", "kunde", "account", "who", "buyer", "email", "mail", "phone", "guest")  # fmt: skip


def propose(path: Path, encoding: str | None = None) -> str:
    """The text of a mapping file for a CSV. Raises CannotImport if the file cannot be read, or has no row."""
    sample = read_sample(path, encoding)
    unknown = unknown_texts(row[name].strip() for row in sample.rows for name in sample.names)
    columns = [column_of(name, [row[name].strip() for row in sample.rows], unknown) for name in sample.names]
    proposal = _proposal(sample, columns, unknown)
    outcomes = _outcomes(parse_plan(write(proposal), "that was proposed"), sample)
    return write(replace(proposal, valid=outcomes[VALID], repeated=outcomes["duplicate"] + outcomes["event.conflict"]))


def _outcomes(plan: ImportPlan, sample: Sample) -> Counter[str]:
    """What a dry run says about the rows: the number of rows by outcome or error."""
    events = []
    for row in sample.rows:
        with contextlib.suppress(RowRefused):
            events.append(plan.event(row))
    response = judge_for(None, plan)(events)
    outcomes = Counter(result["outcome"] for result in response["processed"])
    return outcomes + Counter(result["errorCode"] for result in response["unprocessedEntities"])


def _proposal(sample: Sample, columns: Sequence[Column], unknown: Sequence[str]) -> Proposal:
    file = sample.file
    numbers = _number_format(file, columns)
    date = _best(columns, lambda one: one.date_format is not None, _DATE_NAMES)
    ids, customer = _id_and_customer([one for one in columns if one is not date])
    single_id = ids[0] if len(ids) == 1 else None
    used = (date, customer, single_id)
    pattern = date.date_format if date else None
    return Proposal(
        path=file.path,
        rows=len(sample.rows) + sample.broken,
        broken=sample.broken,
        delimiter=file.delimiter,
        encoding=file.encoding.removesuffix("-sig"),
        unknown=unknown,
        numbers=numbers,
        ambiguous_numbers=_ambiguous_numbers(columns),
        id_columns=[one.name for one in ids],
        date_column=(date or columns[0]).name,
        date_format=pattern or "iso",
        found_date=date is not None,
        other_date_format=other_date_format(pattern, date.values) if date and pattern else None,
        customer_column=customer.name,
        attributes=list(_attributes([one for one in columns if one not in used], numbers)),
        left_out=sample.left_out,
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
    """The fitting column whose name fits best. Columns with a value in nearly every row go first."""
    return max(
        (column for column in columns if fits(column)),
        key=lambda one: (one.complete, _score(one, names), _score(one, names, within=True)),
        default=None,
    )


def _score(column: Column, names: Sequence[str], *, within: bool = False) -> int:
    """How well a column's name fits: more for the names that come first in `names`."""
    own = words(column.name)
    for rank, name in enumerate(names):
        if name in own or (within and len(name) > 3 and any(name in word for word in own)):
            return len(names) - rank
    return 0


def _id_and_customer(columns: Sequence[Column]) -> tuple[list[Column], Column]:
    """The columns of the event's id, and that of the customer."""
    named = [one for one in columns if one.complete and _is_customer(one)]
    customer = _best([one for one in named if words(one.name)[-1] != "name"] or named, lambda _: True, _CUSTOMER_NAMES)
    ids = _ids([one for one in columns if one is not customer and one.complete and not one.date_format], customer)
    if customer is None:
        others = [one for one in columns if one not in ids and one.complete and not one.date_format]
        customer = next((one for one in others if not one.number_formats), others[0] if others else columns[0])
    return ids or [customer], customer


def _is_customer(column: Column) -> bool:
    return bool(_score(column, _CUSTOMER_NAMES, within=True)) and words(column.name)[-1] not in _NOT_CUSTOMERS


def _ids(columns: Sequence[Column], customer: Column | None) -> list[Column]:
    """The column or the two columns that are unique, or nearly so, preferably named like an id. May be empty."""
    ranked = sorted(columns, key=lambda one: -_score(one, _ID_NAMES))
    pairs = itertools.combinations([*ranked[:PAIRED], *([customer] if customer else [])], 2)
    best, most = list[Column](), MOST_IDS
    for candidate in [*([one] for one in ranked), *map(list, pairs)]:
        share = _distinct(candidate)
        if share == 1:
            return candidate
        if share > most:
            best, most = candidate, share
    return best


def _distinct(columns: Sequence[Column]) -> float:
    """The share of rows whose cells in these columns differ from those of all earlier rows."""
    rows = list(zip(*(column.cells for column in columns), strict=True))
    return len({row for row in rows if None not in row}) / len(rows)


def _attributes(columns: Sequence[Column], numbers: NumberFormat) -> Iterator[AttributeProposal]:
    for column in columns:
        own = next((one for one in (numbers, *NUMBER_FORMATS) if one in column.number_formats), numbers)
        kind, note = kind_of(column, own)
        pattern = column.date_format if kind in ("date", "datetime") else None
        yield AttributeProposal(column.name, kind, pattern, own if own != numbers else None, note)
