"""`journeys verify`, `rebuild` and `redrive`: what they find, and what they repair."""

import json
import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from random import Random
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError
from click.testing import Result
from hypothesis import given, settings
from hypothesis import strategies as st

from journeys import aws, dates, keys
from journeys.archive.landing import Landing
from journeys.archive.store import ArchiveStore, LandingStore
from journeys.events.model import Event, ExternalId, StoredEvent
from journeys.events.store import EventLog
from journeys.identity.linker import Linker
from journeys.identity.store import LinkStore
from journeys.journey import rebuild as rebuilding
from journeys.journey.model import Step, new_generation, step_of
from journeys.journey.projection import count_steps
from journeys.journey.projector import Projector, read_step
from journeys.journey.store import JourneyStore
from journeys.journey.survey import Survey, read_event
from journeys.registry.clients.store import ClientStore
from journeys.stream.redrive import RedriveOutcome
from journeys.stream.store import PREFIX, DiscardedStore
from tests.support.cli import run_journeys
from tests.support.schedules import NOON, facts, facts_of
from tests.support.tables import Tables
from tests.support.template import resources
from tools.commands import options
from tools.errors import ToolError
from tools.operator import repair
from tools.operator.archive_repair import ArchiveRepair
from tools.operator.redrive import redrive_all
from tools.operator.repair import JourneyRepair
from tools.operator.report import (
    ARCHIVE_DIFFERING,
    ARCHIVE_MISSING,
    ARCHIVE_ORPHANED,
    BUSY,
    EVENT_MISSING,
    ROW_MISSING,
    STEP_ORPHANED,
    STEP_WRONG_TYPE,
    SUMMARY_WRONG,
    UNREADABLE,
    RepairReport,
    RepairScope,
)
from tools.operator.stores import OperatorStores
from tools.progress import ProgressBars
from tools.stack import Stack

ACME, GLOBEX = "acme", "globex"
DEAD_LETTERS = {"webhook deliveries": "deliveries", "native events": "native", "compactions": "compactions"}
"""The queues whose dead letters `journeys redrive` sends again, by what their messages stand for."""
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
    """A log, the journeys that were projected from it, and the commands that verify and rebuild them."""

    def __init__(self, tables: Tables) -> None:
        self.tables = tables
        self.log = EventLog(tables.dynamodb, tables.events)
        self.journeys = JourneyStore(tables.dynamodb, tables.journeys)
        self.links = LinkStore(tables.dynamodb, tables.links)
        s3 = aws.s3()
        self.archive = ArchiveRepair(
            ArchiveStore(tables.dynamodb, tables.registry, lambda: s3, "archive"),
            Landing(LandingStore(s3, "archive")),
        )
        self.repair = JourneyRepair(self.journeys, self.links, self.log, threads=1, reader_seconds=0.0)

    def add(self, *events: StoredEvent, projected: bool = True) -> None:
        for one in events:
            self.log.put(one.to_item())
            if projected:
                journey_key, step = step_of(one)
                count_steps(self.journeys, journey_key, [step])
                Linker(self.links).link(one.organization_id, [one])

    def clear(self) -> None:
        for table in (self.tables.events, self.tables.journeys, self.tables.links):
            for item in self.tables.items(table):
                key: Any = {name: item[name] for name in ("pk", "sk") if name in item}
                self.tables.dynamodb.delete_item(TableName=table, Key=key)

    def verify(self, scope: RepairScope | None = None, *, repair: bool = False, archive: bool = False) -> RepairReport:
        report = RepairReport(show=True)
        self.repair.verify(scope or RepairScope(), report, repair=repair, archive=self.archive if archive else None)
        return report

    def rebuild(self, scope: RepairScope | None = None) -> RepairReport:
        report = RepairReport()
        self.repair.rebuild_journeys(scope or RepairScope(), report)
        return report

    def items(self) -> list[dict[str, Any]]:
        return self.tables.items(self.tables.journeys)

    def change(self, item: dict[str, Any]) -> None:
        self.tables.dynamodb.put_item(TableName=self.tables.journeys, Item=item)

    def delete(self, pk: str, sk: str) -> None:
        self.tables.dynamodb.delete_item(TableName=self.tables.journeys, Key=keys.item(pk, sk))

    def live(self, journey_key: str) -> tuple[dict[str, object], list[tuple[str, str]]]:
        """The journey as a reader sees it: the summary's facts, and the rows."""
        summary = self.journeys.summary(journey_key)
        rows = self.journeys.steps(keys.steps(journey_key, summary.generation), ascending=True)
        return facts(summary.journey), [(one.key, one.slot) for one in rows]

    def assert_right(self, events: Sequence[StoredEvent]) -> None:
        """Asserts that every journey is correct for these events, and that there are no other rows."""
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
        (_foreign_row, {STEP_ORPHANED: 1, SUMMARY_WRONG: 1}),
        (_foreign_customer, {STEP_ORPHANED: 1}),
        (_mistaken_row, {STEP_WRONG_TYPE: 1, SUMMARY_WRONG: 1}),
        (_wrong_summary, {SUMMARY_WRONG: 1}),
        (_never_projected, {EVENT_MISSING: 2}),
        (_crashed_before_the_row, {ROW_MISSING: 1}),
    ],
    ids=lambda value: value.__name__.strip("_") if callable(value) else "",
)
def test_each_kind_of_damage_is_found_counted_and_repaired(
    world: World, damage: Callable[[World], None], found: dict[str, int]
) -> None:
    world.add(*map(event, range(6)))
    damage(world)
    report = world.verify()
    assert {kind: number for kind, number in report.differences.items() if number} == found
    assert {kind: len(names) for kind, names in report.keys.items() if names} == found
    assert report.remaining == sum(found.values())
    repaired = world.verify(repair=True)
    assert (repaired.differences, repaired.remaining) == (report.differences, 0)
    after = world.verify()
    assert (after.differences.total(), after.remaining) == (0, 0)
    logged = [StoredEvent.from_item(item) for item in world.tables.items(world.tables.events)]
    world.assert_right(logged)


