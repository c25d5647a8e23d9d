"""What a configuration stands for while events come in: its event type and source, kept for a minute."""

from dataclasses import dataclass

from journeys.cache import Cache
from journeys.errors import Conflict, NotFound
from journeys.events.validation import AttributeValidator
from journeys.registry.configurations.model import Configuration
from journeys.registry.configurations.store import ConfigurationStore
from journeys.registry.schemas.model import Schema
from journeys.registry.schemas.store import SchemaStore


@dataclass(frozen=True, slots=True)
class Binding:
    """A configuration, its event type, and the validator of that version."""

    configuration: Configuration
    schema: Schema
    validator: AttributeValidator

    def refusal(self) -> Conflict | None:
        """Why no events are taken here, if so."""
        if self.configuration.deleted:
            return Conflict(
                "This configuration was deleted; create it again for the same schema and source to go on.",
                code="configuration.disabled",
            )
        if not self.schema.enabled:
            return Conflict("The schema of this configuration is disabled.", code="schema.disabled")
        return None


class Bindings:
    """Bindings by organisation and configuration. What is kept may be a minute old; `fresh` never is over a second."""

    def __init__(self, configurations: ConfigurationStore, schemas: SchemaStore) -> None:
        self._configurations, self._schemas = configurations, schemas
        self._cache: Cache[tuple[str, str], Binding | None] = Cache(self._load)

    def get(self, organization_id: str, configuration_id: str) -> Binding:
        """The binding. Raises NotFound, and Conflict where it takes no events; never on the word of what was kept."""
        key = organization_id, configuration_id
        kept = self._cache.get(key)
        if kept is None or kept.refusal():
            return self.fresh(organization_id, configuration_id)
        return kept

    def fresh(self, organization_id: str, configuration_id: str) -> Binding:
        """The binding as the registry has it now. Raises NotFound and Conflict."""
        binding = self._cache.fresh((organization_id, configuration_id))
        if binding is None:
            raise NotFound("There is no such configuration.")
        refusal = binding.refusal()
        if refusal is not None:
            raise refusal
        return binding

    def _load(self, key: tuple[str, str], consistent: bool) -> Binding | None:
        organization_id, configuration_id = key
        configuration = self._configurations.find(organization_id, configuration_id, consistent=consistent)
        if configuration is None:
            return None
        try:
            schema = self._schemas.get(organization_id, configuration.schema_id, consistent=consistent)
        except NotFound:  # a read that is not consistent may see a configuration before its schema
            return None
        return Binding(configuration, schema, AttributeValidator(schema.document))
