"""Creates the template's tables on any DynamoDB: moto, the local stack or DynamoDB Local."""

import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tests.support.template import resources

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_PROPERTIES = ("BillingMode", "KeySchema", "AttributeDefinitions", "GlobalSecondaryIndexes")


@dataclass(frozen=True)
class Tables:
    """The names of one set of tables, and a client for them."""

    dynamodb: "DynamoDBClient"
    events: str
    journeys: str
    links: str
    failures: str
    deliveries: str
    registry: str

    def items(self, table: str) -> list[dict[str, Any]]:
        """All items of a table, in DynamoDB's JSON."""
        found: list[dict[str, Any]] = []
        for page in self.dynamodb.get_paginator("scan").paginate(TableName=table, ConsistentRead=True):
            found += page["Items"]
        return found

    def clear(self) -> None:
        """Deletes all items, by deleting the tables and creating them again."""
        for table in (self.events, self.journeys, self.links, self.failures, self.deliveries, self.registry):
            self.dynamodb.delete_table(TableName=table)
        create_tables(self.dynamodb, self.registry.rsplit("-", 1)[1])


def create_tables(dynamodb: "DynamoDBClient", suffix: str | None = None) -> Tables:
    """Creates empty tables as the template defines them. Their names end in `suffix`, which is random by default."""
    suffix = suffix or uuid.uuid4().hex[:8]
    names: dict[str, str] = {}
    creating: list[str] = []
    for logical_id, table in resources("AWS::DynamoDB::Table").items():
        short = logical_id.removesuffix("Table").lower()
        names[short] = f"{short}-{suffix}"
        properties: Any = {name: table["Properties"][name] for name in _PROPERTIES if name in table["Properties"]}
        if "StreamSpecification" in table["Properties"]:
            view = table["Properties"]["StreamSpecification"]["StreamViewType"]
            properties["StreamSpecification"] = {"StreamEnabled": True, "StreamViewType": view}
        created = dynamodb.create_table(TableName=names[short], **properties)
        if created["TableDescription"]["TableStatus"] != "ACTIVE":
            creating.append(names[short])
    for name in creating:
        dynamodb.get_waiter("table_exists").wait(TableName=name, WaiterConfig={"Delay": 1})
    return Tables(dynamodb, **names)
