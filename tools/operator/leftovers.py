"""What deleted stacks have left: tables, buckets and user pools, which the template retains and protects.

CloudFormation tags each resource with the stack that created it. The tags stay when the stack is deleted.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from tools.errors import NO_REGION, SetupError
from tools.stack import default_endpoint_url, session

if TYPE_CHECKING:
    from mypy_boto3_cognito_idp import CognitoIdentityProviderClient
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_s3 import S3Client

STACK_NAME, STACK_ID = "aws:cloudformation:stack-name", "aws:cloudformation:stack-id"
TABLE, BUCKET, USER_POOL = "table", "bucket", "user pool"
_KINDS = {"dynamodb:table": TABLE, "s3": BUCKET, "cognito-idp:userpool": USER_POOL}
"""Resource types of the tagging API, and what they are called here."""


@dataclass(frozen=True)
class Leftover:
    """A resource of a stack that was deleted. One with content is never deleted."""

    kind: str
    name: str
    stack_id: str
    is_empty: bool


class Leftovers:
    """Finds and deletes what deleted stacks of a name have left in one account and region."""

    def __init__(self, stack_name: str) -> None:
        """Raises SetupError if no region is set."""
        self._stack_name, self._endpoint_url = stack_name, default_endpoint_url()
        if session(self._endpoint_url).region_name is None:
            raise SetupError(NO_REGION)
        self._dynamodb: DynamoDBClient = self._client("dynamodb")
        self._s3: S3Client = self._client("s3")
        self._cognito: CognitoIdentityProviderClient = self._client("cognito-idp")

    def find(self) -> list[Leftover]:
        """What is left of stacks of this name that do not exist any more."""
        found = []
        exists: dict[str, bool] = {}
        for kind, name, stack_id in self._tagged():
            if stack_id not in exists:
                exists[stack_id] = self._exists(stack_id)
            if not exists[stack_id]:
                found.append(Leftover(kind, name, stack_id, self._is_empty(kind, name)))
        return sorted(found, key=lambda leftover: (leftover.stack_id, leftover.kind, leftover.name))

    def delete(self, leftover: Leftover) -> bool:
        """Deletes a leftover. Returns False, and deletes nothing, if it has content."""
        if not self._is_empty(leftover.kind, leftover.name):
            return False
        if leftover.kind == TABLE:
            self._dynamodb.update_table(TableName=leftover.name, DeletionProtectionEnabled=False)
            self._dynamodb.get_waiter("table_exists").wait(TableName=leftover.name)
            self._dynamodb.delete_table(TableName=leftover.name)
        elif leftover.kind == BUCKET:
            self._s3.delete_bucket(Bucket=leftover.name)
        else:
            self._cognito.update_user_pool(UserPoolId=leftover.name, DeletionProtection="INACTIVE")
            self._cognito.delete_user_pool(UserPoolId=leftover.name)
        return True

    # -- calls ---------------------------------------------------------------------------------------------------------

    def _client(self, service: str) -> Any:
        return session(self._endpoint_url).client(service, endpoint_url=self._endpoint_url)  # type: ignore[call-overload]

    def _tagged(self) -> Iterator[tuple[str, str, str]]:
        """The kind, the name and the stack of each resource with the stack's name."""
        pages = (
            self._client("resourcegroupstaggingapi")
            .get_paginator("get_resources")
            .paginate(TagFilters=[{"Key": STACK_NAME, "Values": [self._stack_name]}], ResourceTypeFilters=list(_KINDS))
        )
        for page in pages:
            for resource in page["ResourceTagMappingList"]:
                service, _, _, name = resource["ResourceARN"].split(":", 5)[2:]
                kind = next(kind for kind_of, kind in _KINDS.items() if kind_of.partition(":")[0] == service)
                tags = {tag["Key"]: tag["Value"] for tag in resource["Tags"]}
                yield kind, name.rpartition("/")[2], tags[STACK_ID]

    def _exists(self, stack_id: str) -> bool:
        """Whether a stack exists. CloudFormation describes a deleted one by its id for 90 days."""
        try:
            (stack,) = self._client("cloudformation").describe_stacks(StackName=stack_id)["Stacks"]
        except ClientError as error:
            if error.response["Error"]["Code"] != "ValidationError":
                raise
            return False
        return bool(stack["StackStatus"] != "DELETE_COMPLETE")

    def _is_empty(self, kind: str, name: str) -> bool:
        if kind == TABLE:
            return not self._dynamodb.scan(TableName=name, Limit=1, ConsistentRead=True)["Items"]
        if kind == BUCKET:
            page = self._s3.list_object_versions(Bucket=name, MaxKeys=1)
            return not page.get("Versions") and not page.get("DeleteMarkers")
        clients = self._cognito.list_user_pool_clients(UserPoolId=name, MaxResults=1)["UserPoolClients"]
        return not clients and not self._cognito.list_users(UserPoolId=name, Limit=1)["Users"]
