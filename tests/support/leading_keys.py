"""Checks IAM's condition on the partition keys of the registry table, which no emulator implements.

`enforced` compares each DynamoDB call of a function with the role of that function in the template.
"""

import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from types import CodeType, FrameType
from typing import TYPE_CHECKING, Any

from journeys.http.router import Router
from tests.support.client_events import handling
from tests.support.template import ROOT, resources

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

CONDITION, KEY = "ForAllValues:StringLike", "dynamodb:LeadingKeys"
FUNCTIONS = ROOT / "functions"


class NotGranted(BaseException):
    """A function made a call that its role does not allow. Handlers must not catch it, so it is no Exception."""


@contextmanager
def enforced(client: "DynamoDBClient", table: str) -> Iterator[None]:
    """Makes a function's calls on the table raise NotGranted if its role does not allow the action on the partition."""

    def check(params: dict[str, Any], model: Any, **_: Any) -> None:
        function = _calling_function()
        if function is None:
            return  # The test itself makes the call.
        for action, partition in _requested(model.name, params, table):
            if not any(fnmatchcase(partition, pattern) for pattern in granted(function).get(action, ())):
                raise NotGranted(f"{function}: {action} on {re.sub('[0-9a-f-]{36}', '...', partition)}")

    with handling(client, "provide-client-params.dynamodb.*", check):
        yield


@cache
def granted(function: str) -> dict[str, tuple[str, ...]]:
    """The patterns of the partitions that a function's role allows, by action."""
    found: dict[str, tuple[str, ...]] = {}
    roles = {name.lower(): role for name, role in resources("AWS::IAM::Role").items()}
    for policy in roles[f"{function}role"]["Properties"].get("Policies", []):
        for statement in policy["PolicyDocument"]["Statement"]:
            if statement["Resource"] == {"Fn::GetAtt": "RegistryTable.Arn"}:
                for action in statement["Action"]:
                    name = action.removeprefix("dynamodb:")
                    found[name] = found.get(name, ()) + tuple(statement["Condition"][CONDITION][KEY])
    return found


def _calling_function() -> str | None:
    """The function whose handler is on the call stack, or None. Calls from a pool's threads are not detected."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        code = frame.f_code
        if code in _ROUTER_CODE:  # The router's frames count as the function's, because the router is its handler.
            router = frame.f_locals.get("self")
            code = router.routes[0].handler.__code__ if isinstance(router, Router) and router.routes else code
        if function := _function_of(code):
            return function
        frame = frame.f_back
    return None


_ROUTER_CODE = frozenset(method.__code__ for method in vars(Router).values() if hasattr(method, "__code__"))


@cache
def _function_of(code: CodeType) -> str | None:
    """The function whose handler.py contains the code. It is cached, because every call looks at the whole stack."""
    path = Path(code.co_filename)
    return path.parent.name if path.name == "handler.py" and path.parent.parent == FUNCTIONS else None


def _requested(operation: str, params: dict[str, Any], table: str) -> Iterator[tuple[str, str]]:
    """The actions and partitions of a call, as IAM sees them: a transaction counts as its parts."""
    if operation == "TransactWriteItems":
        for item in params["TransactItems"]:
            ((kind, inner),) = item.items()
            if inner["TableName"] == table:
                key = inner["Item"] if kind == "Put" else inner["Key"]
                yield {"ConditionCheck": "ConditionCheckItem"}.get(kind, f"{kind}Item"), key["pk"]["S"]
    elif operation == "BatchGetItem":
        for key in params["RequestItems"].get(table, {}).get("Keys", []):
            yield operation, key["pk"]["S"]
    elif operation == "BatchWriteItem":
        for write in params["RequestItems"].get(table, []):
            ((_, request),) = write.items()
            yield operation, (request["Key"] if "Key" in request else request["Item"])["pk"]["S"]
    elif params.get("TableName") == table:
        if operation == "Query":
            (name,) = re.findall(r"^pk = (:\w+)", params["KeyConditionExpression"])
            yield operation, params["ExpressionAttributeValues"][name]["S"]
        else:
            yield operation, (params["Key"] if "Key" in params else params["Item"])["pk"]["S"]
