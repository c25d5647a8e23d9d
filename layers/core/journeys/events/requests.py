"""The request body of ingest, as a JSON Schema; `ingest.entities_of` reads it."""

from typing import Any

from journeys.events.ingest import MAX_ENTITIES

ENTITIES: dict[str, Any] = {
    "type": "object",
    "required": ["entities"],
    "properties": {
        "entities": {
            "type": "array",
            "minItems": 1,
            "maxItems": MAX_ENTITIES,
            "items": {
                "anyOf": [{"$ref": "#/components/schemas/ExternalEvent"}, {}],
                "description": "Each event is validated on its own. An invalid event is returned with its reason.",
            },
        }
    },
}
