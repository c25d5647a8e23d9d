"""The projector: new events, poison records, a busy store, tampering, and the response to Lambda."""

import io
from collections.abc import Mapping
from typing import Any

import pytest
from botocore.exceptions import (
    ClientError,
    ConnectTimeoutError,
    EndpointConnectionError,
    ReadTimeoutError,
)

from journeys import aws, jsontext, keys
from journeys.events.failures.model import Failure
from journeys.events.failures.store import FailureStore
from journeys.events.model import Event, ExternalId, StoredEvent
from journeys.identity.store import LinkStore
from journeys.journey import fold, projection
from journeys.journey.model import Journey, Step, step
from journeys.journey.projector import Projector
from journeys.journey.store import JourneyStore
from tests.support.aws_errors import client_error
from tests.support.functions import Context, load
from tests.support.schedules import NOON, facts, facts_of
from tests.support.tables import Tables

ORGANIZATION = "acme"


# -- records -----------------------------------------------------------------------------------------------------------


def _event(number: int, customer: str = "ann", **changes: Any) -> StoredEvent:
    event = Event(f"event {number}", NOON + 1000 * number, (ExternalId("crm", customer),), {"total": number})
    values: dict[str, Any] = {
        "event": event,
        "organization_id": ORGANIZATION,
        "configuration_id": "orders",
        "schema_id": "schema",
        "schema_version": 1,
        "slot": "abc"[number % 3],
        "event_name": "Order",
        "source": "ERP",
        "date_received": NOON + 1000 * number + 500,
        "receipt": f"request#{number}",
    }
    return StoredEvent(**values | changes)


def _step(stored: StoredEvent) -> Step:
    return step(stored.event.date_created, stored.configuration_id, stored.event.event_id, stored.slot)


def _record(number: int, name: str, **images: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "eventID": f"record-{number}",
        "eventName": name,
        "eventSource": "aws:dynamodb",
        "dynamodb": {"SequenceNumber": f"{number:021d}", "ApproximateCreationDateTime": NOON / 1000} | images,
    }


def _insert(number: int, item: Mapping[str, Any]) -> dict[str, Any]:
    return _record(number, "INSERT", NewImage=item)


def _sequence_numbers(*numbers: int) -> list[str]:
    return [f"{number:021d}" for number in numbers]


# -- stores ------------------------------------------------------------------------------------------------------------


class _Refusing:
    """A client whose calls fail with an error if they concern one customer's journey."""

    def __init__(self, client: Any, customer: str, error: Exception) -> None:
        self._client, self._customer, self._error = client, customer, error

    def __getattr__(self, operation: str) -> Any:
        def call(**request: Any) -> Any:
            if keys.journey(ORGANIZATION, "crm", self._customer) in str(request):
                raise self._error
            return getattr(self._client, operation)(**request)

        return call


def _projector(tables: Tables, client: Any = None, failures: FailureStore | None = None) -> Projector:
    return Projector(
        JourneyStore(client or tables.dynamodb, tables.journeys),
        LinkStore(client or tables.dynamodb, tables.links),
        failures or FailureStore(tables.dynamodb, tables.failures, aws.s3, "archive"),
    )


def _journey(tables: Tables, customer: str = "ann") -> dict[str, object]:
    store = JourneyStore(tables.dynamodb, tables.journeys)
    journey_key = keys.journey(ORGANIZATION, "crm", customer)
    journey = facts(store.summary(journey_key).journey)
    assert journey == facts_of(store.steps(journey_key, ascending=True))
    return journey


def _failures(tables: Tables, organization_id: str = ORGANIZATION) -> list[Failure]:
    store = FailureStore(tables.dynamodb, tables.failures, aws.s3, "archive")
    return [store.get(organization_id, failure.failure_id) for failure in store.all_newest_first(organization_id)]


# -- new events --------------------------------------------------------------------------------------------------------


