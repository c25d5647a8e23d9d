"""Prints the results of `journeys verify`, `rebuild` and `redrive`."""

from collections import Counter
from collections.abc import Mapping

from rich.console import Console
from rich.table import Table

from journeys.journey.rebuild import RebuildOutcome
from journeys.stream.redrive import RedriveOutcome
from tools.operator.report import DIFFERENCES, LINK_DIFFERENCES, RepairReport


def print_verification(console: Console, report: RepairReport, *, repaired: bool) -> None:
    """Prints the differences, and what was done about them if they were repaired."""
    if not report.events and not report.journeys:
        return
    console.print(f"{report.events:,} events in the log")
    table = Table(title="Differences from the log", title_justify="left")
    table.add_column("difference")
    table.add_column("found", justify="right")
    table.add_column("repaired", justify="right")
    for kind in DIFFERENCES:
        table.add_row(kind, f"{report.differences[kind]:,}", f"{report.repaired[kind]:,}")
    console.print(table)
    for kind, keys in report.keys.items():
        for key in keys:
            console.print(f"{kind}: {key}", markup=False, soft_wrap=True)
    if repaired:
        console.print(_outcomes(report))
    _print_rows(console, report)


def print_rebuild(console: Console, report: RepairReport) -> None:
    """Prints the journeys by outcome."""
    if not report.events and not report.journeys:
        return
    console.print(f"{report.events:,} events in the log")
    console.print(_outcomes(report))
    for kind in LINK_DIFFERENCES:
        if report.repaired[kind]:
            console.print(f"{kind}: {report.repaired[kind]:,} repaired")
    _print_rows(console, report)


def print_redrive(
    console: Console, batches: Counter[RedriveOutcome], records: Counter[RedriveOutcome], messages: Mapping[str, int]
) -> None:
    """Prints the batches and records by outcome, and the numbers of messages that were sent to their queue again."""
    table = Table(title="Batches that Lambda discarded", title_justify="left")
    table.add_column("outcome")
    table.add_column("batches", justify="right")
    table.add_column("records", justify="right")
    for result in RedriveOutcome:
        table.add_row(str(result), f"{batches[result]:,}", f"{records[result]:,}")
    console.print(table)
    for label, sent in messages.items():
        console.print(f"{sent:,} {label} sent to their queue again")


def _outcomes(report: RepairReport) -> Table:
    table = Table(title="Journeys", title_justify="left")
    table.add_column("outcome")
    table.add_column("journeys", justify="right")
    for outcome in (*RebuildOutcome, *sorted(report.outcomes.keys() - set(RebuildOutcome))):
        table.add_row(str(outcome), f"{report.outcomes[outcome]:,}")
    table.add_section()
    table.add_row("total", f"{report.journeys:,}")
    return table


def _print_rows(console: Console, report: RepairReport) -> None:
    if report.obsolete_rows:
        console.print(f"{report.obsolete_rows:,} obsolete rows of interrupted rebuilds")
    if report.deleted_rows:
        console.print(f"{report.deleted_rows:,} replaced or obsolete rows deleted")
