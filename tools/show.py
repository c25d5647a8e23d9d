"""A customer's journey for the terminal: what happened, when, and what follows what."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from rich.console import Console, Group
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

COLOURS = ("cyan", "green", "magenta", "yellow", "blue", "red", "bright_cyan", "bright_green")
BAR = 24


def show_journey(console: Console, summary: Mapping[str, Any], events: Iterable[Mapping[str, Any]]) -> None:
    """Prints a journey: its events day by day, its event types, and its most frequent transitions."""
    colours = {one["eventName"]: COLOURS[place % len(COLOURS)] for place, one in enumerate(summary["eventTypes"])}
    console.print()
    console.print(
        Panel(
            Group(
                Text(_span(summary), style="dim"),
                Text(),
                _timeline(events, colours),
                Text("\nWhat follows what", style="bold"),
                _transitions(summary, colours),
            ),
            title=f"[bold]The journey of {summary['value']}[/bold]",
            padding=(1, 2),
        )
    )


def _timeline(events: Iterable[Mapping[str, Any]], colours: Mapping[str, str]) -> Table:
    table = Table.grid(padding=(0, 2))
    day = ""
    for event in events:
        moment = datetime.fromisoformat(event["dateCreated"])
        today = f"{moment:%a %d %b}"
        colour = colours.get(event["eventName"], "white")
        table.add_row(
            Text(today if today != day else "", style="bold"),
            Text(f"{moment:%H:%M}", style="dim"),
            Text(f"● {event['eventName']}", style=colour),
            Text(event["source"], style="dim"),
            Text(_words(event["attributes"]), no_wrap=True, overflow="ellipsis"),
        )
        day = today
    return table


def _transitions(summary: Mapping[str, Any], colours: Mapping[str, str]) -> Table:
    table = Table.grid(padding=(0, 2))
    most = max((one["count"] for one in summary["transitions"]), default=1)
    for one in summary["transitions"][:6]:
        names = Text.assemble(
            (one["from"], colours.get(one["from"], "white")), " → ", (one["to"], colours.get(one["to"], "white"))
        )
        table.add_row(names, Text("█" * max(1, round(one["count"] / most * BAR)), style="dim"), str(one["count"]))
    return table


def _words(attributes: Mapping[str, Any]) -> str:
    words = []
    for name, value in attributes.items():
        if value is True:
            words.append(name)
        elif value is not False and value != 0:
            text = ", ".join(value) if isinstance(value, list) else str(value)
            words.append(text if isinstance(value, str | list) else f"{name} {text}")
    return " · ".join(words)


def _span(summary: Mapping[str, Any]) -> str:
    first, last = (datetime.fromisoformat(summary[name]) for name in ("dateFirstEvent", "dateLastEvent"))
    types = ", ".join(f"{one['eventCount']} {one['eventName']}" for one in summary["eventTypes"])
    return f"{summary['eventCount']} events from {first:%d %B} to {last:%d %B %Y}: {types}"
