"""The files in events/ for `sam local invoke`: each is used and gives the expected response."""

import base64
import json
import subprocess
from types import ModuleType
from typing import Any

import pytest

from journeys import keys
from journeys.archive import columns
from journeys.aws import s3, secretsmanager
from journeys.events.model import StoredEvent
from journeys.registry.native_types import NATIVE_TYPES
from journeys.views.jobs.work.store import WorkStore
from journeys.webhooks.rotation import Rotation
from journeys.webhooks.senders.adobe import Adobe
from journeys.webhooks.senders.registry import SENDERS
from journeys.webhooks.store import EndpointStore, SecretStore
from tests.support.cli import run_journeys
from tests.support.functions import Context, load
from tests.support.tables import Tables
from tests.support.template import ROOT, resources
from tests.support.webhooks import SenderCase, adobe_public_key, sender_cases
from tools.sam_local.cases import (
    BUCKET,
    CASES,
    EVENTS,
    ORGANIZATION,
    PARTS_JOB,
    PAST,
    SCHEMA,
    SECRETS_PREFIX,
    SOURCE,
    WEBHOOKS,
    Case,
)
from tools.sam_local.differences import difference
from tools.sam_local.docker import require_docker
from tools.sam_local.seed import create_tables, empty_bucket, seed, seed_delivery, seed_endpoints, seed_views
from tools.signing import ADOBE_KEY_PATH, ADOBE_PUBLIC_KEY


def event_of(name: str) -> Any:
    return json.loads((EVENTS / f"{name}.json").read_text())


def adobe_key_at(path: str) -> bytes:
    """The public key that the local key host serves."""
    if path != ADOBE_KEY_PATH:
        raise ValueError("there is no such key")
    return ADOBE_PUBLIC_KEY


@pytest.fixture
def functions(tables: Tables, monkeypatch: pytest.MonkeyPatch) -> dict[str, ModuleType]:
    """All functions with a seeded database, by their names in the template."""
    monkeypatch.setenv("SECRETS_PREFIX", SECRETS_PREFIX)
    monkeypatch.setenv("TOKEN_URL", "https://auth.example/oauth2/token")
    monkeypatch.setitem(SENDERS, "adobe", Adobe(adobe_key_at))
    configuration_id = seed(tables.dynamodb, tables.registry)
    seed_endpoints(tables.dynamodb, tables.registry, secretsmanager(), configuration_id)
    seed_views(tables.dynamodb, tables.registry, s3(), BUCKET, configuration_id)
    seed_delivery(tables.dynamodb, tables.registry, s3(), BUCKET)
    return {name: load(name.removesuffix("Function").lower()) for name in {case.function for case in CASES}}


def test_every_file_has_a_case_and_every_case_has_a_file() -> None:
    assert sorted(file.name for file in (ROOT / "events").iterdir()) == sorted(f"{case.name}.json" for case in CASES)


def test_every_function_of_the_template_has_a_case() -> None:
    assert {case.function for case in CASES} == set(resources("AWS::Serverless::Function"))


@pytest.mark.parametrize("case", [case for case in CASES if case.status is not None], ids=lambda case: str(case.name))
def test_every_request_goes_to_a_path_of_its_function(case: Case) -> None:
    """The path is one that API Gateway routes to the function."""
    event = event_of(case.name)
    routes = [
        (route["Properties"]["Path"], route["Properties"]["Method"])
        for route in resources("AWS::Serverless::Function")[case.function]["Properties"]["Events"].values()
    ]

    assert {(event["resource"], event["httpMethod"]), (event["resource"], "ANY")} & set(routes)


def test_the_cases_give_their_expected_responses_in_order(functions: dict[str, ModuleType]) -> None:
    wrong = {
        case.name: told
        for case in CASES
        if (told := case.problem(functions[case.function].handler(case.event(), Context())))
    }

    assert wrong == {}


def test_the_cases_of_native_events_store_one_of_each_type(functions: dict[str, ModuleType], tables: Tables) -> None:
    for case in CASES:
        if case.function == "NativeFunction":
            assert case.problem(functions[case.function].handler(case.event(), Context())) is None
    stored = [item["schemaId"]["S"] for item in tables.items(tables.events)]
    assert sorted(stored) == sorted([*NATIVE_TYPES, "native-acd-start"])


# -- a delivery of each sender -----------------------------------------------------------------------------------------

each = pytest.mark.parametrize("known", sender_cases(), ids=lambda known: known.name)


