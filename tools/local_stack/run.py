"""`journeys up`: the whole product on this machine, with sample data. Running it again changes nothing."""

import json
import shlex
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx

from journeys import keys
from journeys.archive.store import ArchiveStore
from journeys.registry.clients.model import PERMISSIONS
from journeys.registry.people.model import Role
from tools.api import ApiClient, ApiError, batches
from tools.console import output_console
from tools.deliveries import SampleDelivery, adobe_key, sample_deliveries, serve_adobe_key
from tools.local_stack.sample import CUSTOMER_SOURCE, EVENT_TYPES, calls, events
from tools.local_stack.sample_view import sample_paths, sample_view
from tools.local_stack.stack import LocalStack, StackFailed
from tools.native_events import put_events
from tools.operator.admin import Admin, temporary_password
from tools.operator.show import show_journey, show_paths, show_view
from tools.operator.view_results import computed_paths, computed_view
from tools.progress import Bar, ProgressBars, progress_bars
from tools.signing import adobe_key_path, adobe_public_key
from tools.stack import Stack

ORGANIZATIONS = (("acme", "Acme Electronics", 300), ("globex", "Globex Outdoor", 40))
"""The organizations of the local stack: id, name, and number of sample customers."""

CLIENTS: Mapping[str, Sequence[str]] = {
    "everything": sorted(PERMISSIONS),
    "sender": ["journey:externalEventsEvent:add", "journey:externalEventsConfiguration:view"],
    "analyst": sorted(permission for permission in PERMISSIONS if permission.endswith(":view")),
}
"""The clients of each organization, with their permissions."""

PEOPLE = (("ana", "Ana Analyst", Role.ANALYST), ("ada", "Ada Admin", Role.ADMINISTRATOR))
"""The people of each organization: the part of the e-mail address before the domain, the name, and the role."""

SENDERS = 4
CATCH_UP_SECONDS = 300


