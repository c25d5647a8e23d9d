"""`journeys export`, and `journeys archive download`."""

from pathlib import Path

import click

from journeys import dates
from tools.commands.memory import memory_option
from tools.commands.options import local_description, local_organization, stack_option
from tools.exporter import export
from tools.exporter.download import download_files
from tools.operator.admin import Admin
from tools.operator.stores import OperatorStores
from tools.progress import progress_bars
from tools.stack import Stack, is_local

FIRST, LAST = dates.parse("0001-01-01T00:00:00Z"), dates.parse("9999-12-31T23:59:59.999Z")


def _moment(context: click.Context, parameter: click.Parameter, value: str | None) -> int | None:
    """A date, or a date and time, in milliseconds since 1970. A date is its midnight in UTC."""
    if value is None:
        return None
    try:
        return dates.parse(f"{value}T00:00:00Z" if len(value) == len("2026-01-31") else value)
    except ValueError:
        raise click.BadParameter(
            "Use a date such as 2026-01-31, which begins at midnight UTC, or 2026-01-31T09:30:00Z.", context, parameter
        ) from None


@click.command(name="export")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--organization", metavar="ID", help="The organization. Default: the first of the local stack.")
@click.option("--from", "start", metavar="DATE", callback=_moment, help="Only events of this date or later.")
@click.option("--to", "end", metavar="DATE", callback=_moment, help="Only events before this date.")
@click.option("--unprotected", is_flag=True, help="In CSV: write texts unchanged. For programs, not for spreadsheets.")
@click.option("--force", is_flag=True, help="Replace an existing file.")
@memory_option
@stack_option
def export_command(
    stack: Stack,
    file: Path,
    organization: str | None,
    start: int | None,
    end: int | None,
    unprotected: bool,
    force: bool,
    memory: str,
) -> None:
    """Write an organization's events of a period to FILE, a Parquet or CSV file.

    The ending of FILE chooses the format. The period is that of the dates of the events, not of their receipt. The file
    has each event once, by date, with a column for each attribute. It comes from the archive, so an event of the last
    minutes can be missing. FILE is written completely or not at all; if the export is interrupted, run it again.

    In CSV, a text that a spreadsheet could take for a formula begins with an apostrophe. Numbers have all digits.

    \b
    Examples:
      journeys export events.parquet
      journeys export january.csv --from 2026-01-01 --to 2026-02-01
      journeys export events.parquet --organization acme --stack-name journeys-prod
    """
    wanted = export.Export(
        organization_id=_organization(stack, organization),
        start=FIRST if start is None else start,
        end=LAST + 1 if end is None else end,
        output=file,
        replace=force,
        protect=not unprotected,
    )
    if wanted.start >= wanted.end:
        raise click.UsageError("--to is not after --from. Use the earlier date for --from.")
    if unprotected and file.suffix.lower() != export.CSV:
        raise click.UsageError("--unprotected is for CSV. Parquet has texts unchanged.")
    export.require_writable(wanted)
    with progress_bars() as bars:
        count = export.run(OperatorStores(stack).archive, wanted, bars, memory=memory)
    click.echo(f"Wrote {count:,} event{'' if count == 1 else 's'} to {file}.")


@click.command(name="download")
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--organization", metavar="ID", help="The organization. Default: the first of the local stack.")
@stack_option
def download_command(stack: Stack, folder: Path, organization: str | None) -> None:
    """Download the files of an archive that count, to query them.

    FOLDER must not exist. It gets the files that the manifest names, with the file of links, and the files that landed
    since. Landed files can repeat events.

    \b
    Example:
      journeys archive download archive-of-acme --organization acme
    """
    organization_id = _organization(stack, organization)
    with progress_bars() as bars:
        count = download_files(OperatorStores(stack).archive, organization_id, folder, bars)
    click.echo(f"Downloaded {count:,} file{'' if count == 1 else 's'} to {folder}.")


def _organization(stack: Stack, organization_id: str | None) -> str:
    """The organization of a command. Raises UsageError if it must be named, and ToolError if it does not exist."""
    if organization_id is not None:
        Admin(stack).require_organization(organization_id)
        return organization_id
    if not is_local(stack.endpoint_url):
        raise click.UsageError(
            "Name the organization with --organization. `journeys admin organization list` lists them."
        )
    return str(local_organization(local_description(), None)["id"])
