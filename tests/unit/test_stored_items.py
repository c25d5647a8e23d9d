"""Items of earlier versions are readable, every new item carries the version of its form, and newer forms are refused.

The files in tests/support/stored_items were written by `python -m tests.support.stored_items`, run in a checkout of the
version whose form they hold. form-1.json comes from the last version without the attribute, so its items carry none.
"""

import base64
import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from journeys import aws, dates, keys
from journeys.archive.model import Manifest
from journeys.identity.model import Identifier
from journeys.identity.resolve import person
from journeys.identity.store import IdentitySettingsStore, LinkStore
from journeys.journey.store import JourneyStore
from tests.support.examples import Recorder, environment
from tests.support.functions import Context, api_event, load
from tests.support.stored_items.__main__ import BUCKET, CUSTOMER, TABLES, compact, fill, read
from tests.support.tables import Tables
from tests.support.template import ROOT

FILES = sorted((ROOT / "tests/support/stored_items").glob("form-*.json"))
KINDS = {
    "ARCHIVES", "CLIENT", "EVENT_TYPES", "IDENTITY", "ORG", "CONFIGURATIONS", "JOBS", "QUOTAS", "SCHEMA", "SCHEMAS",
    "TITLES", "CHART", "JOB", "REVISION", "VERSION", "VIEWS", "WEBHOOKS", "SCHEDULES", "WEBHOOK",
}  # fmt: skip
"""The kinds of rows in the registry."""


def kind(item: dict[str, Any]) -> str:
    """Return which kind of row of the registry an item is."""
    parts, sort = item["pk"]["S"].split("#"), item["sk"]["S"].split("#")[0]
    if parts[0] != "ORG":
        return str(parts[0])
    return str(sort if len(parts) == 2 or parts[2] == "VIEW" else parts[2])


def restored(value: Any) -> Any:
    """Return an item's value as boto3 takes it, with binary data as bytes."""
    if isinstance(value, dict):
        return {name: base64.b64decode(text) if name == "B" and isinstance(text, str) else restored(text)
                for name, text in value.items()}  # fmt: skip
    return [restored(inner) for inner in value] if isinstance(value, list) else value


@pytest.fixture
def tables(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Tables]:
    """Empty tables in moto, with the environment of every function."""
    before = dict(os.environ)
    monkeypatch.setattr("tests.support.examples.EXAMPLES", tmp_path)
    for client in (aws.dynamodb, aws.s3, aws.batch_s3, aws.sqs, aws.secretsmanager):
        client.cache_clear()
    with environment() as created:
        monkeypatch.setenv("TOKEN_URL", "https://auth.example.com/oauth2/token")
        yield created
    for client in (aws.dynamodb, aws.s3, aws.batch_s3, aws.sqs, aws.secretsmanager):
        client.cache_clear()
    os.environ.clear()
    os.environ.update(before)


