"""Fixtures: tables in moto, on the local stack and on DynamoDB Local, and the deployed local stack."""

import functools
import io
import os
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import boto3
import pytest
from botocore import UNSIGNED
from botocore.config import Config
from botocore.loaders import JSONFileLoader
from hypothesis import HealthCheck, settings
from moto import mock_aws
from moto.s3.models import S3Backend

from journeys import aws
from journeys.registry.clients.model import PERMISSIONS, Client
from journeys.registry.clients.store import ClientStore
from journeys.registry.limits import CLIENTS
from tests.support import fast_moto, leading_keys
from tests.support.logs import logs_at
from tests.support.tables import Tables, create_tables
from tests.support.template import ROOT
from tools.api import ApiClient
from tools.local_stack.stack import LocalStack
from tools.operator.admin import Admin
from tools.stack import Stack

for name in [name for name in os.environ if name.startswith("AWS_")]:
    del os.environ[name]
os.environ |= {
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
    "AWS_DEFAULT_REGION": "us-east-1",
    "POWERTOOLS_LOG_LEVEL": "WARNING",
}

# moto starts every test with a new session, which reads botocore's descriptions of AWS from disk again.
_read = functools.cache(JSONFileLoader()._load_file)  # type: ignore[attr-defined]
JSONFileLoader._load_file = lambda _, *where: _read(*where)  # type: ignore[attr-defined]

# moto derives the URLs of S3 again for every request.
_urls: Any = functools.cached_property(S3Backend.urls.fget)  # type: ignore[attr-defined]
_urls.__set_name__(S3Backend, "urls")
setattr(S3Backend, "urls", _urls)  # noqa: B010  # It is read-only for mypy.

fast_moto.install()

settings.register_profile(
    "tests", deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
)
settings.load_profile("tests")

ORGANIZATION = "acme"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Marks the tests that use tables in moto: most of the time of the unit tests. `make quick` omits them."""
    for item in items:
        if "tables" in getattr(item, "fixturenames", ()):
            item.add_marker("moto")


# -- log lines ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def logged() -> Iterator[io.StringIO]:
    """What the functions log, at every level, and their metrics."""
    with logs_at("DEBUG") as written:
        yield written


# -- moto: units of the stores and of the functions --------------------------------------------------------------------


@pytest.fixture
def tables(monkeypatch: pytest.MonkeyPatch) -> Iterator[Tables]:
    """Empty tables in moto, a bucket and queues, the environment of the functions, and a client with all permissions.

    All tests share the boto3 clients, because it takes longer to create them than to run most tests.
    """
    monkeypatch.setattr(boto3, "client", _shared_client)
    _forget_clients()
    with mock_aws():
        made = create_tables(aws.dynamodb())
        aws.s3().create_bucket(Bucket="archive")
        for table in ("events", "journeys", "links", "failures", "deliveries", "registry"):
            monkeypatch.setenv(f"{table.upper()}_TABLE", getattr(made, table))
        monkeypatch.setenv("ARCHIVE_BUCKET", "archive")
        for queue in ("jobs", "deliveries", "native", "compactions"):
            url = aws.sqs().create_queue(QueueName=queue)["QueueUrl"]
            monkeypatch.setenv(f"{queue.upper()}_QUEUE_URL", url)
        monkeypatch.setenv("COMPUTATION_ARN", "arn:aws:states:us-east-1:123456789012:stateMachine:computation")
        monkeypatch.setenv("EVENTS_PER_RUN", "1000000")
        monkeypatch.setenv("JOB_RETENTION_DAYS", "90")
        monkeypatch.setenv("COMPUTE_SLOTS", "6")
        monkeypatch.setenv("USER_POOL_ID", "us-east-1_users")
        monkeypatch.setenv("PEOPLE_POOL_ID", "us-east-1_people")
        ClientStore(made.dynamodb, made.registry).put(Client("client", ORGANIZATION, "A client", PERMISSIONS))
        with leading_keys.enforced(made.dynamodb, made.registry):
            yield made
    _forget_clients()


@functools.cache
def _shared_client(service: str, config: Config | None = None) -> Any:
    """A client for moto. Signatures and long user agents take a sixth of a call's time; only S3 needs a signature."""
    plain = Config(signature_version=None if service == "s3" else UNSIGNED, user_agent="tests")
    return _create_client(service, config=config.merge(plain) if config else plain)


_create_client: Any = boto3.client


def _forget_clients() -> None:
    for client in (
        aws.dynamodb, aws.s3, aws.batch_s3, aws.secretsmanager, aws.cognito, aws.sqs, aws.stepfunctions
    ):  # fmt: skip
        client.cache_clear()


# -- databases that behave under concurrency ---------------------------------------------------------------------------


def _ministack() -> str:
    return str(LocalStack(ROOT / ".local" / "test").up(quiet=True).endpoint_url)


def _dynamodb_local() -> str:
    endpoint_url = os.environ.get("DYNAMODB_LOCAL_URL")
    if not endpoint_url:
        pytest.skip("DYNAMODB_LOCAL_URL is not set; docs/testing.md says how to start DynamoDB Local")
    return endpoint_url


@pytest.fixture(params=["local stack", "DynamoDB Local"])
def database(request: pytest.FixtureRequest) -> Tables:
    """Empty tables on the local stack's DynamoDB, and on AWS's DynamoDB Local if DYNAMODB_LOCAL_URL is set."""
    endpoint_url = _ministack() if request.param == "local stack" else _dynamodb_local()
    client = boto3.client("dynamodb", endpoint_url=endpoint_url, config=Config(max_pool_connections=100))
    return create_tables(client)


# -- the deployed stack ------------------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def stack() -> Stack:
    """The template, deployed to the tests' own local stack with IAM enforced. `make test` stops the stack."""
    return LocalStack(ROOT / ".local" / "test").up(quiet=True)


@dataclass(frozen=True)
class Caller:
    """A client of an organization, its credentials, and an ApiClient that uses them."""

    organization_id: str
    client_id: str
    client_secret: str
    api: ApiClient


@pytest.fixture
def caller(stack: Stack) -> Callable[..., Caller]:
    """Creates clients of a new or an existing organization, with all or some permissions."""
    admin = Admin(stack)

    def make(organization_id: str | None = None, permissions: Any = ("all",)) -> Caller:
        if organization_id is None:
            organization_id = f"org-{uuid.uuid4().hex[:12]}"
            admin.create_organization(organization_id, "A test's own")
            admin.set_limit(organization_id, CLIENTS.key, 1000)
        made = admin.create_client(organization_id, "a test's client", permissions)
        api = ApiClient(stack.api_url, stack.token_url, made.client_id, made.client_secret)
        return Caller(organization_id, made.client_id, made.client_secret, api)

    return make
