"""Logs and metrics. Neither ever contains data that could identify a customer.

A request is traced by the request id of API Gateway. The functions that handle the request log it as `correlation_id`,
its events carry it in their `receipt`, and the consumers of the stream log it with each batch.
"""

import json
import traceback
from collections.abc import Mapping

from aws_lambda_powertools import Logger
from aws_lambda_powertools.metrics import EphemeralMetrics, MetricUnit

NAMESPACE = "Journeys"

logger = Logger(service="journeys")


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
    _emit(name, MetricUnit.Count, value, dimension)


def emit_duration(name: str, value: float) -> None:
    """Emits a duration in milliseconds to CloudWatch."""
    _emit(name, MetricUnit.Milliseconds, value, {})


def _emit(name: str, unit: MetricUnit, value: float, dimension: Mapping[str, str]) -> None:
    metrics = EphemeralMetrics(namespace=NAMESPACE)
    metrics.add_metric(name, unit, value)
    if dimension:
        metrics.add_dimensions(**dimension)
    request = logger.get_correlation_id()
    if request is not None:
        metrics.add_metadata("correlation_id", request)
    print(json.dumps(metrics.serialize_metric_set(), separators=(",", ":")))


def request_of(receipt: str) -> str:
    """The API Gateway request id in the receipt of an event."""
    return receipt.removeprefix("replay-").partition("/")[0]
