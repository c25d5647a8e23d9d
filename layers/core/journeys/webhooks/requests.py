"""Request bodies of the operations on webhook endpoints."""

from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, WithJsonSchema, model_validator

from journeys.webhooks.model import Routing
from journeys.webhooks.senders.registry import SENDERS

Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100)]
Secret = Annotated[str, StringConstraints(min_length=8, max_length=4096)]
SenderName = Annotated[Name, WithJsonSchema({"type": "string", "enum": list(SENDERS)})]
"""The service checks the name, since it names the senders that exist in its error."""
MAX_SAMPLE = 1024 * 1024
"""Characters of a sample's body."""
PresetVersion = Annotated[int, Field(ge=1, le=1000)]
"""The service checks which versions the sender has."""


class RoutingRequest(BaseModel):
    """Where each event goes: `configurations` has a configuration for each result of `expression` that is taken."""

    model_config = ConfigDict(strict=True, extra="forbid")

    expression: str
    configurations: dict[str, Name]

    def to_routing(self) -> Routing:
        """Return the routing."""
        return Routing(self.expression, self.configurations)


class EndpointCreate(BaseModel):
    """A new endpoint, with either `configurationId` or `routing`.

    If there is no secret, one is generated; or, if the sender owns it, the endpoint waits for it. Without
    `presetVersion`, the newest preset is used.
    """

    model_config = ConfigDict(strict=True, extra="forbid")

    name: Name
    sender: SenderName
    configurationId: Name | None = None
    routing: RoutingRequest | None = None
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
    routing: RoutingRequest | None = None
    enabled: bool | None = None
    options: dict[str, Any] | None = None
    mapping: dict[str, Any] | None = None
    presetVersion: PresetVersion | None = None


class SecretRotate(BaseModel):
    """The new secret. The one before it stays valid unless `keepPrevious` is false.

    Without a secret, one is generated, unless the sender owns the secret. Without a secret and with `keepPrevious`
    false, the current secret stays the same, and the one before it becomes invalid.
    """

    model_config = ConfigDict(strict=True, extra="forbid")

    secret: Secret | None = None
    keepPrevious: bool = True


class Sample(BaseModel):
    """A sample delivery: either the JSON `payload` of its body, or the exact `body`, with the `headers` that matter."""

    model_config = ConfigDict(strict=True, extra="forbid")

    payload: Any = None
    body: str | None = Field(default=None, max_length=MAX_SAMPLE)
    headers: dict[str, str] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if ("payload" in self.model_fields_set) == ("body" in self.model_fields_set):
            raise ValueError("send either payload or body")
        return self
