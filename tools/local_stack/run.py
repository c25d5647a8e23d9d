"""`make run`: the whole product on this machine, with events in it, from nothing. Run again, it changes nothing."""

import json
import shlex
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from journeys import keys
from journeys.archive.store import ArchiveStore
from journeys.registry.clients.model import PERMISSIONS
from tools.api import ApiClient, ApiError, batches
from tools.deliveries import adobe_key, sample_deliveries, serve_adobe_key
from tools.local_stack.sample import CUSTOMER_SOURCE, EVENT_TYPES, events
from tools.local_stack.sample_view import sample_view
from tools.local_stack.stack import HOME, LocalStack, StackFailed
from tools.operator.admin import Admin
from tools.operator.show import show_journey, show_view
from tools.signing import adobe_key_path, adobe_public_key
from tools.stack import Stack

STACK_FILE = HOME / "stack.json"
SAMPLE_FILE = HOME / "sample.json"
ORGANIZATIONS = (("acme", "Acme Electronics", 300), ("globex", "Globex Outdoor", 40))
"""The organisations of the local stack, with how many customers' events are made for each."""

CLIENTS: Mapping[str, Sequence[str]] = {
    "everything": sorted(PERMISSIONS),
    "sender": ["journey:externalEventsEvent:add", "journey:externalEventsConfiguration:view"],
    "analyst": sorted(permission for permission in PERMISSIONS if permission.endswith(":view")),
}
SENDERS = 4
CATCH_UP_SECONDS = 300

console = Console(highlight=False)
if not console.is_terminal:
    console = Console(highlight=False, width=120)  # in a file, a line is as wide as here


def main() -> None:
    """Brings everything up and shows it."""
    console.print("[bold]The local stack[/bold]")
    stack = LocalStack().up()
    described = _organizations(stack)
    console.print(f"  it is at {stack.endpoint_url}, with the API at\n  {described['apiUrl']}/api/v2/journey/")
    _send_samples(stack, described)
    deliveries = _deliver(stack, described)
    api = api_of(described, described["organizations"][0])
    _show(api)
    _show_view(api)
    _show_next_steps(described, api, deliveries)


def api_of(described: Mapping[str, Any], organization: Mapping[str, Any]) -> ApiClient:
    """The API as an organisation's first client, which may do everything."""
    client = organization["clients"][0]
    return ApiClient(described["apiUrl"], described["tokenUrl"], client["clientId"], client["clientSecret"])


def _organizations(stack: Stack) -> dict[str, Any]:
    """What .local/stack.json says; made with its organisations and clients where they are missing."""
    if STACK_FILE.exists():
        described: dict[str, Any] = json.loads(STACK_FILE.read_text())
        if described["endpointUrl"] == stack.endpoint_url and described["tables"] == stack.describe()["tables"]:
            return described
    admin, organizations = Admin(stack), []
    for organization_id, name, _ in ORGANIZATIONS:
        admin.create_organization(organization_id, name)
        clients = [admin.create_client(organization_id, client, granted) for client, granted in CLIENTS.items()]
        organizations.append({"id": organization_id, "clients": clients})
    described = stack.describe() | {"organizations": organizations}
    SAMPLE_FILE.unlink(missing_ok=True)
    _write(STACK_FILE, described)
    return described


# -- events ------------------------------------------------------------------------------------------------------------


def _send_samples(stack: Stack, described: Mapping[str, Any]) -> None:
    """Sends the sample events that were not sent; what an interrupted run sent already is a duplicate."""
    sample = json.loads(SAMPLE_FILE.read_text()) if SAMPLE_FILE.exists() else {"today": datetime.now(UTC).isoformat()}
    if sample.get("sent"):
        console.print("  the sample events are there already")
        return
    _write(SAMPLE_FILE, sample)
    console.print("\n[bold]Events[/bold] from Adobe Analytics, an ERP, ServiceNow and Qualtrics")
    outcomes: Counter[str] = Counter()
    per_organization: dict[str, int] = {}
    with _progress() as progress, ThreadPoolExecutor(SENDERS) as senders:
        for (organization_id, _, customers), organization in zip(
            ORGANIZATIONS, described["organizations"], strict=True
        ):
            api = api_of(described, organization)
            by_type: dict[str, list[dict[str, Any]]] = defaultdict(list)
            for event_type, event in events(organization_id, customers, datetime.fromisoformat(sample["today"])):
                by_type[event_type.title].append(event)
            per_organization[organization_id] = sum(map(len, by_type.values()))
            task = progress.add_task(f"  {organization_id}", total=per_organization[organization_id])
            requests = [
                (configuration_id, batch)
                for title, configuration_id in configurations(api).items()
                for batch in batches(by_type[title])
            ]
            for answer in senders.map(lambda request, api=api: api.send(*request), requests):
                outcomes.update(one["outcome"] for one in answer["processed"])
                outcomes.update(one["errorCode"] for one in answer["unprocessedEntities"])
                progress.advance(task, len(answer["processed"]) + len(answer["unprocessedEntities"]))
    console.print("  " + ", ".join(f"{number} {outcome}" for outcome, number in sorted(outcomes.items())))
    _catch_up(stack, per_organization)
    _fill_archive(stack, per_organization)
    _write(SAMPLE_FILE, sample | {"sent": True})


