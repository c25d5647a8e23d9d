"""`journeys import`."""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import click
from rich.markup import escape

from tools.api import ApiClient
from tools.commands.operate import exit_with
from tools.commands.options import Connection, lazy_api_options
from tools.console import output_console
from tools.errors import Interrupted, SetupError, ToolError
from tools.importer.columns import open_csv
from tools.importer.detect import propose
from tools.importer.dry_run import judge_for
from tools.importer.import_run import ImportRun, count_rows, ensure_type, send_to
from tools.importer.mapping_file import InvalidEntry, known_encoding
from tools.importer.rejected import RejectedRows
from tools.importer.tally import NO_RESPONSE, import_table
from tools.progress import progress_bars


class _Options(NamedTuple):
    """The options of an import."""

    threads: int
    dry_run: bool
    allow_rejected: bool


def _encoding(context: click.Context, parameter: click.Parameter, value: str | None) -> str | None:
    try:
        return value and known_encoding(value)
    except InvalidEntry as error:
        raise click.BadParameter(str(error), context, parameter) from None


@click.command(name="import")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--mapping", metavar="FILE", help="A TOML or JSON file. Default: the one in tools/mappings that fits.")
@click.option("--encoding", metavar="NAME", callback=_encoding,
              help="Such as utf-8, utf-16 or cp1252. Default: the mapping's, or utf-8.")  # fmt: skip
@click.option("--dry-run", is_flag=True, help="Judge every row, and store nothing.")
@click.option("--rejected", type=click.Path(path_type=Path), metavar="FILE",
              help="Where rejected rows are written. Default: NAME.rejected.csv beside the input.")  # fmt: skip
@click.option("--allow-rejected", is_flag=True, help="Exit status 0 although rows were rejected.")
@click.option("--threads", type=click.IntRange(1, 64), default=4, show_default=True, help="Parallel requests.")
@click.option("--detect", is_flag=True, help="Propose a mapping for the file, and import nothing.")
@click.option("--output", type=click.Path(path_type=Path), metavar="FILE",
              help="Where --detect writes the mapping. Default: standard output.")  # fmt: skip
@click.option("--force", is_flag=True, help="Let --detect replace the file of --output.")
@lazy_api_options
def import_command(
    open_connection: Callable[[], Connection],
    file: Path,
    mapping: str | None,
    encoding: str | None,
    rejected: Path | None,
    detect: bool,
    output: Path | None,
    force: bool,
    threads: int,
    dry_run: bool,
    allow_rejected: bool,
) -> None:
    """Import past events from a CSV file, with a mapping file.

    The mapping names the columns of the id, the date, the customer and the attributes, and the event type, which is
    created where it does not exist. --detect proposes a mapping. You can interrupt the import and repeat it: stored
    events are duplicates.

    Rows that are not stored are written to NAME.rejected.csv, with the line and the reason, to be corrected and
    imported again. Then the exit status is 1.

    \b
    Examples:
      journeys import visits.csv --detect --output visits.toml
      journeys import visits.csv --mapping visits.toml --dry-run
      journeys import visits.csv --mapping visits.toml
      journeys import visits.rejected.csv --mapping visits.toml
    """
    if detect:
        if mapping or rejected or dry_run or allow_rejected:
            raise click.UsageError("--detect imports nothing. Its options are --encoding, --output and --force.")
        if output and output.exists() and file.exists() and output.samefile(file):
            raise click.UsageError("--output names the CSV itself. Name another file.")
        _write_proposal(propose(file, encoding), output, force=force)
    else:
        if output or force:
            raise click.UsageError("--output and --force are options of --detect. Use --rejected for rejected rows.")
        _import(open_connection, file, mapping, encoding, rejected, _Options(threads, dry_run, allow_rejected))


def _write_proposal(proposal: str, output: Path | None, *, force: bool) -> None:
    if output is None:
        click.echo(proposal, nl=False)
        return
    try:
        with output.open("w" if force else "x", encoding="utf-8") as file:
            file.write(proposal)
    except FileExistsError:
        raise ToolError(f"{output} exists. Name another file, or replace it with --force.") from None
    except OSError as error:
        raise ToolError(f"{output} cannot be written: {error.strerror}.") from None
    click.echo(f"Wrote {output}. Check the lines with a comment, then try it with --mapping {output} --dry-run.")


def _import(
    open_connection: Callable[[], Connection],
    path: Path,
    mapping: str | None,
    encoding: str | None,
    rejected_path: Path | None,
    options: _Options,
) -> None:
    console = output_console()
    file, plan = open_csv(path, mapping, encoding)
    api = _connect(open_connection, dry_run=options.dry_run)
    rejected = RejectedRows(file, rejected_path)
    with progress_bars() as bars:
        rows = count_rows(file, plan, bars)
    if not rows:
        click.echo(f"{path} has no row after its header. Nothing was imported.")
        return
    send = judge_for(api, plan) if options.dry_run or api is None else send_to(api, ensure_type(api, plan))
    run = ImportRun(send, plan, options.threads, rejected)
    try:
        with progress_bars() as bars:
            run.run(file, rows, bars)
    except KeyboardInterrupt:
        raise Interrupted("Interrupted. Run the command again to continue; stored events are duplicates.") from None
    finally:
        if run.tally.counts:
            title = f"{path.name} as {plan.title}{' (dry run: nothing is stored)' if options.dry_run else ''}"
            console.print(import_table(run.tally, escape(title), dry_run=options.dry_run))
        _name_files(rejected, dry_run=options.dry_run)
    if unanswered := run.tally.count(NO_RESPONSE):
        raise ToolError(f"{_rows(unanswered)} not answered. Run the command again to continue.")
    exit_with(1 if rejected.count and not options.allow_rejected else 0)


def _connect(open_connection: Callable[[], Connection], *, dry_run: bool) -> ApiClient | None:
    """The API, or None for a dry run without a stack. Raises SetupError."""
    try:
        return open_connection().api
    except SetupError as error:
        if not dry_run:
            raise
        click.echo(f"The rows are judged by the mapping alone, without the API. {error.message}", err=True)
        return None


def _rows(count: int) -> str:
    return "1 row was" if count == 1 else f"{count:,} rows were"


def _name_files(rejected: RejectedRows, *, dry_run: bool) -> None:
    if rejected.count:
        click.echo(
            f"{_rows(rejected.count)} not {'valid' if dry_run else 'stored'}. See {rejected.path} for the reasons."
        )
    if rejected.earlier and rejected.count:
        click.echo(f"The rejected rows of an earlier import are now in {rejected.earlier}.")
    elif rejected.earlier:
        click.echo(f"{rejected.earlier} has the rejected rows of an earlier import.")
