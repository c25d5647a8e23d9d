"""A deployed stack, on AWS or on the local stack: where its parts are, as its outputs say."""

import os
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import boto3
from botocore.config import Config

if TYPE_CHECKING:
    from mypy_boto3_cognito_idp import CognitoIdentityProviderClient
    from mypy_boto3_dynamodb import DynamoDBClient

REGION = "us-east-1"


def is_local(endpoint_url: str | None) -> bool:
    """Whether an endpoint is on this machine."""
    return endpoint_url is not None and urlsplit(endpoint_url).hostname in ("127.0.0.1", "localhost")


def session(endpoint_url: str | None) -> boto3.Session:
    """A session with the credentials of the environment; the local stack takes `test`."""
    if is_local(endpoint_url):
        return boto3.Session(aws_access_key_id="test", aws_secret_access_key="test", region_name=REGION)  # noqa: S106
    return boto3.Session()


@dataclass(frozen=True)
class Stack:
    """`endpoint_url` is None on AWS."""

    name: str
    endpoint_url: str | None

    def client(self, service: str, config: Config | None = None) -> Any:
        """A boto3 client for a service, where this stack is."""
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
        """The stack's outputs, by name."""
        (found,) = self.client("cloudformation").describe_stacks(StackName=self.name)["Stacks"]
        return {output["OutputKey"]: output["OutputValue"] for output in found["Outputs"]}

    @property
    def region(self) -> str:
        return REGION if is_local(self.endpoint_url) else str(boto3.Session().region_name)

    @property
    def api_url(self) -> str:
        """What comes before /api/v2/journey/..."""
        if self.endpoint_url is None:
            return self.outputs["ApiUrl"]
        return f"{self.endpoint_url}/restapis/{self.outputs['ApiId']}/{self.outputs['StageName']}/_user_request_"

    @property
    def token_url(self) -> str:
        """Where access tokens come from."""
        return self.outputs["TokenUrl"] if self.endpoint_url is None else f"{self.endpoint_url}/oauth2/token"

    def describe(self) -> dict[str, Any]:
        """What others need to go on from here."""
        outputs = self.outputs
        return {
            "apiUrl": self.api_url,
            "tokenUrl": self.token_url,
            "endpointUrl": self.endpoint_url,
            "region": self.region,
            "stackName": self.name,
            "tables": {
                name: outputs[f"{name.capitalize()}TableName"]
                for name in ("events", "journeys", "registry", "failures")
            },
            "archiveBucket": outputs["ArchiveBucketName"],
        }


def default_endpoint_url() -> str | None:
    """The endpoint of the environment, if any."""
    return os.environ.get("AWS_ENDPOINT_URL") or None
