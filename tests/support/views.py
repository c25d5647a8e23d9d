"""Journey views for tests: event types, and a complete, valid view over them."""

from typing import Any

from journeys import aws, jsontext
from journeys.registry.schemas.model import Activation, Schema
from journeys.views.deletion import ViewDeletion
from journeys.views.jobs.store import JobStore
from journeys.views.jobs.work.store import WorkStore
from journeys.views.model import ViewDefinition
from journeys.views.store import ViewStore
from tests.support.tables import Tables

ORDER, PARCEL, VISIT = "order-type", "parcel-type", "visit-type"

ORDER_DOCUMENT: dict[str, Any] = {
    "title": "Order placed",
    "properties": {
        "total": {"type": "number"},
        "items": {"type": "integer"},
        "channel": {"type": "string", "enum": ["web", "app"]},
        "member": {"type": "boolean"},
        "note": {"type": "string"},
        "due": {"allOf": [{"$ref": "#/definitions/date"}]},
        "labels": {"type": "array", "items": {"type": "string"}},
    },
}
PARCEL_DOCUMENT: dict[str, Any] = {
    "title": "Parcel scanned",
    "properties": {"weight": {"type": "number"}, "depot": {"type": "string"}},
}


def delete_view(tables: Tables, organization_id: str, view_id: str) -> None:
    """Delete a view with everything that belongs to it."""
    views, jobs = ViewStore(tables.dynamodb, tables.registry), JobStore(tables.dynamodb, tables.registry)
    ViewDeletion(views, jobs, WorkStore(aws.s3(), "archive")).delete(organization_id, view_id, lambda: True)


def schema(schema_id: str, document: dict[str, Any], slot: str = "a", *, active: bool = True) -> Schema:
    """An event type."""
    return Schema(
        schema_id=schema_id,
        version=1,
        enabled=True,
        slot=slot,
        used=True,
        date_created=0,
        date_modified=0,
        created_by={"id": "client"},
        raw=document,
        activation=Activation(document["title"], 0, 1, 0, 0) if active else None,
    )


def parsed(body: dict[str, Any]) -> ViewDefinition:
    """A view as parsed from the body of a request."""
    return ViewDefinition.model_validate(jsontext.loads(jsontext.dumps(body).encode()))


def view_body(order: str = ORDER, parcel: str = PARCEL) -> dict[str, Any]:
    """A valid view that uses every field: orders, the parcels scanned after them, and the heavy ones of these."""
    return {
        "name": "From order to parcel",
        "description": "How long parcels take",
        "duration": "P30D",
        "elements": [
            _order_element(order),
            {"id": "parcel", "name": "Parcel", "attributes": {"id": parcel}, "followedBy": [{"id": "heavy"}]},
            {"id": "heavy", "name": "Heavy parcel", "attributes": {"id": parcel}},
        ],
        "charts": [
            _monthly_chart(),
            {"id": "customers", "name": "Customers", "metrics": [{"id": "all", "elementId": "parcel"}]},
        ],
    }


def _order_element(order: str) -> dict[str, Any]:
    return {
        "id": "order",
        "name": "Order",
        "attributes": {"type": "Event", "id": order, "source": "Shop"},
        "displayAttributes": {"x": 1, "y": 2, "col": 0},
        "filter": {
            "type": "And",
            "predicates": [
                {"dimension": "channel", "values": ["web"], "operator": "Matches", "noValue": False},
                {"dimension": "member", "values": ["true"]},
                {"dimension": "note", "noValue": True, "operator": "NotMatches"},
                {"dimension": "items", "values": ["1", "2.0"]},
            ],
            "numberPredicates": [
                {"dimension": "total", "range": {"gte": {"number": 10}, "lt": {"number": 99.5}}},
                {"dimension": "items", "range": {"eq": {"duration": "PT1S"}}, "operator": "NotMatches"},
                {"dimension": "items", "noValue": True},
            ],
        },
        "followedBy": [
            {
                "id": "parcel",
                "constraintAfter": {"unit": "Hours", "value": 1},
                "constraintWithin": {"unit": "Days", "value": 7},
                "eventCountType": "All",
            },
            {"id": "heavy"},
        ],
    }


def _monthly_chart() -> dict[str, Any]:
    return {
        "id": "by-month",
        "name": "By month",
        "rank": 1,
        "groupByTime": "Month",
        "groupByAttributes": [{"elementId": "order", "attribute": "channel"}],
        "groupByMax": 5,
        "metrics": [
            {"id": "orders", "elementId": "order", "aggregate": "EventCount", "displayLabel": "Orders"},
            {"id": "worth", "elementId": "order", "aggregate": "Sum", "attribute": "total"},
        ],
        "displayAttributes": {
            "type": "Column",
            "groupByTitle": "Month",
            "metricsTitle": "Orders",
            "secondaryMetricsTitle": "Worth",
            "showLegend": True,
        },
    }
