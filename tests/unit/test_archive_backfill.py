"""`journeys archive backfill` and `compact`."""

import io
from typing import Any

import pytest
from rich.console import Console
from rich.progress import Progress

from journeys import aws
from journeys.archive.landing import Landing
from journeys.archive.store import LandingStore
from journeys.registry.clients.store import ClientStore
from tests.support.archive import BUCKET, DAY, NOON, ORGANIZATION, Archive, Watch, Watched, event, names
from tests.support.cli import run_journeys
from tests.support.tables import Tables
from tools.commands import options
from tools.operator.backfill import Backfill, NotLanded
from tools.progress import ProgressBars
from tools.stack import Stack

EVENTS = [event(number, f"customer {number % 7}", date_received=NOON + (number % 3) * DAY) for number in range(60)]


@pytest.fixture
def log(tables: Tables) -> Tables:
    """A log with events of three days, and one event of another organization."""
    for one in (*EVENTS, event(1, organization_id="other")):
        tables.dynamodb.put_item(TableName=tables.events, Item=one.to_item())
    return tables


def _backfill(tables: Tables, held: int = 1000, landing: Landing | None = None) -> Backfill:
    landing = landing or Landing(LandingStore(aws.s3(), BUCKET))
    return Backfill(tables.dynamodb, tables.events, landing, segments=2, events_in_memory=held)


@pytest.mark.parametrize("held", [2, 20, 1000])
def test_a_backfill_archives_every_event_with_any_limit_of_memory(log: Tables, held: int) -> None:
    report = _backfill(log, held).run()
    assert (dict(report.landed), report.refused) == ({ORGANIZATION: 60, "other": 1}, 0)
    archive = Archive.of(log)
    assert archive.read() == names(EVENTS)
    assert len(archive.read("other")) == 1
    if held == 1000:
        assert len(archive.objects("landed")) <= 6  # a segment's events of a day are one file


def test_a_backfill_can_be_repeated_over_landed_and_compacted_events(log: Tables) -> None:
    archive = Archive.of(log)
    archive.land(*EVENTS[:30])
    archive.compact()
    for held in (1000, 10, 1000):
        _backfill(log, held).run()
        assert archive.read() == names(EVENTS)
    archive.compact()
    assert archive.read() == names(EVENTS)


def test_an_interrupted_backfill_can_be_repeated(log: Tables) -> None:
    def interrupt() -> None:
        raise KeyboardInterrupt

    s3: Any = Watched(aws.s3(), Watch(3, interrupt))
    with pytest.raises(KeyboardInterrupt):
        _backfill(log, 10, Landing(LandingStore(s3, BUCKET))).run()
    archive = Archive.of(log)
    landed = archive.read()
    assert 0 < len(landed) < 60
    assert set(landed) < set(names(EVENTS))
    _backfill(log, 10).run()
    assert archive.read() == names(EVENTS)


def test_a_missing_bucket_is_an_error(log: Tables) -> None:
    with pytest.raises(NotLanded):
        _backfill(log, landing=Landing(LandingStore(aws.s3(), "no-such-bucket"))).run()


def test_items_that_are_not_events_are_counted(log: Tables) -> None:
    log.dynamodb.put_item(TableName=log.events, Item={"pk": {"S": "something"}})
    progress = Progress(console=Console(file=io.StringIO()))
    report = _backfill(log).run(ProgressBars(progress))
    assert report.refused == 1
    assert Archive.of(log).read() == names(EVENTS)
    (task,) = progress.tasks
    assert (task.completed, task.total) == (61, 61)


# -- the commands ------------------------------------------------------------------------------------------------------


@pytest.fixture
def stack(log: Tables, monkeypatch: pytest.MonkeyPatch) -> Stack:
    """A stack in moto, with the log."""
    stack = Stack("test", None)
    vars(stack)["outputs"] = {
        "UserPoolId": "us-east-1_users",
        "PeoplePoolId": "us-east-1_people",
        "ArchiveBucketName": BUCKET,
        "EventsTableName": log.events,
        "FailuresTableName": log.failures,
        "JourneysTableName": log.journeys,
        "LinksTableName": log.links,
        "RegistryTableName": log.registry,
    }
    ClientStore(log.dynamodb, log.registry).put_organization(ORGANIZATION, "Acme")
    monkeypatch.setattr(options, "open_stack", lambda _: stack)
    return stack


@pytest.mark.usefixtures("stack")
def test_the_commands_fill_and_compact_the_archive(log: Tables) -> None:
    result = run_journeys("archive", "backfill", "--segments", "1")
    assert (result.exit_code, result.stdout) == (0, "acme  60 events\nother  1 events\n")
    result = run_journeys("archive", "compact", "--organization", ORGANIZATION)
    assert (result.exit_code, result.stdout.count("20 events")) == (0, 3)
    archive = Archive.of(log)
    assert archive.store.snapshot(ORGANIZATION).landed == ()
    assert archive.read() == names(EVENTS)
    assert archive.store.snapshot("other").landed
    assert run_journeys("archive", "compact").exit_code == 0
    assert not archive.store.snapshot("other").landed


@pytest.mark.usefixtures("stack")
def test_an_unknown_organization_is_an_error_with_status_1() -> None:
    result = run_journeys("archive", "compact", "--organization", "nobody")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "There is no organization nobody." in result.stderr


def test_a_missing_bucket_is_named_in_one_sentence(stack: Stack) -> None:
    stack.outputs["ArchiveBucketName"] = "no-such-bucket"
    result = run_journeys("archive", "backfill")
    assert result.exit_code == 1
    assert "Events could not be archived" in result.stderr


@pytest.mark.usefixtures("stack")
def test_invalid_items_give_status_1(log: Tables) -> None:
    log.dynamodb.put_item(TableName=log.events, Item={"pk": {"S": "something"}})
    result = run_journeys("archive", "backfill")
    assert result.exit_code == 1
    assert "1 items of the log cannot be archived" in result.stderr
