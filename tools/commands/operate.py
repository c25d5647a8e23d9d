"""`journeys verify`, `rebuild`, `redrive`, `archive` and `identities`."""

from typing import Any

import click

from journeys import keys
from journeys.stream.redrive import RedriveOutcome
from journeys.stream.store import DiscardedStore
from tools.commands.exporting import download_command
from tools.commands.memory import memory_option
from tools.commands.options import hidden_metrics, stack_option
from tools.console import output_console
from tools.errors import ToolError
from tools.operator import backfill, identities, repair, tables
from tools.operator.admin import Admin
from tools.operator.archive_repair import ArchiveRepair
from tools.operator.redrive import redrive_all, redrive_messages
from tools.operator.repair import JourneyRepair
from tools.operator.report import RepairReport, RepairScope
from tools.operator.stores import OperatorStores
from tools.progress import progress_bars
from tools.stack import Stack


def scope_options(function: Any) -> Any:
    """Adds the options that say which journeys a command covers."""
    for option in (
        click.option("--threads", type=click.IntRange(1, 64), default=8, show_default=True, help="Parallel workers."),
        click.option("--customer", metavar="VALUE", help="One customer. Needs --organization and --source."),
        click.option("--source", metavar="SOURCE", help="The external source of the customer's identifier."),
        click.option("--organization", metavar="ID", help="One organization. Default: all."),
    ):
        function = option(function)
    return function


@click.command()
@scope_options
@click.option("--repair", "repairs", is_flag=True, help="Repair what can be repaired.")
@click.option("--show", is_flag=True, help="Print the keys of what differs. They contain customers' identifiers.")
@click.option("--journeys-only", is_flag=True, help="Compare journeys and links, but not the archive.")
@click.option(
    "--in-flight",
    type=click.IntRange(0),
    default=repair.IN_FLIGHT_SECONDS,
    show_default=True,
    metavar="SECONDS",
    help="Ignore events that were received in the last seconds.",
)
@stack_option
def verify(
    stack: Stack,
    organization: str | None,
    source: str | None,
    customer: str | None,
    threads: int,
    repairs: bool,
    show: bool,
    journeys_only: bool,
    in_flight: int,
) -> None:
    """Compare journeys, links and archive with the log of events.

    You can run it while events arrive, interrupt it, and repeat it. The exit status is 1 when something differs and was
    not repaired.

    \b
    Examples:
      journeys verify
      journeys verify --repair --stack-name journeys-prod
      journeys verify --organization acme --source crm --customer C-0001
    """
    scope = make_scope(stack, organization, source, customer)
    stores = OperatorStores(stack)
    report, console = RepairReport(show=show), output_console()
    archive = None if journeys_only else ArchiveRepair(stores.archive, stores.landing)
    with progress_bars() as bars, hidden_metrics():
        repairer = JourneyRepair(
            stores.journeys, stores.links, stores.log, threads=threads, bars=bars, in_flight_seconds=in_flight
        )
        try:
            repairer.verify(scope, report, repair=repairs, archive=archive)
        finally:
            tables.print_verification(console, report, repaired=repairs)
    exit_with(1 if report.remaining else 0)


@click.command()
@scope_options
@stack_option
def rebuild(stack: Stack, organization: str | None, source: str | None, customer: str | None, threads: int) -> None:
    """Rebuild journeys and links from the log of events.

    A correct journey is left unchanged. Readers see the old journey until the new one is complete. You can run it while
    events arrive, interrupt it, and repeat it.

    \b
    Examples:
      journeys rebuild --organization acme
      journeys rebuild --organization acme --source crm --customer C-0001
    """
    scope = make_scope(stack, organization, source, customer)
    stores = OperatorStores(stack)
    report, console = RepairReport(), output_console()
    with progress_bars() as bars, hidden_metrics():
        repairer = JourneyRepair(stores.journeys, stores.links, stores.log, threads=threads, bars=bars)
        try:
            repairer.rebuild_journeys(scope, report)
        finally:
            tables.print_rebuild(console, report)
    exit_with(1 if report.remaining else 0)


