"""The logger and the metrics. Nothing that a customer could be known by is ever passed to either.

A request is known by the id that API Gateway gave it. Log lines and metrics of the functions that answer it carry it as
`correlation_id`, the events that came by it bear it in their `receipt`, and the functions behind the log name it again.
"""

import json
import traceback
from collections.abc import Mapping

from aws_lambda_powertools import Logger
from aws_lambda_powertools.metrics import EphemeralMetrics, MetricUnit

NAMESPACE = "Journeys"

logger = Logger(service="journeys")


def log_error(what: str, error: BaseException) -> None:
    """Logs an error by its type and its place. Its message is left out, because it may repeat what was sent."""
    response = getattr(error, "response", None)
    logger.error(
        what,
        error_type=type(error).__name__,
        error_code=response.get("Error", {}).get("Code") if isinstance(response, dict) else None,
        operation=getattr(error, "operation_name", None),
        frames=[f"{frame.filename}:{frame.lineno} {frame.name}" for frame in traceback.extract_tb(error.__traceback__)],
    )


def emit_count(name: str, value: int = 1, **dimension: str) -> None:
    """One figure for CloudWatch, with at most one dimension out of a bounded set (a reason, an outcome).

    It is counted twice: under the dimension, and without, for the alarms, which cannot add up what they do not know.
    """
    _emit(name, MetricUnit.Count, value, dimension)


def emit_duration(name: str, value: float) -> None:
    """One duration for CloudWatch."""
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


# -- from a request to what became of its events -----------------------------------------------------------------------


def request_of(receipt: str) -> str:
    """API Gateway's id of the request that an event came by, out of the event's receipt."""
    return receipt.removeprefix("replay-").partition("/")[0]
