"""The functions of jobs in one process, with a queue, a fake state machine and an archive."""

import json
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Lock
from typing import Any

import pytest
from botocore.exceptions import ClientError

from journeys import aws
from journeys.archive import model as archive_model
from journeys.archive.parquet import row, write
from journeys.archive.reading import connect
from journeys.events.model import Event, ExternalId, StoredEvent
from journeys.registry.schemas.document import parse
from journeys.registry.schemas.model import Schema
from journeys.registry.schemas.store import SchemaStore
from journeys.views.jobs import computing
from journeys.views.model import View, ViewDefinition
from journeys.views.store import ViewStore
from tests.conftest import ORGANIZATION
from tests.support.functions import Context, api_event, call, load
from tests.support.tables import Tables

NOON = 1_790_000_000_000
"""A time within the archive's events, in milliseconds since 1970."""
HOUR = 3_600_000
RECEIVES = 3
"""The number of times that the queue delivers a message, as in the template."""


class Crash(BaseException):
    """The function stops here, like a killed process: earlier effects stay, and no further code runs."""


Fault = Callable[[int, str, Callable[[], Any]], Any]
"""Handles a call to AWS: takes its number (from 0), its name and the call itself, and can make the call or raise."""


def run_concurrently(act: Callable[[], Any]) -> Any:
    """Run `act` while a function runs, in another thread, so that its calls do not count as the function's calls."""
    with ThreadPoolExecutor(1) as other:
        return other.submit(act).result()


class Calls:
    """Records the calls of a function to its AWS clients, in order, and passes each to a fault."""

    def __init__(self, fault: Fault) -> None:
        self._fault, self._lock = fault, Lock()
        self.names: list[str] = []

    def client(self, client: Any) -> Any:
        """A client that passes its calls to the fault."""
        return _Client(client, self)

    def make(self, name: str, make: Callable[[], Any]) -> Any:
        with self._lock:
            number = len(self.names)
            self.names.append(name)
        return self._fault(number, name, make)


class _Client:
    def __init__(self, client: Any, calls: Calls) -> None:
        self._client, self._calls = client, calls

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._client, name)
        if name == "get_paginator":
            return lambda operation: _Paginator(method(operation), operation, self._calls)
        return lambda *given, **named: self._calls.make(name, lambda: method(*given, **named))


class _Paginator:
    def __init__(self, paginator: Any, operation: str, calls: Calls) -> None:
        self._paginator, self._operation, self._calls = paginator, operation, calls

    def paginate(self, **request: Any) -> Any:
        return self._calls.make(self._operation, lambda: list(self._paginator.paginate(**request)))


class FakeStateMachine:
    """A fake client of Step Functions. It records executions, and refuses a name that is in use."""

    def __init__(self) -> None:
        self.started: dict[str, Any] = {}

    def start_execution(self, **request: Any) -> dict[str, Any]:
        if request["name"] in self.started:
            raise ClientError({"Error": {"Code": "ExecutionAlreadyExists"}}, "StartExecution")
        self.started[request["name"]] = json.loads(request["input"])
        return {}