@click.command(name="redrive")
@stack_option
def redrive_command(stack: Stack) -> None:
    """Process the stream records, deliveries, native events and compactions that Lambda gave up.

    Lambda discards a batch of the log's stream after its last retry and stores it in the archive bucket. This command
    processes each batch again and deletes it. A queued webhook delivery or a native event that failed five times, and
    an archive whose compaction failed three times, are in dead-letter queues. This command sends them to their queues
    again. The exit status is 1 when a batch is left.

    \b
    Example:
      journeys redrive --stack-name journeys-prod
    """
    stores, console = OperatorStores(stack), output_console()
    with progress_bars() as bars, hidden_metrics():
        store = DiscardedStore(stores.s3, stores.bucket)
        batches, records = redrive_all(store, stores.consumers(), bars)
        messages = {label: redrive_messages(stores.sqs, *urls) for label, urls in stores.queues().items()}
    tables.print_redrive(console, batches, records, messages)
    exit_with(1 if batches.total() > batches[RedriveOutcome.DONE] else 0)


@click.group()
def archive() -> None:
    """Fill, compact and download the archive that journey views are computed from."""


@archive.command(name="backfill")
@click.option(
    "--segments",
    type=click.IntRange(1, 64),
    default=backfill.SEGMENTS,
    show_default=True,
    help="Segments of the log that are read at the same time.",
)
@stack_option
def backfill_command(stack: Stack, segments: int) -> None:
    """Archive every event of the log.

    Needed when the log is older than the archive, or when archiving failed for more than a day. If an event is
    archived twice, views count it once, and usage counts it twice until the next compaction. You can interrupt the
    command and repeat it.

    \b
    Example:
      journeys archive backfill --stack-name journeys-prod
    """
    stores, console = OperatorStores(stack), output_console()
    with progress_bars() as bars, hidden_metrics():
        report = backfill.Backfill(
            stores.dynamodb, stack.outputs["EventsTableName"], stores.landing, segments=segments
        ).run(bars)
    for organization_id, events in sorted(report.landed.items()):
        console.print(f"{organization_id}  {events:,} events", markup=False)
    if report.refused:
        raise ToolError(f"{report.refused:,} items of the log cannot be archived, because they are not valid events.")


@archive.command(name="compact")
@click.option("--organization", "organizations", metavar="ID", multiple=True, help="Repeatable. Default: all.")
@memory_option
@stack_option
def compact_command(stack: Stack, organizations: tuple[str, ...], memory: str) -> None:
    """Compact every day of the archive that has new files, as the schedule does.

    \b
    Example:
      journeys archive compact --organization acme
    """
    stores, console, failed = OperatorStores(stack), output_console(), 0
    for organization_id in organizations:
        Admin(stack).require_organization(organization_id)
    with hidden_metrics():
        for organization_id, day, events in backfill.compact(stores.archive, organizations, memory=memory):
            failed += events is None
            outcome = "failed" if events is None else f"{events:,} events"
            if not day:
                outcome = "another compaction changed the archive at the same time; run the command again"
            console.print(f"{organization_id}  {day}  {outcome}", markup=False)
    exit_with(1 if failed else 0)


archive.add_command(download_command)


@click.command(name="identities")
@click.option("--organization", metavar="ID", required=True, help="The organization.")
@click.option("--show", is_flag=True, help="Print the identifiers. They are those of customers.")
@stack_option
def identities_command(stack: Stack, organization: str, show: bool) -> None:
    """Report which identifiers stopped linking, and which persons are suspiciously large.

    An identifier that many customers share, such as that of a kiosk, links nobody from its 11th link on. A person of
    40 identifiers or more is probably several customers. docs/identity.md says how to undo wrong links.

    \b
    Examples:
      journeys identities --organization acme
      journeys identities --organization acme --show --stack-name journeys-prod
    """
    Admin(stack).require_organization(organization)
    stores = OperatorStores(stack)
    settings = stores.identity_settings.get(organization)
    with progress_bars() as bars, hidden_metrics(), bars.bar("reading the links", stores.links.size()) as bar:
        found = identities.report(stores.links, settings, organization, bar)
    identities.print_report(output_console(), found, show=show)


def make_scope(stack: Stack, organization_id: str | None, source: str | None, customer: str | None) -> RepairScope:
    """The journeys that a command covers. Raises ToolError for an unknown organization."""
    if (source or customer) and not (organization_id and source and customer):
        raise click.UsageError("To choose one customer, use --organization, --source and --customer together.")
    if organization_id is not None:
        Admin(stack).require_organization(organization_id)
    journey_key = keys.journey(organization_id, source, customer) if organization_id and source and customer else None
    return RepairScope(organization_id, journey_key)


def exit_with(status: int) -> None:
    """Ends the command with an exit status."""
    click.get_current_context().exit(status)
