"""Writes a proposed mapping as TOML, with comments that say what to check."""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from journeys.registry.limits import FIELD_NAME, MAX_FIELDS, SCHEMA_NAME
from tools.importer.errors import shortened
from tools.importer.values import NumberFormat


@dataclass(frozen=True)
class AttributeProposal:
    """An attribute: its column, its kind, the format of its dates, and what to check.

    `numbers` is the format of its numbers, if it differs from that of the other columns.
    """

    column: str
    kind: str
    date_format: str | None
    numbers: NumberFormat | None
    note: str


@dataclass(frozen=True)
class Proposal:
    """What was found in a file."""

    path: Path
    rows: int
    broken: int
    """The rows among them that cannot be split into cells."""
    delimiter: str
    encoding: str
    unknown: Sequence[str]
    numbers: NumberFormat
    ambiguous_numbers: Sequence[str]
    id_columns: Sequence[str]
    date_column: str
    date_format: str
    found_date: bool
    other_date_format: str | None
    customer_column: str
    attributes: Sequence[AttributeProposal]
    left_out: Sequence[str]
    """Columns that a mapping cannot name."""
    valid: int = 0
    """The rows that the mapping can import."""
    repeated: int = 0
    """The rows that have the id of an earlier row."""


def write(proposal: Proposal) -> str:
    """The text of the mapping file."""
    return "\n".join([*_head(proposal), *_event(proposal), *_attributes(proposal)]) + "\n"


def _head(proposal: Proposal) -> Iterator[str]:
    rows = f"{proposal.rows:,} row{'s' * (proposal.rows != 1)}"
    broken = f" {proposal.broken:,} cannot be split into cells." if proposal.broken else ""
    yield f"# Proposed by `journeys import --detect` from {rows} of {shortened(proposal.path.name)}."
    yield f"# With this mapping, {proposal.valid:,} of {rows} can be imported.{broken}"
    yield "# Check every line with a comment, and then all rows with"
    yield "# `journeys import FILE --mapping THIS_FILE --dry-run`."
    yield ""
    yield f"delimiter = {quoted(proposal.delimiter)}"
    yield f"encoding = {quoted(proposal.encoding)}"
    yield f"unknown = [{', '.join(map(quoted, ['', *proposal.unknown]))}]  # cells with these texts are left out"
    numbers = proposal.numbers
    if numbers != NumberFormat() or proposal.ambiguous_numbers:
        names = ", ".join(shortened(name) for name in proposal.ambiguous_numbers[:5])
        note = f"  # check {names}: the separator can be a decimal sign or a thousands separator" if names else ""
        yield f"decimal = {quoted(numbers.decimal)}{note}"
        yield f"thousands = {quoted(numbers.thousands)}"


def _event(proposal: Proposal) -> Iterator[str]:
    columns = proposal.id_columns
    template = "-".join(f"{{{name}}}" for name in columns) if len(columns) > 1 else columns[0]
    yield ""
    yield "# The id must be different for each event, and the same whenever the file is exported and imported again."
    repeated = f"  # CHECK: rows with the id of an earlier row: {proposal.repeated:,}. Add columns, such as {{a}}-{{b}}"
    yield f"id = {quoted(template)}{repeated if proposal.repeated else ''}"
    yield ""
    yield "[date]"
    missing = "" if proposal.found_date else "  # CHECK: no column of dates was found"
    yield f"value = {quoted(proposal.date_column)}{missing}"
    other = proposal.other_date_format
    swapped = f"  # CHECK: or {quoted(other)}; day and month cannot be told apart" if other else ""
    yield f"format = {quoted(proposal.date_format)}{swapped}"
    yield 'zone = "UTC"  # CHECK: the time zone of dates that name none, such as Europe/Berlin'
    yield ""
    yield "[customer]"
    yield f"value = {quoted(proposal.customer_column)}  # CHECK: the column that identifies the customer"
    yield f"externalSourceId = {quoted(_slug(proposal.path.stem))}  # CHECK: the system that issues these identifiers"
    yield ""
    yield "[type]"
    yield f"title = {quoted(_title(proposal.path.stem))}  # CHECK: the name of the event type"
    yield 'source = "CSV import"  # CHECK: the system that the events come from'


def _attributes(proposal: Proposal) -> Iterator[str]:
    yield ""
    yield "# Kinds: text, longtext, url, identifier, enum (with values = [...]), integer, number, boolean, date and"
    yield "# datetime (with a format)."
    yield "# required = true rejects rows without the value."
    yield "[attributes]"
    names: set[str] = set()
    for index, attribute in enumerate(proposal.attributes):
        name = _attribute_name(attribute.column, names)
        names.add(name.casefold())
        entries = [f"value = {quoted(attribute.column)}", f"kind = {quoted(attribute.kind)}"]
        if attribute.date_format:
            entries.append(f"format = {quoted(attribute.date_format)}")
        if attribute.numbers and attribute.kind in ("integer", "number"):
            entries.append(f"decimal = {quoted(attribute.numbers.decimal)}")
            entries.append(f"thousands = {quoted(attribute.numbers.thousands)}")
        note = f"  # CHECK: {attribute.note}" if attribute.note else ""
        left_out = "# " if index >= MAX_FIELDS else ""
        if index == MAX_FIELDS:
            yield f"# An event type has at most {MAX_FIELDS} attributes. These are left out:"
        yield f"{left_out}{name} = {{ {', '.join(entries)} }}{note}"
    for column in proposal.left_out:
        yield (
            f"# CHECK: rename the column {shortened(column)} to import it. A mapping cannot name a column with braces, "
            "or several columns with the same name."
        )


def quoted(text: str) -> str:
    """A TOML string."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _words(text: str) -> list[str]:
    return re.findall(r"[A-Za-z]+|\d+", re.sub(r"([a-z])([A-Z])", r"\1 \2", text))


def _attribute_name(column: str, taken: set[str]) -> str:
    """A name in mixed case, such as orderTotal for "Order total". It is not in `taken`."""
    words = _words(column) or ["column"]
    name = "".join([words[0].lower(), *(word.capitalize() for word in words[1:])])[: FIELD_NAME[1] - 5]
    name = name if name[0].isalpha() else f"n{name}"
    number = 2
    unique = name
    while unique.casefold() in taken:
        unique, number = f"{name}{number}", number + 1
    return unique


def _slug(stem: str) -> str:
    return "-".join(word.lower() for word in _words(stem))[:50] or "csv"


def _title(stem: str) -> str:
    return " ".join(word.capitalize() for word in _words(stem))[: SCHEMA_NAME[1]] or "Imported Event"
