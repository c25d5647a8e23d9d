"""All event types of an organization: the external ones, which it defines itself, and the native ones."""

from typing import TYPE_CHECKING

from journeys.registry.native_types import NATIVE_TYPES
from journeys.registry.schemas.model import Schema
from journeys.registry.schemas.store import SchemaStore

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


class EventTypes:
    """Finds event types for everything that reads events: definitions, journeys and views.

    The operations that define event types use SchemaStore, which knows only the external ones.
    """

    def __init__(self, dynamodb: "DynamoDBClient", table: str) -> None:
        self._schemas = SchemaStore(dynamodb, table)

    def all(self, organization_id: str) -> list[Schema]:
        """All event types of an organization: the external ones ordered by title, then the native ones."""
        return [*self._schemas.all(organization_id), *NATIVE_TYPES.values()]

    def by_id(self, organization_id: str) -> dict[str, Schema]:
        """All event types of an organization, by their ids."""
        return {schema.schema_id: schema for schema in self.all(organization_id)}

    def get(self, organization_id: str, schema_id: str) -> Schema:
        """The current version of an event type. Raises NotFound."""
        return NATIVE_TYPES.get(schema_id) or self._schemas.get(organization_id, schema_id)
