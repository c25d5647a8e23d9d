"""The operator's command: build journeys anew, prove that they and the archive are right, take in what was given up.

    python -m tools.operate --stack-name journeys-prod verify [--mend] [--organization ID [--source ID --customer ID]]
    python -m tools.operate --stack-name journeys-prod rebuild [--organization ID [--source ID --customer ID]]
    python -m tools.operate --stack-name journeys-prod redrive

All three may be used while events keep arriving, broken off at any point, and run again.
Status: 0 when all is well, 1 when something is left to do, 2 when it could not be done.
"""

import argparse
import contextlib
import io
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from journeys import keys
from journeys.archive.landing import Landing
from journeys.archive.store import ArchiveStore, LandingStore
from journeys.events.failures.store import FailureStore
from journeys.events.store import EventLog
from journeys.journey.projector import Projector
from journeys.journey.rebuild import RebuildOutcome
from journeys.journey.store import JourneyStore
from journeys.stream.batch import Consumer
from journeys.stream.redrive import RedriveOutcome, redrive
from journeys.stream.store import DiscardedStore
from tools.operator.archive_repair import Archive
from tools.operator.repair import UNDER_WAY, Operator
from tools.operator.report import KINDS, Report, Scope
from tools.progress import Bars
from tools.stack import Stack, default_endpoint_url, session

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_s3 import S3Client

# -- what Lambda gave up -----------------------------------------------------------------------------------------------


def redrive_all(
    store: DiscardedStore, consumers: Mapping[str, Consumer], bars: Bars
) -> tuple[Counter[RedriveOutcome], Counter[RedriveOutcome]]:
    """Redrives every batch of the failure destination; answers with batches and records by what became of them."""
    batches, records = Counter[RedriveOutcome](), Counter[RedriveOutcome]()
    names = sorted(store.keys())
    with bars.bar("taking in", len(names)) as advance:
        for key in names:
            done = redrive(store, key, consumers)
            batches[done.outcome] += 1
            records[done.outcome] += done.records
            advance(1)
    return batches, records


# -- the command -------------------------------------------------------------------------------------------------------


_PATIENT = Config(retries={"mode": "adaptive", "total_max_attempts": 12}, max_pool_connections=64)
"""A scan takes what the table can spare, and waits where it is throttled."""


class Parts:
    """The parts of a stack that the commands use."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        outputs = stack.outputs
        self.bucket = outputs["ArchiveBucketName"]
        self.dynamodb: DynamoDBClient = self._client("dynamodb")
        self.s3: S3Client = self._client("s3")
        self.log = EventLog(self.dynamodb, outputs["EventsTableName"])
        self.journeys = JourneyStore(self.dynamodb, outputs["JourneysTableName"])
        self.failures = FailureStore(self.dynamodb, outputs["FailuresTableName"], lambda: self.s3, self.bucket)
        self.landing = Landing(LandingStore(self.s3, self.bucket))
        self.archive = ArchiveStore(self.dynamodb, outputs["RegistryTableName"], lambda: self.s3, self.bucket)

    def _client(self, service: str) -> Any:
        endpoint_url = self._stack.endpoint_url
        return session(endpoint_url).client(service, endpoint_url=endpoint_url, config=_PATIENT)  # type: ignore[call-overload]

    def consumers(self) -> dict[str, Consumer]:
        """What takes the batches of each function, by the function's name."""
        cloudformation = self._stack.client("cloudformation")

        def name(logical_id: str) -> str:
            found = cloudformation.describe_stack_resource(StackName=self._stack.name, LogicalResourceId=logical_id)
            return str(found["StackResourceDetail"]["PhysicalResourceId"])

        return {
            name("ProjectorFunction"): Projector(self.journeys, self.failures).project,
            name("LandingFunction"): self.landing.land,
        }


