"""Request bodies of the operations on people."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from journeys.registry.callers import State
from journeys.registry.people.model import Role

MAX_NAME = 100
MAX_EMAIL = 128
"""Characters of an e-mail address: the user pool's limit for user names."""

EMAIL = r"^[^@\s\x00-\x1f\x7f]+@[^@\s\x00-\x1f\x7f]+\.[^@\s\x00-\x1f\x7f.]+$"
"""Rejects what is clearly no address. Only the invitation shows whether the address exists."""

Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=MAX_NAME)]
Email = Annotated[str, StringConstraints(strip_whitespace=True, max_length=MAX_EMAIL, pattern=EMAIL)]
# JSON has no enumerations, so texts are converted although the models are strict.
RoleName = Annotated[Role, Field(strict=False)]
StateName = Annotated[State, Field(strict=False)]


class PersonCreate(BaseModel):
    """A person to invite."""

    model_config = ConfigDict(strict=True, extra="forbid")

    email: Email
    name: Name
    role: RoleName


class PersonUpdate(BaseModel):
    """Changes of a person. A field that is missing does not change."""

    model_config = ConfigDict(strict=True, extra="forbid")

    name: Name | None = None
    role: RoleName | None = None
    state: StateName | None = None
