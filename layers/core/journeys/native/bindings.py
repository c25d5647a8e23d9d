"""Bindings of the native event types. They need no registry row, since the types are the same for everybody."""

from journeys.events.attributes import AttributeValidator
from journeys.events.bindings import Binding
from journeys.registry.configurations.model import Configuration
from journeys.registry.native_types import NATIVE, NATIVE_TYPES, VENDORS


class NativeBindings:
    """The binding of each native event type and vendor; see `key`."""

    def __init__(self) -> None:
        self._bindings: dict[str, Binding] = {}
        for schema in NATIVE_TYPES.values():
            validator = AttributeValidator(schema.document)
            for vendor in VENDORS:
                configuration = Configuration(
                    configuration_id=NATIVE,
                    name="Native events",
                    description=None,
                    division_id=None,
                    schema_id=schema.schema_id,
                    source=vendor,
                    deleted=False,
                    date_modified=schema.date_modified,
                )
                self._bindings[self.key(schema.schema_id, vendor)] = Binding(configuration, schema, validator)

    @staticmethod
    def key(schema_id: str, vendor: str) -> str:
        """The name by which ingest asks for a binding. The events are all stored under the configuration NATIVE."""
        return f"{schema_id}/{vendor}"

    def get(self, _: str, key: str, /) -> Binding:
        """The binding with this key, for any organization."""
        return self._bindings[key]

    fresh = get  # Native types never change while a process runs.
