"""The logger and the metrics. Nothing that a customer could be known by is ever passed to either."""

import traceback

from aws_lambda_powertools import Logger
from aws_lambda_powertools.metrics import MetricUnit, single_metric

NAMESPACE = "Journeys"

logger = Logger(service="journeys")


def report(what: str, error: BaseException) -> None:
    """Logs an error by its type and its place. Its message is left out, because it may repeat what was sent."""
    response = getattr(error, "response", None)
    logger.error(
        what,
        error_type=type(error).__name__,
        error_code=response.get("Error", {}).get("Code") if isinstance(response, dict) else None,
        operation=getattr(error, "operation_name", None),
        frames=[f"{frame.filename}:{frame.lineno} {frame.name}" for frame in traceback.extract_tb(error.__traceback__)],
    )


def count(name: str, value: int = 1, **dimension: str) -> None:
    """One figure for CloudWatch, with at most one dimension out of a bounded set (a reason, an outcome)."""
    with single_metric(name=name, unit=MetricUnit.Count, value=value, namespace=NAMESPACE) as metric:
        for key, text in dimension.items():
            metric.add_dimension(name=key, value=text)


def milliseconds(name: str, value: float) -> None:
    """One duration for CloudWatch."""
    with single_metric(name=name, unit=MetricUnit.Milliseconds, value=value, namespace=NAMESPACE):
        pass
