"""`journeys load` and `journeys openapi`."""

import click

from tools.commands.operate import exit_with
from tools.errors import ToolError

LOAD_SECONDS, LOAD_RATE = 60, 40


@click.command()
@click.option("--seconds", type=click.FloatRange(0, min_open=True), default=LOAD_SECONDS, show_default=True,
              help="How long events are sent.")  # fmt: skip
@click.option("--rate", type=click.FloatRange(0, min_open=True), default=LOAD_RATE, show_default=True,
              help="Events per second, of all senders.")  # fmt: skip
def load(seconds: float, rate: float) -> None:
    """Send load while functions are killed, and account for every event.

    Starts a local stack of its own. Senders post single events and batches, repeat events, send late events, deliver to
    webhooks, and get one in a hundred wrong. Meanwhile functions are killed, and journeys are rebuilt and read.
    The exit status is 1 when an event is not accounted for.

    \b
    Example:
      journeys load --seconds 120 --rate 40
    """
    from tools.load.command import run_load

    exit_with(0 if run_load(seconds, rate) else 1)


@click.command()
@click.option("--check", is_flag=True, help="Write nothing; the exit status is 1 if the file is outdated.")
def openapi(check: bool) -> None:
    """Write the OpenAPI document from the functions' routes.

    \b
    Examples:
      journeys openapi
      journeys openapi --check
    """
    from tools.documentation.components import Undocumented
    from tools.documentation.openapi import DOCUMENT, text

    try:
        current = text()
    except Undocumented as error:
        raise ToolError(f"The API cannot be documented: {error}.") from None
    if not check:
        DOCUMENT.write_text(current)
    elif DOCUMENT.read_text() != current:
        raise ToolError("functions/openapi/openapi.json is outdated. Run `journeys openapi`.")
