"""The breakdown of a view: into the customers of each value of an attribute, or of each source."""

from collections.abc import Iterator
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from journeys.views.model import AttributeName, Id, ViewDefinition
from journeys.views.rules import Schemas, ViewProblem, attribute_problems, fields_of, unknown_element


class Breakdown(BaseModel):
    """What a view is broken down by: an attribute of one element, or the source of a customer's first event.

    Unknown fields are refused.
    """

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    elementId: Id | None = None
    attribute: AttributeName | None = None
    by: Literal["Source"] | None = None

    def to_values(self) -> dict[str, Any]:
        """The fields that are set. `model_validate` restores the breakdown."""
        return self.model_dump(mode="python", exclude_none=True)


def problems(breakdown: Breakdown, view: ViewDefinition, schemas: Schemas) -> Iterator[ViewProblem]:
    """All problems of the breakdown of a view. An attribute is one that charts can group by."""
    given = (breakdown.elementId is not None, breakdown.attribute is not None, breakdown.by is not None)
    if given not in ((True, True, False), (False, False, True)):
        yield ViewProblem("attribute.or.source", "breakdown", "Set either elementId and attribute, or by.")
    elif breakdown.attribute is not None:
        elements = {element.id: element for element in view.elements}
        element = elements.get(breakdown.elementId or "")
        if element is None:
            yield unknown_element("breakdown.elementId")
            return
        fields = fields_of(element, schemas)
        if fields is not None:
            yield from attribute_problems(breakdown.attribute, "breakdown.attribute", fields)
