"""`journeys import-native`."""

from pathlib import Path

import click
from rich.markup import escape

from tools.commands.operate import exit_with
from tools.commands.options import stack_option
from tools.console import output_console
from tools.errors import Interrupted, ToolError
from tools.importer.native_import import FAILED, OUTCOMES, UNMAPPED, UNREADABLE, NativeImport, count_events, send_to
from tools.importer.tally import NO_RESPONSE, import_table
from tools.progress import progress_bars
from tools.stack import Stack


@click.command(name="import-native")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--dry-run", is_flag=True, help="Judge every event, and store nothing.")
@click.option("--threads", type=click.IntRange(1, 32), default=4, show_default=True, help="Parallel calls.")
@stack_option
def import_native_command(stack: Stack, file: Path, dry_run: bool, threads: int) -> None:
    """Import past native events from a file of EventBridge events.

    FILE has one JSON object after another, such as those that Amazon Data Firehose writes to S3, compressed with gzip
    or not. Each event goes to the organization that has its source, as if it arrived now: through the same function and
    the same rules. You can interrupt the import and repeat it: stored events are duplicates.

    An event that breaks a rule becomes a failure of its organization, to be replayed. Then, or if a source belongs to
    no organization, the exit status is 1.

    \b
    Examples:
      journeys import-native calls.jsonl --dry-run
      journeys import-native calls.gz --stack-name journeys-prod
    """
    console = output_console()
    with progress_bars() as bars, bars.bar(f"counting events of {file.name}", None) as bar:
        count = count_events(file, bar)
    if not count:
        click.echo(f"{file} has no events. Nothing was imported.")
        return
    run = NativeImport(send_to(stack, validate_only=dry_run), threads)
    try:
        with progress_bars() as bars, bars.bar(file.name, count) as bar:
            run.run(file, bar)
    except KeyboardInterrupt:
        raise Interrupted("Interrupted. Run the command again to continue; stored events are duplicates.") from None
    finally:
        if run.tally.counts:
            title = escape(file.name) + (" (dry run: nothing is stored)" if dry_run else "")
            console.print(
                import_table(run.tally, title, dry_run=dry_run, outcomes=OUTCOMES, headings=("events", "number"))
            )
    _say_what_is_left(run, dry_run=dry_run)
    exit_with(1 if any(run.tally.count(outcome) for outcome in (FAILED, UNMAPPED, UNREADABLE)) else 0)


def _say_what_is_left(run: NativeImport, *, dry_run: bool) -> None:
    """Names the next step for events that were not stored. Raises ToolError if some had no response."""
    if run.tally.count(UNMAPPED):
        click.echo("Map a source with `journeys admin native-source add`, and run the command again.")
    if run.tally.count(FAILED) and not dry_run:
        click.echo("The failed events are failures of their organizations, in GET externalevents/failures.")
    if unanswered := run.tally.count(NO_RESPONSE):
        raise ToolError(f"{unanswered:,} events were not stored in time. Run the command again to continue.")
