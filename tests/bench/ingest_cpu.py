"""CPU of the ingest handler as it is deployed, against a plain function with a hand-written check.

Nothing calls DynamoDB. Both write their log and their metrics to /dev/null, each line at once.
"""

import contextlib
import io
import logging
import os
import random
import statistics
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any, TextIO, TypeVar

from journeys import dates, jsontext, telemetry
from journeys.telemetry import logger
from tests.bench.figures import Figure
from tests.bench.hand_written import take
from tests.bench.sample import CLIENT, ORGANIZATION, body, customer_id, event, event_type, registry_items
from tests.bench.stubs import NoDynamoDB, answered, ingest_handler
from tests.support.functions import Context, api_event

S = TypeVar("S", bound=TextIO)

ROUNDS = 25
EVENTS_A_ROUND = 400
HOUR = 3_600_000
MAX_LOG_BYTES = 750
"""Bytes of the lines of a request of one event."""


def run() -> list[Figure]:
    compared = [_compare(_Case.make(1), target=3.0), _compare(_Case.make(100), target=2.6)]
    lines = log_of_one_event()
    size = sum(map(len, lines))
    name = "log of a request of one event"
    return [*compared, Figure("ingest", name, size, "bytes", MAX_LOG_BYTES, parameters={"lines": len(lines)})]


def log_of_one_event() -> list[str]:
    """The lines that a request of one event writes."""
    case = _Case.make(1)
    with _logging_to(io.StringIO()) as written:
        case.handle()
    return written.getvalue().splitlines()


@dataclass(frozen=True)
class _Case:
    """A request of some events of one type, and the functions that can handle it."""

    events: int
    module: ModuleType
    handle: Callable[[], Any]
    without_lines: Callable[[], Any]
    without_router: Callable[[], Any]
    plain: Callable[[], Any]
    plain_without_lines: Callable[[], Any]

    @classmethod
    def make(cls, events: int) -> "_Case":
        chance, kept, now = random.Random(events), event_type(0), dates.now_ms()
        client = NoDynamoDB(registry_items([kept]))
        module = ingest_handler(client)
        sent = [event(chance, customer_id(chance), now - chance.randrange(HOUR)) for _ in range(events)]
        configuration_id = kept.configuration.configuration_id
        path = f"externalevents/configurations/{configuration_id}/events"
        request = api_event("POST", path, raw=body(sent), client_id=CLIENT)
        request["resource"] = "/api/v2/journey/externalevents/configurations/{configurationId}/events"
        assert answered(module, request)["processed"][-1]["outcome"] == "created"

        raw, context = body(sent), Context()

        def without_router() -> str:
            entities = jsontext.loads(raw)["entities"]
            result = module.ingest.ingest(ORGANIZATION, configuration_id, entities, request_id="bench")
            return jsontext.dumps(result.to_wire(entities))

        def handle() -> Mapping[str, Any]:
            response: Mapping[str, Any] = module.handler(request, context)
            return response

        return cls(
            events,
            module,
            handle,
            lambda: _silently(handle),
            lambda: _silently(without_router),
            lambda: take(client, "events", kept, request),
            lambda: take(client, "events", kept, request, logs=False),
        )


def _compare(case: _Case, target: float) -> Figure:
    """Runs the handler, the plain function, and both without some of their parts, in turns."""
    calls = EVENTS_A_ROUND // case.events
    names = ("handle", "plain", "without_lines", "without_router", "plain_without_lines")
    times: dict[str, list[float]] = {name: [] for name in names}
    with _written_to(os.devnull):
        for _ in range(ROUNDS):
            for name in names:
                times[name].append(_cpu(getattr(case, name), calls) / case.events)
    median = {name: statistics.median(spent) for name, spent in times.items()}
    parameters: dict[str, Any] = {
        "events a request": case.events,
        "handler": f"{median['handle']:.0f} us",
        "its lines": f"{median['handle'] - median['without_lines']:.0f} us",
        "its router": f"{median['without_lines'] - median['without_router']:.0f} us",
        "plain": f"{median['plain']:.0f} us",
        "plain without lines": f"{median['plain_without_lines']:.0f} us",
        "best": f"{min(times['handle']):.0f} and {min(times['plain']):.0f} us",
        "measure": f"CPU time an event, medians of {ROUNDS} rounds, in turns",
    }
    name = f"handler / plain, both with their lines, requests of {case.events}"
    return Figure("ingest", name, median["handle"] / median["plain"], "", target, parameters=parameters)


# -- the lines ---------------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def _written_to(path: str) -> Iterator[None]:
    """Writes every line to a file at once, as Lambda does."""
    with Path(path).open("w", buffering=1) as file, contextlib.redirect_stdout(file), _logging_to(file):
        yield


@contextlib.contextmanager
def _logging_to(stream: S) -> Iterator[S]:
    """Lets the functions log to a stream, at the level that they have when they are deployed."""
    (handler,) = logger.handlers
    level, before = logger.log_level, handler.setStream(stream)  # type: ignore[attr-defined]
    disabled = logging.root.manager.disable
    logging.disable(logging.NOTSET)
    logger.setLevel("INFO")
    try:
        yield stream
    finally:
        logger.setLevel(level)
        logging.disable(disabled)
        handler.setStream(before)  # type: ignore[attr-defined]


def _silently(call: Callable[[], Any]) -> Any:
    """Calls a function whose telemetry writes nothing."""
    written, telemetry._write = telemetry._write, lambda *_: None
    try:
        return call()
    finally:
        telemetry._write = written


def _cpu(call: Callable[[], object], calls: int) -> float:
    """Microseconds of CPU time of a call, of all threads."""
    began = time.process_time()
    for _ in range(calls):
        call()
    return (time.process_time() - began) / calls * 1e6
