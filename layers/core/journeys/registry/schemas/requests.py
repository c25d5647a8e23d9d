"""Request bodies of the operations on schemas and event definitions."""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from journeys.registry.schemas.document import DRAFT_04

SCHEMA: dict[str, Any] = {
    "type": "object",
    "description": "A JSON Schema (draft-04). Each property has a plain type or refers to a core type.",
    "required": ["title"],
    "additionalProperties": False,
    "properties": {
        "$schema": {"type": ["string", "null"], "enum": [DRAFT_04, None]},
        "title": {"type": "string", "minLength": 1},
        "description": {"type": ["string", "null"]},
        "type": {"type": ["string", "null"], "enum": ["object", None]},
        "required": {"type": ["array", "null"], "items": {"type": "string"}},
        "properties": {"type": ["object", "null"], "additionalProperties": {"type": "object"}},
        "additionalProperties": {"enum": [False, None]},
    },
}
"""The JSON Schema of the schemas that `document.parse` accepts."""


class SchemaUpdate(BaseModel):
    """The contract's `JourneySchemaUpdateRequest`. `document.parse` reads the schema in it."""

    model_config = ConfigDict(strict=True, extra="forbid")

    version: int = Field(ge=1)
    enabled: bool | None = None
    jsonSchema: dict[str, Any] | None = None

    @model_validator(mode="before")
    @classmethod
    def _explain_the_envelope(cls, value: object) -> object:
        """Raise an error if the body is the schema itself, as it is when a schema is created."""
        if isinstance(value, dict) and "version" not in value and ("title" in value or "properties" in value):
            raise PydanticCustomError(
                "without_envelope",
                "The body is a schema without its envelope. Send"
                ' {"version": <the current version>, "jsonSchema": <the schema>}.',
                {"field": "jsonSchema"},
            )
        return value


class Presentation(BaseModel):
    """The contract's `ActivateExternalEventRequest` and `UpdateExternalEventRequest`."""

    model_config = ConfigDict(strict=True, extra="forbid")

    displayName: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100)] | None = None
    rank: int | None = Field(default=None, ge=0, le=1_000_000)
