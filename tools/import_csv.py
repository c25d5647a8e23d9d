"""Brings a CSV of past events in through the API, by a mapping file. It is safe to repeat.

    python -m tools.import_csv [--mapping FILE] [--organization ID] EVENTS.csv

A mapping says where a row's id, date, customer and attributes stand, and which event type the rows are of;
tools/mappings/servicenow_incidents.toml is one to copy. Without --mapping the one there that fits the header is taken.
"""

import argparse
import csv
import json
import re
import sys
import time
import tomllib
from collections import Counter, defaultdict, deque
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, tzinfo
from decimal import Decimal
from pathlib import Path
from string import Formatter
from typing import Any, Literal, NamedTuple, get_args
from zoneinfo import ZoneInfo

import httpx
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from journeys import dates
from journeys.registry.configurations.model import configuration_id
from tools.api import EVENTS_A_REQUEST, Api, ApiError

ROOT = Path(__file__).resolve().parent.parent
MAPPINGS = Path(__file__).resolve().parent / "mappings"
STACK_FILE = ROOT / ".local" / "stack.json"
PERMISSIONS = frozenset(
    {
        "journey:externalEventsEvent:add",
        "journey:externalEventsSchema:view",
        "journey:externalEventsSchema:add",
        "journey:externalEventsConfiguration:view",
        "journey:externalEventsConfiguration:add",
    }
)
REQUEST_BYTES = 900_000
"""A request is closed before it comes near the API's 1 MiB."""
ROWS_NAMED = 5
"""So many rows of each reason are named in the closing table."""
OUTCOMES_TOLD = ("created", "duplicate", "conflict", "rejected")
"""The closing table has these also where there were none."""

Kind = Literal["text", "longtext", "url", "identifier", "enum", "integer", "number", "boolean", "date", "datetime"]
_BOOLEANS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
_INTEGER = re.compile(r"[+-]?\d{1,38}", re.ASCII)
_DECIMAL = re.compile(r"[+-]?\d{1,38}\.\d{1,38}", re.ASCII)


class CannotImport(Exception):
    """Nothing, or nothing more, can be imported; the message says what to do."""


class RowRefused(Exception):
    """A row cannot be turned into an event. Neither the reason nor the message holds what the row says."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason, self.message = reason, message


# -- the mapping -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Value:
    """Where a text comes from: a column, or a template with columns in braces."""

    template: str

    @property
    def parts(self) -> list[tuple[str, str | None, str | None, str | None]]:
        return list(Formatter().parse(self.template))

    @property
    def columns(self) -> tuple[str, ...]:
        return tuple(name for _, name, _, _ in self.parts if name is not None) or (self.template,)

    def read(self, row: Mapping[str, str], unknown: frozenset[str]) -> str | None:
        """The text, or None where a column of it is not known."""
        cells = {name: row[name].strip() for name in self.columns}
        if any(cell in unknown for cell in cells.values()):
            return None
        if "{" not in self.template:
            return cells[self.template]
        return "".join(text + (cells[name] if name else "") for text, name, _, _ in self.parts)


@dataclass(frozen=True)
class Moment:
    """How a date is written: a format of strptime or "iso", and the zone where the text names none."""

    format: str
    zone: tzinfo

    def parse(self, text: str) -> datetime:
        """The moment, with its zone. Raises ValueError, also for a time that clocks left out in that zone."""
        moment = datetime.fromisoformat(text) if self.format == "iso" else datetime.strptime(text, self.format)
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=self.zone)
            if moment.astimezone(UTC).astimezone(self.zone).replace(tzinfo=None) != moment.replace(tzinfo=None):
                raise ValueError("the clocks left this time out")
        return moment

    def text(self, text: str) -> str:
        """The moment in UTC, as the API takes it. Raises ValueError."""
        return dates.text(dates.parse(self.parse(text).isoformat()))


@dataclass(frozen=True)
class Attribute:
    """One attribute of an event."""

    name: str
    value: Value
    kind: Kind
    required: bool
    values: tuple[str, ...]
    moment: Moment

    def parse(self, text: str) -> Any:
        """The value as the API takes it. Raises ValueError."""
        match self.kind:
            case "integer":
                if not _INTEGER.fullmatch(text):
                    raise ValueError("not a whole number")
                return int(text)
            case "number":
                return _number(text)
            case "boolean":
                return _BOOLEANS[text.lower()]
            case "date" if self.moment.format == "iso":
                return date.fromisoformat(text).isoformat()
            case "date":
                return datetime.strptime(text, self.moment.format).date().isoformat()
            case "datetime":
                return self.moment.text(text)
            case "enum" if text not in self.values:
                raise ValueError("not one of the values")
        return text

    def to_schema(self) -> dict[str, Any]:
        """Its part of the event type's schema."""
        schema: dict[str, Any] = {"allOf": [{"$ref": f"#/definitions/{self.kind}"}], "title": self.name}
        return schema | {"enum": list(self.values)} if self.kind == "enum" else schema