def test_events_of_several_customers_are_added_to_their_own_journeys(tables: Tables) -> None:
    """Customers with the same value differ by external source or by organization."""
    ann = [_event(number, "ann") for number in (3, 1, 2)]
    bob = [_event(number, "bob") for number in (5, 4)]
    other_system = _event(6, event=Event("6", NOON, (ExternalId("web", "ann"), ExternalId("crm", "ann")), {}))
    other_organization = _event(7, organization_id="globex")
    batch = [ann[0], bob[0], other_system, ann[1], other_organization, bob[1], ann[2]]
    assert _projector(tables).project([_insert(index, one.to_item()) for index, one in enumerate(batch)]) == []
    assert _journey(tables, "ann") == facts_of(map(_step, ann))
    assert _journey(tables, "bob") == facts_of(map(_step, bob))
    store = JourneyStore(tables.dynamodb, tables.journeys)
    for journey_key, one in {"acme#web#ann": other_system, "globex#crm#ann": other_organization}.items():
        assert facts(store.summary(journey_key).journey) == facts_of([_step(one)])
    assert _failures(tables) == []


def test_a_repeated_batch_changes_nothing(tables: Tables) -> None:
    batch = [_insert(number, _event(number).to_item()) for number in range(5)]
    projector = _projector(tables)
    assert projector.project(batch) == []
    before = tables.items(tables.journeys)
    assert projector.project([*batch, *batch[::-1]]) == []
    assert tables.items(tables.journeys) == before


# -- poison records ----------------------------------------------------------------------------------------------------


def _poisoned(how: str) -> dict[str, Any]:
    item = _event(2).to_item()
    match how:
        case "no customer":
            item["externalIds"] = {"L": []}
        case "no slot":
            del item["slot"]
        case "an invalid date":
            item["dateCreated"] = {"S": "yesterday"}
        case "no attributes":
            del item["attributes"]
        case "a key with two parts":
            item["pk"] = {"S": "acme#orders"}
        case "a number as slot":
            item["slot"] = {"N": "5"}
        case "a number as customer":
            item["externalIds"] = {"L": [{"M": {"externalSourceId": {"S": "crm"}, "value": {"N": "5"}}}]}
        case "a key too long to store":
            item["pk"] = {"S": "acme#orders#" + "x" * 1100}
        case "a customer too long to store":
            item["externalIds"] = {"L": [{"M": {"externalSourceId": {"S": "crm"}, "value": {"S": "x" * 2100}}}]}
        case "an empty slot":
            item["slot"] = {"S": ""}
        case "a value of unknown type":
            item["attributes"] = {"M": {"total": {"X": "1"}}}
    return item


@pytest.mark.parametrize(
    "how",
    [
        "no customer",
        "no slot",
        "an invalid date",
        "no attributes",
        "a key with two parts",
        "a number as slot",
        "a number as customer",
        "a key too long to store",
        "a customer too long to store",
        "an empty slot",
        "a value of unknown type",
    ],
)
def test_a_poison_record_is_stored_as_a_failure_and_does_not_affect_other_records(tables: Tables, how: str) -> None:
    """The poison record is between events of the same customer and of another one."""
    ann, bob = [_event(number) for number in (1, 3, 4)], [_event(number, "bob") for number in (1, 3)]
    good = [ann[0], bob[0], ann[1], bob[1], ann[2]]
    records = [_insert(index, one.to_item()) for index, one in enumerate(good)]
    poison = _insert(7, _poisoned(how))
    projector = _projector(tables)
    assert projector.project([*records[:2], poison, *records[2:]]) == []
    assert _journey(tables, "ann") == facts_of(map(_step, ann))
    assert _journey(tables, "bob") == facts_of(map(_step, bob))
    (failure,) = _failures(tables)
    assert (failure.reason, failure.configuration_id, failure.source) == ("projection.failed", "orders", "ERP")
    assert failure.payload == poison["dynamodb"]["NewImage"]
    assert not failure.replayable

    assert projector.project([poison]) == []
    assert len(_failures(tables)) == 1, "the same record is stored as the same failure"


def test_an_event_that_dynamodb_rejects_as_invalid_is_stored_as_a_failure_and_the_others_are_counted(
    tables: Tables,
) -> None:
    class Refusing:
        def __getattr__(self, operation: str) -> Any:
            def call(**request: Any) -> Any:
                if operation == "put_item" and "event 2" in str(request):
                    raise client_error("ValidationException")
                return getattr(tables.dynamodb, operation)(**request)

            return call

    records = [_insert(number, _event(number).to_item()) for number in (1, 2, 3)]
    assert _projector(tables, Refusing()).project(records) == []
    assert _journey(tables) == facts_of([_step(_event(1)), _step(_event(3))])
    (failure,) = _failures(tables)
    assert (failure.reason, failure.payload) == ("projection.failed", _event(2).to_item())


