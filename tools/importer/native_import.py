"""Imports recorded native events through the function that ingests new ones. It can be interrupted and repeated."""

import json
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

from botocore.config import Config

from tools.errors import ToolError
from tools.importer.errors import shortened
from tools.importer.recorded_events import MAX_EVENT, read_messages
from tools.importer.tally import NO_RESPONSE, VALID, ImportTally
from tools.progress import Bar
from tools.stack import Stack

EVENTS_PER_CALL = 100
CALL_BYTES = 2_500_000
"""The most bytes of the events of one call. Lambda accepts 6 MB, of which each quote takes two."""
WAITS = (0.5, 2.0, 8.0)
"""Seconds before events that were not stored in time are sent again."""
_CONFIG = Config(read_timeout=90, retries={"mode": "standard", "total_max_attempts": 4}, max_pool_connections=64)
"""The function has 60 seconds."""

IGNORED, UNMAPPED, UNREADABLE, FAILED = "ignored", "unmapped", "unreadable", "failed"
OUTCOMES = ("created", VALID, "duplicate", IGNORED, FAILED, UNMAPPED, UNREADABLE, NO_RESPONSE)
MESSAGES = {
    IGNORED: "Events of this kind are not stored.",
    UNREADABLE: f"This is no JSON object, or has more than {MAX_EVENT:,} characters.",
}

Outcome = Mapping[str, Any]
Send = Callable[[Sequence[str]], Sequence[Outcome]]
"""Ingests the texts of events, and returns what became of each. May be called by several threads."""


def send_to(stack: Stack, *, validate_only: bool) -> Send:
    """Ingests events with the stack's function, or only judges them. The returned function raises ToolError."""
    functions, name = stack.client("lambda", _CONFIG), stack.physical_id("NativeFunction")

    def send(messages: Sequence[str]) -> Sequence[Outcome]:
        payload = json.dumps({"messages": messages, "validateOnly": validate_only}, ensure_ascii=False)
        response = functions.invoke(FunctionName=name, Payload=payload.encode())
        outcomes = json.loads(response["Payload"].read())
        if "FunctionError" in response:
            raise ToolError("The function that ingests native events failed. See its log, and run the command again.")
        return list(outcomes["outcomes"])

    return send


def count_events(path: Path, bar: Bar) -> int:
    """Reads a whole file, so that it is known to be readable before the first event is sent. Raises CannotImport."""
    count = 0
    for count, _ in enumerate(read_messages(path), start=1):
        if count % EVENTS_PER_CALL == 0:
            bar.set(count)
    return count


class _Numbered(NamedTuple):
    """The text of an event, and its number in the file."""

    number: int
    text: str


class NativeImport:
    """Reads a file, ingests its events in several threads, and counts them by outcome."""

    def __init__(self, send: Send, threads: int, *, wait: Callable[[float], None] = time.sleep) -> None:
        self._send, self._threads, self._wait = send, threads, wait
        self._pending: deque[tuple[Sequence[_Numbered], Future[Sequence[Outcome]]]] = deque()
        self.tally = ImportTally()

    def run(self, path: Path, bar: Bar) -> None:
        """Imports a file. After an error, the events that were sent before it are counted.

        Raises CannotImport if the file cannot be read, and ToolError if the function failed.
        """
        pool = ThreadPoolExecutor(self._threads)
        try:
            for batch in _batches(path):
                if len(self._pending) >= 2 * self._threads:
                    self._settle(bar)
                self._pending.append((batch, pool.submit(self._respond, batch)))
            while self._pending:
                self._settle(bar)
        finally:
            pool.shutdown(cancel_futures=True)
            for batch, response in self._pending:
                if not response.cancelled() and response.exception() is None:
                    self._count(batch, response.result())

    def _respond(self, batch: Sequence[_Numbered]) -> Sequence[Outcome]:
        """What became of each event. Those that were not stored in time are sent again."""
        outcomes: dict[int, Outcome] = {}
        waiting = [event for event in batch if len(event.text) <= MAX_EVENT]
        for seconds in (*WAITS, None):
            answers = self._send([event.text for event in waiting]) if waiting else ()
            outcomes |= {event.number: outcome for event, outcome in zip(waiting, answers, strict=True)}
            waiting = [event for event in waiting if outcomes[event.number].get("isRetryable")]
            if not waiting or seconds is None:
                break
            self._wait(seconds)
        return [outcomes.get(event.number, {"outcome": UNREADABLE}) for event in batch]

    def _settle(self, bar: Bar) -> None:
        """Waits for the oldest call and counts its events."""
        batch, response = self._pending[0]
        outcomes = response.result()
        self._pending.popleft()
        self._count(batch, outcomes)
        bar.set(self.tally.counts.total())

    def _count(self, batch: Sequence[_Numbered], outcomes: Sequence[Outcome]) -> None:
        for event, result in zip(batch, outcomes, strict=True):
            outcome, reason = result["outcome"], result.get("errorCode", "")
            message = result.get("errorMessage") or MESSAGES.get(outcome, "")
            if result.get("isRetryable"):
                outcome = NO_RESPONSE
            elif outcome == UNMAPPED:
                source = shortened(result["source"], 300) or "without a source"
                message = f"No organization has the source: {source}."
            self.tally.add(outcome, *((reason, event.number, message) if reason else (message, event.number)))


def _batches(path: Path) -> Iterator[Sequence[_Numbered]]:
    batch: list[_Numbered] = []
    size = 0
    for number, text in enumerate(read_messages(path), start=1):
        length = len(text.encode())
        if batch and (len(batch) == EVENTS_PER_CALL or size + length > CALL_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(_Numbered(number, text))
        size += length
    if batch:
        yield batch
