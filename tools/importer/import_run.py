"""Imports a CSV of past events through the API. An import can be interrupted and repeated."""

import json
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from tools.api import EVENTS_PER_REQUEST, ApiClient, ApiError
from tools.importer.csv_reader import CsvFile
from tools.importer.csv_rows import Row
from tools.importer.errors import CannotImport, RowRefused, listed
from tools.importer.mapping import ImportPlan
from tools.importer.rejected import RejectedRows
from tools.importer.tally import CONFLICT, NO_RESPONSE, REJECTED, ImportTally
from tools.progress import ProgressBars

PERMISSIONS = frozenset(
    {
        "journey:externalEventsEvent:add",
        "journey:externalEventsSchema:view",
        "journey:externalEventsSchema:add",
        "journey:externalEventsConfiguration:add",
    }
)
"""The permissions of a client that imports."""

REQUEST_BYTES = 900_000
"""The most bytes of one request. The API's limit is 1 MiB."""


ROWS_PER_BATCH = 1000
"""The most rows of one batch, of which EVENTS_PER_REQUEST can be events."""

Response = dict[str, Any]
Send = Callable[[Sequence[Mapping[str, Any]]], Response]
"""Sends events, and returns {processed, unprocessedEntities}. May be called by several threads."""


def find_schema(api: ApiClient, plan: ImportPlan) -> dict[str, Any] | None:
    """The event type of the mapping's title, or None. Raises CannotImport if it lacks an attribute."""
    title = plan.title.strip().casefold()
    for schema in api.call("GET", "externalevents/schemas")["entities"]:
        if schema["enabled"] and schema["jsonSchema"]["title"].strip().casefold() == title:
            existing = schema["jsonSchema"].get("properties", {})
            if missing := [attribute.name for attribute in plan.attributes if attribute.name not in existing]:
                raise CannotImport(
                    f"The event type {plan.title} exists, without the attributes {listed(missing)}. "
                    "Add them to its schema, or give the mapping another title."
                )
            return dict(schema)
    return None


def ensure_type(api: ApiClient, plan: ImportPlan) -> str:
    """Creates the event type and its configuration where they do not exist. Returns the configuration's id."""
    schema = find_schema(api, plan) or api.call("POST", "externalevents/schemas", plan.to_schema())
    return api.ensure_configuration(plan.configuration, schema["id"], plan.source)


def send_to(api: ApiClient, configuration_id: str) -> Send:
    """Sends events to a configuration. Retries a request after a server error: sending events twice stores them once.

    The returned function raises ApiError and httpx.HTTPError.
    """

    def send(events: Sequence[Mapping[str, Any]]) -> Response:
        for wait in (0.5, 2.0, None):
            try:
                return api.send(configuration_id, events)
            except ApiError as error:
                if error.status < 500 or wait is None:
                    raise
                time.sleep(wait)
        raise AssertionError("the last attempt returns or raises")

    return send


def plan_rows(file: CsvFile, plan: ImportPlan) -> Iterator[Row]:
    """The rows of a file, whose mapping shows which lines of a quoted cell are rows. Raises CannotImport."""
    return file.rows(lambda cells: plan.is_event(file.columns, cells))


def count_rows(file: CsvFile, plan: ImportPlan, bars: ProgressBars | None = None) -> int:
    """Reads a whole file, so that it is known to be readable before the first event is sent. Raises CannotImport."""
    count = 0
    with (bars or ProgressBars()).bar(f"counting rows of {file.path.name}", None) as bar:
        for count, _ in enumerate(plan_rows(file, plan), start=1):
            if count % ROWS_PER_BATCH == 0:
                bar.set(count)
        bar.set(count)
    return count


@dataclass
class _Batch:
    """Rows in the order of the file, the events of some of them, and the request with these events."""

    rows: list[Row] = field(default_factory=list)
    events: dict[int, dict[str, Any]] = field(default_factory=dict)
    """The events by the index of their rows."""
    size: int = 0
    response: Future[Response] = field(default_factory=Future)

    @property
    def ids(self) -> frozenset[str]:
        return frozenset(event["id"] for event in self.events.values())

    def has_room(self, size: int) -> bool:
        return (
            len(self.events) < EVENTS_PER_REQUEST
            and len(self.rows) < ROWS_PER_BATCH
            and self.size + size <= REQUEST_BYTES
        )


