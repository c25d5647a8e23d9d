"""The operator's command: what verify finds, what rebuild and --mend put right, and what redrive takes in."""

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from random import Random
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError
from hypothesis import given, settings
from hypothesis import strategies as st

from journeys import aws, dates, keys
from journeys.archive.landing import Landing
from journeys.archive.store import ArchiveStore, LandingStore
from journeys.events.model import Event, ExternalId, StoredEvent
from journeys.events.store import EventLog
from journeys.journey import rebuild as rebuilding
from journeys.journey.model import Step, new_generation, step_of
from journeys.journey.projection import count_steps
from journeys.journey.projector import Projector, read_step
from journeys.journey.store import JourneyStore
from journeys.journey.survey import Survey, read_event
from journeys.stream.redrive import RedriveOutcome
from journeys.stream.store import PREFIX, DiscardedStore
from tests.support.schedules import NOON, facts, facts_of
from tests.support.tables import Tables
from tools.operator import operate, repair
from tools.operator.archive_repair import Archive
from tools.operator.operate import redrive_all
from tools.operator.repair import Operator
from tools.operator.report import (
    ARCHIVE_DIFFERING,
    ARCHIVE_FOREIGN,
    ARCHIVE_MISSING,
    BUSY,
    EVENT_MISSING,
    ROW_MISSING,
    STEP_FOREIGN,
    STEP_MISTAKEN,
    SUMMARY_WRONG,
    UNREADABLE,
    Report,
    Scope,
)
from tools.progress import Bars
from tools.stack import Stack

ACME, GLOBEX = "acme", "globex"
ADA = keys.journey(ACME, "crm", "ada")