def test_an_unexpected_error_is_stored_as_a_failure_of_the_event_that_caused_it(
    tables: Tables, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(journey: Journey, one: Step, before: Step | None, after: Step | None) -> Journey:
        if "event 2" in one.key:
            raise RuntimeError
        return fold.add(journey, one, before, after)

    monkeypatch.setattr(projection, "add", failing)
    records = [_insert(number, _event(number).to_item()) for number in (1, 2, 3)]
    assert _projector(tables).project(records) == []
    assert _journey(tables) == facts_of([_step(_event(1)), _step(_event(3))])
    assert [failure.payload for failure in _failures(tables)] == [_event(2).to_item()]


def test_a_poison_record_that_cannot_be_stored_as_a_failure_is_retried(tables: Tables) -> None:
    nowhere = FailureStore(tables.dynamodb, "no-such-table", aws.s3, "archive")
    records = [_insert(1, _event(1).to_item()), _insert(2, _poisoned("no slot")), _insert(3, _event(3).to_item())]
    assert _projector(tables, failures=nowhere).project(records) == _sequence_numbers(2)
    assert _journey(tables) == facts_of([_step(_event(1)), _step(_event(3))])

    assert _projector(tables).project(records[1:]) == []
    assert len(_failures(tables)) == 1


# -- a busy store ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "error",
    [
        client_error("ProvisionedThroughputExceededException"),
        client_error("ThrottlingException"),
        client_error("RequestLimitExceeded"),
        client_error("InternalServerError", 500),
        ReadTimeoutError(endpoint_url="http://dynamodb"),
        ConnectTimeoutError(endpoint_url="http://dynamodb"),
        EndpointConnectionError(endpoint_url="http://dynamodb"),
    ],
    ids=lambda error: error.response["Error"]["Code"] if isinstance(error, ClientError) else type(error).__name__,
)
def test_a_busy_store_retries_the_records_of_the_affected_customer_only(tables: Tables, error: Exception) -> None:
    events = [_event(1, "ann"), _event(1, "bob"), _event(2, "ann"), _event(1, "eve"), _event(2, "bob")]
    records = [_insert(index, one.to_item()) for index, one in enumerate(events)]
    busy = _projector(tables, _Refusing(tables.dynamodb, "ann", error))
    assert sorted(busy.project(records)) == _sequence_numbers(0, 2)
    assert _journey(tables, "bob")["count"] == 2
    assert _journey(tables, "eve")["count"] == 1
    assert _journey(tables, "ann")["count"] == 0
    assert _failures(tables) == [], "a retried record is not a failure"

    assert _projector(tables).project(records) == []  # Lambda retries the batch from the first reported record
    assert [_journey(tables, customer)["count"] for customer in ("ann", "bob", "eve")] == [2, 2, 1]


def test_a_denied_access_retries_the_records_and_is_counted_as_a_defect(tables: Tables, logged: io.StringIO) -> None:
    """Events are not skipped because the deployment has a defect."""
    denied = _projector(tables, _Refusing(tables.dynamodb, "ann", client_error("AccessDeniedException")))
    assert denied.project([_insert(1, _event(1, "ann").to_item())]) == _sequence_numbers(1)
    assert '"Defects":1' in logged.getvalue()
    assert _failures(tables) == []