class LocalRun:
    """Brings the local stack up, fills it with sample data and shows the result."""

    def __init__(self, local: LocalStack) -> None:
        self._local, self._console = local, output_console()
        self._sample_file = local.home / "sample.json"

    def run(self, *, sample: bool) -> None:
        """Starts the stack. With `sample`, sends sample events and deliveries and shows a journey, a view and paths.

        Raises:
            StackFailed: the stack did not start, or did not process the sample events in time.
            ApiError: the API refused a request.
        """
        self._console.print("[bold]The local stack[/bold]")
        stack = self._local.up()
        description = self._create_organizations(stack)
        self._console.print(
            f"  It runs at {stack.endpoint_url}. The API is at\n  {description['apiUrl']}/api/v2/journey/"
        )
        self._show_people(description)
        if sample:
            api = api_of(description, description["organizations"][0])
            self._send_sample_events(stack, description)
            self._send_deliveries(stack, api)
            self._show_journey(api)
            self._show_view(api)
            self._show_paths(api)
        self._show_next_steps(sample=sample)

    # -- organizations -------------------------------------------------------------------------------------------------

    def _create_organizations(self, stack: Stack) -> dict[str, Any]:
        """Creates organizations, clients and people where they do not exist. Returns the content of stack.json.

        Existing clients get the permissions of operations that were added since.
        """
        file = self._local.description_file
        if file.exists():
            existing: dict[str, Any] = json.loads(file.read_text())
            if all(existing.get(name) == value for name, value in stack.describe().items()):
                self._update_permissions(stack, existing)
                return existing
        admin, organizations = Admin(stack), []
        for organization_id, name, _ in ORGANIZATIONS:
            admin.create_organization(organization_id, name)
            source = f"local.{organization_id}"
            admin.add_native_source(organization_id, source)
            clients = [
                admin.create_client(organization_id, client, granted).to_json() for client, granted in CLIENTS.items()
            ]
            people = [
                local_person(admin, organization_id, f"{person}@{organization_id}.example", full_name, role)
                for person, full_name, role in PEOPLE
            ]
            organizations.append({"id": organization_id, "clients": clients, "people": people, "nativeSource": source})
        description = stack.describe() | {"organizations": organizations}
        self._sample_file.unlink(missing_ok=True)
        _write(file, description)
        return description

    def _update_permissions(self, stack: Stack, description: Mapping[str, Any]) -> None:
        clients = [
            (client, sorted(granted))
            for organization in description["organizations"]
            for client, granted in zip(organization["clients"], CLIENTS.values(), strict=True)
        ]
        outdated = [(client, granted) for client, granted in clients if client["permissions"] != granted]
        for client, granted in outdated:
            Admin(stack).set_permissions(client["clientId"], granted)
            client["permissions"] = granted
        if outdated:
            _write(self._local.description_file, description)

    def _show_people(self, description: Mapping[str, Any]) -> None:
        self._console.print(f"\n[bold]The console[/bold] is at\n  {description['consoleUrl']}", soft_wrap=True)
        for organization in description["organizations"]:
            for person in organization["people"]:
                self._console.print(f"  {person['email']:20} {person['password']}  {person['role']}", markup=False)

    # -- sample events -------------------------------------------------------------------------------------------------

    def _sample(self) -> dict[str, Any]:
        """What was done so far: `today`, `sent`, `deliveries` and `job`."""
        if not self._sample_file.exists():
            return {"today": datetime.now(UTC).isoformat()}
        sample: dict[str, Any] = json.loads(self._sample_file.read_text())
        return sample

    def _send_sample_events(self, stack: Stack, description: Mapping[str, Any]) -> None:
        """Sends the sample events once. Events that an interrupted run sent are duplicates."""
        sample = self._sample()
        if sample.get("sent"):
            self._console.print("  The sample events were sent before.")
            return
        _write(self._sample_file, sample)
        self._console.print(
            "\n[bold]Events[/bold] from Adobe Analytics, an ERP, ServiceNow and Qualtrics, and a contact center's calls"
        )
        outcomes: Counter[str] = Counter()
        sent: dict[str, int] = {}
        with progress_bars() as bars:
            for (organization_id, _, customers), organization in zip(
                ORGANIZATIONS, description["organizations"], strict=True
            ):
                api, today = api_of(description, organization), datetime.fromisoformat(sample["today"])
                by_type: dict[str, list[dict[str, Any]]] = defaultdict(list)
                for event_type, event in events(organization_id, customers, today):
                    by_type[event_type.title].append(event)
                of_calls = list(calls(organization_id, customers, today, organization["nativeSource"]))
                sent[organization_id] = sum(map(len, by_type.values())) + len(of_calls)
                with bars.bar(organization_id, sent[organization_id]) as bar:
                    outcomes += _send(api, by_type, bar)
                    put_events(stack, of_calls)
                    outcomes["native"] += len(of_calls)
                    bar.advance(len(of_calls))
            self._console.print("  " + ", ".join(f"{number} {outcome}" for outcome, number in sorted(outcomes.items())))
            _wait(bars, "journeys", sum(sent.values()), lambda: _events_in_journeys(stack, sent))
            _wait(bars, "archive", sum(sent.values()), lambda: _events_in_archive(stack, sent))
        _write(self._sample_file, sample | {"sent": True})
        # The schedule compacts once an hour. Until then the first page of the console cannot tell sources apart.
        stack.client("lambda").invoke(
            FunctionName=stack.outputs["CompactionFunctionName"], InvocationType="Event", Payload=b"{}"
        )

    # -- webhooks ------------------------------------------------------------------------------------------------------

    def _send_deliveries(self, stack: Stack, api: ApiClient) -> None:
        """Creates an endpoint for each of four senders, and sends one delivery to each."""
        sample = self._sample()
        if "deliveries" in sample:
            return
        self._console.print("\n[bold]Webhooks[/bold]")
        configuration_ids = configurations(api)
        serve_adobe_key(stack.client("s3"), adobe_key_path(adobe_key()), adobe_public_key(adobe_key()))
        moment = datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
        commands = []
        for delivery in sample_deliveries(moment):
            endpoint = _create_endpoint(api, delivery, configuration_ids[delivery.event_type.title])
            address = endpoint["url"]
            signed = delivery.signed(address, time.time())
            response = httpx.post(address, content=signed.body, headers=signed.headers, timeout=40)
            self._console.print(f"  {delivery.name:16} {response.status_code} {response.text}")
            headers = " ".join(f"-H {shlex.quote(f'{name}: {value}')}" for name, value in signed.headers.items())
            commands.append(f"curl -s {headers} \\\n  --data-binary {shlex.quote(signed.body.decode())} {address}")
        _write(self._sample_file, sample | {"deliveries": commands})

    # -- results -------------------------------------------------------------------------------------------------------

    def _show_journey(self, api: ApiClient) -> None:
        """Shows the journey with the most event types among the first 25 customers."""
        summaries = []
        for number in range(1, 26):
            try:
                summaries.append(
                    api.call("GET", "customers", externalSourceId=CUSTOMER_SOURCE, value=f"C-{number:04d}")
                )
            except ApiError as error:
                if error.status != 404:
                    raise
        best = max(summaries, key=lambda summary: (len(summary["eventTypes"]), -abs(summary["eventCount"] - 22)))
        page = api.call(
            "GET", "customers/events", externalSourceId=CUSTOMER_SOURCE, value=best["value"], order="asc", pageSize=100
        )
        show_journey(self._console, best, page["entities"])

    def _show_view(self, api: ApiClient) -> None:
        """Shows a journey view over the sample events. It is computed once."""
        sample = self._sample()
        if "view" not in sample:
            definitions = {one["name"]: one["id"] for one in api.call("GET", "views/eventdefinitions")["entities"]}
            sample["view"] = api.call("POST", "views", sample_view(definitions))["id"]
            _write(self._sample_file, sample)
        with self._console.status("computing a journey view ..."):
            view, result = computed_view(api, sample["view"], timeout=CATCH_UP_SECONDS)
        show_view(self._console, view, result)

    def _show_paths(self, api: ApiClient) -> None:
        """Shows the paths after a checkout. They are computed once."""
        sample = self._sample()
        if "paths" not in sample:
            definitions = {one["name"]: one["id"] for one in api.call("GET", "views/eventdefinitions")["entities"]}
            sample["paths"] = api.call("POST", "paths/jobs", sample_paths(definitions))["id"]
            _write(self._sample_file, sample)
        with self._console.status("computing paths ..."):
            job, result = computed_paths(api, sample["paths"], timeout=CATCH_UP_SECONDS)
        show_paths(self._console, job, result)

    def _show_next_steps(self, *, sample: bool) -> None:
        self._console.print("[bold]Next steps[/bold]\n")
        commands = [
            'eval "$(.venv/bin/journeys env)"',
            'curl -s -H "Authorization: Bearer $TOKEN" "$API/externalevents/configurations"',
        ]
        if sample:
            commands += [
                f".venv/bin/journeys show customer {CUSTOMER_SOURCE} C-0001",
                ".venv/bin/journeys send --help",
                ".venv/bin/journeys deliver shopify 'Web shop'",
            ]
        commands += [".venv/bin/journeys logs", ".venv/bin/journeys down"]
        for command in commands:
            self._console.print(command, soft_wrap=True, markup=False)
        self._console.print(
            f"\nAddresses, tables, clients and their secrets are in {_shown(self._local.description_file)}."
        )