def _arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tools.operate",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--stack-name", default="journeys")
    parser.add_argument(
        "--endpoint-url", default=default_endpoint_url(), help="where AWS is, for the local stack (AWS_ENDPOINT_URL)"
    )
    commands = parser.add_subparsers(dest="command", required=True)
    for name, what in (
        ("rebuild", "make journeys those of the log; those that are right are left as they are"),
        ("verify", "compare journeys and archive with the log"),
    ):
        command = commands.add_parser(name, help=what)
        command.add_argument("--organization", help="one organisation; by default all")
        command.add_argument("--source", help="with --customer: the external source of one customer's id")
        command.add_argument("--customer", help="with --organization and --source: one customer's id")
        command.add_argument("--threads", type=int, default=8)
        if name == "verify":
            command.add_argument("--mend", action="store_true", help="and put right what can be")
            command.add_argument("--show", action="store_true", help="print the keys, which hold customers' ids")
            command.add_argument("--journeys-only", action="store_true", help="leave the archive out")
            command.add_argument(
                "--under-way", type=int, default=UNDER_WAY, metavar="SECONDS", help="leave out what came in since"
            )
    commands.add_parser("redrive", help="take in the batches of the stream that Lambda gave up")
    given = parser.parse_args(arguments)
    if given.command != "redrive":
        named = (given.source, given.customer)
        if any(named) and not (all(named) and given.organization):
            parser.error("one customer is named by --organization, --source and --customer")
    return given


def _scope(given: argparse.Namespace) -> Scope:
    customer = keys.journey(given.organization, given.source, given.customer) if given.customer else None
    return Scope(given.organization, customer)


def _differences(report: Report) -> Table:
    table = Table(title="What differs from the log", title_justify="left")
    table.add_column("what")
    table.add_column("found", justify="right")
    table.add_column("mended", justify="right")
    for kind in KINDS:
        table.add_row(kind, f"{report.found[kind]:,}", f"{report.mended[kind]:,}")
    return table


def _outcomes(report: Report) -> Table:
    table = Table(title="Journeys", title_justify="left")
    table.add_column("outcome")
    table.add_column("journeys", justify="right")
    for outcome in (*RebuildOutcome, *sorted(report.outcomes.keys() - set(RebuildOutcome))):
        table.add_row(str(outcome), f"{report.outcomes[outcome]:,}")
    table.add_section()
    table.add_row("in all", f"{report.journeys:,}")
    return table


def _run(given: argparse.Namespace, console: Console, bars: Bars) -> int:
    parts = Parts(Stack(given.stack_name, given.endpoint_url))
    if given.command == "redrive":
        batches, records = redrive_all(DiscardedStore(parts.s3, parts.bucket), parts.consumers(), bars)
        table = Table(title="Batches that Lambda gave up", title_justify="left")
        for column in ("what became of them", "batches", "records"):
            table.add_column(column, justify="left" if column[0] == "w" else "right")
        for result in RedriveOutcome:
            table.add_row(str(result), f"{batches[result]:,}", f"{records[result]:,}")
        console.print(table)
        return int(batches.total() > batches[RedriveOutcome.DONE])
    under_way = given.under_way if given.command == "verify" else UNDER_WAY
    operator = Operator(parts.journeys, parts.log, threads=max(1, given.threads), bars=bars, under_way=under_way)
    report = Report(show=given.command == "verify" and given.show)
    try:
        if given.command == "rebuild":
            operator.rebuild(_scope(given), report)
        else:
            archive = None if given.journeys_only else Archive(parts.archive, parts.landing)
            operator.verify(_scope(given), report, mend=given.mend, archive=archive)
    finally:
        if report.events or report.journeys:
            console.print(f"{report.events:,} events in the log", highlight=False)
            if given.command == "verify":
                console.print(_differences(report))
                for kind, names in report.shown.items():
                    for name in names:
                        console.print(f"{kind}: {name}", markup=False, highlight=False, soft_wrap=True)
            if given.command == "rebuild" or given.mend:
                console.print(_outcomes(report))
            if report.left_over:
                console.print(f"{report.left_over:,} rows were left over from earlier rebuilds", highlight=False)
            if report.swept:
                console.print(f"{report.swept:,} rows that were replaced are removed", highlight=False)
    return int(report.left > 0)


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command; answers with its exit status."""
    given = _arguments(arguments)
    console, errors = Console(file=sys.stdout), Console(stderr=True, soft_wrap=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    try:
        with (
            Progress(*columns, console=errors, redirect_stdout=False) as progress,
            contextlib.redirect_stdout(io.StringIO()),  # the functions' code prints its metrics
        ):
            return _run(given, console, Bars(progress))
    except KeyboardInterrupt:
        trouble = "Interrupted. Run it again; nothing of what was done is lost, and nobody saw half of it."
    except ClientError as error:
        trouble = f"AWS refused {error.operation_name}: {error.response.get('Error', {}).get('Code')}"
    except (BotoCoreError, OSError) as error:
        trouble = f"The stack {given.stack_name} does not answer ({type(error).__name__})."
    errors.print(trouble, style="red", markup=False, highlight=False)
    return 2


if __name__ == "__main__":
    sys.exit(main())
