"""Prints a customer's journey, and the figures of a journey view and of paths, in the terminal."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from rich.columns import Columns
from rich.console import Console, Group
from rich.markup import escape
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

COLORS = ("cyan", "green", "magenta", "yellow", "blue", "red", "bright_cyan", "bright_green")
BAR = 24
PATH_OUTCOMES = {"ended": "ended", "dropped": "dropped off", "others": "other steps"}
"""What `show_paths` calls the paths that do not go on with a shown step."""


SAME_IN_A_CONVERSATION = frozenset(
    {"vendor", "conversationId", "participantId", "sessionId", "mediaType", "direction", "provider"}
)
"""Attributes of native events that tell its events apart from others rather than from each other."""


def show_journey(console: Console, summary: Mapping[str, Any], events: Iterable[Mapping[str, Any]]) -> None:
    """Prints a journey: its events day by day, its event types, and its most frequent transitions."""
    colors = {
        event_type["eventName"]: COLORS[index % len(COLORS)] for index, event_type in enumerate(summary["eventTypes"])
    }
    console.print()
    console.print(
        Panel(
            Group(
                Text(_span(summary), style="dim"),
                Text(_identifiers(summary), style="dim"),
                Text(),
                _timeline(events, colors),
                Text("\nTransitions", style="bold"),
                _transitions(summary, colors),
            ),
            title=f"[bold]The journey of {escape(summary['value'])}[/bold]",
            padding=(1, 2),
        )
    )


def _identifiers(summary: Mapping[str, Any]) -> str:
    """The identifiers of the person, such as "crm C-0001, email ada@example.com"."""
    return ", ".join(f"{one['externalSourceId']} {one['value']}" for one in summary.get("identifiers", []))


def _timeline(events: Iterable[Mapping[str, Any]], colors: Mapping[str, str]) -> Table:
    table = Table.grid(padding=(0, 2))
    day = ""
    for event in events:
        moment = datetime.fromisoformat(event["dateCreated"])
        today = f"{moment:%a %d %b}"
        color = colors.get(event["eventName"], "white")
        table.add_row(
            Text(today if today != day else "", style="bold"),
            Text(f"{moment:%H:%M}", style="dim"),
            Text(f"● {event['eventName']}", style=color),
            Text(event["source"], style="dim"),
            Text(_words(event["attributes"]), no_wrap=True, overflow="ellipsis"),
        )
        day = today
    return table


def _transitions(summary: Mapping[str, Any], colors: Mapping[str, str]) -> Table:
    table = Table.grid(padding=(0, 2))
    transitions = summary.get("transitions", [])
    most = max((transition["count"] for transition in transitions), default=1)
    for transition in transitions[:6]:
        names = Text(" → ").join(Text(transition[end], colors.get(transition[end], "white")) for end in ("from", "to"))
        table.add_row(
            names, Text("█" * max(1, round(transition["count"] / most * BAR)), style="dim"), str(transition["count"])
        )
    return table


def _words(attributes: Mapping[str, Any]) -> str:
    words = []
    for name, value in attributes.items():
        if name in SAME_IN_A_CONVERSATION:
            continue
        if value is True:
            words.append(name)
        elif value is not False and value != 0:
            text = ", ".join(value) if isinstance(value, list) else str(value)
            words.append(text if isinstance(value, str | list) else f"{name} {text}")
    return " · ".join(words)


def _span(summary: Mapping[str, Any]) -> str:
    first, last = (datetime.fromisoformat(summary[name]) for name in ("dateFirstEvent", "dateLastEvent"))
    types = ", ".join(f"{one['eventCount']} {one['eventName']}" for one in summary["eventTypes"])
    if summary["eventCount"] == 1:
        return f"1 event on {first:%d %B %Y}: {types}"
    return f"{summary['eventCount']:,} events from {first:%d %B %Y} to {last:%d %B %Y}: {types}"


# -- views -------------------------------------------------------------------------------------------------------------

OUTCOMES = (
    ("completedCount", "completed: reached an end", "green", "█"),
    ("flowCount", "flow: went on to a next element", "cyan", "▓"),
    ("activeCount", "active: can still go on", "yellow", "▒"),
    ("dropoutCount", "dropout: did not go on", "red", "░"),
)
"""The figures of an element that add up to its participants, with their labels, colors and the characters of bars."""

AGGREGATES = {"CustomerCount": "Customers", "EventCount": "Events"}
"""Readable names of aggregates; the names of the others are readable."""


def show_view(console: Console, view: Mapping[str, Any], result: Mapping[str, Any]) -> None:
    """Prints the figures of a view: the customers of each element and link, and the charts."""
    legend = Columns([Text.assemble((mark, color), f" {label}") for _, label, color, mark in OUTCOMES], padding=(0, 3))
    parts: list[Any] = [_flow(view, result), Text(), legend]
    if view.get("description"):
        parts = [Text(view["description"], style="dim"), Text(), *parts]
    for chart, values in zip(view.get("charts", []), result["charts"], strict=True):
        parts += [Text(f"\n{chart['name']}", style="bold"), _chart(chart, values)]
    console.print()
    console.print(Panel(Group(*parts), title=f"[bold]{view['name']}[/bold]", padding=(1, 2)))


def _flow(view: Mapping[str, Any], result: Mapping[str, Any]) -> Table:
    """A line for each link, below the element that it starts from."""
    elements = {element["id"]: element for element in view["elements"]}
    figures = {element["id"]: element for element in result["elements"]}
    most = max((element["metrics"]["participantCount"] for element in figures.values()), default=0) or 1
    table = Table.grid(padding=(0, 2))
    drawn: set[str] = set()

    def draw(id_: str, label: str, guide: str, below: str) -> None:
        metrics, links = figures[id_]["metrics"], elements[id_].get("followedBy", [])
        bar, dropouts = Text(), Text()
        if id_ in drawn:
            bar.append("as above", "dim")
            links = []
        else:
            for field, _, color, mark in OUTCOMES:
                bar.append(mark * round(metrics[field] / most * BAR), color)
            if links:
                dropouts.append(f"{metrics['dropoutCount']} dropped out", "red")
        drawn.add(id_)
        name = Text.assemble((guide, "dim"), (elements[id_]["name"], "bold"))
        customers = Text(str(metrics["participantCount"]), justify="right")
        table.add_row(name, customers, bar, dropouts, Text(label, style="dim"))
        found = {link["id"]: link for link in figures[id_]["followedBy"]}
        for index, link in enumerate(links):
            last = index == len(links) - 1
            count, median = found[link["id"]]["connectionCount"], found[link["id"]].get("duration", {}).get("median")
            share = count / (metrics["participantCount"] or 1)
            took = "" if median is None else f", median {_duration(median)}"
            draw(
                link["id"],
                f"{count}, {share:.0%}{_window(link)}{took}",
                below + ("└─ " if last else "├─ "),
                below + ("   " if last else "│  "),
            )

    followers = {link["id"] for element in view["elements"] for link in element.get("followedBy", [])}
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


def _duration(milliseconds: int) -> str:
    """A duration in its largest unit, such as "2.1 d"."""
    for unit, length in (("d", 86_400_000), ("h", 3_600_000), ("min", 60_000), ("s", 1_000)):
        if milliseconds >= length:
            return f"{milliseconds / length:.1f} {unit}"
    return f"{milliseconds} ms"


def _metric_label(metric: Mapping[str, Any]) -> str:
    """The label of a metric, or a readable name such as "Customers" or "Sum of price"."""
    if metric.get("displayLabel"):
        return str(metric["displayLabel"])
    aggregate = metric.get("aggregate", "CustomerCount")
    name = AGGREGATES.get(aggregate, aggregate)
    return f"{name} of {metric['attribute']}" if metric.get("attribute") else name


def _chart(chart: Mapping[str, Any], result: Mapping[str, Any]) -> Table:
    """A bar for each group, whose length is the first metric; the other metrics are numbers beside it."""
    labels = [_metric_label(metric) for metric in chart["metrics"]]
    rows: dict[str, list[str]] = {}
    first: dict[str, float] = {}
    for index, metric in enumerate(result["metrics"]):
        for value in metric["values"]:
            group = ", ".join(str(by.get("value", "-")) for by in value.get("groupByAttributes", []))
            rows.setdefault(group, [""] * len(labels))[index] = f"{value['value']:,} {labels[index]}"
            if index == 0:
                first[group] = float(value["value"])
    table = Table.grid(padding=(0, 2))
    most = max(first.values(), default=0) or 1
    for group, numbers in rows.items():
        bar = Text("█" * max(1, round(first.get(group, 0) / most * BAR)), style="cyan")
        table.add_row(Text(group, style="dim"), bar, *(Text(number, justify="right") for number in numbers))
    return table


def show_paths(console: Console, job: Mapping[str, Any], result: Mapping[str, Any]) -> None:
    """Prints the tree of paths: each step with its customers, and those who dropped off or went on otherwise."""
    table = Table.grid(padding=(0, 2))

    def draw(label: str, figures: Mapping[str, Any], style: str) -> None:
        customers = figures["customerCount"]
        table.add_row(Text(label, style=style), Text(f"{customers:,}", justify="right"), Text(_bar(customers, most)))

    def walk(step: Mapping[str, Any], indent: str) -> None:
        for below in step["steps"]:
            draw(f"{indent}→ {below['eventType']['name']}", below, "bold")
            walk(below, indent + "  ")
        for name, label in PATH_OUTCOMES.items():
            if step[name]["customerCount"]:
                draw(f"{indent}  {label}", step[name], "dim")

    tree = result["tree"]
    most = max(tree["customerCount"], 1)
    draw(tree["eventType"]["name"], tree, "bold")
    walk(tree, "")
    console.print()
    console.print(Panel(table, title=f"[bold]{escape(job['name'])}[/bold]", subtitle="customers", padding=(1, 2)))


def _bar(count: int, most: int) -> str:
    return "█" * round(BAR * count / most)