def _number(text: str) -> int | float:
    if _INTEGER.fullmatch(text):
        return int(text)
    if not _DECIMAL.fullmatch(text) or Decimal(repr(float(text))) != Decimal(text):
        raise ValueError("not a number, or one of more digits than JSON carries unchanged")
    return float(text)


@dataclass(frozen=True)
class Plan:
    """A mapping file, understood."""

    unknown: frozenset[str]
    delimiter: str
    id: Value
    date: Value
    moment: Moment
    external_source_id: str
    customer: Value
    title: str
    description: str
    source: str
    configuration: str
    attributes: tuple[Attribute, ...]

    @property
    def columns(self) -> list[str]:
        """Every column that is read, in the mapping's order."""
        values = [self.id, self.date, self.customer, *(attribute.value for attribute in self.attributes)]
        return list(dict.fromkeys(column for value in values for column in value.columns))

    def event(self, row: Mapping[str, str]) -> dict[str, Any]:
        """A row as the API takes it. Raises RowRefused."""
        written = self.date.read(row, self.unknown)
        if written is None:
            raise RowRefused("missing.date", f"the date ({self.date.template}) is empty")
        try:
            date_created = self.moment.text(written)
        except ValueError:
            raise RowRefused(
                "invalid.date", f"the date ({self.date.template}) is not of the form {self.moment.format}"
            ) from None
        customer = self.customer.read(row, self.unknown)
        if customer is None:
            raise RowRefused("missing.identifier", f"the customer ({self.customer.template}) is empty")
        event_id = self.id.read(row, self.unknown)
        if event_id is None:
            raise RowRefused("missing.id", f"the id ({self.id.template}) is empty")
        return {
            "id": event_id,
            "dateCreated": date_created,
            "identifiers": {"externalIds": [{"externalSourceId": self.external_source_id, "value": customer}]},
            "attributes": dict(self._attributes(row)),
        }

    def _attributes(self, row: Mapping[str, str]) -> Iterator[tuple[str, Any]]:
        for attribute in self.attributes:
            text = attribute.value.read(row, self.unknown)
            if text is None:
                continue  # a required one that is missing is the API's to refuse, which then keeps it as failed
            try:
                yield attribute.name, attribute.parse(text)
            except (ValueError, KeyError):
                raise RowRefused(
                    "invalid.attribute", f"{attribute.value.template} is no {attribute.kind} as the mapping has it"
                ) from None

    def to_schema(self) -> dict[str, Any]:
        """The event type, as the API takes it."""
        return {
            "title": self.title,
            "description": self.description,
            "type": "object",
            "required": [attribute.name for attribute in self.attributes if attribute.required],
            "properties": {attribute.name: attribute.to_schema() for attribute in self.attributes},
        }


def read_plan(path: Path) -> Plan:
    """The mapping in a TOML or JSON file. Raises CannotImport with the place of what is wrong."""
    try:
        text = path.read_text(encoding="utf-8")
        raw = json.loads(text) if path.suffix == ".json" else tomllib.loads(text)
    except OSError as error:
        raise CannotImport(f"The mapping {path} cannot be read: {error.strerror}.") from None
    except ValueError as error:
        raise CannotImport(f"The mapping {path} is not valid: {error}.") from None
    try:
        return _plan(_Part(raw, ""))
    except _Wrong as wrong:
        raise CannotImport(f"The mapping {path} is not valid: {wrong}.") from None