def test_an_unreadable_event_is_reported_and_cannot_be_repaired(world: World) -> None:
    world.add(event(1), event(2, slot="not one letter"), projected=False)
    world.add(event(1))
    report = world.verify(repair=True)
    assert (report.differences[UNREADABLE], report.repaired[UNREADABLE], report.remaining) == (1, 0, 1)
    assert report.keys[UNREADABLE] == [event(2).key]


def test_verify_ignores_events_in_flight_and_rebuild_counts_them(world: World) -> None:
    world.add(event(1))
    world.add(event(2, date_received=dates.now_ms()), projected=False)
    assert world.verify().remaining == 0
    assert world.rebuild().outcomes[rebuilding.RebuildOutcome.COUNTED] == 1
    world.assert_right([event(1), event(2)])


def test_a_scope_of_one_customer_or_organization_leaves_others_unchanged(world: World) -> None:
    others = [event(3, "bob"), event(2, "ada", GLOBEX)]
    world.add(event(1), event(2), *others, projected=False)
    assert world.rebuild(RepairScope(ACME, ADA)).journeys == 1
    assert {item["pk"]["S"] for item in world.items()} == {ADA}
    assert world.rebuild(RepairScope(ACME)).journeys == 2
    assert world.verify(RepairScope(ACME)).remaining == 0
    assert world.verify(RepairScope(GLOBEX)).differences[EVENT_MISSING] == 1


def test_a_customer_without_events_and_journey_is_unknown(world: World) -> None:
    world.add(event(1))
    unknown = RepairScope(ACME, keys.journey(ACME, "crm", "nobody"))
    for command in (world.verify, world.rebuild):
        with pytest.raises(ToolError, match="no such customer"):
            command(unknown)


def test_a_customer_with_a_journey_and_without_events_is_repaired(world: World) -> None:
    _foreign_customer(world)
    orphaned = RepairScope(ACME, keys.journey(ACME, "crm", "nobody"))
    assert world.verify(orphaned).remaining > 0
    assert world.verify(orphaned, repair=True).remaining == 0


