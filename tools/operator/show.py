"""Journeys for the terminal: one customer's, event by event, and everybody's, as a view counts them."""

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


# -- everybody's journeys ----------------------------------------------------------------------------------------------

OUTCOMES = (
    ("completedCount", "completed", "green"),
    ("flowCount", "went on", "cyan"),
    ("activeCount", "may still", "yellow"),
    ("dropoutCount", "dropped out", "red"),
)
"""What became of an element's customers: the four add up to its participants."""


def show_view(console: Console, view: Mapping[str, Any], result: Mapping[str, Any]) -> None:
    """Prints a view's figures as a flow, the customers along each link and what became of them, and its charts."""
    legend = Text.assemble(*(part for _, name, colour in OUTCOMES for part in (("█ ", colour), f"{name}   ")))
    parts: list[Any] = [Text(view.get("description", ""), style="dim"), Text(), _flow(view, result), Text(), legend]
    for chart, values in zip(view.get("charts", []), result["charts"], strict=True):
        parts += [Text(f"\n{chart['name']}", style="bold"), _chart(chart, values)]
    console.print()
    console.print(Panel(Group(*parts), title=f"[bold]{view['name']}[/bold]", padding=(1, 2)))


def _flow(view: Mapping[str, Any], result: Mapping[str, Any]) -> Table:
    """A line for each way to an element, below the element that it comes from."""
    elements = {one["id"]: one for one in view["elements"]}
    figures = {one["id"]: one for one in result["elements"]}
    most = max((one["metrics"]["participantCount"] for one in figures.values()), default=0) or 1
    table = Table.grid(padding=(0, 2))
    drawn: set[str] = set()

    def draw(id_: str, way: str, guide: str, below: str) -> None:
        metrics, links = figures[id_]["metrics"], elements[id_].get("followedBy", [])
        bar, lost = Text(), Text()
        if id_ in drawn:
            bar.append("as above", "dim")
            links = []
        else:
            for field, _, colour in OUTCOMES:
                bar.append("█" * round(metrics[field] / most * BAR), colour)
            if links:
                lost.append(f"{metrics['dropoutCount']} dropped out", "red")
        drawn.add(id_)
        name = Text.assemble((guide, "dim"), (elements[id_]["name"], "bold"))
        customers = Text(str(metrics["participantCount"]), justify="right")
        table.add_row(name, customers, bar, lost, Text(way, style="dim"))
        counts = {link["id"]: link["connectionCount"] for link in figures[id_]["followedBy"]}
        for place, link in enumerate(links):
            last = place == len(links) - 1
            share = counts[link["id"]] / (metrics["participantCount"] or 1)
            draw(
                link["id"],
                f"{counts[link['id']]}, {share:.0%}{_window(link)}",
                below + ("└─ " if last else "├─ "),
                below + ("   " if last else "│  "),
            )

    followers = {link["id"] for one in view["elements"] for link in one.get("followedBy", [])}
    for id_ in elements:
        if id_ not in followers:
            draw(id_, "customers", "", "")
    return table


def _window(link: Mapping[str, Any]) -> str:
    within = link.get("constraintWithin")
    if not within:
        return ""
    unit = within["unit"].lower()
    return f" within {within['value']} {unit[:-1] if within['value'] == 1 else unit}"


def _chart(chart: Mapping[str, Any], result: Mapping[str, Any]) -> Table:
    """A bar for each group, as long as the first metric; the others as numbers beside it."""
    labels = [metric.get("displayLabel") or metric["aggregate"] for metric in chart["metrics"]]
    rows: dict[str, list[str]] = {}
    first: dict[str, float] = {}
    for place, metric in enumerate(result["metrics"]):
        for one in metric["values"]:
            group = ", ".join(str(by.get("value", "-")) for by in one.get("groupByAttributes", []))
            rows.setdefault(group, [""] * len(labels))[place] = f"{one['value']:,} {labels[place]}"
            if place == 0:
                first[group] = float(one["value"])
    table = Table.grid(padding=(0, 2))
    most = max(first.values(), default=0) or 1
    for group, numbers in rows.items():
        bar = Text("█" * max(1, round(first.get(group, 0) / most * BAR)), style="cyan")
        table.add_row(Text(group, style="dim"), bar, *(Text(number, justify="right") for number in numbers))
    return table
