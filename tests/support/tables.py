"""The template's tables, made on any DynamoDB: moto's, the local stack's, or AWS's own DynamoDB Local."""

import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tests.support.template import resources

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_TAKEN_OVER = ("BillingMode", "KeySchema", "AttributeDefinitions", "GlobalSecondaryIndexes")


@dataclass(frozen=True)
class Tables:
    """The names of one set of tables, and the client that reaches them."""

    dynamodb: "DynamoDBClient"
    events: str
    journeys: str
    failures: str
    registry: str

    def items(self, table: str) -> list[dict[str, Any]]:
        """Every item of a table, in DynamoDB's form."""
        found: list[dict[str, Any]] = []
        for page in self.dynamodb.get_paginator("scan").paginate(TableName=table, ConsistentRead=True):
            found += page["Items"]
        return found


def create_tables(dynamodb: "DynamoDBClient") -> Tables:
    """A set of empty tables with names of their own, as the template defines them."""
    run = uuid.uuid4().hex[:8]
    names: dict[str, str] = {}
    for logical_id, table in resources("AWS::DynamoDB::Table").items():
        short = logical_id.removesuffix("Table").lower()
        names[short] = f"{short}-{run}"
        properties: Any = {name: table["Properties"][name] for name in _TAKEN_OVER if name in table["Properties"]}
        if "StreamSpecification" in table["Properties"]:
            view = table["Properties"]["StreamSpecification"]["StreamViewType"]
            properties["StreamSpecification"] = {"StreamEnabled": True, "StreamViewType": view}
        dynamodb.create_table(TableName=names[short], **properties)
    for name in names.values():
        dynamodb.get_waiter("table_exists").wait(TableName=name, WaiterConfig={"Delay": 1})
    return Tables(dynamodb, **names)
