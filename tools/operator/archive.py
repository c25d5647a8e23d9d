"""The operator's command for the archive: builds it from the log, and compacts it. Both may be broken off and repeated.

    python -m tools.archive --stack-name journeys backfill
    python -m tools.archive --stack-name journeys compact

What is in the archive already does no harm: of an event that lands again, readers see one. A backfill is needed where
the log is older than the archive, and where landing was broken for longer than the stream remembers, a day.
"""

import argparse
import sys
import threading
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from journeys.archive import parquet
from journeys.archive.compaction import Compaction
from journeys.archive.landing import Landing
from journeys.archive.model import day_of
from journeys.archive.parquet import Row
from journeys.archive.store import ArchiveStore, LandingStore, ManifestConflict
from journeys.aws import BATCH_CONFIG, error_code
from journeys.events.model import StoredEvent
from tools.stack import Stack, default_endpoint_url

SEGMENTS = 4
"""Parts of the log that are read at the same time."""

HELD = 200_000
"""Events that are held at most, so that those of a day go into few files; about a kilobyte each."""


class NotLanded(Exception):
    """Events could not be landed for want of the bucket, memory or disk; to repeat the command does no harm."""


@dataclass(frozen=True)
class Tally:
    """What became of the log's events."""

    landed: Counter[str]
    refused: int


class Backfill:
    """Reads the whole log, and lands it by the code that lands the stream."""

    def __init__(self, dynamodb: Any, table: str, landing: Landing, *, segments: int = SEGMENTS, held: int = HELD):
        self._dynamodb, self._table, self._landing = dynamodb, table, landing
        self._segments, self._held = segments, held // segments
        self._stopped = threading.Event()
        self._lock = threading.Lock()
        self._landed: Counter[str] = Counter()
        self._refused = 0

    def run(self, progress: Progress | None = None) -> Tally:
        """Lands every event of the log. Raises NotLanded, and what DynamoDB raises."""
        task = None
        if progress is not None:
            total = self._dynamodb.describe_table(TableName=self._table)["Table"]["ItemCount"]  # some hours old
            task = progress.add_task("landed", total=total or None)
        try:
            with ThreadPoolExecutor(self._segments, thread_name_prefix="segment") as threads:
                running = [threads.submit(self._segment, number, progress, task) for number in range(self._segments)]
                try:
                    for one in running:
                        one.result()
                finally:
                    self._stopped.set()
        finally:
            if progress is not None and task is not None:
                progress.update(task, total=self._landed.total() + self._refused)
        return Tally(self._landed, self._refused)

    def _segment(self, number: int, progress: Progress | None, task: TaskID | None) -> None:
        """Collects a part of the log by organisations and days; the fullest of them land whenever too much is held."""
        held: dict[tuple[str, str], list[Row]] = defaultdict(list)
        count = 0
        for item in self._items(number):
            if self._stopped.is_set():
                return
            try:
                stored = StoredEvent.from_item(item)
                row = parquet.row(stored)
            except (LookupError, ValueError, TypeError, AttributeError):
                with self._lock:
                    self._refused += 1
                continue
            held[stored.organization_id, day_of(row.received)].append(row)
            count += 1
            if count >= self._held:
                fullest = sorted(held, key=lambda group: len(held[group]), reverse=True)
                for group in fullest[: len(fullest) // 2 + 1]:
                    count -= len(held[group])
                    self._land(group, held.pop(group), progress, task)
        for group in sorted(held):
            self._land(group, held[group], progress, task)

    def _land(
        self, group: tuple[str, str], rows: Sequence[Row], progress: Progress | None, task: TaskID | None
    ) -> None:
        outcome = self._landing.put(group[0], rows)
        if outcome.to_retry:
            self._stopped.set()
            raise NotLanded
        with self._lock:
            self._landed[group[0]] += outcome.landed
            self._refused += outcome.refused
        if progress is not None and task is not None:
            progress.advance(task, len(rows))

    def _items(self, segment: int) -> Iterator[dict[str, Any]]:
        pages = self._dynamodb.get_paginator("scan").paginate(
            TableName=self._table, Segment=segment, TotalSegments=self._segments
        )
        for page in pages:
            yield from page["Items"]


def compact(store: ArchiveStore, organizations: Sequence[str], console: Console, *, memory: str) -> int:
    """Compacts archives, all where none is named; answers with how many days or archives it failed for."""
    failed = 0
    for organization_id in organizations or list(store.organizations()):
        compaction = Compaction(store, memory=memory)
        try:
            for day, rows in compaction.compact(organization_id):
                failed += rows is None
                console.print(f"{organization_id}  {day}  {'failed' if rows is None else f'{rows:,} events'}")
        except ManifestConflict:
            failed += 1
            console.print(f"{organization_id}  another compaction was quicker; repeat the command to see it through")
    return failed


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command; answers with its exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.archive",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--stack-name", default="journeys")
    parser.add_argument(
        "--endpoint-url", default=default_endpoint_url(), help="where AWS is, for the local stack (AWS_ENDPOINT_URL)"
    )
    commands = parser.add_subparsers(dest="command", required=True)
    command = commands.add_parser("backfill", help="land every event of the log")
    command.add_argument("--segments", type=int, default=SEGMENTS, help="parts of the log read at the same time")
    command = commands.add_parser("compact", help="compact every day that has landed files, as the schedule does")
    command.add_argument("--organization", action="append", default=[], help="one of them; all by default")
    command.add_argument("--memory", default="2GB", help="what DuckDB may take of this machine's memory")
    given = parser.parse_args(arguments)

    console, errors = Console(soft_wrap=True), Console(stderr=True, soft_wrap=True)
    try:
        stack = Stack(given.stack_name, given.endpoint_url)
        s3, bucket = stack.client("s3", BATCH_CONFIG), stack.outputs["ArchiveBucketName"]
        if given.command == "compact":
            store = ArchiveStore(stack.dynamodb, stack.outputs["RegistryTableName"], lambda: s3, bucket)
            return 1 if compact(store, given.organization, console, memory=given.memory) else 0
        backfill = Backfill(
            stack.dynamodb,
            stack.outputs["EventsTableName"],
            Landing(LandingStore(s3, bucket)),
            segments=max(1, given.segments),
        )
        with Progress(
            TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), console=errors
        ) as progress:
            tally = backfill.run(progress)
    except NotLanded:
        trouble = (
            "Events could not be landed for want of the bucket, memory or disk, as the log above says. "
            "What landed stays, and to repeat the command does no harm."
        )
    except KeyboardInterrupt:
        trouble = "Interrupted. What was done stays; run it again from the start, it does no harm."
    except ClientError as error:
        trouble = f"AWS refused {error.operation_name}: {error_code(error)}"
    except (BotoCoreError, OSError) as error:
        trouble = f"The stack {given.stack_name} does not answer ({type(error).__name__})."
    else:
        return _told(tally, console, errors)
    errors.print(trouble, style="red", markup=False, highlight=False)
    return 1


def _told(tally: Tally, console: Console, errors: Console) -> int:
    """Prints what a backfill did; answers with the exit status."""
    for organization_id, landed in sorted(tally.landed.items()):
        console.print(f"{escape(organization_id)}  {landed:,} events")
    if tally.refused:
        errors.print(f"{tally.refused:,} items of the log are no events that can be archived, and were left out.")
    return 1 if tally.refused else 0


if __name__ == "__main__":
    sys.exit(main())