def test_a_summary_that_others_keep_writing_retries_the_records_of_its_customer(
    tables: Tables, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(projection, "MAX_ATTEMPTS", 3)
    conflict = _Refusing(tables.dynamodb, "ann", client_error("ConditionalCheckFailedException"))

    class OnlyPuts:
        """Reads succeed; every write of the summary finds another version."""

        def __getattr__(self, operation: str) -> Any:
            return getattr(conflict if operation == "put_item" else tables.dynamodb, operation)

    records = [_insert(1, _event(1, "ann").to_item()), _insert(2, _event(1, "bob").to_item())]
    assert _projector(tables, OnlyPuts()).project(records) == _sequence_numbers(1)
    assert _journey(tables, "bob")["count"] == 1
    assert _failures(tables) == []


def test_the_retry_puts_the_rows_that_a_crashed_projector_did_not_put(tables: Tables) -> None:
    """The summary lists the steps as pending, so the retry counts none of them again."""
    cut_off = _Refusing(tables.dynamodb, "ann", ReadTimeoutError(endpoint_url="http://dynamodb"))

    class NoRows:
        def __getattr__(self, operation: str) -> Any:
            return getattr(cut_off if operation == "batch_write_item" else tables.dynamodb, operation)

    events = [_event(number) for number in range(4)]
    records = [_insert(index, one.to_item()) for index, one in enumerate(events)]
    assert _projector(tables, NoRows()).project(records) == _sequence_numbers(0, 1, 2, 3)
    store = JourneyStore(tables.dynamodb, tables.journeys)
    half_done = store.summary("acme#crm#ann")
    assert facts(half_done.journey) == facts_of(map(_step, events))
    assert sorted(half_done.pending) == sorted(map(_step, events))
    assert list(store.steps("acme#crm#ann", ascending=True)) == []

    assert _projector(tables).project(records) == []
    assert _journey(tables) == facts_of(map(_step, events))


# -- tampering with the log --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "reason"), [("MODIFY", "event.changed"), ("REMOVE", "event.removed")])
def test_a_changed_or_deleted_event_is_stored_as_permanent_evidence(tables: Tables, name: str, reason: str) -> None:
    old = _event(1).to_item()
    images: dict[str, Mapping[str, Any]] = {"OldImage": old}
    if name == "MODIFY":
        images["NewImage"] = old | {"attributes": {"M": {"total": {"N": "9"}}}}
    projector = _projector(tables)
    projector.project([_insert(1, old)])
    before = tables.items(tables.journeys)
    assert projector.project([_record(2, name, **images), _insert(3, _event(3, "bob").to_item())]) == []

    (failure,) = _failures(tables)
    assert (failure.reason, failure.configuration_id, failure.source) == (reason, "orders", "ERP")
    assert failure.payload == old
    assert not failure.replayable
    (evidence,) = aws.s3().list_objects_v2(Bucket="archive")["Contents"]
    assert evidence["Key"].startswith("evidence/acme/")
    assert jsontext.loads(aws.s3().get_object(Bucket="archive", Key=evidence["Key"])["Body"].read()) == old
    assert [row for row in tables.items(tables.journeys) if "bob" not in row["pk"]["S"]] == before
    assert _journey(tables, "bob")["count"] == 1


def test_every_change_of_an_event_is_stored_as_its_own_evidence(tables: Tables) -> None:
    first, second, third = (_event(1).to_item() | {"source": {"S": source}} for source in ("ERP", "CRM", "web"))
    changes = [_record(1, "MODIFY", OldImage=first, NewImage=second)]
    changes += [_record(2, "MODIFY", OldImage=second, NewImage=third), _record(3, "REMOVE", OldImage=third)]
    assert _projector(tables).project(changes) == []
    assert len(aws.s3().list_objects_v2(Bucket="archive")["Contents"]) == 3
    assert sorted(failure.reason for failure in _failures(tables)) == ["event.changed"] * 2 + ["event.removed"]


def test_a_record_whose_evidence_cannot_be_stored_is_retried(tables: Tables) -> None:
    nowhere = FailureStore(tables.dynamodb, tables.failures, aws.s3, "no-such-bucket")
    records = [_record(2, "REMOVE", OldImage=_event(1).to_item()), _insert(3, _event(3).to_item())]
    assert _projector(tables, failures=nowhere).project(records) == _sequence_numbers(2)
    assert _journey(tables)["count"] == 1
    assert _failures(tables) == []


# -- the function ------------------------------------------------------------------------------------------------------


def test_the_function_returns_the_records_to_retry(tables: Tables, monkeypatch: pytest.MonkeyPatch) -> None:
    function = load("projector")
    records = [_insert(1, _event(1).to_item()), _insert(2, _event(1, "bob").to_item())]
    assert function.handler({"Records": records}, Context()) == {"batchItemFailures": []}
    assert _journey(tables)["count"] == 1

    busy = _Refusing(tables.dynamodb, "bob", client_error("ThrottlingException"))
    monkeypatch.setattr(function, "projector", _projector(tables, busy))
    records += [_insert(3, _event(3).to_item()), _insert(4, _event(4, "bob").to_item())]
    response = function.handler({"Records": records}, Context())
    assert response == {"batchItemFailures": [{"itemIdentifier": number} for number in _sequence_numbers(2, 4)]}
