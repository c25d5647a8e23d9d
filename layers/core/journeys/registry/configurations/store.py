"""Configurations in the registry table."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from journeys import dates, keys
from journeys.aws import ConditionsFailed, from_item, is_condition_failure, query_all, to_item, to_value, transact
from journeys.errors import Conflict, NotFound
from journeys.registry.configurations.model import Configuration, configuration_id

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


class ConfigurationStore:
    """An organisation's configurations."""

    def __init__(self, dynamodb: "DynamoDBClient", table: str) -> None:
        self._dynamodb, self._table = dynamodb, table

    def find(self, organization_id: str, id_: str, *, consistent: bool = True) -> Configuration | None:
        """The configuration, also when it was deleted; None where there never was one."""
        answer = self._dynamodb.get_item(
            TableName=self._table, Key=keys.configuration(organization_id, id_), ConsistentRead=consistent
        )
        return Configuration.from_values(from_item(answer["Item"])) if "Item" in answer else None

    def get(self, organization_id: str, id_: str) -> Configuration:
        """The configuration. Raises NotFound, also when it was deleted."""
        found = self.find(organization_id, id_)
        if found is None or found.deleted:
            raise _not_found()
        return found

    def all(self, organization_id: str) -> list[Configuration]:
        """Every configuration that is not deleted, by name."""
        rows = query_all(
            self._dynamodb,
            TableName=self._table,
            KeyConditionExpression="pk = :pk",
            ExpressionAttributeValues={":pk": {"S": keys.configurations(organization_id)}},
            ConsistentRead=True,
        )
        found = [Configuration.from_values(from_item(row)) for row in rows]
        return sorted(
            (one for one in found if not one.deleted), key=lambda one: (one.name.casefold(), one.configuration_id)
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
        """Binds an enabled event type to a source and marks it as used, in one go. Raises NotFound and Conflict."""
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
        schema_key = keys.schema(organization_id, schema_id)
        try:
            transact(
                self._dynamodb,
                [
                    {
                        "Update": {
                            "TableName": self._table,
                            "Key": schema_key,
                            "UpdateExpression": "SET used = :yes",
                            "ConditionExpression": "attribute_exists(pk) AND enabled = :yes",
                            "ExpressionAttributeValues": {":yes": to_value(True)},
                        }
                    },
                    {
                        "Put": {
                            "TableName": self._table,
                            "Item": keys.configuration(organization_id, new.configuration_id)
                            | to_item(new.to_values()),
                            "ConditionExpression": "attribute_not_exists(pk) OR deleted = :yes",
                            "ExpressionAttributeValues": {":yes": to_value(True)},
                        }
                    },
                ],
            )
        except ConditionsFailed as refused:
            if 0 not in refused.failed:
                raise Conflict(
                    "A configuration for this schema and source exists already.",
                    code="configuration.exists",
                    params={"id": new.configuration_id},
                ) from None
            answer = self._dynamodb.get_item(TableName=self._table, Key=schema_key, ConsistentRead=True)
            if "Item" not in answer:
                raise NotFound("There is no such schema.") from None
            raise Conflict("This event type is disabled; enable its schema first.", code="schema.disabled") from None
        return new

    def update(self, organization_id: str, id_: str, *, name: str | None, description: str | None) -> Configuration:
        """Changes the name, the description, or both; None leaves one as it is. Raises NotFound."""
        changes = {"name": name, "description": description, "dateModified": dates.text(dates.now_ms())}
        given = {field: value for field, value in changes.items() if value is not None}
        return self._change(organization_id, id_, given)

    def delete(self, organization_id: str, id_: str) -> None:
        """Takes the configuration out of use; its events stay, and so does its id. Raises NotFound."""
        self._change(organization_id, id_, {"deleted": True, "dateModified": dates.text(dates.now_ms())})

    def _change(self, organization_id: str, id_: str, values: Mapping[str, str | bool]) -> Configuration:
        try:
            answer = self._dynamodb.update_item(
                TableName=self._table,
                Key=keys.configuration(organization_id, id_),
                UpdateExpression="SET " + ", ".join(f"#{field} = :{field}" for field in values),
                ConditionExpression="attribute_exists(pk) AND #deleted = :no",
                ExpressionAttributeNames={f"#{field}": field for field in [*values, "deleted"]},
                ExpressionAttributeValues={f":{field}": to_value(value) for field, value in values.items()}
                | {":no": to_value(False)},
                ReturnValues="ALL_NEW",
            )
        except ClientError as error:
            if is_condition_failure(error):
                raise _not_found() from None
            raise
        return Configuration.from_values(from_item(answer["Attributes"]))


def _not_found() -> NotFound:
    return NotFound("There is no such configuration.")
