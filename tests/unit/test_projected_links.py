"""The projector and links: what it stores, what it costs, and what happens if the links table fails."""

import io
import json
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pytest
from botocore.exceptions import ReadTimeoutError

from journeys import aws
from journeys.events.failures.store import FailureStore
from journeys.events.model import ExternalId, StoredEvent
from journeys.identity import linker as linking
from journeys.identity.linker import KNOWN_SECONDS, Linker
from journeys.identity.model import Evidence, Pair, pair
from journeys.identity.resolve import person
from journeys.identity.settings import IdentitySettings
from journeys.identity.store import LinkStore, link_row
from journeys.journey.projector import Projector
from journeys.journey.store import JourneyStore
from tests.support.aws_errors import client_error
from tests.support.client_events import handling
from tests.support.functions import Context, load
from tests.support.identities import NOON, every_pair, identifier, stored_event
from tests.support.tables import Tables

WEB, EMAIL, CRM = map(identifier, ("web:v-1", "email:ann@example.org", "crm:C-7"))


def _record(number: int, stored: StoredEvent) -> dict[str, Any]:
    return {
        "eventName": "INSERT",
        "dynamodb": {"SequenceNumber": f"{number:03}", "NewImage": stored.to_item()},
    }


def _records(*events: StoredEvent) -> list[dict[str, Any]]:
    return [_record(number, stored) for number, stored in enumerate(events)]


def _projector(tables: Tables, client: Any = None) -> Projector:
    return Projector(
        JourneyStore(tables.dynamodb, tables.journeys),
        LinkStore(client or tables.dynamodb, tables.links),
        FailureStore(tables.dynamodb, tables.failures, aws.s3, "archive"),
    )


def _stored(tables: Tables) -> set[tuple[str, ExternalId]]:
    rows = [link_row(item) for item in tables.items(tables.links)]
    return {(row.identifier_key, row.other) for row in rows if row is not None}


def _both(pairs: Sequence[Pair]) -> set[tuple[str, ExternalId]]:
    return {
        (f"acme#{one.source_id}#{one.value}", other)
        for first, second in pairs
        for one, other in ((first, second), (second, first))
    }


@contextmanager
def _counted(tables: Tables) -> Iterator[Counter[str]]:
    """Counts the rows that are written to the links table, and the reads of it, in the block."""
    counts: Counter[str] = Counter()

    def count(params: dict[str, Any], model: Any, **_: Any) -> None:
        if model.name == "BatchWriteItem" and tables.links in params["RequestItems"]:
            counts["written"] += len(params["RequestItems"][tables.links])
        elif model.name == "BatchGetItem" and tables.links in params["RequestItems"]:
            counts["read"] += 1
        elif params.get("TableName") == tables.links:
            counts[model.name] += 1

    with handling(tables.dynamodb, "provide-client-params.dynamodb.*", count):
        yield counts


# -- what is stored ----------------------------------------------------------------------------------------------------


def test_an_event_with_several_identifiers_links_them_all_both_ways(tables: Tables) -> None:
    assert _projector(tables).project(_records(stored_event(1, WEB, EMAIL, CRM))) == []
    assert _stored(tables) == _both(every_pair([WEB, EMAIL, CRM]))
    links = LinkStore(tables.dynamodb, tables.links)
    assert links.links("acme", WEB).evidence[CRM] == Evidence(NOON + 1, "orders", "event-1", NOON + 1)
    assert links.sources("acme") == ["crm", "email", "web"]
    found = person(links.reader("acme"), CRM, IdentitySettings())
    assert found.identifiers == (CRM, EMAIL, WEB)


def test_organizations_with_the_same_identifiers_have_links_of_their_own(tables: Tables) -> None:
    events = [stored_event(1, WEB, EMAIL), stored_event(2, WEB, CRM, organization="globex")]
    assert _projector(tables).project(_records(*events)) == []
    links = LinkStore(tables.dynamodb, tables.links)
    assert links.links("acme", WEB).evidence.keys() == {EMAIL}
    assert links.links("globex", WEB).evidence.keys() == {CRM}
    assert links.sources("globex") == ["crm", "web"]


def test_a_link_names_the_first_received_event_of_a_batch(tables: Tables) -> None:
    _projector(tables).project(
        _records(stored_event(5, WEB, EMAIL), stored_event(2, EMAIL, WEB, received=1), stored_event(9, WEB, EMAIL))
    )
    links = LinkStore(tables.dynamodb, tables.links)
    assert links.links("acme", WEB).evidence[EMAIL].event_id == "event-2"


def test_an_event_with_one_identifier_stores_only_its_source(tables: Tables) -> None:
    _projector(tables).project(_records(stored_event(1, WEB)))
    assert [item["pk"]["S"] for item in tables.items(tables.links)] == ["acme#SOURCES"]


def test_an_event_with_more_than_ten_identifiers_links_nothing_and_is_counted(
    tables: Tables, logged: io.StringIO
) -> None:
    many = [ExternalId("web", f"secret-{number}") for number in range(11)]
    assert _projector(tables).project(_records(stored_event(1, *many), stored_event(2, WEB, EMAIL))) == []
    assert _stored(tables) == _both([pair(WEB, EMAIL)])
    lines = [json.loads(line) for line in logged.getvalue().splitlines()]
    assert [line["EventsNotLinked"] for line in lines if "EventsNotLinked" in line] == [1]
    assert [line["LinksStored"] for line in lines if "LinksStored" in line] == [1]
    assert "secret" not in logged.getvalue()
    assert "ann@example" not in logged.getvalue()


