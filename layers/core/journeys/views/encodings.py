"""Encodings: whether a filter can ask for a value, by the name of an attribute and the text of the value."""

from collections.abc import Iterable
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, RootModel

from journeys.registry.definitions import is_active
from journeys.registry.schemas.kinds import FILTERABLE
from journeys.registry.schemas.model import Schema
from journeys.views.model import Attribute, ReadOnly, Text
from journeys.views.rules import can_have

MAX_LABELS = 1000


class Label(BaseModel):
    """The contract's `Label`: an attribute and a value of it."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    name: Attribute
    value: Text
    encoded: ReadOnly


class Labels(RootModel[list[Label]]):
    root: list[Label] = Field(max_length=MAX_LABELS)


def validate(labels: Iterable[Label], schemas: Iterable[Schema]) -> list[dict[str, Any]]:
    """The labels, each `encoded` where some active event type has an attribute of that name which views filter, and
    which can have that value."""
    active = [schema.document.fields for schema in schemas if is_active(schema)]

    def encoded(label: Label) -> bool:
        fields = [fields[label.name] for fields in active if label.name in fields]
        return any(field.kind in FILTERABLE and can_have(field, label.value) for field in fields)

    return [{"name": label.name, "value": label.value, "encoded": encoded(label)} for label in labels]
