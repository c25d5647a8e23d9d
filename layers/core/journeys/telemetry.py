"""Logs and metrics. Neither ever contains data that could identify a customer.

A request is traced by the request id of API Gateway. The functions that handle the request log it as `correlation_id`,
its events carry it in their `receipt`, and the consumers of the stream log it with each batch.

A request and a batch have one log line each, which is also the document from which CloudWatch takes their metrics. It
is formatted here rather than by Powertools, which takes 28 microseconds for a log line and 16 for a set of metrics.
Powertools formats all other lines: errors, and what the functions in the background report.
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
"""

import json
import logging
import time
import traceback
from collections.abc import Iterable, Mapping
from contextvars import ContextVar, Token
from functools import lru_cache
from types import TracebackType
from typing import Any, NamedTuple, Self

from aws_lambda_powertools import Logger

NAMESPACE = "Journeys"
MAX_SHAPES = 500
"""Sets of metrics whose description is cached. The code emits about 50 different ones."""

logger = Logger(service="journeys", use_rfc3339=True)  # Lambda reads the time and the level of a line.


_output: "logging.StreamHandler[Any]"
(_output,) = logger.handlers  # type: ignore[assignment]


class Metric(NamedTuple):
    """A value of a metric. It has at most one dimension, and then counts for the metric without dimensions as well."""

    name: str
    unit: str
    value: float
    dimension: str | None = None
    dimension_value: str | None = None


class Line:
    """The log line of a block of code: its fields, and the metrics that the block emits.

    The line is written at the end of the block. The block must be left before its function ends.
    """

    def __init__(self, message: str, correlation_id: str | None = None) -> None:
        self.correlation_id = correlation_id
        self._fields: dict[str, Any] = {"level": "INFO", "message": message}
        self.add(correlation_id=correlation_id)
        self._metrics: list[Metric] = []

    def __enter__(self) -> Self:
        self._token: Token[Line | None] = _open_line.set(self)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        _open_line.reset(self._token)
        _write(self._fields, self._metrics)

    def add(self, **fields: Any) -> None:
        """Adds fields to the line. Fields that are None are left out."""
        for name, value in fields.items():
            if value is not None:
                self._fields[name] = value

    def has_any(self, names: Iterable[str]) -> bool:
        """Whether the line has one of these fields."""
        return not self._fields.keys().isdisjoint(names)

    def emit(self, metric: Metric) -> None:
        """Adds a metric to the line."""
        self._metrics.append(metric)


_open_line: ContextVar[Line | None] = ContextVar("line", default=None)


def log_info(message: str, **fields: Any) -> None:
    """Adds fields to the open line, without the message. Writes a line if none is open, or if it has these fields."""
    line = _open_line.get()
    if line is None:
        line = Line(message, logger.get_correlation_id())
    elif line.has_any(fields):
        line = Line(message, line.correlation_id)
    else:
        line.add(**fields)
        return
    with line:
        line.add(**fields)


def log_error(message: str, error: BaseException) -> None:
    """Logs an error with its type and its stack frames, beginning with the place where it was raised.

    Its own message is omitted because it can contain customer data.
    """
    frames = traceback.extract_tb(error.__traceback__)
    response = getattr(error, "response", None)
    logger.error(
        message,
        error_type=type(error).__name__,
        error_code=response.get("Error", {}).get("Code") if isinstance(response, dict) else None,
        operation=getattr(error, "operation_name", None),
        frames=[f"{frame.filename}:{frame.lineno} {frame.name}" for frame in reversed(frames)],
    )


def emit_count(name: str, value: int = 1, **dimension: str) -> None:
    """Emits a count to CloudWatch, with at most one dimension that has a small set of values (a reason, an outcome).

    The count is emitted with the dimension and without it: alarms cannot add up the values of a dimension.
    """
    _emit(Metric(name, "Count", value, *next(iter(dimension.items()), ())))


def emit_duration(name: str, value: float) -> None:
    """Emits a duration to CloudWatch, in whole milliseconds."""
    _emit(Metric(name, "Milliseconds", round(value)))


def _emit(metric: Metric) -> None:
    line = _open_line.get()
    if line is not None:
        line.emit(metric)
        return
    correlation_id = logger.get_correlation_id()
    _write({} if correlation_id is None else {"correlation_id": correlation_id}, [metric])


def _write(fields: dict[str, Any], metrics: Iterable[Metric]) -> None:
    """Writes a line. What does not fit into its document, such as a second value of a metric, has lines of its own."""
    waiting = list(metrics)
    request = {"correlation_id": fields["correlation_id"]} if "correlation_id" in fields else {}
    while True:
        left: list[Metric] = []
        shape: list[tuple[str, str, str | None]] = []
        for metric in waiting:
            name, unit, value, dimension, dimension_value = metric
            if name in fields or (dimension and fields.get(dimension, dimension_value) != dimension_value):
                left.append(metric)
                continue
            fields[name] = value
            if dimension:
                fields[dimension] = dimension_value
            shape.append((name, unit, dimension))
        text = _to_json(fields)
        if shape:
            now, directives = int(time.time() * 1000), _directives(tuple(shape))
            text = f'{{"_aws":{{"Timestamp":{now},"CloudWatchMetrics":{directives}}},{text[1:]}'
        _output.stream.write(text + "\n")
        if not left:
            return
        waiting, fields = left, dict(request)


_to_json = json.JSONEncoder(separators=(",", ":")).encode


@lru_cache(maxsize=MAX_SHAPES)
def _directives(shape: tuple[tuple[str, str, str | None], ...]) -> str:
    """The description of metrics, given by name, unit and dimension, as JSON."""
    by_dimension: dict[str | None, list[Mapping[str, str]]] = {}
    for name, unit, dimension in shape:
        by_dimension.setdefault(dimension, []).append({"Name": name, "Unit": unit})
    return _to_json(
        [
            {"Namespace": NAMESPACE, "Dimensions": [[]] if dimension is None else [[], [dimension]], "Metrics": metrics}
            for dimension, metrics in by_dimension.items()
        ]
    )


def request_of(receipt: str) -> str:
    """The API Gateway request id in the receipt of an event."""
    return receipt.removeprefix("replay-").partition("/")[0]
