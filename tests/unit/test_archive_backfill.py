"""The operator's command that builds the archive from the log and compacts it."""

import io
from typing import Any

import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, EndpointConnectionError
from rich.console import Console
from rich.progress import Progress

from journeys import aws
from journeys.archive.landing import Landing
from journeys.archive.store import LandingStore
from tests.support.archive import BUCKET, DAY, NOON, ORGANIZATION, Archive, Watch, Watched, event, names
from tests.support.tables import Tables
from tools.operator import archive as command
from tools.operator.archive import Backfill, NotLanded

EVENTS = [event(number, f"customer {number % 7}", date_received=NOON + (number % 3) * DAY) for number in range(60)]


@pytest.fixture
def log(tables: Tables) -> Tables:
    """A log with events of three days, and one event of another organization."""
    for one in (*EVENTS, event(1, organization_id="other")):
        tables.dynamodb.put_item(TableName=tables.events, Item=one.to_item())
    return tables


def _backfill(tables: Tables, held: int = 1000, landing: Landing | None = None) -> Backfill:
    landing = landing or Landing(LandingStore(aws.s3(), BUCKET))
    return Backfill(tables.dynamodb, tables.events, landing, segments=2, held=held)


@pytest.mark.parametrize("held", [2, 20, 1000])
def test_a_backfill_lands_every_event_whatever_number_it_holds_in_memory(log: Tables, held: int) -> None:
    tally = _backfill(log, held).run()
    assert (dict(tally.landed), tally.refused) == ({ORGANIZATION: 60, "other": 1}, 0)
    archive = Archive.of(log)
    assert archive.read() == names(EVENTS)
    assert len(archive.read("other")) == 1
    if held == 1000:
        assert len(archive.objects("landed")) <= 6  # a segment's events of a day are one file


def test_a_backfill_can_be_repeated_after_landing_and_compaction(log: Tables) -> None:
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


def test_a_backfill_fails_if_the_bucket_does_not_exist(log: Tables) -> None:
    with pytest.raises(NotLanded):
        _backfill(log, landing=Landing(LandingStore(aws.s3(), "no-such-bucket"))).run()


def test_items_that_are_not_events_are_counted_as_refused(log: Tables) -> None:
    log.dynamodb.put_item(TableName=log.events, Item={"pk": {"S": "something"}})
    progress = Progress(console=Console(file=io.StringIO()))
    tally = _backfill(log).run(progress)
    assert tally.refused == 1
    assert Archive.of(log).read() == names(EVENTS)
    (task,) = progress.tasks
    assert (task.completed, task.total) == (61, 62)


# -- the command -------------------------------------------------------------------------------------------------------


class _Stack:
    """A deployed stack, in moto."""

    def __init__(self, tables: Tables) -> None:
        self.dynamodb = tables.dynamodb
        self.outputs = {
            "ArchiveBucketName": BUCKET,
            "EventsTableName": tables.events,
            "RegistryTableName": tables.registry,
        }

    def client(self, service: str, config: Config) -> Any:
        assert service == "s3"
        assert config is aws.BATCH_CONFIG
        return aws.s3()


def test_the_command_builds_and_compacts_the_archive(
    log: Tables, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(command, "Stack", lambda *_: _Stack(log))
    assert command.main(["backfill", "--segments", "1"]) == 0
    assert capsys.readouterr().out.split("\n")[:2] == ["acme  60 events", "other  1 events"]
    assert command.main(["compact", "--organization", ORGANIZATION]) == 0
    assert capsys.readouterr().out.count("20 events") == 3
    archive = Archive.of(log)
    assert archive.store.snapshot(ORGANIZATION).landed == ()
    assert archive.read() == names(EVENTS)
    assert archive.store.snapshot("other").landed
    assert command.main(["compact"]) == 0
    assert not archive.store.snapshot("other").landed


def test_the_command_reports_a_missing_bucket(
    log: Tables, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    stack = _Stack(log)
    stack.outputs["ArchiveBucketName"] = "no-such-bucket"
    monkeypatch.setattr(command, "Stack", lambda *_: stack)
    assert command.main(["backfill"]) == 1
    assert "could not be landed" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (
            ClientError({"Error": {"Code": "AccessDenied"}}, "ListObjectsV2"),
            "AWS refused ListObjectsV2: AccessDenied\n",
        ),
        (EndpointConnectionError(endpoint_url="s3"), "The stack journeys does not answer (EndpointConnectionError).\n"),
        (KeyboardInterrupt(), "Interrupted. What was done stays; run it again from the start, it does no harm.\n"),
    ],
    ids=["refused", "unreachable", "interrupted"],
)
@pytest.mark.parametrize("arguments", [["backfill"], ["compact"]], ids=lambda arguments: arguments[0])
def test_the_command_reports_an_error_in_one_sentence(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    error: BaseException,
    message: str,
    arguments: list[str],
) -> None:
    def failing(*_: object) -> None:
        raise error

    monkeypatch.setattr(command, "Stack", failing)
    assert command.main(arguments) == 1
    assert capsys.readouterr().err == message
