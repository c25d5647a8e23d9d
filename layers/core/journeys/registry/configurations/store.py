"""Configurations in the registry table."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from journeys import dates, keys
from journeys.aws import ConditionsFailed, from_item, is_condition_failure, query_all, to_item, to_value
from journeys.errors import Conflict, Detail, NotFound
from journeys.registry.configurations.model import Configuration, configuration_id
from journeys.registry.limits import CONFIGURATIONS, CONFIGURATIONS_EVER
from journeys.registry.quotas.store import QuotaStore

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

UNKNOWN = "There is no such configuration."
SCHEMA_ID = (
    "This is the id of an event type, not of a configuration. Create a configuration for it with "
    "POST /api/v2/journey/externalevents/configurations, or use one of its configurations."
)
CONFIGURATION_ID = "The schemaId is the id of a configuration. Use the id of an event type, which is its schema's id."


class ConfigurationStore:
    """Stores the configurations of all organizations."""

    def __init__(self, dynamodb: "DynamoDBClient", table: str) -> None:
        self._dynamodb, self._table = dynamodb, table
        self._quotas = QuotaStore(dynamodb, table)

    def find(self, organization_id: str, id_: str, *, consistent: bool = True) -> Configuration | None:
        """The configuration, even if it is deleted. None if it never existed."""
        response = self._dynamodb.get_item(
            TableName=self._table, Key=keys.configuration(organization_id, id_), ConsistentRead=consistent
        )
        return Configuration.from_values(from_item(response["Item"])) if "Item" in response else None

    def get(self, organization_id: str, id_: str) -> Configuration:
        """The configuration. Raises NotFound if it does not exist or is deleted."""
        configuration = self.find(organization_id, id_)
        if configuration is None or configuration.deleted:
            raise self._not_found(organization_id, id_)
        return configuration

    def all(self, organization_id: str, *, deleted: bool = False) -> list[Configuration]:
        """All configurations, ordered by name. Deleted ones are among them only if asked for."""
        rows = query_all(
            self._dynamodb,
            TableName=self._table,
            KeyConditionExpression="pk = :pk",
            ExpressionAttributeValues={":pk": {"S": keys.configurations(organization_id)}},
            ConsistentRead=True,
        )
        configurations = [Configuration.from_values(from_item(row)) for row in rows]
        return sorted(
            (configuration for configuration in configurations if deleted or not configuration.deleted),
            key=lambda configuration: (configuration.name.casefold(), configuration.configuration_id),
        )

    def create(
        self,
        organization_id: str,
        *,
        name: str,
        description: str | None,
        division_id: str | None,
        schema_id: str,
        source: str,
    ) -> Configuration:
        """Binds an enabled event type to a source and marks the event type as used, in one transaction.

        A deleted configuration of the same event type and source is replaced. Raises NotFound if the schema does not
        exist, Conflict if it is disabled or the configuration exists, and LimitReached.
        """
        new = Configuration(
            configuration_id=configuration_id(organization_id, schema_id, source),
            name=name,
            description=description,
            division_id=division_id,
            schema_id=schema_id,
            source=source,
            deleted=False,
            date_modified=dates.now_ms(),
        )
        replaced = self.find(organization_id, new.configuration_id)
        quotas = (CONFIGURATIONS,) if replaced is not None else (CONFIGURATIONS, CONFIGURATIONS_EVER)
        writes = [
            self._mark_schema_used(organization_id, schema_id),
            self._put(organization_id, new, replaces=replaced is not None),
        ]
        try:
            self._quotas.create(organization_id, quotas, writes)
        except ConditionsFailed as failed:
            if 0 not in failed.failed:
                raise Conflict(
                    "A configuration for this schema and source already exists. Use it, or choose another source.",
                    code="configuration.exists",
                    params={"id": new.configuration_id},
                ) from None
            raise self._schema_error(organization_id, schema_id) from None
        return new

    def _mark_schema_used(self, organization_id: str, schema_id: str) -> dict[str, Any]:
        return {
            "Update": {
                "TableName": self._table,
                "Key": keys.schema(organization_id, schema_id),
                "UpdateExpression": "SET used = :yes",
                "ConditionExpression": "attribute_exists(pk) AND enabled = :yes",
                "ExpressionAttributeValues": {":yes": to_value(True)},
            }
        }

    def _put(self, organization_id: str, new: Configuration, *, replaces: bool) -> dict[str, Any]:
        put = {
            "TableName": self._table,
            "Item": keys.configuration(organization_id, new.configuration_id) | to_item(new.to_values()),
            "ConditionExpression": "deleted = :yes" if replaces else "attribute_not_exists(pk)",
        }
        return {"Put": put | ({"ExpressionAttributeValues": {":yes": to_value(True)}} if replaces else {})}

    def _schema_error(self, organization_id: str, schema_id: str) -> NotFound | Conflict:
        """Why no configuration can be created for a schema."""
        if not self._is_schema(organization_id, schema_id):
            is_configuration = self.find(organization_id, schema_id) is not None
            message = CONFIGURATION_ID if is_configuration else "There is no such schema. Use the id of a schema."
            return NotFound(message, details=[Detail("not.found", "schemaId")])
        return Conflict("This event type is disabled. Enable its schema first.", code="schema.disabled")

    def update(self, organization_id: str, id_: str, *, name: str | None, description: str | None) -> Configuration:
        """Changes the name, the description, or both. None means no change. Raises NotFound."""
        changes = {"name": name, "description": description, "dateModified": dates.text(dates.now_ms())}
        changed = {field: value for field, value in changes.items() if value is not None}
        try:
            response = self._dynamodb.update_item(**self._change(organization_id, id_, changed), ReturnValues="ALL_NEW")
        except ClientError as error:
            if is_condition_failure(error):
                raise self._not_found(organization_id, id_) from None
            raise
        return Configuration.from_values(from_item(response["Attributes"]))

    def delete(self, organization_id: str, id_: str) -> None:
        """Marks the configuration as deleted. Its events remain. Raises NotFound."""
        change = self._change(organization_id, id_, {"deleted": True, "dateModified": dates.text(dates.now_ms())})
        try:
            self._quotas.delete(organization_id, (CONFIGURATIONS,), [{"Update": change}])
        except ConditionsFailed:
            raise self._not_found(organization_id, id_) from None

    def _change(self, organization_id: str, id_: str, values: Mapping[str, str | bool]) -> Any:
        """The update of these values, if the configuration is not deleted."""
        return {
            "TableName": self._table,
            "Key": keys.configuration(organization_id, id_),
            "UpdateExpression": "SET " + ", ".join(f"#{field} = :{field}" for field in values),
            "ConditionExpression": "attribute_exists(pk) AND #deleted = :no",
            "ExpressionAttributeNames": {f"#{field}": field for field in [*values, "deleted"]},
            "ExpressionAttributeValues": {f":{field}": to_value(value) for field, value in values.items()}
            | {":no": to_value(False)},
        }

    def _not_found(self, organization_id: str, id_: str) -> NotFound:
        return NotFound(SCHEMA_ID if self._is_schema(organization_id, id_) else UNKNOWN)

    def _is_schema(self, organization_id: str, id_: str) -> bool:
        response = self._dynamodb.get_item(
            TableName=self._table, Key=keys.schema(organization_id, id_), ConsistentRead=True
        )
        return "Item" in response and "deleted" not in response["Item"]
