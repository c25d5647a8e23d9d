"""Bindings: the event type and the source of a configuration, cached for one minute."""

from dataclasses import dataclass
from enum import Enum
from typing import Protocol

from journeys.cache import Cache, size_of
from journeys.errors import Conflict, NotFound
from journeys.events.attributes import AttributeValidator
from journeys.registry.configurations import store
from journeys.registry.configurations.model import Configuration
from journeys.registry.configurations.store import ConfigurationStore
from journeys.registry.schemas.model import Schema
from journeys.registry.schemas.store import SchemaStore

MAX_CACHED_BYTES = 128 * 1024**2
"""Bytes of the bindings of a process: about 4,000 with 12 attributes."""
VALIDATOR_FACTOR = 3
"""The compiled validator takes up to twice the bytes of the schema, which Python does not see."""


@dataclass(frozen=True, slots=True)
class Binding:
    """A configuration, its event type, and the validator for the current version of the schema."""

    configuration: Configuration
    schema: Schema
    validator: AttributeValidator

    def refusal(self) -> Conflict | None:
        """The error that senders get if the configuration accepts no events, otherwise None."""
        if self.configuration.deleted:
            return Conflict(
                "This configuration was deleted. To send events again, create a configuration for the same schema and "
                "source; it gets the same id.",
                code="configuration.disabled",
            )
        if not self.schema.enabled:
            return Conflict(
                "The schema of this configuration is disabled. Enable the schema to send events.",
                code="schema.disabled",
            )
        return None


class BindingSource(Protocol):
    """Finds bindings by organization and configuration."""

    def get(self, organization_id: str, configuration_id: str, /) -> Binding:
        """The binding. Raises NotFound, or Conflict if the configuration accepts no events."""

    def fresh(self, organization_id: str, configuration_id: str, /) -> Binding:
        """The binding as it is now. Raises as `get` does."""


class _Missing(Enum):
    """Why there is no binding. The values are the messages."""

    UNKNOWN = store.UNKNOWN
    SCHEMA_ID = store.SCHEMA_ID

    def __bool__(self) -> bool:
        return False  # The cache then knows that there is no such value.


class Bindings:
    """The bindings of all organizations. `get` can be up to one minute old, `fresh` up to one second."""

    def __init__(self, configurations: ConfigurationStore, schemas: SchemaStore) -> None:
        self._configurations, self._schemas = configurations, schemas
        self._cache: Cache[tuple[str, str], Binding | _Missing] = Cache(
            self._load, max_bytes=MAX_CACHED_BYTES, size=lambda binding: VALIDATOR_FACTOR * size_of(binding)
        )

    def get(self, organization_id: str, configuration_id: str) -> Binding:
        """The binding. Raises NotFound, or Conflict if the configuration accepts no events.

        An error is never based on a cached binding alone: the registry is read again first.
        """
        cached = self._cache.get((organization_id, configuration_id))
        if isinstance(cached, _Missing) or cached.refusal():
            return self.fresh(organization_id, configuration_id)
        return cached

    def fresh(self, organization_id: str, configuration_id: str) -> Binding:
        """The binding as the registry has it now. Raises NotFound, or Conflict if it accepts no events."""
        binding = self._cache.fresh((organization_id, configuration_id))
        if isinstance(binding, _Missing):
            raise NotFound(binding.value)
        refusal = binding.refusal()
        if refusal is not None:
            raise refusal
        return binding

    def _load(self, key: tuple[str, str], consistent: bool) -> Binding | _Missing:
        organization_id, configuration_id = key
        configuration = self._configurations.find(organization_id, configuration_id, consistent=consistent)
        if configuration is None:
            # Only a consistent read is reported to the sender, so only that one is worth a second read.
            is_schema_id = consistent and self._schema(organization_id, configuration_id, consistent) is not None
            return _Missing.SCHEMA_ID if is_schema_id else _Missing.UNKNOWN
        schema = self._schema(organization_id, configuration.schema_id, consistent)
        if schema is None:  # An eventually consistent read can return a configuration before its schema.
            return _Missing.UNKNOWN
        return Binding(configuration, schema, AttributeValidator(schema.document))

    def _schema(self, organization_id: str, schema_id: str, consistent: bool) -> Schema | None:
        try:
            return self._schemas.get(organization_id, schema_id, consistent=consistent)
        except NotFound:
            return None