def test_a_journey_of_many_events_is_rebuilt_in_one_step(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """They do not fit into one item as pending steps; no summary counts only some of them."""
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
    """Damages the journeys' table at random."""
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
def test_verify_finds_and_repairs_random_damage_to_random_journeys(tables: Tables, seed: int) -> None:
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
        world.rebuild(random.choice((RepairScope(), RepairScope(ACME))))
        _harm(world, random)

    def right() -> bool:
        steps = {key: [step for owner, step in map(step_of, events) if owner == key] for key in customers}
        return all(
            world.live(key) == (facts_of(steps[key]), [(one.key, one.slot) for one in sorted(steps[key])])
            for key in customers
        )

    was_right = right()
    assert (world.verify().remaining == 0) == was_right
    assert world.verify(repair=True).remaining == 0
    assert right()
    assert world.verify().remaining == 0
    assert not world.rebuild().outcomes.keys() - {rebuilding.RebuildOutcome.CORRECT}


# -- obsolete rows -----------------------------------------------------------------------------------------------------


def test_rows_of_an_interrupted_rebuild_are_deleted_after_an_hour(world: World) -> None:
    world.add(event(1), event(2))
    old, young = new_generation(dates.now_ms() - rebuilding.OBSOLETE_AFTER_MS - 1000), new_generation(dates.now_ms())
    for generation in (old, young):
        world.journeys.put_rows(keys.steps(ADA, generation), [step_of(event(1))[1]])
    report = world.verify()
    assert (report.remaining, report.obsolete_rows, report.deleted_rows) == (0, 1, 0)
    report = world.verify(repair=True)
    assert (report.remaining, report.obsolete_rows, report.deleted_rows) == (0, 1, 1)
    partitions = {item["pk"]["S"] for item in world.items()}
    assert partitions == {ADA, keys.steps(ADA, young)}  # which may be being built


def test_replaced_rows_are_kept_while_requests_may_read_them(world: World) -> None:
    world.add(event(1), event(2))
    _wrong_summary(world)
    waited: list[float] = []
    repairer = JourneyRepair(world.journeys, world.links, world.log, threads=1, reader_seconds=0.2)

    def swept(_: Any, journey_key: str, generation: str) -> int:
        waited.append(0.0)
        assert generation == ""
        return 0

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(repair, "delete_generation", swept)
        patched.setattr(repair, "time", SimpleNamespace(monotonic=lambda: 5.0, sleep=waited.append))
        repairer.rebuild_journeys(RepairScope(), RepairReport())
    assert waited == [pytest.approx(0.2), 0.0]


# -- errors ------------------------------------------------------------------------------------------------------------


class _Refusing:
    """A client whose every n-th write fails."""

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


def test_a_journey_that_is_throttled_twice_is_reported_as_busy(world: World, tables: Tables) -> None:
    events = [event(number, f"customer {number}") for number in range(6)]
    world.add(*events, projected=False)
    for every, left in ((1, 6), (5, 0)):
        client: Any = _Refusing(tables.dynamodb, every, "ThrottlingException")
        report = RepairReport()
        repairer = JourneyRepair(
            JourneyStore(client, tables.journeys), world.links, world.log, threads=1, reader_seconds=0.0
        )
        repairer.verify(RepairScope(), report, repair=True)
        assert (report.remaining, report.outcomes[BUSY]) == (left, left)


def test_access_denied_ends_the_command_at_once(world: World, tables: Tables) -> None:
    world.add(event(1), projected=False)
    client: Any = _Refusing(tables.dynamodb, 1, "AccessDeniedException")
    with pytest.raises(ClientError):
        JourneyRepair(JourneyStore(client, tables.journeys), world.links, world.log, threads=2).rebuild_journeys(
            RepairScope(), RepairReport()
        )


@pytest.mark.parametrize("at", range(1, 9))
def test_an_interrupted_rebuild_is_invisible_to_readers_and_can_be_repeated(
    world: World, tables: Tables, at: int
) -> None:
    events = [event(number) for number in range(5)]
    world.add(*events)
    _foreign_row(world)
    seen = world.live(ADA)
    client: Any = _Refusing(tables.dynamodb, at, "AccessDeniedException")
    try:
        JourneyRepair(
            JourneyStore(client, tables.journeys), world.links, world.log, threads=1, reader_seconds=0.0
        ).rebuild_journeys(RepairScope(), RepairReport())
    except ClientError:
        steps = sorted(step_of(one)[1] for one in events)
        assert world.live(ADA) in (seen, (facts_of(steps), [(one.key, one.slot) for one in steps]))
    world.rebuild()
    assert world.verify().remaining == 0


# -- reading the log ---------------------------------------------------------------------------------------------------


@given(
    customer=st.text(min_size=1, max_size=30),
    event_id=st.text(min_size=1, max_size=30),
    date=st.integers(0, 4_000_000_000_000),
)
def test_the_survey_reads_an_item_like_the_projector(customer: str, event_id: str, date: int) -> None:
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


def test_a_survey_returns_the_events_by_customer(tmp_path: Path) -> None:
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
    """Six events in log, journeys and archive; one of them was archived twice."""
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


def test_an_event_that_landed_twice_is_no_difference(archived: World) -> None:
    assert archived.verify(archive=True).differences.total() == 0


def test_events_missing_from_the_archive_are_found_and_archived(archived: World) -> None:
    archived.add(event(6, date_received=NOON + 6), event(7, "bob", GLOBEX), event(8, date_received=dates.now_ms()))
    report = archived.verify(archive=True)
    assert (report.differences[ARCHIVE_MISSING], report.remaining) == (2, 2)
    assert sorted(report.keys[ARCHIVE_MISSING]) == sorted([event(6).key, event(7, "bob", GLOBEX).key])
    assert archived.verify(RepairScope(ACME), archive=True).differences[ARCHIVE_MISSING] == 1
    assert archived.verify(archive=True, repair=True).remaining == 0
    assert archived.verify(archive=True).differences.total() == 0


def test_orphaned_and_differing_archived_events_are_reported_and_left_unchanged(archived: World) -> None:
    archived.archive.landing.land([_record(event(60)), _record(event(61, "bob", GLOBEX))])
    other = event(62)
    archived.add(other)
    changed = replace(other, event=replace(other.event, attributes={"n": 0}))
    archived.archive.landing.land([_record(changed)])
    report = archived.verify(archive=True, repair=True)
    assert (report.differences[ARCHIVE_ORPHANED], report.differences[ARCHIVE_DIFFERING], report.remaining) == (2, 1, 3)
    assert report.keys[ARCHIVE_DIFFERING] == [other.key]


# -- discarded batches -------------------------------------------------------------------------------------------------


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
def test_discarded_batches_are_processed_and_deleted(world: World, as_text: bool) -> None:
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
    batches, records = redrive_all(store, {"the-projector": project}, ProgressBars())
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


# -- the commands ------------------------------------------------------------------------------------------------------


@pytest.fixture
def run(world: World, tables: Tables, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """Runs a command on a stack in moto that has the organization acme."""
    stack = Stack("test", None)
    vars(stack)["outputs"] = {
        "UserPoolId": "us-east-1_users",
        "PeoplePoolId": "us-east-1_people",
        "ArchiveBucketName": "archive",
        "EventsTableName": tables.events,
        "JourneysTableName": tables.journeys,
        "LinksTableName": tables.links,
        "FailuresTableName": tables.failures,
        "RegistryTableName": tables.registry,
    }
    ClientStore(tables.dynamodb, tables.registry).put_organization(ACME, "Acme")
    monkeypatch.setattr(options, "open_stack", lambda _: stack)
    monkeypatch.setattr(repair, "READER_SECONDS", 0.0)
    monkeypatch.setattr(OperatorStores, "consumers", lambda stores: {
        "the-projector": Projector(stores.journeys, stores.links, stores.failures).project,
        "the-landing": stores.landing.land,
    })  # fmt: skip
    urls = {
        label: (aws.sqs().create_queue(QueueName=f"dead-{name}")["QueueUrl"], os.environ[f"{name.upper()}_QUEUE_URL"])
        for label, name in DEAD_LETTERS.items()
    }
    monkeypatch.setattr(OperatorStores, "queues", lambda _: urls)
    return run_journeys


def test_redrive_knows_every_queue_of_dead_letters_but_that_of_jobs() -> None:
    """A job whose message is lost is queued again by the timer."""
    named = {name.removesuffix("DeadLetterQueue") for name in resources("AWS::SQS::Queue") if "DeadLetter" in name}
    assert {name.capitalize() for name in DEAD_LETTERS.values()} == named - {"Jobs"}


def test_verify_finds_repairs_and_shows_no_customer_unless_asked(run: Callable[..., Result], world: World) -> None:
    world.add(event(1, "secret customer"), projected=False)
    result = run("verify", "--journeys-only")
    assert (result.exit_code, "secret" in result.output) == (1, False)
    assert EVENT_MISSING in result.stdout
    result = run("verify", "--show", "--journeys-only")
    assert (result.exit_code, "secret customer" in result.stdout) == (1, True)
    assert run("verify").exit_code == 1  # the archive lacks the event as well
    assert run("verify", "--repair").exit_code == 0
    assert run("verify").exit_code == 0
    customer = ("--organization", ACME, "--source", "crm", "--customer", "secret customer")
    assert run("rebuild", *customer).exit_code == 0


def test_native_events_are_verified_and_repaired_as_others(run: Callable[..., Result], world: World) -> None:
    """Their configuration has no row in the registry."""
    native: dict[str, Any] = {"configuration_id": "native", "schema_id": "native-acw", "slot": "K", "source": "genesys"}
    world.add(event(1), event(2, **native))
    world.add(event(3, **native), projected=False)
    assert run("verify").exit_code == 1  # a journey and the archive lack events
    assert run("verify", "--repair").exit_code == 0
    assert run("verify").exit_code == 0
    assert run("rebuild", "--organization", ACME).exit_code == 0
    world.assert_right([event(1), event(2, **native), event(3, **native)])
    assert run("archive", "backfill").exit_code == 0
    assert run("verify").exit_code == 0


def test_redrive_processes_the_batches_of_both_stream_consumers(run: Callable[..., Result], world: World) -> None:
    world.add(event(1), projected=False)
    for function in ("the-projector", "the-landing"):
        _give_up(world, function, {"payload": {"Records": [_record(event(1))]}}, function)
    result = run("redrive")
    assert (result.exit_code, list(DiscardedStore(aws.s3(), "archive").keys())) == (0, [])
    assert "{" not in result.stdout  # the metrics of the functions' code are hidden
    world.assert_right([event(1)])
    assert run("verify").exit_code == 0
    _give_up(world, "x", {}, "the-landing")
    assert run("redrive").exit_code == 1


@pytest.mark.parametrize(("label", "name"), DEAD_LETTERS.items())
def test_redrive_sends_every_dead_letter_to_its_queue_again(run: Callable[..., Result], name: str, label: str) -> None:
    sqs, queue = aws.sqs(), os.environ[f"{name.upper()}_QUEUE_URL"]
    dead_letters = sqs.get_queue_url(QueueName=f"dead-{name}")["QueueUrl"]
    bodies = {f'{{"key": "{number}"}}' for number in range(23)}
    for body in bodies:
        sqs.send_message(QueueUrl=dead_letters, MessageBody=body)
    result = run("redrive")
    assert (result.exit_code, f"23 {label}" in result.stdout) == (0, True)
    queued: list[str] = []
    while found := sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages"):
        queued += [message["Body"] for message in found]
    assert (len(queued), set(queued)) == (23, bodies)
    sqs.purge_queue(QueueUrl=queue)
    assert f"0 {label}" in run("redrive").stdout


@pytest.mark.parametrize("arguments", [["--customer", "ada"], ["--organization", ACME, "--source", "crm"]])
def test_a_customer_needs_organization_source_and_value(run: Callable[..., Result], arguments: list[str]) -> None:
    result = run("rebuild", *arguments)
    assert result.exit_code == 2
    assert "use --organization, --source and --customer together" in result.stderr


@pytest.mark.parametrize("command", ["verify", "rebuild"])
def test_an_unknown_organization_or_customer_is_an_error_with_status_1(
    run: Callable[..., Result], world: World, command: str
) -> None:
    world.add(event(1))
    result = run(command, "--organization", "nobody")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "There is no organization nobody." in result.stderr
    result = run(command, "--organization", ACME, "--source", "crm", "--customer", "nobody")
    assert result.exit_code == 1
    assert "There is no such customer" in result.stderr


@pytest.mark.parametrize(
    ("error", "status", "message"),
    [
        (
            ClientError({"Error": {"Code": "AccessDeniedException"}}, "Scan"),
            2,
            "AWS refused Scan (Access",
        ),
        (KeyboardInterrupt(), 130, "Interrupted. You can run the command again."),
        (EndpointConnectionError(endpoint_url="x"), 2, "AWS does not respond (EndpointConnectionError)"),
    ],
    ids=["refused", "interrupted", "no response"],
)
def test_an_error_is_one_line_after_the_report_so_far(
    run: Callable[..., Result],
    world: World,
    monkeypatch: pytest.MonkeyPatch,
    error: BaseException,
    status: int,
    message: str,
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise error

    world.add(event(1), projected=False)
    monkeypatch.setattr(JourneyRepair, "_rebuild", fail)
    if isinstance(error, EndpointConnectionError):
        monkeypatch.setattr(JourneyRepair, "scan", fail)
    result = run("rebuild")
    assert (result.exit_code, "Journeys" in result.stdout) == (status, not isinstance(error, EndpointConnectionError))
    assert message in result.stderr
    assert "Traceback" not in result.output
