"""The costs follow the prices, and the measured bytes of log lines are those that the functions write."""

import io
import re
import uuid
from collections.abc import Callable
from typing import Any

import pytest

from journeys.stream.batch import process_batch
from journeys.telemetry import emit_count, emit_duration
from tests.bench.ingest_cpu import log_of_one_event
from tests.support.template import template
from tools.documentation import costs

FIGURES = costs.read()
ACCESS = {
    "requestId": "0e2b6e0d-4a7b-4c53-9d0b-1f5e7a9c3b21",
    "httpMethod": "POST",
    "resourcePath": "/api/v2/journey/externalevents/configurations/{configurationId}/events",
    "status": "200",
    "authorizer.claims.sub": "3q0c9d7l2k5m8n1p4r6s7t9v0w",
    "responseLatency": "17",
    "responseLength": "126",
    "error.responseType": "-",
}
"""The values of API Gateway's log line for a request of one event."""


def ingest_line() -> str:
    (line,) = log_of_one_event()
    return line


def access_line() -> str:
    format_ = template()["Resources"]["Api"]["Properties"]["AccessLogSetting"]["Format"]
    return re.sub(r"\$context\.([\w.]+)", lambda found: ACCESS[found[1]], format_)


def batch_line(logged: io.StringIO, message: str, events: int, counted: str, lag: str) -> str:
    def consume(_: Any) -> list[str]:
        emit_count(counted, events)
        emit_duration(lag, 1234)
        return []

    records = [{"dynamodb": {"NewImage": {"receipt": {"S": f"{uuid.uuid4()}/run#0"}}}} for _ in range(events)]
    process_batch(records, consume, message=message)
    return logged.getvalue().strip()


LINES: dict[str, Callable[[io.StringIO], str]] = {
    "request": lambda _: ingest_line(),
    "access": lambda _: access_line(),
    "projection": lambda logged: batch_line(logged, "projected", 5, "StepsCounted", "JourneyLag"),
    "landing": lambda logged: batch_line(logged, "landed", 23, "EventsLanded", "ArchiveLag"),
}


@pytest.mark.parametrize("line", LINES)
def test_the_bytes_of_a_log_line_are_measured(line: str, logged: io.StringIO, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("EVENTS_TABLE", "FAILURES_TABLE", "REGISTRY_TABLE", "ARCHIVE_BUCKET"):
        monkeypatch.setenv(name, name)
    measured = len(LINES[line](logged).encode())
    assert measured == pytest.approx(FIGURES["measured"][f"log_bytes_per_{line}"], rel=0.05)


def totals(figures: Any) -> list[float]:
    bills = [*(costs.with_events(figures, size) for size in costs.REQUEST_SIZES), costs.idle(figures)]
    return [sum(item.dollars for item in bill) for bill in bills]


def test_twice_the_prices_are_twice_the_costs() -> None:
    doubled = {name: price if name == "date" else price * 2 for name, price in FIGURES["prices"].items()}
    assert totals(FIGURES | {"prices": doubled}) == pytest.approx([2 * total for total in totals(FIGURES)])


def test_every_figure_is_used() -> None:
    """A figure that no line of a bill uses misleads whoever changes it."""
    for section in ("prices", "measured", "assumed", "idle"):
        for name, value in FIGURES[section].items():
            if name == "date":
                continue
            changed = FIGURES | {section: FIGURES[section] | {name: value * 2}}
            assert totals(changed) != totals(FIGURES), name
