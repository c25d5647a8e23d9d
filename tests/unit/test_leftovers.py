"""`journeys admin leftovers`: it finds what deleted stacks have left, and deletes only what is empty."""

from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from tests.support.cli import run_journeys
from tests.support.template import template
from tools.operator import leftovers
from tools.operator.leftovers import STACK_ID, STACK_NAME, Leftovers

FAILED, LATER = "arn:aws:cloudformation:us-east-1:1:stack/shop/1", "arn:aws:cloudformation:us-east-1:1:stack/shop/2"
FORGOTTEN = "arn:aws:cloudformation:us-east-1:1:stack/shop/0"


class Account:
    """An account in moto, whose tagging API, CloudFormation and Cognito are fakes."""

    def __init__(self) -> None:
        self.tagged: list[tuple[str, str]] = []
        self.stacks = {FAILED: "DELETE_COMPLETE", LATER: "CREATE_COMPLETE"}
        self.filters: list[Any] = []
        self.pools: dict[str, dict[str, Any]] = {}

    def table(self, name: str, stack_id: str, *, item: bool = False) -> None:
        dynamodb = boto3.client("dynamodb")
        created = dynamodb.create_table(
            TableName=name, BillingMode="PAY_PER_REQUEST", DeletionProtectionEnabled=True,
            KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
        )  # fmt: skip
        if item:
            dynamodb.put_item(TableName=name, Item={"pk": {"S": "a"}})
        self.tagged.append((created["TableDescription"]["TableArn"], stack_id))

    def bucket(self, name: str, stack_id: str) -> None:
        boto3.client("s3").create_bucket(Bucket=name)
        boto3.client("s3").put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
        self.tagged.append((f"arn:aws:s3:::{name}", stack_id))

    def user_pool(self, stack_id: str, *, clients: int = 0, users: int = 0) -> None:
        self.pools["us-east-1_1"] = {"clients": clients, "users": users, "protected": True}
        self.tagged.append(("arn:aws:cognito-idp:us-east-1:1:userpool/us-east-1_1", stack_id))

    # -- the fakes -----------------------------------------------------------------------------------------------------

    def get_paginator(self, operation: str) -> "Account":
        assert operation == "get_resources"
        return self

    def paginate(self, **request: Any) -> list[dict[str, Any]]:
        self.filters = request["TagFilters"]
        return [
            {"ResourceTagMappingList": [
                {"ResourceARN": arn,
                 "Tags": [{"Key": STACK_NAME, "Value": "shop"}, {"Key": STACK_ID, "Value": stack_id}]}
            ]}
            for arn, stack_id in self.tagged
        ]  # fmt: skip

    def describe_stacks(self, *, StackName: str) -> dict[str, Any]:  # noqa: N803  # boto3's name
        if StackName not in self.stacks:
            raise ClientError({"Error": {"Code": "ValidationError"}}, "DescribeStacks")
        return {"Stacks": [{"StackStatus": self.stacks[StackName]}]}

    def list_user_pool_clients(self, *, UserPoolId: str, MaxResults: int) -> dict[str, Any]:  # noqa: N803
        return {"UserPoolClients": [{}] * min(self.pools[UserPoolId]["clients"], MaxResults)}

    def list_users(self, *, UserPoolId: str, Limit: int) -> dict[str, Any]:  # noqa: N803
        return {"Users": [{}] * min(self.pools[UserPoolId]["users"], Limit)}

    def update_user_pool(self, *, UserPoolId: str, DeletionProtection: str) -> None:  # noqa: N803
        self.pools[UserPoolId]["protected"] = DeletionProtection == "ACTIVE"

    def delete_user_pool(self, *, UserPoolId: str) -> None:  # noqa: N803
        assert not self.pools[UserPoolId]["protected"]
        del self.pools[UserPoolId]


@pytest.fixture
def account(monkeypatch: pytest.MonkeyPatch) -> Iterator[Account]:
    fake = Account()
    real = Leftovers._client

    def client(self: Leftovers, service: str) -> Any:
        return fake if service in ("resourcegroupstaggingapi", "cloudformation", "cognito-idp") else real(self, service)

    monkeypatch.setattr(leftovers.Leftovers, "_client", client)
    with mock_aws():
        yield fake


def tables() -> list[str]:
    return sorted(boto3.client("dynamodb").list_tables()["TableNames"])