def case_of(sender: str) -> Case:
    return next(case for case in CASES if case.name == f"webhook-{sender}")


def test_every_sender_has_an_endpoint() -> None:
    assert WEBHOOKS.keys() == SENDERS.keys()


@each
def test_every_sender_has_a_delivery_with_a_valid_signature(known: SenderCase) -> None:
    case = case_of(known.name)
    event = case.event()

    assert event["pathParameters"] == {"endpointId": f"sam-local-{known.name}"}
    assert event["path"].endswith(f"/sam-local-{known.name}")
    assert {name.lower() for name in known.signature_headers} <= {name.lower() for name in event["headers"]}
    assert case.signs_time == known.signs_time


@each
def test_a_delivery_is_verified_only_with_the_secret_of_its_endpoint(
    functions: dict[str, ModuleType], tables: Tables, known: SenderCase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(SENDERS, "adobe", Adobe(lambda _: adobe_public_key()))
    stores = EndpointStore(tables.dynamodb, tables.registry), SecretStore(secretsmanager(), SECRETS_PREFIX)
    Rotation(*stores).rotate(ORGANIZATION, f"sam-local-{known.name}", known.other_secret, keep_previous=False)

    assert functions["WebhooksFunction"].handler(case_of(known.name).event(), Context())["statusCode"] == 401


@pytest.mark.parametrize("known", [known for known in sender_cases() if known.signs_time], ids=lambda known: known.name)
def test_a_signature_with_a_timestamp_is_valid_for_five_minutes(
    functions: dict[str, ModuleType], known: SenderCase, monkeypatch: pytest.MonkeyPatch
) -> None:
    case, now = case_of(known.name), 1738315800
    event = case.event(now)
    body, url = base64.b64decode(event["body"]), f"https://sam-local/local/webhooks/sam-local-{known.name}"
    theirs = known.deliver(url=url, now=now, secret=WEBHOOKS[known.name][0], body=body).headers
    if known.name != "standard":  # Its deliveries have a signed id, so their signatures differ.
        assert {name: event["headers"][name] for name in known.signature_headers} == {
            name: theirs[name] for name in known.signature_headers
        }

    assert not set(known.signature_headers) & event_of(case.name)["headers"].keys()
    for age, status in ((0, 200), (299, 200), (302, 401), (-302, 401)):
        monkeypatch.setattr("time.time", lambda age=age: now + age)
        assert functions["WebhooksFunction"].handler(event, Context())["statusCode"] == status


def test_sign_prints_a_signed_delivery() -> None:
    event = json.loads(run_journeys("sam-local", "sign", "webhook-slack").stdout)
    assert event == case_of("slack").event(int(event["headers"]["X-Slack-Request-Timestamp"]))


def test_sign_refuses_a_case_without_a_signed_timestamp() -> None:
    result = run_journeys("sam-local", "sign", "webhook-shopify")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "Use one of: webhook-standard, webhook-stripe" in result.stderr


# -- consistency of the files ------------------------------------------------------------------------------------------


def test_a_second_run_of_accepted_finds_duplicates(tables: Tables) -> None:
    seed(tables.dynamodb, tables.registry)
    ingest = load("ingest")

    answers = [json.loads(ingest.handler(event_of("ingest-accepted"), Context())["body"]) for _ in range(2)]

    assert [[one["outcome"] for one in answer["processed"]] for answer in answers] == [
        ["created", "created"],
        ["duplicate", "duplicate"],
    ]


def test_the_stream_batch_contains_the_events_of_the_accepted_request(tables: Tables) -> None:
    seed(tables.dynamodb, tables.registry)
    load("ingest").handler(event_of("ingest-accepted"), Context())

    def told_apart(item: dict[str, Any]) -> dict[str, Any]:
        StoredEvent.from_item(item)  # Raises if an attribute is missing.
        return {name: value for name, value in item.items() if name not in ("dateReceived", "receipt")}

    stored = {item["pk"]["S"]: told_apart(item) for item in tables.items(tables.events)}
    streamed = {
        record["dynamodb"]["Keys"]["pk"]["S"]: told_apart(record["dynamodb"]["NewImage"])
        for record in event_of("projector-batch")["Records"]
    }

    assert streamed == stored


def test_the_files_use_the_seeded_configuration(tables: Tables) -> None:
    configuration_id = seed(tables.dynamodb, tables.registry)

    named = {
        event["path"].split("/")[6]
        for event in (event_of(case.name) for case in CASES if case.function == "IngestFunction")
    }

    assert named == {configuration_id}
    assert (ORGANIZATION, SOURCE) == ("sam-local", "Web shop")
    assert SCHEMA in json.dumps(event_of("projector-batch"))


def test_the_archive_and_the_journeys_get_the_same_batch() -> None:
    assert event_of("landing-batch") == event_of("projector-batch")


def test_both_parts_of_the_running_job_have_customers(tables: Tables) -> None:
    seed_views(tables.dynamodb, tables.registry, s3(), BUCKET, seed(tables.dynamodb, tables.registry))

    spec = WorkStore(s3(), BUCKET).spec(ORGANIZATION, PARTS_JOB, event_of("merge-parts")["attempt"])

    buckets = {
        columns.bucket(columns.customer_hash(keys.journey(ORGANIZATION, "shop", customer))) for _, customer, *_ in PAST
    }
    assert len(spec.parts) == len(event_of("merge-parts")["parts"]) == 2
    assert all(any(first <= bucket <= last for bucket in buckets) for first, last in spec.parts)


def test_a_bucket_is_created_and_emptied(tables: Tables) -> None:
    for _ in range(2):
        empty_bucket(s3(), "another")

        assert s3().list_objects_v2(Bucket="another")["KeyCount"] == 0
        s3().put_object(Bucket="another", Key="left/of/an/earlier/run", Body=b"")


def test_tables_are_created_as_in_the_template_and_emptied(tables: Tables) -> None:
    create_tables(tables.dynamodb)
    seed(tables.dynamodb, "RegistryTable")

    create_tables(tables.dynamodb)

    made = {name: tables.dynamodb.describe_table(TableName=name)["Table"] for name in resources("AWS::DynamoDB::Table")}
    assert {name: table["KeySchema"] for name, table in made.items()} == {
        name: table["Properties"]["KeySchema"] for name, table in resources("AWS::DynamoDB::Table").items()
    }
    assert [index["IndexName"] for index in made["FailuresTable"]["GlobalSecondaryIndexes"]] == ["byTime"]
    assert tables.items("RegistryTable") == []


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ({"a": 1}, {"a": 2}),
        ({"a": 1}, {}),
        ({"a": 1}, None),
        ([1], [1, 2]),
        ([{"a": 1}], [{"a": 2}]),
        ([], {"a": 1}),
        (None, {}),
    ],
)
def test_an_unexpected_response_is_reported(wanted: Any, found: Any) -> None:
    assert difference(wanted, found, "the body") is not None


