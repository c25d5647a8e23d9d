"""`journeys send` and `deliver`."""

import time
from typing import BinaryIO, TextIO

import click

from tools.commands.operate import exit_with
from tools.commands.options import Connection, api_options
from tools.errors import ToolError
from tools.importer.deliver import (
    SECRET_VARIABLE,
    find_endpoint,
    post_delivery,
    refused_events,
    sample_for,
    signing_secret,
)
from tools.importer.errors import CannotImport
from tools.importer.events_file import FORMATS, read_events
from tools.importer.send import SendReport, find_configuration, schema_of, send_events
from tools.progress import progress_bars
from tools.signing import sign

REFUSED_SHOWN = 50


class NotUtf8(CannotImport):
    """The file to send is not encoded in UTF-8."""

    exit_code = 2


@click.command()
@click.argument("file", type=click.File(encoding="utf-8-sig"), default="-")
@click.option("--configuration", metavar="NAME|ID", required=True, help="Where the events are posted.")
@click.option("--format", "form", type=click.Choice(FORMATS), help="Default: by the file's name, or by its content.")
@click.option("--validate-only", is_flag=True, help="Check the events, and store nothing.")
@api_options
def send(connection: Connection, file: TextIO, configuration: str, form: str | None, validate_only: bool) -> None:
    """Send events from a JSON or CSV file, or from standard input.

    JSON is a list of events, {"entities": [...]}, one event, or one event per line. A CSV has the columns id,
    dateCreated, externalSourceId and value; every other column is an attribute. The exit status is 1 when an event is
    refused. Events that were sent before are duplicates, so you can repeat the command.

    \b
    Examples:
      journeys send visits.json --configuration "Web Visit from Adobe Analytics"
      journeys send visits.csv --configuration "Web Visit from Adobe Analytics" --validate-only
      cat visits.json | journeys send --configuration "Web Visit from Adobe Analytics"
    """
    target = find_configuration(connection.api, configuration)
    name = getattr(file, "name", "")
    events = read_events(_read_text(file), name, form, lambda: schema_of(connection.api, target))
    with progress_bars() as bars, bars.bar("sending", len(events)) as bar:
        report = send_events(connection.api, target["id"], events, bar, validate_only=validate_only)
    _print_send_report(report, len(events))
    exit_with(1 if report.refused else 0)


def _read_text(file: TextIO) -> str:
    try:
        return file.read()
    except UnicodeDecodeError as error:
        raise NotUtf8(
            f"The file is not encoded in UTF-8: byte {error.start + 1} is invalid. Save it as UTF-8, for example "
            'with Excel\'s file type "CSV UTF-8".'
        ) from None


def _print_send_report(report: SendReport, total: int) -> None:
    for refusal in report.refused[:REFUSED_SHOWN]:
        click.echo(f"Event {refusal.number} was refused: {refusal.code}. {refusal.message}")
    if len(report.refused) > REFUSED_SHOWN:
        click.echo(f"... and {len(report.refused) - REFUSED_SHOWN:,} more were refused.")
    counts = [f"{number:,} {outcome}" for outcome, number in sorted(report.outcomes.items())]
    click.echo(f"{total:,} events: {', '.join([*counts, f'{len(report.refused):,} refused'])}.")


@click.command()
@click.argument("sender", metavar="SENDER")
@click.argument("endpoint", metavar="ENDPOINT")
@click.option("--file", type=click.File("rb"), help="The payload. Default: a sample of the sender.")
@click.option("--secret", envvar=SECRET_VARIABLE, metavar="TEXT",
              help=f"Default: the environment variable {SECRET_VARIABLE}, or the stored secret.")  # fmt: skip
@api_options
def deliver(connection: Connection, sender: str, endpoint: str, file: BinaryIO | None, secret: str | None) -> None:
    """Deliver a signed webhook to an endpoint.

    SENDER is the sender to imitate, such as shopify. ENDPOINT is the endpoint's name or id. Without --file, a sample
    payload is delivered. The exit status is 1 when the delivery or an event in it is refused.

    \b
    Examples:
      journeys deliver shopify "Web shop"
      journeys deliver shopify "Web shop" --file order.json
    """
    target = find_endpoint(connection.api, endpoint, sender)
    options = target.get("options", {})
    payload = file.read() if file is not None else sample_for(target)
    key = signing_secret(connection.stack, sender, target["id"], secret)
    signed = sign(sender, payload, key, target["url"], time.time(), options)
    response = post_delivery(target["url"], signed)
    click.echo(f"{response.status_code} {response.text}")
    if response.is_success and (refused := refused_events(response)):
        raise ToolError(f"{refused} events were refused. GET externalevents/failures lists them with the reasons.")
    exit_with(0 if response.is_success else 1)