class _Wrong(Exception):
    pass


class _Part:
    """A table of a mapping file, which knows where it stands and which of its entries were read."""

    def __init__(self, raw: object, where: str) -> None:
        if not isinstance(raw, dict):
            raise _Wrong(f"{where or 'it'} must be a table")
        self._raw, self._where, self._read = raw, where, set[str]()

    def get(self, name: str, kind: type, default: Any = None) -> Any:
        """An entry; one without a default must be there."""
        self._read.add(name)
        value = self._raw.get(name, default)
        if value is None:
            raise _Wrong(f"{self._where}{name} is missing")
        if not isinstance(value, kind):
            raise _Wrong(f"{self._where}{name} must be a {kind.__name__}")
        return value

    def part(self, name: str) -> "_Part":
        return _Part(self.get(name, dict), f"{self._where}{name}.")

    def value(self, name: str) -> Value:
        value = Value(self.get(name, str))
        try:
            if not all(value.columns) or any(spec or conversion for _, _, spec, conversion in value.parts):
                raise ValueError("between braces stands the name of a column, and nothing else")
        except ValueError as error:
            raise _Wrong(f"{self._where}{name}: {error}") from None
        return value

    def moment(self, form: str, zone: tzinfo) -> Moment:
        name = self.get("zone", str, "")
        try:
            return Moment(self.get("format", str, form), zone if not name else UTC if name == "UTC" else ZoneInfo(name))
        except (LookupError, ValueError, OSError):
            raise _Wrong(f"{self._where}zone: this machine knows no zone {name!r}; Europe/Berlin is one") from None

    def texts(self, name: str) -> tuple[str, ...]:
        values = self.get(name, list, [])
        if not all(isinstance(value, str) for value in values):
            raise _Wrong(f"{self._where}{name} must be a list of texts")
        return tuple(values)

    def names(self) -> list[str]:
        self._read.update(self._raw)
        return list(self._raw)

    def done(self) -> None:
        for name in sorted(self._raw.keys() - self._read):
            raise _Wrong(f"{self._where}{name} is not known")


def _plan(root: _Part) -> Plan:
    when, customer, kind, attributes = (root.part(name) for name in ("date", "customer", "type", "attributes"))
    moment = when.moment("iso", UTC)
    source, title = kind.get("source", str), kind.get("title", str)
    plan = Plan(
        unknown=frozenset(root.texts("unknown")) | {""},
        delimiter=root.get("delimiter", str, ","),
        id=root.value("id"),
        date=when.value("value"),
        moment=moment,
        external_source_id=customer.get("externalSourceId", str),
        customer=customer.value("value"),
        title=title,
        description=kind.get("description", str, ""),
        source=source,
        configuration=kind.get("configuration", str, f"{title} from {source}"),
        attributes=tuple(_attribute(name, attributes.part(name), moment) for name in attributes.names()),
    )
    for part in (root, when, customer, kind):
        part.done()
    if len(plan.delimiter) != 1:
        raise _Wrong("delimiter must be one character")
    return plan


def _attribute(name: str, part: _Part, moment: Moment) -> Attribute:
    kind: Any = part.get("kind", str)
    if kind not in get_args(Kind):
        raise _Wrong(f"attributes.{name}.kind is {kind!r}; there are {', '.join(get_args(Kind))}")
    attribute = Attribute(
        name=name,
        value=part.value("value"),
        kind=kind,
        required=part.get("required", bool, False),
        values=part.texts("values"),
        moment=part.moment("iso", moment.zone),
    )
    if (kind == "enum") is not bool(attribute.values):
        raise _Wrong(f"attributes.{name}.values are needed for an enum, and for nothing else")
    part.done()
    return attribute


# -- the file ----------------------------------------------------------------------------------------------------------


