"""Concurrent changes of views, charts and schedules, against databases with DynamoDB's transactions.

The tests check both what is stored and what each thread was told.
"""

from collections import Counter
from collections.abc import Callable

import pytest

from journeys import dates
from journeys.errors import Conflict, NotFound
from journeys.views.model import View, ViewDefinition
from journeys.views.schedules.model import Frequency
from journeys.views.schedules.store import ScheduleStore
from journeys.views.store import ViewStore
from tests.integration.test_event_types import at_once, kinds
from tests.support.tables import Tables
from tests.support.views import delete_view, parsed, view_body

ORG = "acme"
MANY = 8


@pytest.fixture
def views(database: Tables) -> ViewStore:
    return ViewStore(database.dynamodb, database.registry)


@pytest.fixture
def schedules(database: Tables) -> ScheduleStore:
    return ScheduleStore(database.dynamodb, database.registry)


def definition(name: str = "A view", rank: int = 0) -> ViewDefinition:
    """A view. A different rank makes a different chart."""
    body = view_body() | {"name": name}
    body["charts"][0]["rank"] = rank
    return parsed(body)


def chart_version(view: View) -> int:
    version = view.chart("by-month").version
    assert version is not None
    return version


def rows(database: Tables, view_id: str) -> list[tuple[str, str]]:
    found = ((item["pk"]["S"], item["sk"]["S"]) for item in database.items(database.registry))
    return sorted(key for key in found if view_id in "".join(key))


def test_concurrent_new_versions_are_all_stored_with_different_numbers(views: ViewStore) -> None:
    view_id = views.create(ORG, definition(), "client").view_id

    def adding(number: int) -> Callable[[], View]:
        return lambda: views.add_version(ORG, view_id, definition(f"View {number}", rank=number), "client")

    results = at_once([adding(number) for number in range(1, MANY + 1)])
    saved = [result for result in results if isinstance(result, View)]
    assert kinds(results) == {"View": MANY}
    assert sorted(view.version for view in saved) == list(range(2, MANY + 2))
    assert sorted(map(chart_version, saved)) == list(range(2, MANY + 2))
    for view in saved:
        assert views.get_version(ORG, view_id, view.version) == view
        assert views.chart(ORG, view_id, "by-month", chart_version(view)) == view.chart("by-month")
    latest = max(saved, key=lambda view: view.version)
    assert views.get(ORG, view_id) == latest
    assert [summary.name for summary in views.all(ORG)] == [latest.definition.name]


def test_the_last_of_concurrent_edits_is_stored_as_a_whole(views: ViewStore) -> None:
    view_id = views.create(ORG, definition(), "client").view_id

    def editing(number: int) -> Callable[[], View]:
        return lambda: views.edit_version(ORG, view_id, 1, definition(f"View {number}", rank=number), "client")

    results = at_once([editing(number) for number in range(1, MANY + 1)])
    saved = [result for result in results if isinstance(result, View)]
    assert kinds(results) == {"View": MANY}
    assert sorted(map(chart_version, saved)) == list(range(2, MANY + 2))
    last = views.get(ORG, view_id)
    assert last in saved
    assert [summary.name for summary in views.all(ORG)] == [last.definition.name]
    for view in saved:
        assert views.chart(ORG, view_id, "by-month", chart_version(view)) == view.chart("by-month")


def test_concurrent_edits_and_new_versions_never_share_a_chart_version(views: ViewStore) -> None:
    view_id = views.create(ORG, definition(), "client").view_id

    def adding(number: int) -> Callable[[], View]:
        return lambda: views.add_version(ORG, view_id, definition("Added", rank=number), "client")

    def editing(number: int) -> Callable[[], View]:
        return lambda: views.edit_version(ORG, view_id, 1, definition("Edited", rank=number), "client")

    results = at_once([(adding if number % 2 else editing)(number) for number in range(1, MANY + 1)])
    saved = [result for result in results if isinstance(result, View)]
    assert kinds(results) == {"View": MANY}
    assert sorted(map(chart_version, saved)) == list(range(2, MANY + 2))
    assert [summary.name for summary in views.all(ORG)] == ["Added"]
    assert views.get_version(ORG, view_id, 1).definition.name == "Edited"


@pytest.mark.parametrize("run", range(3))
def test_a_view_deleted_during_changes_leaves_no_items(
    database: Tables, views: ViewStore, schedules: ScheduleStore, run: int
) -> None:
    view_id = views.create(ORG, definition(), "client").view_id
    calls: list[Callable[[], object]] = [
        lambda: views.add_version(ORG, view_id, definition(rank=1), "client"),
        lambda: views.edit_version(ORG, view_id, 1, definition(rank=2), "client"),
        lambda: schedules.create(ORG, view_id, Frequency.DAILY, "client"),
    ]
    results = at_once([*calls, *calls, *[lambda: delete_view(database, ORG, view_id)] * 2])
    assert {type(result) for result in results[-2:]} in ({type(None)}, {type(None), NotFound})
    assert {type(result).__name__ for result in results[:-2]} <= {"View", "Schedule", "Conflict", "NotFound"}
    assert rows(database, view_id) == []


def test_concurrent_creations_of_a_schedule_create_one(views: ViewStore, schedules: ScheduleStore) -> None:
    view_id = views.create(ORG, definition(), "client").view_id
    results = at_once([lambda: schedules.create(ORG, view_id, Frequency.DAILY, "client")] * MANY)
    (saved,) = [result for result in results if not isinstance(result, Exception)]
    assert Counter(type(result) for result in results if result is not saved) == {Conflict: MANY - 1}
    assert schedules.get(ORG, view_id) == saved


def test_only_one_of_concurrent_timers_advances_a_schedule(views: ViewStore, schedules: ScheduleStore) -> None:
    view_id = views.create(ORG, definition(), "client").view_id
    saved = schedules.create(ORG, view_id, Frequency.DAILY, "client")
    (due,) = schedules.due(saved.date_next)
    assert due == saved
    results = at_once([lambda: schedules.advance(due, saved.date_next)] * MANY)
    assert Counter(results) == {True: 1, False: MANY - 1}
    assert schedules.get(ORG, view_id).date_next == saved.date_next + 86_400_000
    assert dates.text(saved.date_next).endswith("T00:00:00.000Z")
