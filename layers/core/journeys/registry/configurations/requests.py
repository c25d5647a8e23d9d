"""Request bodies of the operations on configurations."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, StringConstraints

Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100)]
Description = Annotated[str, StringConstraints(max_length=500)]


class ConfigurationCreate(BaseModel):
    """The contract's `CreateExternalEventsConfigurationRequest`."""

    model_config = ConfigDict(strict=True, extra="forbid")

    name: Name
    description: Description | None = None
    divisionId: Name | None = None
    schemaId: Name
    source: Name


class ConfigurationUpdate(BaseModel):
    """The contract's `UpdateExternalEventsConfigurationRequest`. The schema and the source cannot be changed."""

    model_config = ConfigDict(strict=True, extra="forbid")

    name: Name | None = None
    description: Description | None = None