def configurations(api: ApiClient) -> dict[str, str]:
    """The configurations of the sample's event types, made where they are missing: {title: configuration id}."""
    schemas = {one["jsonSchema"]["title"]: one["id"] for one in api.call("GET", "externalevents/schemas")["entities"]}
    made: dict[str, str] = {}
    for event_type in EVENT_TYPES:
        if event_type.title not in schemas:
            schemas[event_type.title] = api.call("POST", "externalevents/schemas", event_type.schema)["id"]
        schema_id = schemas[event_type.title]
        api.call("PUT", f"views/eventdefinitions/{schema_id}/activate", {})
        body = {
            "name": f"{event_type.title} from {event_type.source}",
            "schemaId": schema_id,
            "source": event_type.source,
        }
        try:
            made[event_type.title] = api.call("POST", "externalevents/configurations", body)["id"]
        except ApiError as error:
            if error.code != "configuration.exists":
                raise
            made[event_type.title] = error.body["messageParams"]["id"]
    return made


def _catch_up(stack: Stack, expected: Mapping[str, int]) -> None:
    """Waits until the journeys hold every event that was sent."""
    total, deadline = sum(expected.values()), time.monotonic() + CATCH_UP_SECONDS
    pages = stack.dynamodb.get_paginator("scan")
    with _progress() as progress:
        task = progress.add_task("  journeys", total=total)
        while True:
            counted = 0
            for page in pages.paginate(
                TableName=stack.outputs["JourneysTableName"],
                FilterExpression="sk = :summary",
                ExpressionAttributeValues={":summary": {"S": keys.SUMMARY}},
            ):
                counted += sum(
                    int(item["count"]["N"]) for item in page["Items"] if keys.split(item["pk"]["S"])[0] in expected
                )
            progress.update(task, completed=min(counted, total))
            if counted >= total:
                return
            if time.monotonic() > deadline:
                raise StackFailed(f"Only {counted} of {total} events reached the journeys; `make logs` may say why.")
            time.sleep(0.5)


def _fill_archive(stack: Stack, expected: Mapping[str, int]) -> None:
    """Waits until the archive, which journey views are computed from, holds every event that was sent."""
    archive = ArchiveStore(
        stack.dynamodb,
        stack.outputs["RegistryTableName"],
        lambda: stack.client("s3"),
        stack.outputs["ArchiveBucketName"],
    )
    total, deadline = sum(expected.values()), time.monotonic() + CATCH_UP_SECONDS
    with _progress() as progress:
        task = progress.add_task("  archive", total=total)
        while True:
            landed = sum(archive.snapshot(organization_id).rows for organization_id in expected)
            progress.update(task, completed=min(landed, total))
            if landed >= total:
                return
            if time.monotonic() > deadline:
                raise StackFailed(f"Only {landed} of {total} events reached the archive; `make logs` may say why.")
            time.sleep(0.5)


# -- webhooks ----------------------------------------------------------------------------------------------------------


