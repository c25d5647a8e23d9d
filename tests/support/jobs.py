"""Journey views and their jobs in one process: the functions, their queue, the state machine, and an archive."""

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
from journeys.views.model import View, ViewDefinition
from journeys.views.store import ViewStore
from tests.conftest import ORGANIZATION
from tests.support.functions import Context, api_event, call, load
from tests.support.tables import Tables

NOON = 1_790_000_000_000
"""A moment in the history of the archive, in milliseconds."""
HOUR = 3_600_000
RECEIVES = 3
"""How often the queue hands a message out, as the template says."""


class Crash(BaseException):
    """A function ended here; nothing that it did before is undone, and nothing of it goes on."""


Fault = Callable[[int, str, Callable[[], Any]], Any]
"""Is given the number of a call, from 0, its name, and the call itself, which it makes, or does not."""


def aside(act: Callable[[], Any]) -> Any:
    """What somebody else does while a function runs: in a thread of its own, so as not to be taken for the function."""
    with ThreadPoolExecutor(1) as other:
        return other.submit(act).result()


class Calls:
    """The calls of a function to all its clients, in order."""

    def __init__(self, fault: Fault) -> None:
        self._fault, self._lock = fault, Lock()
        self.names: list[str] = []

    def client(self, client: Any) -> Any:
        """A client whose calls go through the fault."""
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


class Machine:
    """Stands for Step Functions' client: it notes what was started, and refuses a name that it knows."""

    def __init__(self) -> None:
        self.started: dict[str, Any] = {}

    def start_execution(self, **request: Any) -> dict[str, Any]:
        if request["name"] in self.started:
            raise ClientError({"Error": {"Code": "ExecutionAlreadyExists"}}, "StartExecution")
        self.started[request["name"]] = json.loads(request["input"])
        return {}


@dataclass
class Office:
    """One organisation's views and jobs."""

    tables: Tables
    monkeypatch: pytest.MonkeyPatch
    queue_url: str
    dead_url: str
    machine: Machine = field(default_factory=Machine)
    api: Any = None

    # -- what there is to compute --------------------------------------------------------------------------------------

    def event_type(self, title: str, organization_id: str = ORGANIZATION, **properties: str) -> Schema:
        """An active event type, whose attributes have these JSON types."""
        store = SchemaStore(self.tables.dynamodb, self.tables.registry)
        raw = {"title": title, "properties": {name: {"type": kind} for name, kind in properties.items()}}
        schema = store.create(organization_id, parse(raw), {"id": "client"})
        return store.activate(organization_id, schema.schema_id, None, None)

    def view(self, organization_id: str = ORGANIZATION, **definition: Any) -> View:
        """A saved view."""
        store = ViewStore(self.tables.dynamodb, self.tables.registry)
        return store.create(organization_id, ViewDefinition.model_validate(definition), "client")

    def land(self, schema: Schema, *happened: tuple[str, int], received: int = NOON, **attributes: Any) -> None:
        """Lands a file of events, each of a customer at a moment."""
        rows = []
        for customer, moment in happened:
            id_ = f"{schema.slot}-{customer}-{moment}"
            event = Event(id_, moment, (ExternalId("crm", customer),), attributes)
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

    def ask(self, method: str, path: str, body: Any = None, **how: Any) -> tuple[int, Any]:
        """The answer of the jobs' function; `path` comes after /api/v2/journey/views."""
        if self.api is None:
            self.api = self.load("jobs")
        return call(self.api, api_event(method, f"views{path}", body, **how))

    def accept(self, view: View) -> str:
        """Has a view computed, and answers with the path of the job."""
        status, job = self.ask("POST", f"/{view.view_id}/versions/{view.version}/jobs")
        assert status == 202, job
        return str(job["selfUri"]).removeprefix("/api/v2/journey/views")

    def job(self, path: str) -> Any:
        status, job = self.ask("GET", path)
        assert status == 200, job
        return job

    def results(self, path: str) -> Any:
        status, results = self.ask("GET", f"{path}/results")
        assert status == 200, results
        return results

    # -- the functions behind it ---------------------------------------------------------------------------------------

    def load(self, function: str, calls: Calls | None = None) -> Any:
        """A fresh function, whose calls to AWS go through `calls`."""
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
            loaded.RETRY_SECONDS = 0  # type: ignore[attr-defined]  # a test does not wait
        return loaded

    def messages(self) -> list[dict[str, Any]]:
        """The queue's messages, handed out once, as Lambda passes them; who fails is handed them again."""
        return self._receive(self.queue_url)

    def _receive(self, url: str) -> list[dict[str, Any]]:
        answer = aws.sqs().receive_message(QueueUrl=url, MaxNumberOfMessages=10, VisibilityTimeout=0)
        return [
            {"body": message["Body"], "receiptHandle": message["ReceiptHandle"]}
            for message in answer.get("Messages", [])
        ]

    def deliver(self, calls: Calls | None = None) -> list[BaseException]:
        """Has every message of the queue computed once; answers with what was raised, after which it comes again."""
        return self._deliver("compute", self.queue_url, calls)

    def deliver_dead(self) -> None:
        """Has messages handled that were handed out too often."""
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

    def patiently(self) -> None:
        """Delivers until the queue is empty, and handles what was given up."""
        while self.deliver():
            pass
        self.deliver_dead()

    def run_machine(self, calls: dict[str, Calls] | None = None) -> None:
        """Runs every execution that was started, as the state machine of the template does: a function that fails is
        invoked again, twice, and then the job is ended with the error."""
        for started in list(self.machine.started.values()):
            common = {name: started[name] for name in ("organizationId", "jobId", "attempt")}
            try:
                for part in started["parts"]:
                    self._again("part", common | {"part": part}, (calls or {}).get("part"))
                self._again("merge", dict(started), (calls or {}).get("merge"))
            except (Crash, Exception) as error:
                error_ = {"Error": type(error).__name__, "Cause": "a customer's secret"}
                self._again("merge", started | {"error": error_}, None)

    def _again(self, function: str, event: Any, calls: Calls | None) -> None:
        for left in (2, 1, 0):
            try:
                self.invoke(function, event, calls)
                break
            except (Crash, Exception):
                if not left:
                    raise

    @contextmanager
    def small_runs(self, events: int = 8) -> Iterator[None]:
        """Runs take so few events that jobs are computed in parts."""
        with self.monkeypatch.context() as patch:
            patch.setenv("EVENTS_PER_RUN", str(events))
            yield


@pytest.fixture
def office(tables: Tables, monkeypatch: pytest.MonkeyPatch) -> Office:
    dead = aws.sqs().create_queue(QueueName="dead")["QueueUrl"]
    arn = aws.sqs().get_queue_attributes(QueueUrl=dead, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    policy = json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": RECEIVES})
    queue = os.environ["JOBS_QUEUE_URL"]
    aws.sqs().set_queue_attributes(QueueUrl=queue, Attributes={"RedrivePolicy": policy})
    return Office(tables, monkeypatch, queue, dead)
