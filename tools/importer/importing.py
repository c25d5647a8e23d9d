"""Imports a CSV of past events through the API. An import can be interrupted and repeated."""

import argparse
import json
import sys
import time
from collections import Counter, defaultdict, deque
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import httpx
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from journeys.registry.configurations.model import configuration_id
from tools.api import EVENTS_A_REQUEST, ApiClient, ApiError
from tools.importer.mapping import CannotImport, Plan, RowRefused
from tools.importer.rows import choose_plan, read_header, read_rows
from tools.paths import ROOT

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


def connect(stack_file: Path, organization_id: str | None) -> tuple[ApiClient, str]:
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
            return ApiClient(stack["apiUrl"], stack["tokenUrl"], client["clientId"], client["clientSecret"]), chosen[
                "id"
            ]
    raise CannotImport(
        f"No client of {chosen['id']} in {stack_file} may import; it takes {', '.join(sorted(PERMISSIONS))}."
    )


def ensure_type(api: ApiClient, organization_id: str, plan: Plan) -> str:
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

    def __init__(self, api: ApiClient, configuration_id: str, plan: Plan, threads: int) -> None:
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