def buckets() -> list[str]:
    return [bucket["Name"] for bucket in boto3.client("s3").list_buckets()["Buckets"]]


def test_what_a_deleted_stack_has_left_is_listed_and_nothing_is_deleted(account: Account) -> None:
    account.table("shop-EventsTable-1", FAILED)
    account.table("shop-RegistryTable-1", FAILED, item=True)
    result = run_journeys("admin", "leftovers", "shop")
    assert result.exit_code == 0
    assert "shop-EventsTable-1" in result.output
    assert "has content" in result.output
    assert len(tables()) == 2
    assert account.filters == [{"Key": STACK_NAME, "Values": ["shop"]}]


def test_empty_tables_buckets_and_pools_are_deleted(account: Account) -> None:
    account.table("shop-EventsTable-1", FAILED)
    account.table("shop-RegistryTable-1", FORGOTTEN)
    account.bucket("shop-archivebucket-1", FAILED)
    account.user_pool(FAILED)
    result = run_journeys("admin", "leftovers", "shop", "--delete", "--yes")
    assert result.exit_code == 0
    assert "Deleted 4 of 4." in result.output
    assert (tables(), buckets(), account.pools) == ([], [], {})


@pytest.mark.parametrize("content", [{"clients": 1}, {"users": 1}])
def test_nothing_with_content_is_deleted(account: Account, content: dict[str, int]) -> None:
    account.table("shop-RegistryTable-1", FAILED, item=True)
    account.bucket("shop-archivebucket-1", FAILED)
    s3 = boto3.client("s3")
    s3.put_object(Bucket="shop-archivebucket-1", Key="a", Body=b"")
    s3.delete_object(Bucket="shop-archivebucket-1", Key="a")  # The bucket lists no object, but has two versions.
    account.user_pool(FAILED, **content)
    run_journeys("admin", "leftovers", "shop", "--delete", "--yes")
    assert (tables(), buckets()) == (["shop-RegistryTable-1"], ["shop-archivebucket-1"])
    assert account.pools["us-east-1_1"]["protected"]


@pytest.mark.parametrize("status", ["CREATE_COMPLETE", "ROLLBACK_COMPLETE", "DELETE_FAILED", "DELETE_IN_PROGRESS"])
def test_nothing_of_a_stack_that_exists_is_listed_or_deleted(account: Account, status: str) -> None:
    account.stacks[LATER] = status
    account.table("shop-EventsTable-1", FAILED)
    account.table("shop-EventsTable-2", LATER)
    result = run_journeys("admin", "leftovers", "shop", "--delete", "--yes")
    assert "shop-EventsTable-2" not in result.output
    assert tables() == ["shop-EventsTable-2"]


def test_the_command_asks_before_it_deletes(account: Account) -> None:
    account.table("shop-EventsTable-1", FAILED)
    refused = run_journeys("admin", "leftovers", "shop", "--delete", stdin="n\n")
    assert (refused.exit_code, tables()) == (1, ["shop-EventsTable-1"])
    assert run_journeys("admin", "leftovers", "shop", "--delete", stdin="y\n").exit_code == 0
    assert tables() == []


def test_content_that_was_added_after_the_listing_is_kept(account: Account) -> None:
    account.table("shop-EventsTable-1", FAILED)
    (found,) = Leftovers("shop").find()
    assert found.is_empty
    boto3.client("dynamodb").put_item(TableName=found.name, Item={"pk": {"S": "a"}})
    assert Leftovers("shop").delete(found) is False
    assert tables() == ["shop-EventsTable-1"]


def test_without_leftovers_the_command_says_so(account: Account) -> None:
    result = run_journeys("admin", "leftovers", "shop")
    assert (result.exit_code, "has left anything" in result.output) == (0, True)


def test_every_retained_resource_is_of_a_kind_that_the_command_knows() -> None:
    retained = {
        name: resource["Type"]
        for name, resource in template()["Resources"].items()
        if resource.get("DeletionPolicy") == "Retain"
    }
    for name in ("ApiGatewayLogRole", "ApiGatewayAccountSettings"):
        del retained[name]  # The whole account uses them.
    assert set(retained.values()) == {"AWS::DynamoDB::Table", "AWS::S3::Bucket", "AWS::Cognito::UserPool"}
