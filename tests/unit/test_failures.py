"""Failures: storing, listing, counting and replaying refused events."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from types import ModuleType
from typing import Any

import pytest

from journeys import aws, dates, jsontext, keys
from journeys.events.failures import replay
from journeys.events.failures.model import FAILURE_REASONS, PROJECTION_FAILED, RETENTION_SECONDS, Failure, failure_id
from journeys.events.failures.store import FailureStore
from journeys.events.failures.summary import summarize
from journeys.events.ingest import Ingest
from journeys.http.body import MAX_BODY
from journeys.registry.clients.model import PERMISSIONS, Client
from journeys.registry.clients.store import ClientStore
from tests.conftest import ORGANIZATION
from tests.support.aws_errors import client_error
from tests.support.functions import Context, api_event, load
from tests.support.reads import rows_read
from tests.support.tables import Tables
from tests.unit.test_ingest import SCHEMA, Source, an_event, change_schema, configurations, make_source

LAMBDA_RESPONSE = 6 * 1024 * 1024
"""Bytes of a response that Lambda returns, with every character outside ASCII escaped."""
DAY = 24 * 60 * 60 * 1000


@dataclass(frozen=True)
class FailuresApi:
    """The failures function and a source whose refused events it shows."""

    source: Source
    function: ModuleType

    def ask(self, method: str, path: str = "", body: Any = None, **request: Any) -> tuple[int, Any]:
        """The status and the body of a response. Its numbers keep all digits."""
        event = api_event(method, f"externalevents/failures{path}", body, **request)
        answer = self.function.handler(event, Context())
        return answer["statusCode"], jsontext.loads(answer["body"].encode())

    def get(self, path: str = "", **query: str) -> Any:
        status, body = self.ask("GET", path, query=query)
        assert status == 200, body
        return body

    def listed(self, **query: str) -> list[dict[str, Any]]:
        """All failures of a listing, from all pages."""
        found: list[dict[str, Any]] = []
        while True:
            page = self.get(**query)
            found += page["entities"]
            if "nextCursor" not in page:
                return found
            query["cursor"] = page["nextCursor"]

    def only(self) -> dict[str, Any]:
        """The only failure, with its payload."""
        (failure,) = self.listed()
        return dict(self.get(f"/{failure['id']}"))

    def replay(self, id_: str) -> dict[str, Any]:
        status, body = self.ask("POST", f"/{id_}/replay")
        assert status == 200, body
        return dict(body)

    def again(self) -> "FailuresApi":
        """The same functions with empty caches."""
        return FailuresApi(self.source, load("failures"))


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The current time for failures in milliseconds. It changes only if a test changes it."""
    moment = [dates.now_ms()]
    monkeypatch.setattr(dates, "now_ms", lambda: moment[0])
    defaults = Ingest.__init__.__kwdefaults__ or {}
    monkeypatch.setattr(Ingest.__init__, "__kwdefaults__", defaults | {"now_ms": lambda: moment[0]})
    return moment


@pytest.fixture
def api(tables: Tables, now: list[int]) -> FailuresApi:
    return FailuresApi(make_source(tables), load("failures"))


@pytest.fixture
def store(tables: Tables) -> FailureStore:
    return FailureStore(tables.dynamodb, tables.failures, aws.s3, "archive")


def a_failure(number: int = 0, **changes: Any) -> Failure:
    """A failure with its own payload."""
    payload = an_event(f"e-{number}", dateCreated=None)
    failure = Failure(
        failure_id=failure_id("c-1", payload),
        organization_id=ORGANIZATION,
        configuration_id="c-1",
        source="ERP",
        reason="missing.date",
        message="The event has no date.",
        field_name="dateCreated",
        differing=(),
        payload=payload,
        date_first=number,
        date_last=number,
    )
    return replace(failure, **changes)


# -- storing -----------------------------------------------------------------------------------------------------------


def test_a_refused_event_is_stored_with_its_reason_field_source_and_payload(api: FailuresApi, now: list[int]) -> None:
    event = an_event(attributes={"quantity": "5", "note": "…"})
    (refused,) = api.source.send(event)["unprocessedEntities"]
    failure = api.only()
    when = dates.text(now[0])
    assert failure == {
        "id": failure["id"],
        "configurationId": api.source.configuration_id,
        "source": "ERP",
        "reason": "invalid.attribute",
        "message": refused["errorMessage"],
        "fieldName": "attributes.quantity",
        "dateFirstFailed": when,
        "dateLastFailed": when,
        "status": "open",
        "selfUri": f"/api/v2/journey/externalevents/failures/{failure['id']}",
        "payload": event,
        "replays": [],
    }
    (listed,) = api.listed()
    assert listed == {name: value for name, value in failure.items() if name not in ("payload", "replays")}


