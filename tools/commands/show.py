"""`journeys show`."""

import json

import click

from tools.api import ApiError
from tools.commands.options import Connection, api_options
from tools.console import output_console
from tools.errors import ToolError
from tools.operator.show import show_journey, show_view
from tools.operator.view_results import computed_view, find_view

EVENTS_SHOWN = 100


@click.group()
def show() -> None:
    """Show a customer's journey, or the figures of a journey view."""


@show.command()
@click.argument("source")
@click.argument("value")
@click.option("--json", "as_json", is_flag=True, help="Print the API's JSON.")
@api_options
def customer(connection: Connection, source: str, value: str, as_json: bool) -> None:
    """Show a customer's journey: its events, event types and transitions.

    SOURCE is the external source of the identifier and VALUE the identifier. The last 100 events are shown.

    \b
    Example:
      journeys show customer crm C-0001
    """
    api, query = connection.api, {"externalSourceId": source, "value": value}
    try:
        summary = api.call("GET", "customers", **query)
    except ApiError as error:
        if error.status != 404:
            raise
        raise ToolError(
            "There is no such customer. Check SOURCE and VALUE; a new event takes about a second to appear."
        ) from None
    events = api.call("GET", "customers/events", **query, order="desc", pageSize=EVENTS_SHOWN)["entities"][::-1]
    if as_json:
        click.echo(json.dumps({"customer": summary, "events": events}, indent=2, ensure_ascii=False))
        return
    show_journey(output_console(), summary, events)


@show.command()
@click.argument("name_or_id", metavar="NAME|ID")
@click.option("--refresh", is_flag=True, help="Compute the view now, even if it was computed before.")
@click.option("--timeout", type=click.IntRange(1), default=300, show_default=True, help="Seconds to wait.")
@click.option("--json", "as_json", is_flag=True, help="Print the API's JSON.")
@api_options
def view(connection: Connection, name_or_id: str, refresh: bool, timeout: int, as_json: bool) -> None:
    """Show the figures of a journey view.

    Shows the latest computation of the view's newest version. If there is none, computes the view and waits for it.

    \b
    Examples:
      journeys show view "From the checkout to the survey"
      journeys show view "From the checkout to the survey" --refresh
    """
    found = find_view(connection.api, name_or_id)
    definition, result = computed_view(connection.api, found["id"], timeout=timeout, refresh=refresh)
    if as_json:
        click.echo(json.dumps({"journeyView": definition, "results": result}, indent=2, ensure_ascii=False))
        return
    show_view(output_console(), definition, result)