@dataclass
class JobHarness:
    """Runs the functions of jobs for one organization."""

    tables: Tables
    monkeypatch: pytest.MonkeyPatch
    queue_url: str
    dead_url: str
    machine: FakeStateMachine = field(default_factory=FakeStateMachine)
    api: Any = None

    # -- test data -----------------------------------------------------------------------------------------------------

    def event_type(self, title: str, organization_id: str = ORGANIZATION, **properties: str) -> Schema:
        """Create an active event type. `properties` are the JSON types of its attributes."""
        store = SchemaStore(self.tables.dynamodb, self.tables.registry)
        items = {"array": {"items": {"type": "string"}}}
        raw = {
            "title": title,
            "properties": {name: {"type": kind} | items.get(kind, {}) for name, kind in properties.items()},
        }
        schema = store.create(organization_id, parse(raw), {"id": "client"})
        return store.activate(organization_id, schema.schema_id, None, None)

    def view(self, organization_id: str = ORGANIZATION, **definition: Any) -> View:
        """Save a view."""
        store = ViewStore(self.tables.dynamodb, self.tables.registry)
        return store.create(organization_id, ViewDefinition.model_validate(definition), "client")

    def land(
        self,
        schema: Schema,
        *happened: tuple[str, int],
        received: int = NOON,
        also: tuple[ExternalId, ...] = (),
        **attributes: Any,
    ) -> None:
        """Land a file of events in the archive, one for each customer and date. `also` are further identifiers."""
        rows = []
        for customer, moment in happened:
            id_ = f"{schema.slot}-{customer}-{moment}"
            event = Event(id_, moment, (ExternalId("crm", customer), *also), attributes)
            rows.append(
                row(StoredEvent(event, ORGANIZATION, "c", schema.schema_id, 1, schema.slot, "", "ERP", received, "r"))
            )
        with TemporaryDirectory() as folder:
            path = Path(folder) / "some.parquet"
            connection = connect(folder, "200MB", 1)
            write(connection, rows, path)
            connection.close()
            dates = [one.date for one in rows]
            key = archive_model.landed_key(
                ORGANIZATION, [one.event for one in rows], received=received, first=min(dates), last=max(dates)
            )
            aws.s3().put_object(Bucket="archive", Key=key, Body=path.read_bytes())

    # -- the API -------------------------------------------------------------------------------------------------------

    def request(self, method: str, path: str, body: Any = None, **how: Any) -> tuple[int, Any]:
        """Call the jobs function. `path` is relative to /api/v2/journey/views."""
        return self.ask(method, f"views{path}", body, **how)

    def ask(self, method: str, path: str, body: Any = None, **how: Any) -> tuple[int, Any]:
        """Call the jobs function. `path` is relative to /api/v2/journey/."""
        if self.api is None:
            self.api = self.load("jobs")
        return call(self.api, api_event(method, path, body, **how))

    def accept(self, view: View) -> str:
        """Create a job of a view. Returns the path of the job."""
        status, job = self.request("POST", f"/{view.view_id}/versions/{view.version}/jobs")
        assert status == 202, job
        return str(job["selfUri"]).removeprefix("/api/v2/journey/views")

    def job(self, path: str) -> Any:
        status, job = self.request("GET", path)
        assert status == 200, job
        return job

    def results(self, path: str) -> Any:
        status, results = self.request("GET", f"{path}/results")
        assert status == 200, results
        return results

    # -- the other functions -------------------------------------------------------------------------------------------

    def load(self, function: str, calls: Calls | None = None) -> Any:
        """Load a new copy of a function. `calls` records its calls to AWS."""
        clients = {
            "dynamodb": aws.dynamodb(),
            "s3": aws.s3(),
            "batch_s3": aws.s3(),
            "sqs": aws.sqs(),
            "stepfunctions": self.machine,
        }
        with self.monkeypatch.context() as patch:
            for name, client in clients.items():
                made = calls.client(client) if calls else client
                patch.setattr(aws, name, lambda made=made: made)
            loaded = load(function)
        if function == "compute":
            loaded.RETRY_SECONDS = 0  # type: ignore[attr-defined]  # tests do not wait
        return loaded

    def messages(self) -> list[dict[str, Any]]:
        """Receive the queue's messages in the form that Lambda passes them. They stay in the queue."""
        return self._receive(self.queue_url)

    def _receive(self, url: str) -> list[dict[str, Any]]:
        answer = aws.sqs().receive_message(
            QueueUrl=url,
            MaxNumberOfMessages=10,
            VisibilityTimeout=0,
            MessageSystemAttributeNames=["ApproximateReceiveCount"],
        )
        return [
            {
                "body": message["Body"],
                "receiptHandle": message["ReceiptHandle"],
                "attributes": message["Attributes"],
            }
            for message in answer.get("Messages", [])
        ]

    def repeated(self) -> dict[str, Any]:
        """The single message of the queue, as if it had been delivered before."""
        (message,) = self.messages()
        return message | {"attributes": {"ApproximateReceiveCount": "2"}}

    def deliver(self, calls: Calls | None = None) -> list[BaseException]:
        """Invoke the compute function once per message. Returns the errors; failed messages stay in the queue."""
        return self._deliver("compute", self.queue_url, calls)

    def deliver_dead_letters(self) -> None:
        """Invoke the merge function with the messages of the dead-letter queue."""
        assert self._deliver("merge", self.dead_url, None) == []

    def _deliver(self, function: str, url: str, calls: Calls | None) -> list[BaseException]:
        raised: list[BaseException] = []
        for message in self._receive(url):
            try:
                self.invoke(function, {"Records": [message]}, calls)
            except (Crash, Exception) as error:
                raised.append(error)
            else:
                aws.sqs().delete_message(QueueUrl=url, ReceiptHandle=message["receiptHandle"])
        return raised

    def invoke(self, function: str, event: Any, calls: Calls | None = None) -> None:
        self.load(function, calls).handler(event, Context())

    def drain(self) -> None:
        """Deliver until the queue is empty, then deliver the dead letters."""
        while self.deliver():
            pass
        self.deliver_dead_letters()

    def run_machine(self, calls: dict[str, Calls] | None = None) -> None:
        """Run all started executions like the template's state machine.

        A function that fails is retried twice. Then the merge function is invoked with the error.
        """
        for started in list(self.machine.started.values()):
            common = {name: started[name] for name in ("organizationId", "jobId", "attempt")}
            try:
                for part in started["parts"]:
                    self._invoke_with_retries("part", common | {"part": part}, (calls or {}).get("part"))
                self._invoke_with_retries("merge", dict(started), (calls or {}).get("merge"))
            except (Crash, Exception) as error:
                error_ = {"Error": type(error).__name__, "Cause": "a customer's secret"}
                self._invoke_with_retries("merge", started | {"error": error_}, None)

    def _invoke_with_retries(self, function: str, event: Any, calls: Calls | None) -> None:
        for left in (2, 1, 0):
            try:
                self.invoke(function, event, calls)
                break
            except (Crash, Exception):
                if not left:
                    raise

    @contextmanager
    def small_runs(self, events: int = 8) -> Iterator[None]:
        """Limit the events per run, so that jobs are computed in parts."""
        with self.monkeypatch.context() as patch:
            patch.setenv("EVENTS_PER_RUN", str(events))
            yield


@pytest.fixture
def harness(tables: Tables, monkeypatch: pytest.MonkeyPatch) -> JobHarness:
    dead = aws.sqs().create_queue(QueueName="dead")["QueueUrl"]
    arn = aws.sqs().get_queue_attributes(QueueUrl=dead, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    policy = json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": RECEIVES})
    queue = os.environ["JOBS_QUEUE_URL"]
    monkeypatch.setattr(computing, "POSTPONED_SECONDS", 0)  # tests do not wait
    aws.sqs().set_queue_attributes(QueueUrl=queue, Attributes={"RedrivePolicy": policy})
    return JobHarness(tables, monkeypatch, queue, dead)