def test_a_response_can_have_additional_fields() -> None:
    assert difference({"a": [{"b": 1}]}, {"a": [{"b": 1, "c": 2}], "d": 3}, "the body") is None


def test_an_unexpected_status_is_reported() -> None:
    case = Case("x", "IngestFunction", {"code": "bad.request"}, status=400)

    assert case.problem({"statusCode": 400, "body": '{"code": "bad.request"}'}) is None
    assert "the status is 200" in str(case.problem({"statusCode": 200, "body": '{"code": "bad.request"}'}))
    assert "the status is None" in str(case.problem({"errorMessage": "Task timed out"}))


@pytest.mark.parametrize(
    ("fails", "message"),
    [
        (None, "Docker is not installed"),
        ("info", "Docker is installed but does not respond: it says why"),
        ("image", "is missing, and the download failed: it says why"),
    ],
)
def test_missing_parts_of_docker_are_reported(fails: str | None, message: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def docker(*arguments: str) -> subprocess.CompletedProcess[str]:
        failed = arguments[0] in (fails, "pull")
        return subprocess.CompletedProcess(arguments, int(failed), "", "at length\nit says why\n" if failed else "")

    monkeypatch.setattr("tools.sam_local.docker.shutil.which", lambda _: fails and "/usr/bin/docker")
    monkeypatch.setattr("tools.sam_local.docker._docker", docker)

    result = run_journeys("sam-local", "up")
    assert result.exit_code == 2
    assert message in result.stderr


def test_an_existing_image_is_not_fetched(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def docker(*arguments: str) -> subprocess.CompletedProcess[str]:
        asked.append(arguments[0])
        return subprocess.CompletedProcess(arguments, 0, "", "")

    monkeypatch.setattr("tools.sam_local.docker.shutil.which", lambda _: "/usr/bin/docker")
    monkeypatch.setattr("tools.sam_local.docker._docker", docker)

    require_docker()

    assert asked == ["info", "image"]