def read_header(path: Path, delimiter: str = ",") -> list[str]:
    """The names of a CSV's columns. Raises CannotImport."""
    if not path.is_file():
        raise CannotImport(f"There is no file {path}.")
    header = next(_records(path, delimiter), None)
    if header is None:
        raise CannotImport(f"{path} is empty; its first row must name the columns.")
    return header


def read_rows(path: Path, delimiter: str) -> Iterator[tuple[int, dict[str, str] | None]]:
    """Every row with its number, as spreadsheets count: the header is row 1. None for one of another length."""
    records = _records(path, delimiter)
    header = next(records)
    for number, record in enumerate(records, start=2):
        if record:  # a blank line is no row
            yield number, dict(zip(header, record, strict=True)) if len(record) == len(header) else None


def _records(path: Path, delimiter: str) -> Iterator[list[str]]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file, delimiter=delimiter)
            try:
                yield from reader
            except csv.Error as error:
                raise CannotImport(f"{path} is not a readable CSV near line {reader.line_num}: {error}.") from None
            except UnicodeDecodeError:
                raise CannotImport(f"{path} is not UTF-8 after line {reader.line_num}; save it as UTF-8.") from None
    except OSError as error:
        raise CannotImport(f"{path} cannot be read: {error.strerror}.") from None


def choose_plan(mapping: str | None, path: Path) -> Plan:
    """The plan that was named, or the shipped one whose columns the file has. Raises CannotImport."""
    if mapping is not None:
        plan = read_plan(Path(mapping))
        header = read_header(path, plan.delimiter)
        if missing := [column for column in plan.columns if column not in header]:
            raise CannotImport(
                f"{path} has no column {', '.join(missing)}, which the mapping {mapping} reads.\n"
                f"Its columns are {', '.join(header)}."
            )
        if twice := [column for column in plan.columns if header.count(column) > 1]:
            raise CannotImport(f"{path} has the column {', '.join(twice)} twice; name them apart.")
        return plan
    for shipped in sorted(MAPPINGS.iterdir()):
        plan = read_plan(shipped)
        if all(read_header(path, plan.delimiter).count(column) == 1 for column in plan.columns):
            return plan
    raise CannotImport(
        f"No mapping in tools/mappings fits {path}, whose columns are {', '.join(read_header(path))}.\n"
        "Copy tools/mappings/servicenow_incidents.toml, change it, and name it: make import FILE=... MAPPING=..."
    )


# -- the API -----------------------------------------------------------------------------------------------------------


def connect(stack_file: Path, organization_id: str | None) -> tuple[Api, str]:
    """The API as a client that may import, and its organisation. Raises CannotImport."""
    try:
        stack = json.loads(stack_file.read_text())
    except (OSError, ValueError):
        raise CannotImport(f"There is no stack to import into ({stack_file}); start one: make run") from None
    organizations = {one["id"]: one for one in stack.get("organizations", [])}
    chosen = organizations.get(organization_id or next(iter(organizations), ""))
    if chosen is None:
        known = ", ".join(organizations) or "none"
        raise CannotImport(f"{stack_file} has no organisation {organization_id or ''}; there is {known}.")
    for client in chosen["clients"]:
        if set(client["permissions"]) >= PERMISSIONS:
            return Api(stack["apiUrl"], stack["tokenUrl"], client["clientId"], client["clientSecret"]), chosen["id"]
    raise CannotImport(
        f"No client of {chosen['id']} in {stack_file} may import; it takes {', '.join(sorted(PERMISSIONS))}."
    )


def ensure_type(api: Api, organization_id: str, plan: Plan) -> str:
    """The configuration that the events go to, with its event type, created where they are missing."""
    wanted = plan.title.strip().casefold()
    for schema in api.call("GET", "externalevents/schemas")["entities"]:
        if schema["enabled"] and schema["jsonSchema"]["title"].strip().casefold() == wanted:
            there = schema["jsonSchema"].get("properties", {})
            if missing := [one.name for one in plan.attributes if one.name not in there]:
                raise CannotImport(
                    f"The event type {plan.title} exists already, without {', '.join(missing)}. "
                    "Add them to its schema, or give the mapping another title."
                )
            break
    else:
        schema = api.call("POST", "externalevents/schemas", plan.to_schema())
    configuration = {"name": plan.configuration, "schemaId": schema["id"], "source": plan.source}
    id_ = configuration_id(organization_id, schema["id"], plan.source)
    try:
        api.call("GET", f"externalevents/configurations/{id_}")
    except ApiError as error:
        if error.status != 404:
            raise
        return str(api.call("POST", "externalevents/configurations", configuration)["id"])
    return id_


