"""Imports a CSV of past events through the API. An import can be interrupted and repeated."""

import json
import time
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

from tools.api import EVENTS_PER_REQUEST, ApiClient, ApiError
from tools.importer.columns import read_rows
from tools.importer.mapping import INVALID_ROW, NO_RESPONSE, CannotImport, ImportPlan, RowRefused
from tools.importer.tally import ImportTally
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


def ensure_type(api: ApiClient, plan: ImportPlan) -> str:
    """Creates the event type and its configuration where they do not exist. Returns the configuration's id."""
    title = plan.title.strip().casefold()
    for schema in api.call("GET", "externalevents/schemas")["entities"]:
        if schema["enabled"] and schema["jsonSchema"]["title"].strip().casefold() == title:
            existing = schema["jsonSchema"].get("properties", {})
            if missing := [attribute.name for attribute in plan.attributes if attribute.name not in existing]:
                raise CannotImport(
                    f"The event type {plan.title} exists, without the attributes {', '.join(missing)}. "
                    "Add them to its schema, or give the mapping another title."
                )
            break
    else:
        schema = api.call("POST", "externalevents/schemas", plan.to_schema())
    return api.ensure_configuration(plan.configuration, schema["id"], plan.source)


Batch = list[tuple[int, dict[str, Any]]]
"""The events of one request, each with the number of its row."""


class _Pending(NamedTuple):
    """A request without a response yet."""

    batch: Batch
    ids: frozenset[str]
    response: Future[dict[str, Any]]


class ImportRun:
    """Reads a file, sends its events in several threads, and counts the rows by outcome."""

    def __init__(self, api: ApiClient, configuration_id: str, plan: ImportPlan, threads: int) -> None:
        self._api, self._configuration_id, self._plan, self._threads = api, configuration_id, plan, threads
        self._pending: deque[_Pending] = deque()
        self.tally = ImportTally()

    def run(self, path: Path, bars: ProgressBars | None = None) -> None:
        """Imports a file. After an error, the rows that were sent before it are counted.

        Raises:
            CannotImport: the file cannot be read.
            ApiError, httpx.HTTPError: the API refused a whole request, or does not respond.
        """
        rows = sum(1 for _ in read_rows(path, self._plan.delimiter))
        pool = ThreadPoolExecutor(self._threads)
        with (bars or ProgressBars()).bar(path.name, rows) as bar:
            try:
                for batch in self._batches(path):
                    ids = frozenset(event["id"] for _, event in batch)
                    # Of rows with the same id the first in the file wins, so they are never sent at the same time.
                    while len(self._pending) >= 2 * self._threads or not self._disjoint(ids):
                        self._settle()
                        bar.set(self.tally.counts.total())
                    events = [event for _, event in batch]
                    self._pending.append(_Pending(batch, ids, pool.submit(self._send, events)))
                while self._pending:
                    self._settle()
                    bar.set(self.tally.counts.total())
            finally:
                pool.shutdown(cancel_futures=True)
                self._count_the_rest()
            bar.set(self.tally.counts.total())

    def _disjoint(self, ids: frozenset[str]) -> bool:
        return all(ids.isdisjoint(pending.ids) for pending in self._pending)

    def _settle(self) -> None:
        """Waits for the oldest request and counts its rows."""
        self._count(self._pending[0].batch, self._pending[0].response.result())
        self._pending.popleft()

    def _count_the_rest(self) -> None:
        """After an error: counts the rows of the requests that have a response."""
        for pending in self._pending:
            if not pending.response.cancelled() and pending.response.exception() is None:
                self._count(pending.batch, pending.response.result())

    def _send(self, events: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        """Sends one request. Retries it after a server error, because sending events twice stores them once."""
        for wait in (0.5, 2.0, None):
            try:
                return self._api.send(self._configuration_id, events)
            except ApiError as error:
                if error.status < 500 or wait is None:
                    raise
                time.sleep(wait)
        raise AssertionError("the last attempt returns or raises")

    def _batches(self, path: Path) -> Iterator[Batch]:
        batch: Batch = []
        size = 0
        for number, row in read_rows(path, self._plan.delimiter):
            try:
                if row is None:
                    raise RowRefused("wrong.columns", "The row has more or fewer cells than the header.")
                event = self._plan.event(row)
                length = len(json.dumps(event)) + 2
                if length > REQUEST_BYTES:
                    raise RowRefused("event.too.large", "The row is too large for an event.")
            except RowRefused as refused:
                self.tally.add(INVALID_ROW, refused.reason, number, refused.message)
                continue
            if len(batch) == EVENTS_PER_REQUEST or size + length > REQUEST_BYTES:
                yield batch
                batch, size = [], 0
            batch.append((number, event))
            size += length
        if batch:
            yield batch

    def _count(self, batch: Batch, response: Mapping[str, Any]) -> None:
        for result in response["processed"]:
            self.tally.add(result["outcome"], "", batch[result["originalRequestIndex"]][0])
        for result in response["unprocessedEntities"]:
            row, reason = batch[result["originalRequestIndex"]][0], result["errorCode"]
            if result["isRetryable"]:
                self.tally.add(NO_RESPONSE, reason, row, result["errorMessage"])
            elif reason == "event.conflict":
                # The API's message names the fields that differ, which are others in each row.
                self.tally.add("conflict", reason, row, "An event with this id and other content is stored already.")
            else:
                self.tally.add("rejected", reason, row, result["errorMessage"])
