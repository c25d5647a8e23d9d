"""A deployed stack, on AWS or local: its clients, its outputs and its addresses."""

import os
import platform
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

from tools.errors import NO_REGION, SetupError

if TYPE_CHECKING:
    from mypy_boto3_cognito_idp import CognitoIdentityProviderClient
    from mypy_boto3_dynamodb import DynamoDBClient

REGION = "us-east-1"
"""The region of the local stack."""

ARCHITECTURE = "arm64" if platform.machine().lower() in ("arm64", "aarch64") else "x86_64"
"""The architecture of this machine, for which the local stack and `sam local` build the functions."""


class Outputs(dict[str, str]):
    """The outputs of a stack. Raises SetupError for an output that the stack does not have."""

    def __missing__(self, name: str) -> str:
        raise SetupError(f"The stack has no output {name}. Use a stack of this project's template.")


@dataclass(frozen=True)
class Stack:
    """A deployed stack. `endpoint_url` is None on AWS."""

    name: str
    endpoint_url: str | None

    @classmethod
    def named(cls, name: str) -> "Stack":
        """The stack of that name, on AWS, or where the environment variable AWS_ENDPOINT_URL points.

        Raises:
            SetupError: no region is set, or there is no such stack.
        """
        stack = cls(name, default_endpoint_url())
        if stack.region is None:
            raise SetupError(NO_REGION)
        _ = stack.outputs
        return stack

    def client(self, service: str, config: Config | None = None) -> Any:
        """A boto3 client for a service of this stack."""
        return session(self.endpoint_url).client(service, endpoint_url=self.endpoint_url, config=config)  # type: ignore[call-overload]

    @cached_property
    def dynamodb(self) -> "DynamoDBClient":
        client: DynamoDBClient = self.client("dynamodb")
        return client

    @cached_property
    def cognito(self) -> "CognitoIdentityProviderClient":
        client: CognitoIdentityProviderClient = self.client("cognito-idp")
        return client

    @cached_property
    def outputs(self) -> dict[str, str]:
        """The stack's outputs, by name. Raises SetupError when there is no such stack."""
        try:
            (description,) = self.client("cloudformation").describe_stacks(StackName=self.name)["Stacks"]
        except ClientError as error:
            if error.response["Error"]["Code"] != "ValidationError":
                raise
            place = f"at {self.endpoint_url} (AWS_ENDPOINT_URL)" if self.endpoint_url else f"in {self.region}"
            raise SetupError(
                f"There is no stack {self.name} {place}. Check --stack-name (or JOURNEYS_STACK) and the region."
            ) from None
        return Outputs({output["OutputKey"]: output["OutputValue"] for output in description.get("Outputs", [])})

    @property
    def region(self) -> str | None:
        """The region, or None where none is set."""
        return session(self.endpoint_url).region_name

    @property
    def api_url(self) -> str:
        """The address before /api/v2/journey/."""
        if self.endpoint_url is None:
            return self.outputs["ApiUrl"]
        return f"{self.endpoint_url}/restapis/{self.outputs['ApiId']}/{self.outputs['StageName']}/_user_request_"

    @property
    def token_url(self) -> str:
        """The address that issues access tokens."""
        return self.outputs["TokenUrl"] if self.endpoint_url is None else f"{self.endpoint_url}/oauth2/token"

    @property
    def console_url(self) -> str:
        """The address of the console."""
        return self.outputs["ConsoleAddress"] if self.endpoint_url is None else f"{self.api_url}/console/"

    @property
    def sign_in_url(self) -> str:
        """The address before /oauth2/authorize, where people sign in."""
        return self.outputs["SignInUrl"] if self.endpoint_url is None else self.endpoint_url

    def physical_id(self, logical_id: str) -> str:
        """The name that a resource of the template has in this stack."""
        resource = self.client("cloudformation").describe_stack_resource(
            StackName=self.name, LogicalResourceId=logical_id
        )
        return str(resource["StackResourceDetail"]["PhysicalResourceId"])

    def describe(self) -> dict[str, Any]:
        """The stack's addresses, tables and bucket, in the form of .local/stack.json."""
        outputs = self.outputs
        return {
            "apiUrl": self.api_url,
            "tokenUrl": self.token_url,
            "consoleUrl": self.console_url,
            "endpointUrl": self.endpoint_url,
            "region": self.region,
            "stackName": self.name,
            "tables": {
                name: outputs[f"{name.capitalize()}TableName"]
                for name in ("events", "journeys", "registry", "failures", "deliveries")
            },
            "archiveBucket": outputs["ArchiveBucketName"],
            "nativeEventBus": outputs.get("NativeEventBusName"),
        }


def is_local(endpoint_url: str | None) -> bool:
    """Whether an endpoint is on this machine."""
    return endpoint_url is not None and urlsplit(endpoint_url).hostname in ("127.0.0.1", "localhost")


def session(endpoint_url: str | None) -> boto3.Session:
    """A session with the environment's credentials and region, or with those of the local stack."""
    if is_local(endpoint_url):
        return boto3.Session(aws_access_key_id="test", aws_secret_access_key="test", region_name=REGION)  # noqa: S106
    # boto3 reads AWS_DEFAULT_REGION and the profile, but not AWS_REGION
    return boto3.Session(region_name=os.environ.get("AWS_REGION") or None)


def default_endpoint_url() -> str | None:
    """The endpoint in the environment variable AWS_ENDPOINT_URL, or None."""
    return os.environ.get("AWS_ENDPOINT_URL") or None