# -- what it costs -----------------------------------------------------------------------------------------------------


def test_a_new_link_costs_two_writes_and_a_known_one_none(tables: Tables) -> None:
    projector = _projector(tables)
    projector.project(_records(stored_event(1, WEB), stored_event(2, EMAIL)))
    with _counted(tables) as counts:
        projector.project(_records(stored_event(3, WEB, EMAIL)))
    assert (counts["written"], counts["read"]) == (2, 1)
    with _counted(tables) as counts:
        projector.project(_records(stored_event(4, EMAIL, WEB), stored_event(5, WEB), stored_event(6, WEB, EMAIL)))
    assert counts == {}
    with _counted(tables) as counts:
        _projector(tables).project(_records(stored_event(7, EMAIL, WEB)))
    assert (counts["written"], counts["read"], counts["Query"]) == (0, 1, 1)


def test_a_process_looks_again_after_a_minute(tables: Tables) -> None:
    now = 5.0
    linker = Linker(LinkStore(tables.dynamodb, tables.links), clock=lambda: now)
    assert linker.link("acme", [stored_event(1, WEB, EMAIL)]) == 1
    LinkStore(tables.dynamodb, tables.links).delete("acme", [pair(WEB, EMAIL)])
    assert linker.link("acme", [stored_event(2, WEB, EMAIL)]) == 0
    now += KNOWN_SECONDS
    assert linker.link("acme", [stored_event(3, WEB, EMAIL)]) == 1


def test_the_memory_of_a_process_is_bounded(tables: Tables, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(linking, "KNOWN_BYTES", 3_000)
    linker = Linker(LinkStore(tables.dynamodb, tables.links))
    for number in range(30):
        linker.link("acme", [stored_event(number, WEB, ExternalId("crm", f"C-{number}"))])
    assert len(linker._known) < 12


# -- failures ----------------------------------------------------------------------------------------------------------


class _Failing:
    """A client whose calls of an operation fail if they concern an identifier."""

    def __init__(self, client: Any, operation: str, text: str, error: Exception) -> None:
        self._client, self._operation, self._text, self._error = client, operation, text, error

    def __getattr__(self, operation: str) -> Any:
        def call(**request: Any) -> Any:
            if operation == self._operation and self._text in str(request):
                raise self._error
            return getattr(self._client, operation)(**request)

        return call


@pytest.mark.parametrize("operation", ["batch_get_item", "batch_write_item", "query"])
@pytest.mark.parametrize(
    "error",
    [client_error("ProvisionedThroughputExceededException"), ReadTimeoutError(endpoint_url="http://dynamodb")],
    ids=["throttled", "timeout"],
)
def test_a_record_whose_links_are_not_stored_is_retried(tables: Tables, operation: str, error: Exception) -> None:
    text = "acme#SOURCES" if operation == "query" else "ann@example.org"
    busy = _projector(tables, _Failing(tables.dynamodb, operation, text, error))
    other = stored_event(2, CRM, organization="globex")
    records = _records(stored_event(1, WEB, EMAIL), other, stored_event(3, WEB))
    assert busy.project(records) == ["000", "002"]
    assert JourneyStore(tables.dynamodb, tables.journeys).summary("acme#web#v-1").journey.count == 2
    assert _projector(tables).project(records) == []
    assert _stored(tables) == _both([pair(WEB, EMAIL)])
    assert JourneyStore(tables.dynamodb, tables.journeys).summary("acme#web#v-1").journey.count == 2
    assert tables.items(tables.failures) == []


def test_one_of_two_rows_is_completed_by_the_retry(tables: Tables) -> None:
    links = LinkStore(tables.dynamodb, tables.links)
    _projector(tables).project(_records(stored_event(1, WEB, EMAIL)))
    tables.dynamodb.delete_item(
        TableName=tables.links, Key={"pk": {"S": "acme#web#v-1"}, "sk": {"S": "LINK#email#ann@example.org"}}
    )
    assert links.existing("acme", [pair(WEB, EMAIL)]) == frozenset()
    _projector(tables).project(_records(stored_event(1, WEB, EMAIL)))
    assert links.existing("acme", [pair(WEB, EMAIL)]) == {pair(WEB, EMAIL)}


def test_a_link_that_dynamodb_rejects_is_stored_as_a_failure_of_itsstored_event(tables: Tables) -> None:
    invalid = _Failing(tables.dynamodb, "batch_write_item", "ann@example.org", client_error("ValidationException"))
    records = _records(stored_event(1, WEB, CRM), stored_event(2, WEB, EMAIL), stored_event(3, WEB))
    assert _projector(tables, invalid).project(records) == []
    assert JourneyStore(tables.dynamodb, tables.journeys).summary("acme#web#v-1").journey.count == 3
    assert _stored(tables) == _both([pair(WEB, CRM)])
    (failure,) = tables.items(tables.failures)
    assert failure["reason"]["S"] == "projection.failed"


def test_the_function_stores_links(tables: Tables) -> None:
    records = _records(stored_event(1, WEB, EMAIL))
    assert load("projector").handler({"Records": records}, Context()) == {"batchItemFailures": []}
    assert _stored(tables) == _both([pair(WEB, EMAIL)])