def event(number: int, customer: str = "ada", organization_id: str = ACME, **changes: Any) -> StoredEvent:
    values: dict[str, Any] = {
        "event": Event(f"event #{number}", NOON + 1000 * (number // 2), (ExternalId("crm", customer),), {"n": number}),
        "organization_id": organization_id,
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


class World:
    """A log and the journeys that were projected from it, and what an operator does about them."""

    def __init__(self, tables: Tables) -> None:
        self.tables = tables
        self.log = EventLog(tables.dynamodb, tables.events)
        self.journeys = JourneyStore(tables.dynamodb, tables.journeys)
        s3 = aws.s3()
        self.archive = Archive(
            ArchiveStore(tables.dynamodb, tables.registry, lambda: s3, "archive"),
            Landing(LandingStore(s3, "archive")),
        )
        self.operator = Operator(self.journeys, self.log, threads=1, readers_gone=0.0)

    def add(self, *events: StoredEvent, projected: bool = True) -> None:
        for one in events:
            self.log.put(one.to_item())
            if projected:
                journey_key, step = step_of(one)
                count_steps(self.journeys, journey_key, [step])

    def clear(self) -> None:
        for table in (self.tables.events, self.tables.journeys):
            for item in self.tables.items(table):
                key: Any = {name: item[name] for name in ("pk", "sk") if name in item}
                self.tables.dynamodb.delete_item(TableName=table, Key=key)

    def verify(self, scope: Scope | None = None, *, mend: bool = False, archive: bool = False) -> Report:
        report = Report(show=True)
        self.operator.verify(scope or Scope(), report, mend=mend, archive=self.archive if archive else None)
        return report

    def rebuild(self, scope: Scope | None = None) -> Report:
        report = Report()
        self.operator.rebuild(scope or Scope(), report)
        return report

    def items(self) -> list[dict[str, Any]]:
        return self.tables.items(self.tables.journeys)

    def change(self, item: dict[str, Any]) -> None:
        self.tables.dynamodb.put_item(TableName=self.tables.journeys, Item=item)

    def delete(self, pk: str, sk: str) -> None:
        self.tables.dynamodb.delete_item(TableName=self.tables.journeys, Key=keys.item(pk, sk))

    def live(self, journey_key: str) -> tuple[dict[str, object], list[tuple[str, str]]]:
        """What a reader is told: the summary's facts, and the rows."""
        summary = self.journeys.summary(journey_key)
        rows = self.journeys.steps(keys.steps(journey_key, summary.generation), ascending=True)
        return facts(summary.journey), [(one.key, one.slot) for one in rows]

    def assert_right(self, events: Sequence[StoredEvent]) -> None:
        """Every journey is that of these events, and there are no other rows."""
        by_customer: dict[str, list[Step]] = {}
        for journey_key, step in map(step_of, events):
            by_customer.setdefault(journey_key, []).append(step)
        for journey_key, steps in by_customer.items():
            assert self.live(journey_key) == (facts_of(steps), [(one.key, one.slot) for one in sorted(steps)])
        rows = [item for item in self.items() if item["sk"]["S"] != keys.SUMMARY]
        assert len(rows) == sum(map(len, by_customer.values()))


@pytest.fixture
def world(tables: Tables) -> World:
    return World(tables)


# -- what verify finds, one thing at a time ----------------------------------------------------------------------------


def _lost_row(world: World) -> None:
    world.delete(ADA, step_of(event(2))[1].key)


def _lost_summary(world: World) -> None:
    world.delete(ADA, keys.SUMMARY)


def _lost_both(world: World) -> None:
    for item in world.items():
        world.delete(item["pk"]["S"], item["sk"]["S"])


def _foreign_row(world: World) -> None:
    world.journeys.put_rows(ADA, [replace(step_of(event(3))[1], key=step_of(event(99))[1].key)])


def _foreign_customer(world: World) -> None:
    count_steps(world.journeys, keys.journey(ACME, "crm", "nobody"), [step_of(event(1))[1]])


def _mistaken_row(world: World) -> None:
    world.journeys.put_rows(ADA, [replace(step_of(event(2))[1], slot="t")])


def _wrong_summary(world: World) -> None:
    (item,) = [one for one in world.items() if one["sk"]["S"] == keys.SUMMARY]
    world.change(item | {"count": {"N": "7"}})


def _never_projected(world: World) -> None:
    world.add(event(6), event(7), projected=False)


def _crashed_before_the_row(world: World) -> None:
    world.delete(ADA, step_of(event(5))[1].key)  # the last one is pending still


@pytest.mark.parametrize(
    ("damage", "found"),
    [
        (_lost_row, {EVENT_MISSING: 1, SUMMARY_WRONG: 1}),
        (_lost_summary, {SUMMARY_WRONG: 1}),
        (_lost_both, {EVENT_MISSING: 6}),
        (_foreign_row, {STEP_FOREIGN: 1, SUMMARY_WRONG: 1}),
        (_foreign_customer, {STEP_FOREIGN: 1}),
        (_mistaken_row, {STEP_MISTAKEN: 1, SUMMARY_WRONG: 1}),
        (_wrong_summary, {SUMMARY_WRONG: 1}),
        (_never_projected, {EVENT_MISSING: 2}),
        (_crashed_before_the_row, {ROW_MISSING: 1}),
    ],
    ids=lambda value: value.__name__.strip("_") if callable(value) else "",
)
def test_each_kind_of_damage_is_found_counted_and_mended(
    world: World, damage: Callable[[World], None], found: dict[str, int]
) -> None:
    world.add(*map(event, range(6)))
    damage(world)
    report = world.verify()
    assert {kind: number for kind, number in report.found.items() if number} == found
    assert {kind: len(names) for kind, names in report.shown.items() if names} == found
    assert report.left == sum(found.values())
    mended = world.verify(mend=True)
    assert (mended.found, mended.left) == (report.found, 0)
    again = world.verify()
    assert (again.found.total(), again.left) == (0, 0)
    logged = [StoredEvent.from_item(item) for item in world.tables.items(world.tables.events)]
    world.assert_right(logged)


def test_an_event_that_no_journey_can_hold_is_reported_and_cannot_be_mended(world: World) -> None:
    world.add(event(1), event(2, slot="not one letter"), projected=False)
    world.add(event(1))
    report = world.verify(mend=True)
    assert (report.found[UNREADABLE], report.mended[UNREADABLE], report.left) == (1, 0, 1)
    assert report.shown[UNREADABLE] == [event(2).key]


def test_events_that_came_in_a_moment_ago_need_not_be_counted_yet(world: World) -> None:
    world.add(event(1))
    world.add(event(2, date_received=dates.now_ms()), projected=False)
    assert world.verify().left == 0
    assert world.rebuild().outcomes[rebuilding.RebuildOutcome.COUNTED] == 1  # to count it does no harm
    world.assert_right([event(1), event(2)])


def test_one_customer_or_organisation_is_mended_and_no_other_is_looked_at(world: World) -> None:
    others = [event(3, "bob"), event(2, "ada", GLOBEX)]
    world.add(event(1), event(2), *others, projected=False)
    assert world.rebuild(Scope(ACME, ADA)).journeys == 1
    assert {item["pk"]["S"] for item in world.items()} == {ADA}
    assert world.rebuild(Scope(ACME)).journeys == 2
    assert world.verify(Scope(ACME)).left == 0
    assert world.verify(Scope(GLOBEX)).found[EVENT_MISSING] == 1
    assert world.verify(Scope(ACME, keys.journey(ACME, "crm", "nobody"))).left == 0


def test_a_journey_of_thousands_is_built_in_one_step(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Too many to be pending in one item; so no summary counts some of them."""
    events = [event(number) for number in range(300)]
    world.add(*events, projected=False)
    seen: list[int] = []
    put = JourneyStore.put_summary

    def watched(store: JourneyStore, journey_key: str, summary: Any) -> None:
        seen.append(summary.journey.count)
        put(store, journey_key, summary)

    monkeypatch.setattr(JourneyStore, "put_summary", watched)
    assert world.rebuild().outcomes[rebuilding.RebuildOutcome.REBUILT] == 1
    assert seen == [300]
    world.assert_right(events)


# -- any log, any damage -----------------------------------------------------------------------------------------------


def _harm(world: World, random: Random) -> None:
    """Does something to the journeys' table."""
    items = world.items()
    if not items:
        return
    item = random.choice(items)
    pk, sk = item["pk"]["S"], item["sk"]["S"]
    journey_key, _ = keys.journey_and_generation(pk)
    match random.randrange(6):
        case 0 | 1:
            world.delete(pk, sk)
        case 2:
            for one in items:
                if one["pk"] == item["pk"]:
                    world.delete(pk, one["sk"]["S"])
        case 3 if sk == keys.SUMMARY:
            world.change(item | {"count": {"N": "0"}, "types": {"M": {}}, "pending": {"L": []}})
        case 4 if sk != keys.SUMMARY:
            world.change(item | {"slot": {"S": "t"}})
        case _:
            partition = keys.steps(journey_key, world.journeys.summary(journey_key).generation)
            world.journeys.put_rows(partition, [step_of(event(random.randrange(90, 99)))[1]])


@settings(max_examples=10)
@given(seed=st.integers(0, 2**32))
def test_whatever_the_log_and_the_damage_verify_finds_it_and_mend_repairs_it(tables: Tables, seed: int) -> None:
    random, world = Random(seed), World(tables)
    world.clear()
    names = [
        (random.choice(("ada", "bo#b", "ünal")), random.choice((ACME, GLOBEX))) for _ in range(random.randrange(12))
    ]
    events = [event(number, *name) for number, name in enumerate(names)]
    for one in events:
        world.add(one, projected=random.random() < 0.9)
    customers = {step_of(one)[0] for one in events}
    for _ in range(random.randrange(3)):
        world.rebuild(random.choice((Scope(), Scope(ACME))))
        _harm(world, random)

    def right() -> bool:
        steps = {key: [step for owner, step in map(step_of, events) if owner == key] for key in customers}
        return all(
            world.live(key) == (facts_of(steps[key]), [(one.key, one.slot) for one in sorted(steps[key])])
            for key in customers
        )

    was_right = right()
    assert (world.verify().left == 0) == was_right
    assert world.verify(mend=True).left == 0
    assert right()
    assert world.verify().left == 0
    assert not world.rebuild().outcomes.keys() - {rebuilding.RebuildOutcome.CORRECT}


# -- rows that nobody reads any more -----------------------------------------------------------------------------------


def test_rows_left_by_a_rebuild_that_was_broken_off_go_when_nobody_can_need_them(world: World) -> None:
    world.add(event(1), event(2))
    old, young = new_generation(dates.now_ms() - rebuilding.OBSOLETE_AFTER_MS - 1000), new_generation(dates.now_ms())
    for generation in (old, young):
        world.journeys.put_rows(keys.steps(ADA, generation), [step_of(event(1))[1]])
    report = world.verify()
    assert (report.left, report.left_over, report.swept) == (0, 1, 0)
    report = world.verify(mend=True)
    assert (report.left, report.left_over, report.swept) == (0, 1, 1)
    partitions = {item["pk"]["S"] for item in world.items()}
    assert partitions == {ADA, keys.steps(ADA, young)}  # which may be being built


def test_the_rows_before_stay_for_those_who_read_them(world: World) -> None:
    world.add(event(1), event(2))
    _wrong_summary(world)
    waited: list[float] = []
    operator = Operator(world.journeys, world.log, threads=1, readers_gone=0.2)

    def swept(_: Any, journey_key: str, generation: str) -> int:
        waited.append(0.0)
        assert generation == ""
        return 0

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(repair, "delete_generation", swept)
        patched.setattr(repair, "time", SimpleNamespace(monotonic=time.monotonic, sleep=waited.append))
        operator.rebuild(Scope(), Report())
    assert waited[0] > 0.1
    assert len(waited) == 2


# -- trouble -----------------------------------------------------------------------------------------------------------


class _Refusing:
    """A client that fails with an error at every n-th write."""

    def __init__(self, client: Any, every: int, code: str) -> None:
        self._client, self._left, self._every, self._code = client, every, every, code

    def __getattr__(self, operation: str) -> Any:
        def call(**request: Any) -> Any:
            if operation in ("put_item", "batch_write_item"):
                self._left -= 1
                if not self._left:
                    self._left = self._every
                    raise ClientError({"Error": {"Code": self._code}}, operation)
            return getattr(self._client, operation)(**request)

        return call


def test_a_throttled_journey_has_a_second_turn_and_is_told_when_that_fails_too(world: World, tables: Tables) -> None:
    events = [event(number, f"customer {number}") for number in range(6)]
    world.add(*events, projected=False)
    for every, left in ((1, 6), (5, 0)):
        client: Any = _Refusing(tables.dynamodb, every, "ThrottlingException")
        report = Report()
        operator = Operator(JourneyStore(client, tables.journeys), world.log, threads=1, readers_gone=0.0)
        operator.verify(Scope(), report, mend=True)
        assert (report.left, report.outcomes[BUSY]) == (left, left)


def test_what_is_not_allowed_ends_the_command_at_once(world: World, tables: Tables) -> None:
    world.add(event(1), projected=False)
    client: Any = _Refusing(tables.dynamodb, 1, "AccessDeniedException")
    with pytest.raises(ClientError):
        Operator(JourneyStore(client, tables.journeys), world.log, threads=2).rebuild(Scope(), Report())


@pytest.mark.parametrize("at", range(1, 9))
def test_a_rebuild_that_is_broken_off_anywhere_is_seen_by_nobody_and_may_be_done_again(
    world: World, tables: Tables, at: int
) -> None:
    events = [event(number) for number in range(5)]
    world.add(*events)
    _foreign_row(world)
    seen = world.live(ADA)
    client: Any = _Refusing(tables.dynamodb, at, "AccessDeniedException")
    try:
        Operator(JourneyStore(client, tables.journeys), world.log, threads=1, readers_gone=0.0).rebuild(
            Scope(), Report()
        )
    except ClientError:
        steps = sorted(step_of(one)[1] for one in events)
        assert world.live(ADA) in (seen, (facts_of(steps), [(one.key, one.slot) for one in steps]))
    world.rebuild()
    assert world.verify().left == 0


# -- reading the log ---------------------------------------------------------------------------------------------------


@given(
    customer=st.text(min_size=1, max_size=30),
    event_id=st.text(min_size=1, max_size=30),
    date=st.integers(0, 4_000_000_000_000),
)
def test_the_survey_reads_an_item_as_the_projector_does(customer: str, event_id: str, date: int) -> None:
    try:
        (customer + event_id).encode()
    except UnicodeEncodeError:
        return
    made = event(1, event=Event(event_id, date, (ExternalId("cr#m", customer),), {}))
    new = read_step(StoredEvent.from_item(made.to_item()))
    journey_key, step, received = read_event(made.to_item())
    assert (journey_key, step, step.slot) == (new.journey_key, new.step, new.step.slot)
    assert (journey_key, step) == step_of(made)
    assert received == made.date_received


def test_a_survey_gives_back_what_it_was_given_customer_by_customer(tmp_path: Path) -> None:
    survey = Survey(tmp_path)
    events = [event(number, f"customer {number % 50}") for number in range(500)]
    survey.add_events(one.to_item() for one in events)
    survey.add_events([{"pk": {"S": "no event"}}])
    found = {customer.journey_key: customer for part in survey.parts() for customer in part}
    survey.close()
    assert survey.unreadable == ["no event"]
    assert len(found) == 50
    assert {(key, step) for key, one in found.items() for step in one.events.values()} == set(map(step_of, events))


# -- the archive -------------------------------------------------------------------------------------------------------


@pytest.fixture
def archived(world: World) -> World:
    """Six events in log, journeys and archive, of which the last landed alone."""
    events = [event(number, date_received=NOON + number) for number in range(6)]
    world.add(*events)
    for some in (events[:5], events[4:]):
        assert world.archive.landing.land([_record(one) for one in some]) == []
    return world


def _record(stored: StoredEvent) -> dict[str, Any]:
    return {
        "eventName": "INSERT",
        "dynamodb": {"NewImage": stored.to_item(), "SequenceNumber": f"{stored.date_received:021d}"},
    }


def test_an_archive_with_repeats_is_right(archived: World) -> None:
    assert archived.verify(archive=True).found.total() == 0


def test_events_missing_from_the_archive_are_found_and_landed(archived: World) -> None:
    archived.add(event(6, date_received=NOON + 6), event(7, "bob", GLOBEX), event(8, date_received=dates.now_ms()))
    report = archived.verify(archive=True)
    assert (report.found[ARCHIVE_MISSING], report.left) == (2, 2)
    assert sorted(report.shown[ARCHIVE_MISSING]) == sorted([event(6).key, event(7, "bob", GLOBEX).key])
    assert archived.verify(Scope(ACME), archive=True).found[ARCHIVE_MISSING] == 1
    assert archived.verify(archive=True, mend=True).left == 0
    assert archived.verify(archive=True).found.total() == 0


def test_what_should_not_be_in_the_archive_is_reported_and_left(archived: World) -> None:
    archived.archive.landing.land([_record(event(60)), _record(event(61, "bob", GLOBEX))])
    other = event(62)
    archived.add(other)
    changed = replace(other, event=replace(other.event, attributes={"n": 0}))
    archived.archive.landing.land([_record(changed)])
    report = archived.verify(archive=True, mend=True)
    assert (report.found[ARCHIVE_FOREIGN], report.found[ARCHIVE_DIFFERING], report.left) == (2, 1, 3)
    assert report.shown[ARCHIVE_DIFFERING] == [other.key]


# -- what Lambda gave up -----------------------------------------------------------------------------------------------


def _give_up(world: World, name: str, body: Any, function: str = "the-projector") -> str:
    key = f"{PREFIX}4f2a/shardId-1/2026/11/23/{name}"
    record = {
        "requestContext": {"functionArn": f"arn:aws:lambda:us-east-1:123456789012:function:{function}"},
        "version": "1.0",
        "DDBStreamBatchInfo": {"batchSize": 1},
    }
    aws.s3().put_object(Bucket="archive", Key=key, Body=json.dumps(record | body).encode())
    return key


@pytest.mark.parametrize("as_text", [True, False], ids=["a text of JSON", "JSON"])
def test_batches_that_were_given_up_are_taken_in_and_removed(world: World, as_text: bool) -> None:
    store = DiscardedStore(aws.s3(), "archive")
    taken: list[Any] = []

    def project(records: Sequence[Any]) -> list[str]:
        taken.extend(records)
        return [one["dynamodb"]["SequenceNumber"] for one in records if one["dynamodb"]["SequenceNumber"] == "busy"]

    def payload(*records: Any) -> Any:
        event = {"Records": list(records)}
        return {"payload": json.dumps(event) if as_text else event}

    busy = _record(event(3))
    busy["dynamodb"]["SequenceNumber"] = "busy"
    _give_up(world, "a", payload(_record(event(1)), _record(event(2))))
    left = {
        _give_up(world, "b", payload(_record(event(1)), busy)),
        _give_up(world, "c", payload(_record(event(1))), function="another"),
        _give_up(world, "d", {}),
        _give_up(world, "e", {"payload": "not JSON"}),
    }
    batches, records = redrive_all(store, {"the-projector": project}, Bars())
    assert batches == {
        RedriveOutcome.DONE: 1,
        RedriveOutcome.TO_RETRY: 1,
        RedriveOutcome.UNKNOWN_FUNCTION: 1,
        RedriveOutcome.UNREADABLE: 2,
    }
    assert records == {
        RedriveOutcome.DONE: 2,
        RedriveOutcome.TO_RETRY: 2,
        RedriveOutcome.UNKNOWN_FUNCTION: 1,
        RedriveOutcome.UNREADABLE: 0,
    }
    assert set(store.keys()) == left
    assert taken[:2] == [_record(event(1)), _record(event(2))]


# -- as a command ------------------------------------------------------------------------------------------------------


@pytest.fixture
def run(world: World, tables: Tables, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Any:
    """Runs the command; answers with its status, what it printed, and what it complained of."""
    stack = Stack("test", None)
    vars(stack)["outputs"] = {
        "ArchiveBucketName": "archive",
        "EventsTableName": tables.events,
        "JourneysTableName": tables.journeys,
        "FailuresTableName": tables.failures,
        "RegistryTableName": tables.registry,
    }
    monkeypatch.setattr(operate, "Stack", lambda *_: stack)
    monkeypatch.setattr(repair, "READERS_GONE", 0.0)
    monkeypatch.setattr(operate.Parts, "consumers", lambda parts: {
        "the-projector": Projector(parts.journeys, parts.failures).project,
        "the-landing": parts.landing.land,
    })  # fmt: skip

    def main(*arguments: str) -> tuple[int, str, str]:
        status = operate.main(arguments)
        printed = capsys.readouterr()
        return status, printed.out, printed.err

    return main


def test_the_command_finds_mends_and_shows_no_customer_unless_asked(run: Any, world: World) -> None:
    world.add(event(1, "secret customer"), projected=False)
    status, printed, complaint = run("verify", "--journeys-only")
    assert (status, "secret" in printed + complaint) == (1, False)
    assert f"{EVENT_MISSING}" in printed
    status, printed, _ = run("verify", "--show", "--journeys-only")
    assert (status, "secret customer" in printed) == (1, True)
    assert run("verify")[0] == 1  # the archive lacks it as well
    assert run("verify", "--mend")[0] == 0
    assert run("verify")[0] == 0
    assert run("rebuild", "--organization", ACME, "--source", "crm", "--customer", "secret customer")[0] == 0


def test_the_command_redrives_both_readers_of_the_stream(run: Any, world: World) -> None:
    world.add(event(1), projected=False)
    for function in ("the-projector", "the-landing"):
        _give_up(world, function, {"payload": {"Records": [_record(event(1))]}}, function)
    status, printed, _ = run("redrive")
    assert (status, list(DiscardedStore(aws.s3(), "archive").keys())) == (0, [])
    assert "{" not in printed  # no metrics of the functions' code among it
    world.assert_right([event(1)])
    assert run("verify")[0] == 0
    _give_up(world, "x", {}, "the-landing")
    assert run("redrive")[0] == 1


def test_a_customer_is_named_whole_or_not_at_all(run: Any) -> None:
    with pytest.raises(SystemExit) as caught:
        run("rebuild", "--customer", "ada")
    assert caught.value.code == 2


@pytest.mark.parametrize(
    ("trouble", "told"),
    [
        (ClientError({"Error": {"Code": "AccessDeniedException"}}, "Scan"), "AWS refused Scan: AccessDeniedException"),
        (KeyboardInterrupt(), "Interrupted. Run it again"),
        (EndpointConnectionError(endpoint_url="x"), "The stack journeys does not answer (EndpointConnectionError)"),
    ],
    ids=["refused", "interrupted", "no answer"],
)
def test_trouble_is_one_sentence_and_status_2(
    run: Any, world: World, monkeypatch: pytest.MonkeyPatch, trouble: BaseException, told: str
) -> None:
    def fails(*_: Any, **__: Any) -> None:
        raise trouble

    world.add(event(1), projected=False)
    monkeypatch.setattr(Operator, "_rebuild", fails)
    if isinstance(trouble, EndpointConnectionError):
        monkeypatch.setattr(Operator, "_scan", fails)
    status, printed, complaint = run("rebuild")
    assert (status, "Journeys" in printed) == (2, not isinstance(trouble, EndpointConnectionError))
    assert told in complaint
    assert "Traceback" not in complaint
