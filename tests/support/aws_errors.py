"""Errors of AWS, as boto3 raises them."""

from typing import Any

from botocore.exceptions import ClientError


def client_error(code: str, status: int = 400, *, operation: str = "PutItem") -> ClientError:
    """The error of a call that AWS refused with this error code and HTTP status. Its message is a canary."""
    response: Any = {"Error": {"Code": code, "Message": "canary-7f3a"}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(response, operation)
