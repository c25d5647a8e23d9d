"""IAM's condition on partition keys of the registry, which no emulator knows, held against what functions ask."""

import re
import sys
from collections.abc import Iterator
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

from journeys.http.router import Router
from tests.support.template import ROOT, resources

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

CONDITION, KEY = "ForAllValues:StringLike", "dynamodb:LeadingKeys"
FUNCTIONS = ROOT / "functions"


class NotGranted(BaseException):
    """A function asked for what its role does not grant. No handler may take it for trouble of the store."""


def enforce(client: "DynamoDBClient", table: str) -> None:
    """Makes calls fail that a function makes on that table, where its role does not grant action and partition."""

    def check(params: dict[str, Any], model: Any, **_: Any) -> None:
        function = _calling_function()
        if function is None:
            return  # a test's own call
        for action, partition in _asked(model.name, params, table):
            if not any(fnmatchcase(partition, pattern) for pattern in granted(function).get(action, ())):
                raise NotGranted(f"{function}: {action} on {re.sub('[0-9a-f-]{36}', '...', partition)}")

    client.meta.events.register("provide-client-params.dynamodb.*", check)


@cache
def granted(function: str) -> dict[str, tuple[str, ...]]:
    """The partitions, as patterns, that a function's role grants each action on the registry for."""
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
    """The function whose handler is being called; threads of a pool are not looked into."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        path = _source(frame)
        if path.name == "handler.py" and path.parent.parent == FUNCTIONS:
            return path.parent.name
        frame = frame.f_back
    return None


def _source(frame: FrameType) -> Path:
    """The file of a frame. A router's frame counts as its function's, since the router is the function's handler."""
    caller = frame.f_locals.get("self")
    code = caller.routes[0].handler.__code__ if isinstance(caller, Router) and caller.routes else frame.f_code
    return Path(code.co_filename)


def _asked(operation: str, params: dict[str, Any], table: str) -> Iterator[tuple[str, str]]:
    """The actions and partitions that a call asks for, as IAM sees them: a transaction is what it is made of."""
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
