"""Request bodies of the operations on webhook endpoints."""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, WithJsonSchema

from journeys.webhooks.senders.registry import SENDERS

Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100)]
Secret = Annotated[str, StringConstraints(min_length=8, max_length=4096)]
SenderName = Annotated[Name, WithJsonSchema({"type": "string", "enum": list(SENDERS)})]
"""The service checks the name, since it names the senders that exist in its error."""
PresetVersion = Annotated[int, Field(ge=1, le=1000)]
"""The service checks which versions the sender has."""


class EndpointCreate(BaseModel):
    """A new endpoint. If there is no secret, one is generated. Without `presetVersion`, the newest preset is used."""

    model_config = ConfigDict(strict=True, extra="forbid")

    name: Name
    sender: SenderName
    configurationId: Name
    secret: Secret | None = None
    enabled: bool = True
    options: dict[str, Any] = Field(default_factory=dict)
    mapping: dict[str, Any] = Field(default_factory=dict)
    presetVersion: PresetVersion | None = None


class EndpointUpdate(BaseModel):
    """The changes to an endpoint. A missing field leaves its value unchanged."""

    model_config = ConfigDict(strict=True, extra="forbid")

    name: Name | None = None
    configurationId: Name | None = None
    enabled: bool | None = None
    options: dict[str, Any] | None = None
    mapping: dict[str, Any] | None = None
    presetVersion: PresetVersion | None = None


class SecretRotate(BaseModel):
    """The new secret. The one before it stays valid unless `keepPrevious` is false."""

    model_config = ConfigDict(strict=True, extra="forbid")

    secret: Secret | None = None
    keepPrevious: bool = True


class Sample(BaseModel):
    """A sample payload, as the sender delivers it, without the sender's envelope."""

    model_config = ConfigDict(strict=True, extra="forbid")

    payload: Any