def local_person(admin: Admin, organization_id: str, email: str, name: str, role: Role) -> dict[str, str]:
    """Creates a person with a password, since the local stack sends no e-mail. Returns the entry in stack.json.

    A person whom an earlier run created gets another password.
    """
    password = temporary_password()
    existing = {person.email: person for person in admin.people(organization_id)}
    person = existing.get(email) or admin.create_person(organization_id, email, name, role, password)
    admin.set_password(person, password)
    return {"organizationId": organization_id, "email": email, "password": password, "role": str(role)}


def api_of(description: Mapping[str, Any], organization: Mapping[str, Any]) -> ApiClient:
    """The API as an organization's first client, which has every permission."""
    client = organization["clients"][0]
    return ApiClient(description["apiUrl"], description["tokenUrl"], client["clientId"], client["clientSecret"])


def configurations(api: ApiClient) -> dict[str, str]:
    """The configurations of the sample event types, by title; creates those that do not exist."""
    schemas = {one["jsonSchema"]["title"]: one["id"] for one in api.call("GET", "externalevents/schemas")["entities"]}
    ids: dict[str, str] = {}
    for event_type in EVENT_TYPES:
        if event_type.title not in schemas:
            schemas[event_type.title] = api.call("POST", "externalevents/schemas", event_type.schema)["id"]
        schema_id = schemas[event_type.title]
        api.call("PUT", f"views/eventdefinitions/{schema_id}/activate", {})
        name = f"{event_type.title} from {event_type.source}"
        ids[event_type.title] = api.ensure_configuration(name, schema_id, event_type.source)
    return ids


