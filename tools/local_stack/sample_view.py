"""A journey view over the sample data, from the checkout over calls to the survey, and the paths after a checkout."""

from collections.abc import Mapping
from typing import Any

from journeys.registry.native_types import CONVERSATION_ID
from tools.local_stack.sample import CASE, DAYS, ORDER, SURVEY, WEB_VISIT, SampleEventType

CHARTS = [
    {
        "name": "Orders and revenue by week",
        "groupByTime": "Week",
        "metrics": [
            {"id": "orders", "elementId": "placed", "aggregate": "EventCount", "displayLabel": "orders"},
            {
                "id": "revenue",
                "elementId": "placed",
                "aggregate": "Sum",
                "attribute": "amount",
                "displayLabel": "revenue",
            },
        ],
    },
    {
        "name": "Customers with a case, by category",
        "groupByAttributes": [{"elementId": "case", "attribute": "category"}],
        "metrics": [{"id": "customers", "elementId": "case", "displayLabel": "customers"}],
    },
]


def sample_view(definitions: Mapping[str, str]) -> dict[str, Any]:
    """The view as the API's `JourneyView`. `definitions` are the ids of the event definitions, by name."""

    def element(
        id_: str, name: str, event_type: SampleEventType, attribute: str = "", value: str = ""
    ) -> dict[str, Any]:
        definition: dict[str, Any] = {
            "id": id_,
            "name": name,
            "attributes": {"type": "Event", "id": definitions[event_type.title], "source": event_type.source},
        }
        if attribute:
            definition["filter"] = {"type": "And", "predicates": [{"dimension": attribute, "values": [value]}]}
        return definition

    def native(id_: str, name: str, title: str) -> dict[str, Any]:
        return {"id": id_, "name": name, "attributes": {"type": "Event", "id": definitions[title]}}

    def followed_by(id_: str, value: int, unit: str) -> dict[str, Any]:
        return {"id": id_, "constraintWithin": {"unit": unit, "value": value}}

    checkout = element("checkout", "Checkout visited", WEB_VISIT, "section", "checkout")
    placed = element("placed", "Order placed", ORDER, "status", "placed")
    delivered = element("delivered", "Order delivered", ORDER, "status", "delivered")
    survey = element("survey", "Survey answered", SURVEY)
    support = element("support", "Support visited", WEB_VISIT, "section", "support")
    waiting = native("waiting", "Waits in a queue", "ACD start")
    answered = native("answered", "Talks to an agent", "Agent start")
    case = element("case", "Case opened", CASE, "state", "New")
    resolved = element("resolved", "Case resolved", CASE, "state", "Resolved")

    checkout["followedBy"] = [followed_by("placed", 1, "Hours")]
    placed["followedBy"] = [followed_by("delivered", 7, "Days")]
    delivered["followedBy"] = [followed_by("survey", 14, "Days"), followed_by("support", 3, "Days")]
    support["followedBy"] = [followed_by("waiting", 1, "Hours"), followed_by("case", 1, "Hours")]
    waiting["followedBy"] = [followed_by("answered", 15, "Minutes") | {"joinAttributes": [CONVERSATION_ID]}]
    answered["followedBy"] = [followed_by("case", 1, "Hours")]
    case["followedBy"] = [followed_by("resolved", 3, "Days")]

    return {
        "name": "From the checkout to the survey",
        "description": f"Orders, deliveries and surveys of the last {DAYS} days, and visits and calls to support.",
        "duration": f"P{DAYS + 1}D",
        "elements": [checkout, placed, delivered, survey, support, waiting, answered, case, resolved],
        "charts": CHARTS,
        "durations": [{"fromId": "checkout", "toId": "survey"}, {"fromId": "support", "toId": "resolved"}],
    }


def sample_paths(definitions: Mapping[str, str]) -> dict[str, Any]:
    """What customers do after each visit to the checkout, until three days without an event."""
    checkout = {"predicates": [{"dimension": "section", "values": ["checkout"]}]}
    return {
        "name": "After a visit to the checkout",
        "duration": f"P{DAYS + 1}D",
        "start": {"attributes": {"type": "Event", "id": definitions[WEB_VISIT.title]}, "filter": checkout},
        "steps": 4,
        "sessionGap": "P3D",
        "collapseRepeats": True,
        "mostPerLevel": 4,
    }
