"""Request bodies of the operations on API clients."""

from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, WithJsonSchema

from journeys.registry.callers import State
from journeys.registry.clients.model import PERMISSIONS

MAX_NAME = 100


def _known(permission: str) -> str:
    if permission not in PERMISSIONS:
        raise ValueError("there is no such permission; GET /api/v2/journey/me lists those that you can grant")
    return permission


Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=MAX_NAME)]
Permission = Annotated[str, AfterValidator(_known), WithJsonSchema({"x-contract": "Permission"})]
Permissions = Annotated[list[Permission], Field(min_length=1, max_length=len(PERMISSIONS))]
StateName = Annotated[State, Field(strict=False)]


class ClientCreate(BaseModel):
    """A client to create."""

    model_config = ConfigDict(strict=True, extra="forbid")

    name: Name
    permissions: Permissions


class ClientUpdate(BaseModel):
    """Changes of a client. A field that is missing does not change."""

    model_config = ConfigDict(strict=True, extra="forbid")

    name: Name | None = None
    permissions: Permissions | None = None
    state: StateName | None = None