def _deliver(stack: Stack, described: Mapping[str, Any]) -> list[str]:
    """Makes an endpoint for each of four tools and delivers once through it; answers the commands that do it again."""
    sample = json.loads(SAMPLE_FILE.read_text())
    if "deliveries" in sample:
        return list(sample["deliveries"])
    console.print("\n[bold]Webhooks[/bold]")
    api = api_of(described, described["organizations"][0])
    made = configurations(api)
    serve_adobe_key(stack.client("s3"), adobe_key_path(adobe_key()), adobe_public_key(adobe_key()))
    commands = []
    for sample_delivery in sample_deliveries(datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")):
        endpoint = api.call(
            "POST",
            "webhooks/endpoints",
            {
                "name": sample_delivery.name,
                "sender": sample_delivery.sender,
                "configurationId": made[sample_delivery.event_type.title],
                "secret": sample_delivery.secret,
                "options": dict(sample_delivery.options),
                "mapping": dict(sample_delivery.mapping),
            },
        )
        address = f"{described['apiUrl']}/webhooks/{endpoint['id']}"
        signed = sample_delivery.signed(endpoint["url"], time.time())
        answer = httpx.post(address, content=signed.body, headers=signed.headers, timeout=40)
        console.print(f"  {sample_delivery.name:16} {answer.status_code} {answer.text}")
        headers = " ".join(f"-H {shlex.quote(f'{name}: {value}')}" for name, value in signed.headers.items())
        commands.append(f"curl -s {headers} \\\n  --data-binary {shlex.quote(signed.body.decode())} {address}")
    _write(SAMPLE_FILE, sample | {"deliveries": commands})
    return commands


# -- showing -----------------------------------------------------------------------------------------------------------


def _show(api: ApiClient) -> None:
    """The journey, among the first customers, that most kinds of system tell of."""
    found = []
    for number in range(1, 26):
        try:
            found.append(api.call("GET", "customers", externalSourceId=CUSTOMER_SOURCE, value=f"C-{number:04d}"))
        except ApiError as error:
            if error.status != 404:
                raise
    best = max(found, key=lambda one: (len(one["eventTypes"]), -abs(one["eventCount"] - 22)))
    page = api.call(
        "GET", "customers/events", externalSourceId=CUSTOMER_SOURCE, value=best["value"], order="asc", pageSize=100
    )
    show_journey(console, best, page["entities"])


def _show_view(api: ApiClient) -> None:
    """A journey view over the sample events; it is computed once, and shown again after that."""
    sample = json.loads(SAMPLE_FILE.read_text())
    if "job" not in sample:
        definitions = {one["name"]: one["id"] for one in api.call("GET", "views/eventdefinitions")["entities"]}
        view = api.call("POST", "views", sample_view(definitions))
        job = api.call("POST", f"views/{view['id']}/versions/{view['version']}/jobs")
        sample["job"] = f"views/{view['id']}/versions/{view['version']}/jobs/{job['id']}"
        _write(SAMPLE_FILE, sample)
    job, deadline = api.call("GET", sample["job"]), time.monotonic() + CATCH_UP_SECONDS
    with console.status("computing a journey view ..."):
        while job["status"] in ("Accepted", "Executing"):
            if time.monotonic() > deadline:
                raise StackFailed("The journey view is not computed; `make logs` may say why.")
            time.sleep(0.5)
            job = api.call("GET", sample["job"])
    if job["status"] != "Complete":
        raise StackFailed(f"The journey view was not computed: {job['status']} {job.get('error', '')}")
    show_view(console, job["journeyView"], api.call("GET", f"{sample['job']}/results"))


def _show_next_steps(described: Mapping[str, Any], api: ApiClient, deliveries: Sequence[str]) -> None:
    client = described["organizations"][0]["clients"][0]
    listing = api.call("GET", "externalevents/configurations")["entities"]
    visits = next(one["id"] for one in listing if one["source"] == "Adobe Analytics")
    url = f"{described['apiUrl']}/api/v2/journey"
    now = datetime.now(UTC).isoformat(timespec="seconds")
    event = {
        "id": f"visit-{datetime.now(UTC):%H%M%S}",
        "dateCreated": now,
        "identifiers": {"externalIds": [{"externalSourceId": CUSTOMER_SOURCE, "value": "me"}]},
        "attributes": {"section": "home", "device": "desktop", "pages": 3},
    }
    console.print("[bold]Try next[/bold] (the same again with another id, without a date, with an unknown attribute)\n")
    commands = (
        (
            f"TOKEN=$(curl -s -u {client['clientId']}:{client['clientSecret']} "
            f"-d grant_type=client_credentials -d scope=journey/api {described['tokenUrl']} "
            """| python3 -c 'import json, sys; print(json.load(sys.stdin)["access_token"])')"""
        ),
        (
            f'curl -s -H "Authorization: Bearer $TOKEN" -H "Content-Type: application/json" \\\n'
            f"  -d '{json.dumps({'entities': [event]})}' \\\n  {url}/externalevents/configurations/{visits}/events"
        ),
        f'curl -s -H "Authorization: Bearer $TOKEN" "{url}/customers?externalSourceId={CUSTOMER_SOURCE}&value=me"',
        f'curl -s -H "Authorization: Bearer $TOKEN" {url}/externalevents/failures',
        "make logs",
        "make down",
    )
    for command in commands:
        console.print(command, soft_wrap=True, markup=False)
    console.print("\n[bold]Webhooks[/bold]: what each tool delivered, to deliver it again (a duplicate)\n")
    for command in deliveries:
        console.print(command, soft_wrap=True, markup=False)
    console.print(f"\nAddresses, tables, clients and their secrets are in {STACK_FILE.relative_to(Path.cwd())}.")


def _progress() -> Progress:
    return Progress(
        TextColumn("{task.description:12}"),
        BarColumn(bar_width=40),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=console,
    )


def _write(file: Path, content: Mapping[str, Any]) -> None:
    file.write_text(json.dumps(content, indent=2) + "\n")
    file.chmod(0o600)  # it holds secrets


if __name__ == "__main__":
    try:
        main()
    except (StackFailed, ApiError) as failed:
        sys.exit(str(failed))
    except KeyboardInterrupt:
        sys.exit("\nInterrupted; `make run` goes on from there.")
