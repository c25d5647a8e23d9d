"""The terminal pictures of a journey and of a journey view."""

import io
from typing import Any

from rich.console import Console

from tools.operator.show import OUTCOMES, show_journey, show_view

METRICS = {"participantCount": 4, "completedCount": 1, "flowCount": 1, "activeCount": 1, "dropoutCount": 1}


def shown(view: dict[str, Any], charts: list[dict[str, Any]]) -> list[str]:
    """The lines of the panel without its border."""
    file = io.StringIO()
    elements = [{"id": "a", "name": "First"}]
    result = {"elements": [{"id": "a", "metrics": METRICS, "followedBy": []}], "charts": charts}
    show_view(Console(file=file, width=80), {"name": "A view", "elements": elements} | view, result)
    return [line.strip("│ ") for line in file.getvalue().splitlines()]


def test_the_parts_of_a_bar_differ_without_color() -> None:
    (bar,) = [line for line in shown({}, []) if line.startswith("First")]
    assert all(mark in bar for _, _, _, mark in OUTCOMES)
    assert len({mark for _, _, _, mark in OUTCOMES}) == len(OUTCOMES)


def test_the_legend_names_the_figures_as_the_api_does_and_is_not_broken_within_a_label() -> None:
    text = "\n".join(shown({}, []))
    for field, label, _, mark in OUTCOMES:
        assert f"{mark} {label}" in text
        assert label.startswith(field.removesuffix("Count") + ": ")


def test_a_view_without_a_description_starts_with_its_first_element() -> None:
    first = next(line for line in shown({"description": ""}, [])[3:] if line)
    assert first.startswith("First")
    assert shown({"description": "What it shows"}, [])[3] == "What it shows"
    assert shown({"description": ""}, [])[3] == first


def test_a_metric_without_a_label_has_a_readable_name() -> None:
    metrics = [
        {"id": "customers", "aggregate": "CustomerCount"},
        {"id": "events", "aggregate": "EventCount"},
        {"id": "sum", "aggregate": "Sum", "attribute": "amount"},
        {"id": "named", "aggregate": "Sum", "attribute": "amount", "displayLabel": "revenue"},
    ]
    values = {"metrics": [{"id": metric["id"], "values": [{"value": 3}]} for metric in metrics]}
    text = " ".join(shown({"charts": [{"name": "A chart", "metrics": metrics}]}, [values]))
    for label in ("3 Customers", "3 Events", "3 Sum of amount", "3 revenue"):
        assert label in text


def test_a_journey_names_its_customer_as_written_and_its_days_with_their_years() -> None:
    summary = {
        "value": "[red]jane",
        "dateFirstEvent": "2025-12-31T10:00:00Z",
        "dateLastEvent": "2026-01-02T10:00:00Z",
        "eventTypes": [{"eventName": "Visit", "eventCount": 1}],
        "transitions": [],
    }
    texts = []
    for count in (1, 2):
        file = io.StringIO()
        show_journey(Console(file=file, width=100), summary | {"eventCount": count}, [])
        texts.append(file.getvalue())

    assert "The journey of [red]jane" in texts[0]
    assert "1 event on 31 December 2025: 1 Visit" in texts[0]
    assert "2 events from 31 December 2025 to 02 January 2026: 1 Visit" in texts[1]
