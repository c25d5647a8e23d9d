"""Models of the contract that our own response types refer to, which the OpenAPI document replaces by references."""

from typing import Annotated, Any

from pydantic import WithJsonSchema


def _reference(name: str) -> WithJsonSchema:
    return WithJsonSchema({"x-contract": name})


AddressableEntityRef = Annotated[dict[str, Any], _reference("AddressableEntityRef")]
JourneyView = Annotated[dict[str, Any], _reference("JourneyView")]
JourneyViewChartMetricResult = Annotated[dict[str, Any], _reference("JourneyViewChartMetricResult")]
JourneyViewResultMetrics = Annotated[dict[str, Any], _reference("JourneyViewResultMetrics")]
PathDefinition = Annotated[dict[str, Any], _reference("PathDefinition")]
"""The request of the operation that creates a job of paths."""
DateTime = Annotated[str, WithJsonSchema({"type": "string", "format": "date-time"})]