@pytest.fixture(params=FILES, ids=lambda file: file.stem)
def previous(request: pytest.FixtureRequest, tables: Tables, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What an earlier version stored, in tables and bucket, at the time when it was stored."""
    content: dict[str, Any] = json.loads(request.param.read_text())
    monkeypatch.setattr(dates, "now_ms", lambda: content["recorded"])
    for name in TABLES:
        for item in content["items"][name]:
            tables.dynamodb.put_item(TableName=getattr(tables, name), Item=restored(item))
    for key, body in content["objects"].items():
        aws.s3().put_object(Bucket=BUCKET, Key=key, Body=base64.b64decode(body))
    return content


def changed(before: Any, after: Any, where: str = "") -> Iterator[str]:
    """Where a response lacks or changes something that an earlier version returned. It may add fields."""
    if isinstance(before, dict) and isinstance(after, dict):
        for name, value in before.items():
            yield from changed(value, after.get(name), f"{where}.{name}")
    elif isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        for index, (old, new) in enumerate(zip(before, after, strict=True)):
            yield from changed(old, new, f"{where}[{index}]")
    elif before != after:
        yield f"{where}: {before!r} became {after!r}"


def new_event(previous: dict[str, Any], event_id: str, tables: Tables) -> list[dict[str, Any]]:
    """Ingest one event, as a client of the earlier version's organization, and return its stream record."""
    configuration = next(key["sk"]["S"] for key in previous["items"]["registry"] if kind(key) == "CONFIGURATIONS")
    event = {"id": event_id, "dateCreated": "2026-02-02T09:30:00Z", "attributes": {"orderId": "1"}}
    event["identifiers"] = {"externalIds": [CUSTOMER]}
    path = f"externalevents/configurations/{configuration}/events"
    answer = load("ingest").handler(
        api_event("POST", path, {"entities": [event]}, client_id=previous["client"]), Context()
    )
    assert answer["statusCode"] == 200, answer
    key = keys.item(keys.event("acme", configuration, event_id))
    item = tables.dynamodb.get_item(TableName=tables.events, Key=key)["Item"]
    return [{"eventName": "INSERT", "dynamodb": {"NewImage": item, "SequenceNumber": "1"}}]


# -- earlier forms -----------------------------------------------------------------------------------------------------


def test_there_is_a_file_for_each_form() -> None:
    assert [file.stem for file in FILES] == [f"form-{number}" for number in range(1, aws.FORM + 1)]


def test_the_files_hold_every_kind_of_item(previous: dict[str, Any]) -> None:
    assert {kind(item) for item in previous["items"]["registry"]} >= KINDS
    assert all(previous["items"][name] for name in TABLES)
    objects = "\n".join(previous["objects"])
    for part in ("/compacted/", "/landed/", "/manifests/", "results/"):
        assert part in objects, part


def test_every_operation_returns_what_the_earlier_version_returned(previous: dict[str, Any]) -> None:
    problems: list[str] = []
    for one in previous["reads"]:
        now = read(one["function"], one["path"], one["query"], previous["client"])
        if one["path"] == "limits":  # A version can have other limits.
            counts = {limit["key"]: limit.get("count") for limit in now["entities"]}
            assert counts.items() >= {limit["key"]: limit.get("count") for limit in one["response"]["entities"]}.items()
            continue
        if one["path"] == "views/eventdefinitions":  # A version can have other native event types.
            now["entities"] = [definition for definition in now["entities"] if definition["source"] == "External"]
            now["total"] = len(now["entities"])
        problems += [f"{one['path']}{problem}" for problem in changed(one["response"], now)]
    assert problems == []


def test_a_journey_of_an_earlier_version_goes_on(previous: dict[str, Any], tables: Tables) -> None:
    store = JourneyStore(tables.dynamodb, tables.journeys)
    journey = keys.journey("acme", CUSTOMER["externalSourceId"], CUSTOMER["value"])
    before = store.summary(journey)
    records = new_event(previous, "order-new", tables)
    load("projector").handler({"Records": records}, Context())
    load("landing").handler({"Records": records}, Context())
    after = store.summary(journey)
    assert after.journey.count == before.journey.count + 1 == 3
    assert len(list(store.steps(journey, ascending=True))) == 3


def test_links_decisions_and_settings_of_an_earlier_version_hold(previous: dict[str, Any], tables: Tables) -> None:
    settings = IdentitySettingsStore(tables.dynamodb, tables.registry).get("acme")
    assert (settings.sources, settings.revision) == (("phone",), 1)
    links = LinkStore(tables.dynamodb, tables.links)
    found = person(links.reader("acme"), Identifier("crm", "customer-42"), settings)
    assert [one.source_id for one in found.identifiers] == ["crm", "email", "web"]
    assert links.sources("acme") == ["crm", "web"]
    assert len(links.decisions("acme")) == 1


def test_a_manifest_of_an_earlier_version_is_compacted_further(previous: dict[str, Any], tables: Tables) -> None:
    load("landing").handler({"Records": new_event(previous, "order-new", tables)}, Context())
    compact("acme")
    manifests = sorted(key["Key"] for key in aws.s3().list_objects_v2(Bucket=BUCKET, Prefix="archive/acme/manifests/")
                       ["Contents"])  # fmt: skip
    body = aws.s3().get_object(Bucket=BUCKET, Key=manifests[-1])["Body"].read()
    assert sum(file.rows for file in Manifest.from_values(json.loads(body)).compacted) == 3


# -- the current form --------------------------------------------------------------------------------------------------


def test_every_item_carries_the_version_of_its_form(tables: Tables, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(Recorder(), tables)
    items = [item for name in TABLES for item in tables.items(getattr(tables, name))]
    assert {kind(item) for item in tables.items(tables.registry)} >= KINDS - {"ORG"}
    assert [item["pk"]["S"] for item in items if item.get(aws.FORM_ATTRIBUTE) != aws.FORM_VALUE] == []


def test_the_version_costs_few_bytes() -> None:
    """Summaries and steps are written for every event, and each started kilobyte costs a write unit."""
    assert aws.item_size(aws.IN_FORM) <= 3


# -- newer forms -------------------------------------------------------------------------------------------------------


NEWER = {aws.FORM_ATTRIBUTE: {"N": str(aws.FORM + 1)}}


@pytest.mark.parametrize("name", [name for name in TABLES if name != "links"])
def test_items_of_a_newer_form_are_refused(previous: dict[str, Any], tables: Tables, name: str) -> None:
    for item in previous["items"][name]:
        if name != "registry" or kind(item) in ("CONFIGURATIONS", "VIEWS", "SCHEDULES", "WEBHOOK", "JOBS", "SCHEMAS"):
            tables.dynamodb.put_item(TableName=getattr(tables, name), Item=restored(item) | NEWER)
    path = {
        "events": r"customers/events",
        "journeys": r"customers",
        "failures": r"externalevents/failures/.+",
        "deliveries": r".+/deliveries",
        "registry": r"externalevents/schemas|externalevents/configurations/.+|views/[^/]+/schedules|views/jobs",
    }[name]
    reads = [one for one in previous["reads"] if re.fullmatch(path, one["path"])]
    assert reads
    for one in reads:
        event = api_event("GET", one["path"], client_id=previous["client"], query=one["query"])
        answer = load(one["function"]).handler(event, Context())
        assert (answer["statusCode"], json.loads(answer["body"])["code"]) == (500, "internal.error"), one["path"]


def test_links_decisions_and_settings_of_a_newer_form_are_refused(previous: dict[str, Any], tables: Tables) -> None:
    links, settings = LinkStore(tables.dynamodb, tables.links), IdentitySettingsStore(tables.dynamodb, tables.registry)
    (row,) = [item for item in previous["items"]["registry"] if kind(item) == "IDENTITY"]
    tables.dynamodb.put_item(TableName=tables.registry, Item=restored(row) | NEWER)
    with pytest.raises(aws.NewerForm):
        settings.get("acme")
    for key in ("LINK#web#visitor-7", "DECISION#email#ann@example.org"):
        (row,) = [item for item in previous["items"]["links"] if item["sk"]["S"] == key]
        tables.dynamodb.put_item(TableName=tables.links, Item=restored(row) | NEWER)
        with pytest.raises(aws.NewerForm):
            links.links("acme", Identifier("crm", "customer-42"))
        tables.dynamodb.put_item(TableName=tables.links, Item=restored(row))


def test_the_error_names_both_forms_and_what_to_do() -> None:
    with pytest.raises(aws.NewerForm, match=r"has form 2, and this version reads forms up to 1\. Deploy the version"):
        aws.from_item({"pk": {"S": "a"}, "v": {"N": "2"}})


def test_an_event_of_a_newer_form_is_retried_and_not_discarded(previous: dict[str, Any], tables: Tables) -> None:
    """After a rollback, the stream holds events of the newer version. They wait for the next deployment."""
    (record,) = new_event(previous, "order-new", tables)
    record["dynamodb"]["NewImage"] |= NEWER
    failures = len(tables.items(tables.failures))
    with pytest.raises(aws.NewerForm):
        load("projector").handler({"Records": [record]}, Context())
    assert len(tables.items(tables.failures)) == failures