# -- importing ---------------------------------------------------------------------------------------------------------


@dataclass
class Tally:
    """What became of the rows: every row counts once, under its outcome and its reason."""

    counts: Counter[tuple[str, str]] = field(default_factory=Counter)
    rows: dict[tuple[str, str], list[int]] = field(default_factory=lambda: defaultdict(list))
    messages: dict[tuple[str, str], str] = field(default_factory=dict)

    def add(self, outcome: str, reason: str, row: int, message: str = "") -> None:
        key = outcome, reason
        self.counts[key] += 1
        self.messages.setdefault(key, message)
        if len(self.rows[key]) < ROWS_NAMED:
            self.rows[key].append(row)

    def count(self, outcome: str) -> int:
        return sum(number for (one, _), number in self.counts.items() if one == outcome)


Batch = list[tuple[int, dict[str, Any]]]
"""The events of one request, each with the number of its row."""


class _Sending(NamedTuple):
    batch: Batch
    ids: frozenset[str]
    answer: Future[dict[str, Any]]


class Import:
    """One run: reads a file, sends it in requests from several threads, and counts."""

    def __init__(self, api: Api, configuration_id: str, plan: Plan, threads: int) -> None:
        self._api, self._configuration_id, self._plan, self._threads = api, configuration_id, plan, threads
        self.tally = Tally()

    def run(self, path: Path, progress: Progress | None = None) -> None:
        """Imports a file. Raises CannotImport, ApiError and httpx.HTTPError; what came before them is counted."""
        rows = sum(1 for _ in read_rows(path, self._plan.delimiter))
        task = progress.add_task(path.name, total=rows) if progress else None
        sending: deque[_Sending] = deque()

        def settle() -> None:
            self._count(sending[0].batch, sending[0].answer.result())
            sending.popleft()
            if progress is not None and task is not None:
                progress.update(task, completed=self.tally.counts.total())

        pool = ThreadPoolExecutor(self._threads)
        try:
            for batch in self._batches(path):
                ids = frozenset(event["id"] for _, event in batch)
                # of rows that share an id the first in the file wins, so they are never on their way together
                while len(sending) >= 2 * self._threads or not all(ids.isdisjoint(one.ids) for one in sending):
                    settle()
                events = [event for _, event in batch]
                sending.append(_Sending(batch, ids, pool.submit(self._send, events)))
            while sending:
                settle()
        finally:
            pool.shutdown(cancel_futures=True)
            for one in sending:  # only after trouble: what was answered all the same is counted
                if not one.answer.cancelled() and one.answer.exception() is None:
                    self._count(one.batch, one.answer.result())
        if progress is not None and task is not None:
            progress.update(task, completed=self.tally.counts.total())

    def _send(self, events: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        """One request; also sent again where the function itself broke off, since repeating it does no harm."""
        for wait in (0.5, 2.0, None):
            try:
                return self._api.send(self._configuration_id, events)
            except ApiError as error:
                if error.status < 500 or wait is None:
                    raise
                time.sleep(wait)
        raise AssertionError("the last try returns or raises")

    def _batches(self, path: Path) -> Iterator[Batch]:
        batch: Batch = []
        size = 0
        for number, row in read_rows(path, self._plan.delimiter):
            try:
                if row is None:
                    raise RowRefused("wrong.columns", "the row has more or fewer cells than the header")
                event = self._plan.event(row)
                length = len(json.dumps(event)) + 2
                if length > REQUEST_BYTES:
                    raise RowRefused("event.too.large", "the row is too large for an event")
            except RowRefused as refused:
                self.tally.add("rejected here", refused.reason, number, refused.message)
                continue
            if len(batch) == EVENTS_A_REQUEST or size + length > REQUEST_BYTES:
                yield batch
                batch, size = [], 0
            batch.append((number, event))
            size += length
        if batch:
            yield batch

    def _count(self, batch: Batch, answer: Mapping[str, Any]) -> None:
        for one in answer["processed"]:
            self.tally.add(one["outcome"], "", batch[one["originalRequestIndex"]][0])
        for one in answer["unprocessedEntities"]:
            row, reason = batch[one["originalRequestIndex"]][0], one["errorCode"]
            if one["isRetryable"]:
                self.tally.add("not answered", reason, row, one["errorMessage"])
            elif reason == "event.conflict":  # the message names the fields that differ, which are others in each row
                self.tally.add("conflict", reason, row, "the id is there already, with other content, which stays")
            else:
                self.tally.add("rejected", reason, row, one["errorMessage"])


def closing_table(tally: Tally, title: str) -> Table:
    """What became of every row."""
    table = Table(title=title, title_justify="left")
    table.add_column("outcome")
    table.add_column("rows", justify="right")
    table.add_column("reason")
    table.add_column("in row")
    for outcome in ("created", "duplicate", "conflict", "rejected", "rejected here", "not answered"):
        reasons = sorted(reason for one, reason in tally.counts if one == outcome)
        if not reasons and outcome in OUTCOMES_TOLD:
            table.add_row(outcome, "0", "", "")
        for reason in reasons:
            number, rows = tally.counts[outcome, reason], sorted(tally.rows[outcome, reason])
            which = ", ".join(map(str, rows)) + (" ..." if number > len(rows) else "")
            because = escape(f"{reason}: {tally.messages[outcome, reason]}")
            table.add_row(outcome, f"{number:,}", because if reason else "", which if reason else "")
    table.add_section()
    table.add_row("in all", f"{tally.counts.total():,}", "", "")
    return table


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command. Its status is 0 when every row was answered for, be it with a refusal."""
    parser = argparse.ArgumentParser(prog="python -m tools.import_csv", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("file", metavar="FILE", help="the CSV; its first row names the columns")
    parser.add_argument("--mapping", help="a TOML or JSON file; by default the one in tools/mappings that fits")
    parser.add_argument("--organization", help="an organisation of the stack; by default its first")
    parser.add_argument("--stack", type=Path, default=STACK_FILE, help="what `make run` wrote about the stack")
    parser.add_argument("--threads", type=int, default=4, help="requests on their way at the same time")
    given = parser.parse_args(arguments)
    console, errors = Console(), Console(stderr=True, soft_wrap=True)
    run: Import | None = None
    status, trouble = 0, ""
    try:
        if not given.file:
            raise CannotImport("Name the file: make import FILE=events.csv")
        path = Path(given.file)
        read_header(path)
        plan = choose_plan(given.mapping, path)
        api, organization_id = connect(given.stack, given.organization)
        with Progress(
            TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(), console=errors
        ) as progress:
            run = Import(api, ensure_type(api, organization_id, plan), plan, max(1, given.threads))
            run.run(path, progress)
    except CannotImport as error:
        trouble = str(error)
    except ApiError as error:
        trouble = f"The API refused a request. {error}"
    except httpx.HTTPStatusError:
        trouble = f"The credentials in {given.stack} are not accepted; start the stack again: make run"
    except httpx.HTTPError:
        trouble = f"The stack in {given.stack} does not answer; start it: make run"
    except KeyboardInterrupt:
        trouble = "Interrupted. Run it again to go on; what is stored already counts as duplicate."
    if run is not None and run.tally.counts:
        console.print(closing_table(run.tally, f"{path.name} as {plan.title} of {organization_id}"))
        if left := run.tally.count("not answered"):
            trouble = trouble or f"{left} rows were not answered for; run it again to go on."
    if trouble:
        errors.print(escape(trouble), style="red", highlight=False)
        status = 1
    return status


if __name__ == "__main__":
    sys.exit(main())