class ImportRun:
    """Reads a file, sends its events in several threads, and counts the rows by outcome."""

    def __init__(self, send: Send, plan: ImportPlan, threads: int, rejected: RejectedRows) -> None:
        self._send, self._plan, self._threads, self._rejected = send, plan, threads, rejected
        self._pending: deque[_Batch] = deque()
        self.tally = ImportTally()

    def run(self, file: CsvFile, rows: int | None = None, bars: ProgressBars | None = None) -> None:
        """Imports a file. After an error, the rows that were sent before it are counted.

        Args:
            rows: the number of rows, for the progress bar.

        Raises:
            CannotImport: the file cannot be read, or a rejected row cannot be written.
            ApiError, httpx.HTTPError: the API refused a whole request, or does not respond.
        """
        pool = ThreadPoolExecutor(self._threads)
        with (bars or ProgressBars()).bar(file.path.name, rows) as bar:
            try:
                for batch in self._batches(file):
                    # Of rows with the same id the first in the file wins, so they are never sent at the same time.
                    while len(self._pending) >= 2 * self._threads or not self._disjoint(batch.ids):
                        self._settle()
                        bar.set(self.tally.counts.total())
                    batch.response = pool.submit(self._respond, list(batch.events.values()))
                    self._pending.append(batch)
                while self._pending:
                    self._settle()
                    bar.set(self.tally.counts.total())
            finally:
                pool.shutdown(cancel_futures=True)
                self._count_the_rest()
                self._rejected.finish()
            bar.set(self.tally.counts.total())

    def _respond(self, events: Sequence[Mapping[str, Any]]) -> Response:
        return self._send(events) if events else {"processed": [], "unprocessedEntities": []}

    def _disjoint(self, ids: frozenset[str]) -> bool:
        return all(ids.isdisjoint(pending.ids) for pending in self._pending)

    def _settle(self) -> None:
        """Waits for the oldest request and counts its rows."""
        self._pending[0].response.result()
        self._count(self._pending.popleft())

    def _count_the_rest(self) -> None:
        """After an error: counts the rows of the requests that have a response."""
        while self._pending:
            batch = self._pending.popleft()
            if not batch.response.cancelled() and batch.response.exception() is None:
                self._count(batch)

    def _batches(self, file: CsvFile) -> Iterator[_Batch]:
        batch = _Batch()
        for row in plan_rows(file, self._plan):
            event: dict[str, Any] | None = None
            try:
                event, size = self._event(file, row)
            except RowRefused as refused:
                size = sum(map(len, row.cells))
                row = row._replace(refusal=refused)  # noqa: PLW2901  # the same row, with its refusal
            if batch.rows and not batch.has_room(size):
                yield batch
                batch = _Batch()
            if event is not None:
                batch.events[len(batch.rows)] = event
            batch.rows.append(row)
            batch.size += size
        if batch.rows:
            yield batch

    def _event(self, file: CsvFile, row: Row) -> tuple[dict[str, Any], int]:
        """The event of a row, and its bytes in a request. Raises RowRefused."""
        if row.refusal:
            raise row.refusal
        event = self._plan.event(dict(zip(file.columns, row.cells, strict=True)))
        size = len(json.dumps(event)) + 2
        if size > REQUEST_BYTES:
            raise RowRefused("event.too.large", f"The event has more than {REQUEST_BYTES:,} bytes.")
        return event, size

    def _count(self, batch: _Batch) -> None:
        """Counts each row of a batch once, in the order of the file."""
        response, positions = batch.response.result(), list(batch.events)
        results = {positions[one["originalRequestIndex"]]: one for one in response["processed"]}
        results |= {positions[one["originalRequestIndex"]]: one for one in response["unprocessedEntities"]}
        for position, row in enumerate(batch.rows):
            if row.refusal:
                self._reject(row, REJECTED, row.refusal.reason, row.refusal.message)
            else:
                self._count_result(row, results.get(position, {"outcome": NO_RESPONSE}))

    def _count_result(self, row: Row, result: Mapping[str, Any]) -> None:
        reason = result.get("errorCode", "")
        if "outcome" in result:
            self.tally.add(result["outcome"], "", row.line)
        elif result["isRetryable"]:
            self.tally.add(NO_RESPONSE, reason, row.line, result["errorMessage"])
        elif reason == "event.conflict":
            # The API's message names the fields that differ, which are others in each row.
            message = "An event with this id and other content exists. Change the id, or leave the row out."
            self._reject(row, CONFLICT, reason, message)
        else:
            where = self._plan.where(result.get("fieldName") or "")
            message = f"{where[:1].upper()}{where[1:]}: {result['errorMessage']}" if where else result["errorMessage"]
            self._reject(row, REJECTED, reason, message)

    def _reject(self, row: Row, outcome: str, reason: str, message: str) -> None:
        self.tally.add(outcome, reason, row.line, message)
        self._rejected.add(row, reason, message)
