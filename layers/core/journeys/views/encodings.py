"""Encodings: whether a filter of a view can ask for a value of an attribute."""

from collections.abc import Iterable
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, RootModel

from journeys.registry.definitions import is_active
from journeys.registry.schemas.kinds import FILTERABLE
from journeys.registry.schemas.model import Schema
from journeys.views.model import AttributeName, ReadOnly, Text
from journeys.views.rules import can_have

MAX_LABELS = 1000


class Label(BaseModel):
    """The contract's `Label`: the name of an attribute, and the text of a value."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    name: AttributeName
    value: Text
    encoded: ReadOnly


class Labels(RootModel[list[Label]]):
    root: list[Label] = Field(max_length=MAX_LABELS)


def validate(labels: Iterable[Label], schemas: Iterable[Schema]) -> list[dict[str, Any]]:
    """The contract's labels with `encoded`.

    A label is encoded if an active event type has an attribute of this name that views can filter, and that can have
    this value.
    """
    active = [schema.document.fields for schema in schemas if is_active(schema)]

    def is_encoded(label: Label) -> bool:
        attributes = [fields[label.name] for fields in active if label.name in fields]
        return any(field.kind in FILTERABLE and can_have(field, label.value) for field in attributes)

    return [{"name": label.name, "value": label.value, "encoded": is_encoded(label)} for label in labels]
