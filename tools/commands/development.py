"""`journeys load` and `journeys openapi`."""

import click

from tools.commands.operate import exit_with
from tools.errors import ToolError

LOAD_SECONDS, LOAD_RATE = 60, 40
FAULT_RATE, FAULT_SEED = 0.1, 1
MAX_FAULT_RATE = 0.5
"""Above this share nearly every request fails, because a client makes three attempts."""


@click.command()
@click.option("--seconds", type=click.FloatRange(0, min_open=True), default=LOAD_SECONDS, show_default=True,
              help="How long events are sent.")  # fmt: skip
@click.option("--rate", type=click.FloatRange(0, min_open=True), default=LOAD_RATE, show_default=True,
              help="Events per second, of all senders.")  # fmt: skip
@click.option("--fault-rate", type=click.FloatRange(0, MAX_FAULT_RATE), default=FAULT_RATE, show_default=True,
              help="The share of the functions' calls to AWS that have a fault. 0 injects none.")  # fmt: skip
@click.option("--fault-seconds", type=click.FloatRange(0, min_open=True),
              help="How long faults are injected, from the first response on. Default: half of --seconds.")  # fmt: skip
@click.option("--fault-seed", type=int, default=FAULT_SEED, show_default=True,
              help="The same seed gives the calls of an operation the same faults in the same order.")  # fmt: skip
def load(seconds: float, rate: float, fault_rate: float, fault_seconds: float | None, fault_seed: int) -> None:
    """Send load while AWS fails and functions are killed, and account for every event.

    Starts a local stack of its own. Senders post single events and batches, repeat events, send late events, link
    identifiers, deliver to webhooks, and get one in a hundred wrong; calls arrive on the event bus. Meanwhile functions
    are killed, and journeys are rebuilt and read. For a part of the time the functions' calls to AWS are throttled,
    reset, delayed, answered with status 500, or executed without an answer. The exit status is 1 when an event is not
    accounted for.

    \b
    Examples:
      journeys load --seconds 120 --rate 40
      journeys load --fault-rate 0.3 --fault-seconds 20 --fault-seed 2
    """
    from tools.load.command import run_load
    from tools.load.faults import FaultPlan

    fault_seconds = seconds / 2 if fault_seconds is None else min(fault_seconds, seconds)
    exit_with(0 if run_load(seconds, rate, FaultPlan(fault_seed, fault_rate), fault_seconds) else 1)


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
