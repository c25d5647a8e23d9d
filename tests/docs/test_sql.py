"""Runs every SQL block of docs/sql.md word for word, and compares its figures with a few lines of Python."""

import re
import statistics
from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import combinations
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pytest

from journeys import dates, jsontext
from journeys.archive import columns as archive_columns
from journeys.archive.columns import TYPES
from journeys.events.model import Event, ExternalId, StoredEvent
from journeys.identity.values import linking
from tests.docs.pages import blocks, read
from tests.support.archive import ORGANIZATION, Archive
from tests.support.tables import Tables
from tools.exporter import export
from tools.exporter.columns import BASE
from tools.exporter.download import download_files
from tools.exporter.export import Export
from tools.local_stack.sample import events
from tools.progress import ProgressBars

PAGE = "docs/sql.md"
TODAY = datetime(2026, 6, 1, tzinfo=UTC)
CUSTOMERS = 60
DIGITS = re.compile(r"\d{4}")
"""The number of the customer, with which the ids of the sample's events begin."""
HOUR, DAY = 3_600_000, 86_400_000
SQL = [block for block in blocks(PAGE) if block.language == "sql"]


def sample() -> list[StoredEvent]:
    """The sample events that `make run` creates, of fewer customers."""
    types: dict[str, int] = {}
    stored = []
    for number, (type_, sent) in enumerate(events("docs", CUSTOMERS, TODAY)):
        slot = types.setdefault(type_.title, len(types))
        customer = f"C-{DIGITS.findall(sent['id'])[0]}"  # one identifier for all systems, which the queries count
        place, status = int(customer[2:]), sent["attributes"].get("status")
        if (status == "placed" and place % 11 == 0) or (status == "delivered" and place % 5 == 0):
            continue  # So each step of the funnel loses customers.
        visitor = [ExternalId("web", f"visitor of {customer}")] if number % 3 else []
        event = Event(
            str(sent["id"]),
            dates.parse(sent["dateCreated"]),
            (ExternalId("crm", customer), *visitor),
            jsontext.loads(jsontext.dumps(sent["attributes"]).encode()),
        )
        received = dates.parse("2026-06-01T00:00:00Z") + number % 3 * DAY
        title, letter = type_.title, "abcdefgh"[slot]
        stored.append(
            StoredEvent(event, ORGANIZATION, f"c{slot}", title, 1, letter, title, type_.source, received, "r")
        )
    return stored


SAMPLE = sorted(sample(), key=lambda one: (one.event.date_created, one.configuration_id, one.event.event_id))
JOURNEYS: dict[ExternalId, list[StoredEvent]] = defaultdict(list)
for _stored in SAMPLE:
    JOURNEYS[_stored.event.customer].append(_stored)


@pytest.fixture
def answers(tables: Tables, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[list[Any]]]:
    """The rows of each statement of the page, in order. The files are where the page has them."""
    monkeypatch.chdir(tmp_path)  # The repository can have files of the same names, from the page's commands.
    archive, local = Archive.of(tables), tmp_path / ".local"
    local.mkdir()
    archive.land(*SAMPLE[::2])
    archive.compact()
    archive.land(*SAMPLE[1::2])
    archive.land(*SAMPLE[:50])  # repeats events of compacted and of landed files
    every = Export(ORGANIZATION, 0, dates.parse("2100-01-01T00:00:00Z"), local / "events.parquet")
    export.run(archive.store, every, ProgressBars(), memory="200MB", threads=1)
    download_files(archive.store, ORGANIZATION, local / "archive", ProgressBars())
    with duckdb.connect() as connection:
        statements = [statement for block in SQL for statement in connection.extract_statements(block.text)]
        yield [connection.execute(statement).fetchall() for statement in statements]


def of_type(title: str, **attributes: str) -> dict[ExternalId, list[int]]:
    """The dates of each customer's events of a type, with these attributes."""
    return {
        customer: found
        for customer, steps in JOURNEYS.items()
        if (
            found := [
                one.event.date_created
                for one in steps
                if one.event_name == title and attributes.items() <= one.event.attributes.items()
            ]
        )
    }


Dates = dict[ExternalId, list[int]]


def following(before: Dates, after: Dates, days: int) -> Dates:
    """The dates of `after` that are later than one of `before`, by at most some days."""
    reached = {
        customer: [date for date in found if any(0 < date - one <= days * DAY for one in before.get(customer, ()))]
        for customer, found in after.items()
    }
    return {customer: found for customer, found in reached.items() if found}


def test_the_queries_of_the_page_answer_what_they_say(answers: list[list[Any]]) -> None:
    types, funnel, durations, paths, links, _, days, orders = answers
    assert {row[:3] for row in types} == {
        (title, sum(one.event_name == title for one in SAMPLE), len(of_type(title)))
        for title in {one.event_name for one in SAMPLE}
    }

    visited = of_type("Web Visit", section="checkout")
    ordered = following(visited, of_type("Order Updated", status="placed"), 7)
    delivered = following(ordered, of_type("Order Updated", status="delivered"), 14)
    assert funnel == [(len(visited), len(ordered), len(delivered))]
    assert 0 < len(delivered) < len(ordered) < len(visited) < CUSTOMERS

    cases: dict[str, dict[str, Any]] = defaultdict(dict)
    for one in SAMPLE:
        if one.event_name == "Case Updated":
            case = cases[one.event.attributes["caseNumber"]]
            case.setdefault(one.event.attributes["state"], one.event.date_created)
            case.setdefault("priority", one.event.attributes.get("priority"))
    opened = [case for case in cases.values() if "New" in case]
    assert sum(row[1] for row in durations) == len(opened)
    for priority, count, resolved, median, ninety in durations:
        of_priority = [case for case in opened if case["priority"] == priority]
        hours = [(case["Resolved"] - case["New"]) / HOUR for case in of_priority if "Resolved" in case]
        assert (count, resolved) == (len(of_priority), len(hours))
        assert [median, ninety] == pytest.approx([statistics.median(hours), np.quantile(hours, 0.9)])

    counted: Counter[tuple[Any, Any]] = Counter()
    for steps in JOURNEYS.values():
        names = [*(one.event_name for one in steps), None, None]
        for index, one in enumerate(steps):
            if one.event_name == "Case Updated" and one.event.attributes["state"] == "New":
                counted[names[index + 1], names[index + 2]] += 1
    assert [row[2] for row in paths] == sorted(counted.values(), reverse=True)[:10]
    assert all(counted[row[0], row[1]] == row[2] for row in paths)

    linked: Counter[tuple[ExternalId, ...]] = Counter()
    for one in SAMPLE:
        linked.update(combinations(sorted(linking(one.event.external_ids)), 2))
    assert Counter({(ExternalId(*row[:2]), ExternalId(*row[2:4])): row[4] for row in links}) == linked
    assert linked

    received = Counter(dates.text(one.date_received)[:10] for one in SAMPLE)
    assert {str(day): count for day, count in days} == received
    assert [(row[0], row[1], row[3]) for row in orders] == [
        (one.event.customer.source_id, one.event.customer.value, one.event.attributes["status"])
        for one in sorted(SAMPLE, key=lambda one: (one.event.date_created, one.key))
        if one.event_name == "Order Updated"
    ]


def test_the_page_has_the_columns_of_an_export_and_of_the_archive() -> None:
    page = read(PAGE)
    names = [*(column.name for column in BASE), *archive_columns.BASE, *(f"{letter}:NAME" for letter in TYPES)]
    assert [name for name in names if f"`{name}`" not in page] == []