def _send(api: ApiClient, by_type: Mapping[str, list[dict[str, Any]]], bar: Bar) -> Counter[str]:
    """Sends events in several threads. Returns the number of events by outcome."""
    outcomes: Counter[str] = Counter()
    requests = [
        (configuration_id, batch)
        for title, configuration_id in configurations(api).items()
        for batch in batches(by_type[title])
    ]
    with ThreadPoolExecutor(SENDERS) as senders:
        for response in senders.map(lambda request: api.send(*request), requests):
            outcomes.update(result["outcome"] for result in response["processed"])
            outcomes.update(result["errorCode"] for result in response["unprocessedEntities"])
            bar.advance(len(response["processed"]) + len(response["unprocessedEntities"]))
    return outcomes


def _create_endpoint(api: ApiClient, delivery: SampleDelivery, configuration_id: str) -> dict[str, Any]:
    endpoint: dict[str, Any] = api.call(
        "POST",
        "webhooks/endpoints",
        {
            "name": delivery.name,
            "sender": delivery.sender,
            "configurationId": configuration_id,
            "secret": delivery.secret,
            "options": dict(delivery.options),
            "mapping": dict(delivery.mapping),
        },
    )
    return endpoint


def _wait(bars: ProgressBars, name: str, total: int, count: Callable[[], int]) -> None:
    """Waits until every event that was sent is counted. Raises StackFailed after five minutes."""
    deadline = time.monotonic() + CATCH_UP_SECONDS
    with bars.bar(name, total) as bar:
        while (counted := count()) < total:
            bar.set(counted)
            if time.monotonic() > deadline:
                raise StackFailed(f"{counted} of {total} events reached the {name}. `journeys logs` may show why.")
            time.sleep(0.5)
        bar.set(total)


def _events_in_journeys(stack: Stack, organizations: Mapping[str, int]) -> int:
    pages = stack.dynamodb.get_paginator("scan").paginate(
        TableName=stack.outputs["JourneysTableName"],
        FilterExpression="sk = :summary",
        ExpressionAttributeValues={":summary": {"S": keys.SUMMARY}},
    )
    return sum(
        int(item["count"]["N"])
        for page in pages
        for item in page["Items"]
        if keys.split(item["pk"]["S"])[0] in organizations
    )


def _events_in_archive(stack: Stack, organizations: Mapping[str, int]) -> int:
    archive = ArchiveStore(
        stack.dynamodb,
        stack.outputs["RegistryTableName"],
        lambda: stack.client("s3"),
        stack.outputs["ArchiveBucketName"],
    )
    return sum(archive.snapshot(organization_id).rows for organization_id in organizations)


def _write(file: Path, content: Mapping[str, Any]) -> None:
    file.write_text(json.dumps(content, indent=2) + "\n")
    file.chmod(0o600)  # the file contains secrets


def _shown(path: Path) -> Path:
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path