def test_dropped_rejected_and_conflicting_events_are_all_stored(api: FailuresApi) -> None:
    api.source.send(
        an_event(),
        an_event(attributes={"quantity": 6}),
        an_event("e-2", dateCreated=None),
        an_event("e-3", identifiers=None),
        an_event("e-4", attributes={"colour": 1}),
        7,
    )
    failures = {one["reason"]: one for one in api.listed()}
    assert failures.keys() == {
        "event.conflict",
        "missing.date",
        "missing.identifier",
        "unknown.attribute",
        "invalid.event",
    }
    assert failures["event.conflict"]["differingFields"] == ["attributes.quantity"]
    assert api.get(f"/{failures['invalid.event']['id']}")["payload"] == 7


def test_a_failure_expires_after_30_days(api: FailuresApi, now: list[int]) -> None:
    api.source.send(an_event(dateCreated=None))
    (row,) = api.source.failures()
    assert row["expires"] == {"N": str(now[0] // 1000 + 30 * 24 * 60 * 60)}
    assert RETENTION_SECONDS == 30 * 24 * 60 * 60


def test_a_repeated_failure_is_updated_with_the_newest_reason_and_time(api: FailuresApi, now: list[int]) -> None:
    began = now[0]
    event = an_event(attributes={"colour": "red"})
    api.source.send(event)
    now[0] += DAY
    change_schema(api.source, colour={"type": "integer"})
    again = replace(api.source, function=load("ingest"))
    again.send({name: event[name] for name in reversed(event)})
    failure = api.only()
    assert (failure["reason"], failure["fieldName"]) == ("invalid.attribute", "attributes.colour")
    assert failure["dateFirstFailed"] == dates.text(began)
    assert failure["dateLastFailed"] == dates.text(began + DAY)
    (row,) = api.source.failures()
    assert row["expires"] == {"N": str(now[0] // 1000 + RETENTION_SECONDS)}


def test_the_same_payload_for_another_configuration_is_another_failure(tables: Tables, api: FailuresApi) -> None:
    make_source(tables, SCHEMA | {"title": "Another"}).send(an_event(dateCreated=None))
    api.source.send(an_event(dateCreated=None))
    assert len({one["id"] for one in api.listed()}) == 2


EXACT = '{"id":"e-1","attributes":{"amount":-1234567890123456789.1234567890123456789,"big":%s,"tiny":1E-400}}' % (
    "9" * 38
)


@pytest.mark.parametrize("filler", ["", "…" * 40_000], ids=["in the row", "in the bucket"])
def test_all_digits_of_a_payload_are_preserved(api: FailuresApi, filler: str) -> None:
    payload = jsontext.loads(EXACT.encode()) | {"filler": filler}
    api.source.send(payload)
    failure = api.only()
    assert jsontext.dumps(failure["payload"]) == jsontext.dumps(payload)
    assert jsontext.dumps(api.replay(failure["id"])["payload"]) == jsontext.dumps(payload)


def test_38_digits_are_preserved_through_a_failure_and_its_replay(api: FailuresApi) -> None:
    digits = "1234567890123456789.1234567890123456789"
    api.source.send(an_event(attributes={"cost": jsontext.loads(digits.encode())}))
    change_schema(api.source, cost={"type": "number"})
    assert api.replay(api.only()["id"])["status"] == "resolved"
    (item,) = api.source.stored()
    assert item["attributes"]["M"]["cost"] == {"N": digits}


def test_a_payload_over_100_kb_is_stored_in_the_bucket_and_a_smaller_one_in_the_row(
    tables: Tables, store: FailureStore
) -> None:
    frame = len(jsontext.dumps({"note": ""}))
    for number, (letters, in_bucket) in enumerate([(100 * 1024 - frame, False), (100 * 1024 - frame + 1, True)]):
        failure = a_failure(number, payload={"note": "n" * letters})
        store.put(failure)
        row = tables.dynamodb.get_item(
            TableName=tables.failures, Key=keys.item(keys.failure(ORGANIZATION, failure.failure_id))
        )["Item"]
        assert ("payloadKey" in row, "payload" in row) == (in_bucket, not in_bucket)
        assert store.get(ORGANIZATION, failure.failure_id).payload == failure.payload
    listed = aws.s3().list_objects_v2(Bucket="archive")["Contents"]
    assert [one["Key"].partition("/")[0] for one in listed] == ["failures"]


def test_evidence_is_stored_in_the_bucket_apart_from_expiring_payloads(tables: Tables, store: FailureStore) -> None:
    store.put_with_evidence(a_failure())
    listed = aws.s3().list_objects_v2(Bucket="archive")["Contents"]
    assert [one["Key"].partition("/")[0] for one in listed] == ["evidence"]
    assert len(tables.items(tables.failures)) == 1


# -- listing -----------------------------------------------------------------------------------------------------------


def test_a_listing_returns_each_failure_once_newest_first(api: FailuresApi, store: FailureStore) -> None:
    for number in range(240):
        store.put(a_failure(number, date_last=number // 3))  # Three failures have the same date.
    found = api.listed(pageSize="53")
    assert len(found) == len({one["id"] for one in found}) == 240
    assert [one["dateLastFailed"] for one in found] == sorted((one["dateLastFailed"] for one in found), reverse=True)
    assert len(api.get()["entities"]) == 25


def test_failures_that_arrive_while_paging_do_not_change_the_later_pages(api: FailuresApi, store: FailureStore) -> None:
    for number in range(20):
        store.put(a_failure(number))
    page = api.get(pageSize="5")
    store.put(a_failure(100))
    rest = api.listed(pageSize="5", cursor=page["nextCursor"])
    ids = [one["id"] for one in page["entities"] + rest]
    assert ids == [a_failure(number).failure_id for number in reversed(range(20))]


def test_failures_with_long_messages_are_listed_in_responses_within_lambdas_limit(
    api: FailuresApi, store: FailureStore
) -> None:
    for number in range(40):
        store.put(a_failure(number, message='"' * 60_000))  # Lambda escapes the quotes twice.
    query: dict[str, str] = {"pageSize": "100"}
    found: list[str] = []
    while True:
        answer = api.function.handler(api_event("GET", "externalevents/failures", query=query), Context())
        assert len(json.dumps(answer)) <= 6_291_556
        page = json.loads(answer["body"])
        found += [one["id"] for one in page["entities"]]
        if "nextCursor" not in page:
            break
        query["cursor"] = page["nextCursor"]
    assert found == [a_failure(number).failure_id for number in reversed(range(40))]


def test_a_listing_is_filtered_by_configuration_reason_status_and_time(api: FailuresApi, store: FailureStore) -> None:
    kept = {
        1000: a_failure(1000),
        2000: a_failure(2000, configuration_id="c-2"),
        3000: a_failure(3000, reason="invalid.id"),
        4000: a_failure(4000),
    }
    for failure in kept.values():
        store.put(failure)
    store.add_replay(kept[4000], {"date": dates.text(5000), "outcome": "created"}, resolved=True)

    def found(**query: str) -> list[int]:
        return [dates.parse(one["dateLastFailed"]) for one in api.listed(pageSize="1", **query)]

    assert found() == found(status="all") == [4000, 3000, 2000, 1000]
    assert found(configurationId="c-2") == [2000]
    assert found(configurationId="c-1", reason="missing.date") == [4000, 1000]
    assert found(reason="invalid.id") == [3000]
    assert found(status="open") == [3000, 2000, 1000]
    assert found(status="resolved") == [4000]
    assert found(**{"from": dates.text(2000), "to": dates.text(3500)}) == [3000, 2000]
    assert found(**{"from": dates.text(2001)}) == [4000, 3000]
    assert found(to=dates.text(1999)) == [1000]
    assert found(**{"from": dates.text(3000), "to": dates.text(2000)}) == []


FILTERS = {
    "reason": {"reason": "invalid.id"},
    "configuration": {"configurationId": "c-2"},
    "endpoint": {"endpointId": "endpoint-1"},
    "several": {"reason": "invalid.id", "status": "open"},
}


@pytest.mark.parametrize("query", FILTERS.values(), ids=FILTERS)
def test_a_page_of_few_matches_reads_a_bounded_number_of_rows(
    api: FailuresApi, store: FailureStore, monkeypatch: pytest.MonkeyPatch, query: dict[str, str]
) -> None:
    monkeypatch.setattr("journeys.events.failures.store.MAX_ROWS_READ", 8)
    wanted = a_failure(-1, reason="invalid.id", configuration_id="c-2", endpoint_id="endpoint-1", date_first=0)
    store.put(replace(wanted, date_last=0))
    for number in range(60):
        store.put(a_failure(number, date_last=number + 1))
    found: list[str] = []
    pages = 0
    while pages == 0 or "cursor" in query:
        with rows_read(aws.dynamodb()) as rows:
            page = api.get(pageSize="3", **query)
        assert sum(rows) <= 4 * 8  # All rows are open, and there are four buckets of these.
        found += [one["id"] for one in page["entities"]]
        pages += 1
        query = {name: value for name, value in query.items() if name != "cursor"}
        query |= {"cursor": page["nextCursor"]} if "nextCursor" in page else {}
    assert found == [wanted.failure_id]
    assert pages > 1


def test_short_pages_list_each_match_once_newest_first(
    api: FailuresApi, store: FailureStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The buckets have matches at different densities, so a page reads one of them further back than another."""
    monkeypatch.setattr("journeys.events.failures.store.MAX_ROWS_READ", 5)
    wanted = [number for number in range(60) if number % 3 == 0 or number > 45]
    for number in range(60):
        store.put(a_failure(number, reason="invalid.id" if number in wanted else "missing.date"))
    found = [one["id"] for one in api.listed(reason="invalid.id", pageSize="100")]
    assert found == [a_failure(number).failure_id for number in reversed(wanted)]


@pytest.mark.parametrize(("status", "other"), [("resolved", "open"), ("open", "resolved")])
def test_a_page_of_one_status_reads_no_failures_of_the_other(
    api: FailuresApi, store: FailureStore, status: str, other: str
) -> None:
    for number in range(40):
        store.put(a_failure(number))
        if (status if number in (3, 30) else other) == "resolved":
            store.add_replay(a_failure(number), {"date": dates.text(50), "outcome": "created"}, resolved=True)
    with rows_read(aws.dynamodb()) as rows:
        found = [one["id"] for one in api.get(status=status)["entities"]]
    assert found == [a_failure(30).failure_id, a_failure(3).failure_id]
    assert sum(rows) == 2


def test_failures_of_the_first_release_are_listed_and_resolved(
    tables: Tables, api: FailuresApi, store: FailureStore
) -> None:
    """Their rows are in partitions without a status."""
    for number in range(6):
        failure = a_failure(number)
        store.put(failure)
        if number % 2:
            store.add_replay(failure, {"date": dates.text(50), "outcome": "created"}, resolved=True)
        if number < 4:
            tables.dynamodb.update_item(
                TableName=tables.failures,
                Key=keys.item(keys.failure(ORGANIZATION, failure.failure_id)),
                UpdateExpression="SET #bucket = :bucket",
                ExpressionAttributeNames={"#bucket": "bucket"},
                ExpressionAttributeValues={
                    ":bucket": {"S": f"{ORGANIZATION}#{int(failure.failure_id[0], 16) % 4}"},
                },
            )

    def found(**query: str) -> list[int]:
        return [dates.parse(one["dateLastFailed"]) for one in api.listed(pageSize="1", **query)]

    assert found() == [5, 4, 3, 2, 1, 0]
    assert found(status="open") == [4, 2, 0]
    assert found(status="resolved") == [5, 3, 1]
    store.add_replay(a_failure(2), {"date": dates.text(60), "outcome": "created"}, resolved=True)
    assert found(status="open") == [4, 0]
    assert found(status="resolved") == [5, 3, 2, 1]
    assert found() == [5, 4, 3, 2, 1, 0]


def test_an_unknown_reason_is_400_and_all_reasons_are_listed(api: FailuresApi) -> None:
    status, error = api.ask("GET", query={"reason": "nonsense"})
    assert (status, error["details"]) == (400, [{"errorCode": "invalid.parameter", "fieldName": "reason"}])
    assert error["message"].endswith(f"Use one of {', '.join(FAILURE_REASONS)}.")
    assert {"missing.date", "invalid.payload", "projection.failed"} <= set(FAILURE_REASONS)
    assert "service.unavailable" not in FAILURE_REASONS


@pytest.mark.parametrize("moment", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "2026-01-01", "x"])
def test_an_invalid_or_extreme_time_is_never_a_server_error(api: FailuresApi, moment: str) -> None:
    for name in ("from", "to"):
        for path in ("", "/summary"):
            assert api.ask("GET", path, query={name: moment})[0] == 400
        assert api.ask("POST", "/replay", {name: moment})[0] == 400


def test_an_invalid_cursor_or_one_of_another_listing_is_refused(api: FailuresApi, store: FailureStore) -> None:
    for number in range(3):
        store.put(a_failure(number))
    cursor = api.get(pageSize="1")["nextCursor"]
    stranger = Client("stranger", "globex", "A stranger", PERMISSIONS)
    ClientStore(api.source.tables.dynamodb, api.source.tables.registry).put(stranger)
    for query in ({"cursor": cursor, "status": "open"}, {"cursor": cursor, "reason": "missing.date"},
                  {"cursor": cursor[:-2]}, {"cursor": "x"}, {"cursor": "é"}, {"cursor": "A" * 5000}):  # fmt: skip
        status, body = api.ask("GET", query=query)
        assert (status, body["code"]) == (400, "invalid.cursor")
    assert api.ask("GET", query={"cursor": cursor}, client_id="stranger")[0] == 400
    assert api.ask("GET", query={"cursor": cursor})[0] == 200


@pytest.mark.parametrize("query", [{"pageSize": "0"}, {"pageSize": "101"}, {"pageSize": "x"}, {"status": "lost"}])
def test_an_invalid_query_parameter_is_refused(api: FailuresApi, query: dict[str, str]) -> None:
    assert api.ask("GET", query=query)[0] == 400


def test_the_summary_counts_by_reason_and_configuration(api: FailuresApi, store: FailureStore) -> None:
    for number in range(6):
        store.put(a_failure(number))
    store.put(a_failure(10, configuration_id="c-2"))
    store.put(a_failure(11, reason="invalid.id"))
    store.add_replay(a_failure(5), {"date": dates.text(12), "outcome": "created"}, resolved=True)

    def row(reason: str, configuration: str, number: int, open_: int, last: int) -> dict[str, Any]:
        return {
            "reason": reason,
            "configurationId": configuration,
            "source": "ERP",
            "count": number,
            "openCount": open_,
            "dateLastFailed": dates.text(last),
        }

    assert api.get("/summary") == {
        "entities": [
            row("missing.date", "c-1", 6, 5, 5),
            row("invalid.id", "c-1", 1, 1, 11),
            row("missing.date", "c-2", 1, 1, 10),
        ],
        "total": 8,
        "complete": True,
    }
    later = api.get("/summary", **{"from": dates.text(10)})
    assert later["total"] == 2


def test_a_summary_of_too_many_failures_is_marked_incomplete(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("journeys.events.failures.summary.MAX_COUNTED", 3)

    def failures(number: int) -> Iterator[Failure]:
        return (a_failure(index) for index in range(number))

    assert (summarize(failures(3))["total"], summarize(failures(3))["complete"]) == (3, True)
    assert (summarize(failures(4))["total"], summarize(failures(4))["complete"]) == (3, False)


# -- replay ------------------------------------------------------------------------------------------------------------


def test_a_replay_after_the_schema_was_corrected_creates_the_event_and_resolves_the_failure(
    api: FailuresApi, now: list[int]
) -> None:
    api.source.send(an_event(attributes={"colour": "red"}))
    id_ = api.only()["id"]
    change_schema(api.source, colour={"type": "string"})
    now[0] += DAY
    replayed = api.replay(id_)
    assert (replayed["id"], replayed["status"]) == (id_, "resolved")
    assert replayed["replays"] == [{"date": dates.text(now[0]), "outcome": "created"}]
    assert api.only() == replayed
    (item,) = api.source.stored()
    assert item["attributes"]["M"] == {"colour": {"S": "red"}}
    again = replace(api.source, function=load("ingest"))
    assert again.outcomes(an_event(attributes={"colour": "red"})) == ["duplicate"]
    assert api.replay(id_)["replays"][-1] == {"date": dates.text(now[0]), "outcome": "duplicate"}


def test_a_replay_that_fails_leaves_the_failure_open_and_is_recorded(api: FailuresApi, now: list[int]) -> None:
    api.source.send(an_event(dateCreated=None))
    id_ = api.only()["id"]
    began = now[0]
    now[0] += DAY
    replayed = api.replay(id_)
    assert (replayed["id"], replayed["status"], replayed["reason"]) == (id_, "open", "missing.date")
    assert replayed["replays"] == [{"date": dates.text(now[0]), "outcome": "failed", "reason": "missing.date"}]
    assert (replayed["dateFirstFailed"], replayed["dateLastFailed"]) == (dates.text(began), dates.text(now[0]))
    assert len(api.replay(id_)["replays"]) == 2
    assert api.only()["replays"][0] == replayed["replays"][0]


def test_a_replayed_conflict_is_still_a_conflict(api: FailuresApi) -> None:
    api.source.send(an_event(), an_event(attributes={"quantity": 6}))
    before = api.source.stored()
    replayed = api.replay(api.only()["id"])
    assert (replayed["status"], replayed["replays"][0]["reason"]) == ("open", "event.conflict")
    assert replayed["differingFields"] == ["attributes.quantity"]
    assert api.source.stored() == before


def test_a_replay_for_a_configuration_that_accepts_no_events_is_recorded(api: FailuresApi) -> None:
    api.source.send(an_event(dateCreated=None))
    id_ = api.only()["id"]
    change_schema(api.source, enabled=False)
    assert api.replay(id_)["replays"][-1]["reason"] == "schema.disabled"
    configurations(api.source).delete(ORGANIZATION, api.source.configuration_id)
    assert api.again().replay(id_)["replays"][-1]["reason"] == "configuration.disabled"
    assert api.only()["status"] == "open"


def test_a_stored_record_cannot_be_replayed(api: FailuresApi, store: FailureStore) -> None:
    failure = a_failure(reason=PROJECTION_FAILED, replayable=False)
    store.put(failure)
    status, body = api.ask("POST", f"/{failure.failure_id}/replay")
    assert (status, body["code"]) == (409, "not.replayable")
    assert api.ask("POST", "/replay", {})[1]["replayed"] == 0


def test_a_failure_that_expires_during_its_replay_is_not_stored_again(tables: Tables, store: FailureStore) -> None:
    traced = store.add_replay(a_failure(), {"date": dates.text(1), "outcome": "created"}, resolved=True)
    assert (traced.resolved, traced.replays) == (True, ({"date": dates.text(1), "outcome": "created"},))
    assert tables.items(tables.failures) == []


def test_all_failures_that_match_a_filter_are_replayed_once(
    api: FailuresApi, now: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """There are more failures than one call of ingest accepts. Those that fail again are replayed only once."""
    monkeypatch.setattr("journeys.events.failures.replay.REPLAY_SECONDS", 120)  # The machine may be slow.
    corrected = [an_event(f"corrected-{index}", attributes={"colour": "red"}) for index in range(90)]
    bad = [an_event(f"bad-{index}", attributes={"size": 1}) for index in range(30)]
    dateless = an_event("dateless", dateCreated=None)
    for start in range(0, 120, 60):
        api.source.send(*(corrected + bad)[start : start + 60], dateless)
    change_schema(api.source, colour={"type": "string"})
    now[0] += 1
    status, answer = api.ask("POST", "/replay", {"reason": "unknown.attribute"})
    assert status == 200
    assert answer == {
        "replayed": 120,
        "created": 90,
        "duplicate": 0,
        "failed": 30,
        "ignored": 0,
        "failedReasons": [{"reason": "unknown.attribute", "count": 30}],
        "complete": True,
    }
    assert len(api.source.stored()) == 90
    assert {one["reason"] for one in api.listed(status="open")} == {"unknown.attribute", "missing.date"}
    assert len(api.listed(status="resolved")) == 90
    assert "replays" in api.get(f"/{api.listed(status='resolved')[0]['id']}")


def test_a_replay_that_ran_out_of_time_continues_at_its_cursor(
    api: FailuresApi, now: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    for start in range(0, 120, 60):
        api.source.send(*[an_event(f"e-{index}", attributes={"colour": "r"}) for index in range(start, start + 60)])
    change_schema(api.source, colour={"type": "string"})
    now[0] += 1
    first = replay_one_batch(api, monkeypatch)
    assert (first["replayed"], first["complete"], first["remaining"]) == (100, False, 20)
    assert first["remainingReasons"] == [{"reason": "unknown.attribute", "count": 20}]
    now[0] += 1
    second = replay_one_batch(api, monkeypatch, cursor=first["nextCursor"])
    assert (second["replayed"], second["complete"], "nextCursor" in second) == (20, True, False)
    assert len(api.source.stored()) == 120


def test_a_replay_that_finds_nothing_within_its_time_continues_at_its_cursor(
    api: FailuresApi, now: list[int], store: FailureStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("journeys.events.failures.store.MAX_ROWS_READ", 5)
    for number in range(60):
        store.put(a_failure(number))
    now[0] += 1
    answer = replay_one_batch(api, monkeypatch, reason="invalid.id")
    assert (answer["replayed"], answer["complete"], answer["remaining"]) == (0, False, 0)
    calls = 1
    while not answer["complete"]:
        answer = replay_one_batch(api, monkeypatch, reason="invalid.id", cursor=answer["nextCursor"])
        calls += 1
    assert calls > 2


def replay_one_batch(api: FailuresApi, monkeypatch: pytest.MonkeyPatch, **body: str) -> dict[str, Any]:
    """Replays failures with a clock that has no time left after the first batch."""
    now = [0.0]

    def slow_batches(rows: Any) -> Iterator[Any]:
        for batch in batches(rows):
            yield batch
            now[0] += 1000

    batches = replay._batches
    with monkeypatch.context() as patch:
        patch.setattr(replay, "_batches", slow_batches)
        patch.setattr(api.function.replay, "_clock", lambda: now[0])
        status, answer = api.ask("POST", "/replay", body)
    assert status == 200, answer
    return dict(answer)


def test_a_replay_passes_failures_of_a_deleted_configuration_without_reading_them(
    tables: Tables, api: FailuresApi, now: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """There are many failures that cannot succeed, newer than the ones that can."""
    api.source.send(*[an_event(f"good-{index}", attributes={"colour": "r"}) for index in range(10)])
    change_schema(api.source, colour={"type": "string"})
    other = make_source(tables, SCHEMA | {"title": "Another"})
    now[0] += 1
    for start in range(0, 250, 50):
        other.send(*[an_event(f"e-{index}", dateCreated=None) for index in range(start, start + 50)])
    configurations(other).delete(ORGANIZATION, other.configuration_id)
    now[0] += 1
    read: list[str] = []
    get = FailureStore.get

    def counting_get(store: FailureStore, organization_id: str, id_: str) -> Failure:
        read.append(id_)
        return get(store, organization_id, id_)

    monkeypatch.setattr(FailureStore, "get", counting_get)
    progress: dict[str, Any] = {"complete": False}
    calls, created, failed = 0, 0, 0
    while not progress["complete"]:
        body = {"cursor": progress["nextCursor"]} if calls else {}
        progress = replay_one_batch(api, monkeypatch, **body)
        calls, created, failed = calls + 1, created + progress["created"], failed + progress["failed"]
    assert (calls, created, failed) == (4, 10, 250)  # batches of 100, 100 and 50 that fail, and one of 10
    assert len(read) == 10


DAMAGED = {
    "no JSON": "{",
    "nested too deeply": "[" * 60 + "]" * 60,
    "gone from the row": None,
    "gone from the bucket": "key",
}


@pytest.mark.parametrize("damage", DAMAGED)
def test_a_failure_that_cannot_be_read_does_not_stop_the_replay_of_the_others(
    api: FailuresApi, now: list[int], damage: str
) -> None:
    api.source.send(*[an_event(f"e-{index}", attributes={"colour": "r"}) for index in range(3)])
    change_schema(api.source, colour={"type": "string"})
    damaged = api.listed()[1]["id"]
    tables, content = api.source.tables, DAMAGED[damage]
    change: dict[str, Any] = {"TableName": tables.failures, "Key": keys.item(keys.failure(ORGANIZATION, damaged))}
    tables.dynamodb.update_item(**change, UpdateExpression="REMOVE payload, payloadKey")
    if content is not None:
        name = "payloadKey" if content == "key" else "payload"
        values = {":it": {"S": content}}
        tables.dynamodb.update_item(**change, UpdateExpression=f"SET {name} = :it", ExpressionAttributeValues=values)
    assert api.ask("GET", f"/{damaged}")[1]["code"] == "failure.unreadable"
    assert api.ask("POST", f"/{damaged}/replay")[0] == 404
    now[0] += 1
    status, answer = api.ask("POST", "/replay", {})
    assert (status, answer["created"], answer["failed"], answer["complete"]) == (200, 2, 1, True)
    assert answer["failedReasons"] == [{"reason": "failure.unreadable", "count": 1}]


def test_access_that_is_denied_is_no_expired_payload(api: FailuresApi, monkeypatch: pytest.MonkeyPatch) -> None:
    """It would be a defect of the role, which must raise the alarm on errors."""
    api.source.send(an_event("e-1", attributes={"colour": "r" * 200_000}))
    path = f"/{api.listed()[0]['id']}"
    assert api.ask("GET", path)[0] == 200

    def refuse(**_: Any) -> Any:
        raise client_error("AccessDenied", 403)

    monkeypatch.setattr(api.function.failures._s3(), "get_object", refuse)
    assert api.ask("GET", path)[0] == 500


def test_a_replay_holds_few_payloads_in_memory_at_the_same_time(
    api: FailuresApi, now: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    api.source.send(*[an_event(f"e-{index}", attributes={"colour": "r" * 1000}) for index in range(5)])
    change_schema(api.source, colour={"type": "string"})
    batches: list[int] = []
    ingest = Ingest.ingest

    def counting(self: Ingest, organization_id: str, configuration_id: str, entities: Any, **request: Any) -> Any:
        batches.append(len(entities))
        return ingest(self, organization_id, configuration_id, entities, **request)

    monkeypatch.setattr(Ingest, "ingest", counting)
    monkeypatch.setattr(replay, "MAX_BATCH_BYTES", 2000)
    now[0] += 1
    assert api.ask("POST", "/replay", {})[1]["created"] == 5
    assert batches == [2, 2, 1]


@pytest.mark.parametrize("text", ["x", '"', "\\", "\x01", "\n", "ü", "€", "💥"], ids=lambda text: f"U+{ord(text):X}")
def test_the_failure_of_the_largest_request_fits_in_a_response(api: FailuresApi, text: str) -> None:
    event = an_event(attributes={"colour": ""})
    room = MAX_BODY - len(jsontext.dumps({"entities": [event]}).encode())
    event["attributes"]["colour"] = text * (room // (len(jsontext.dumps(text).encode()) - 2))
    api.source.send(event)
    (failure,) = api.listed()
    for method, path in (("GET", f"/{failure['id']}"), ("POST", f"/{failure['id']}/replay")):
        answer = api.function.handler(api_event(method, f"externalevents/failures{path}"), Context())
        assert answer["statusCode"] == 200
        assert len(json.dumps(answer)) < LAMBDA_RESPONSE


def test_a_cursor_of_another_filter_is_refused(
    api: FailuresApi, now: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    for start in range(0, 120, 60):
        api.source.send(*[an_event(f"e-{index}", dateCreated=None) for index in range(start, start + 60)])
    now[0] += 1
    cursor = replay_one_batch(api, monkeypatch)["nextCursor"]
    status, answer = api.ask("POST", "/replay", {"cursor": cursor, "reason": "missing.date"})
    assert (status, answer["code"]) == (400, "invalid.cursor")


def test_a_replay_includes_only_failures_that_match_the_filter(
    tables: Tables, api: FailuresApi, now: list[int]
) -> None:
    other = make_source(tables, SCHEMA | {"title": "Another"})
    began = now[0]
    for source in (api.source, other):
        source.send(an_event("early", dateCreated=None))
    now[0] += 1000
    api.source.send(an_event("late", dateCreated=None))
    now[0] += 1000

    def replayed(**body: str) -> int:
        return int(api.ask("POST", "/replay", body)[1]["replayed"])

    assert replayed(reason="invalid.id") == 0
    assert replayed(to=dates.text(began)) == 0
    assert replayed(configurationId=other.configuration_id) == 1
    now[0] += 1000
    assert replayed(configurationId=api.source.configuration_id, **{"from": dates.text(began + 1)}) == 1
    now[0] += 1000
    assert replayed() == 3


def test_a_replay_filter_with_an_unknown_field_is_refused(api: FailuresApi) -> None:
    assert api.ask("POST", "/replay", {"source": "ERP"})[0] == 400
    assert api.ask("POST", "/replay", {"reason": 5})[0] == 400
    assert api.ask("POST", "/replay", [])[0] == 400


# -- access ------------------------------------------------------------------------------------------------------------


def test_an_unknown_failure_and_another_organizations_failure_are_not_found(api: FailuresApi) -> None:
    api.source.send(an_event(dateCreated=None))
    id_ = api.only()["id"]
    clients = ClientStore(api.source.tables.dynamodb, api.source.tables.registry)
    clients.put(Client("stranger", "globex", "A stranger", PERMISSIONS))
    for method, path in (("GET", ""), ("POST", "/replay")):
        assert api.ask(method, f"/{id_}{path}", client_id="stranger")[0] == 404
        for unknown in ("0" * 32, "x", "x" * 3000):
            assert api.ask(method, f"/{unknown}{path}")[0] == 404
    assert api.ask("GET", client_id="stranger")[1] == {"entities": []}
    assert api.ask("GET", "/summary", client_id="stranger")[1]["total"] == 0
    assert api.ask("POST", "/replay", {}, client_id="stranger")[1]["replayed"] == 0


def test_viewing_and_replaying_require_different_permissions(api: FailuresApi) -> None:
    clients = ClientStore(api.source.tables.dynamodb, api.source.tables.registry)
    view, edit = (f"journey:externalEventsFailures:{action}" for action in ("view", "edit"))
    clients.put(Client("viewer", ORGANIZATION, "A viewer", PERMISSIONS - {edit}))
    clients.put(Client("editor", ORGANIZATION, "An editor", PERMISSIONS - {view}))
    requests = [("GET", "", view), ("GET", "/summary", view), ("GET", f"/{'0' * 32}", view),
                ("POST", "/replay", edit), ("POST", f"/{'0' * 32}/replay", edit)]  # fmt: skip
    for method, path, permission in requests:
        body: dict[str, str] | None = {} if method == "POST" else None
        allowed, denied = ("viewer", "editor") if permission == view else ("editor", "viewer")
        assert api.ask(method, path, body, client_id=denied)[0] == 403
        assert api.ask(method, path, body, client_id=allowed)[0] in (200, 404)
