"""Many at once: the versions of views, of charts, and schedules hold whoever comes at the same moment.

Threads against databases that run transactions as DynamoDB does; what each of them was answered is looked at as well.
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
from tests.support.views import parsed, view_body

ORG = "acme"
MANY = 8


@pytest.fixture
def views(database: Tables) -> ViewStore:
    return ViewStore(database.dynamodb, database.registry)


@pytest.fixture
def schedules(database: Tables) -> ScheduleStore:
    return ScheduleStore(database.dynamodb, database.registry)


def definition(name: str = "A view", rank: int = 0) -> ViewDefinition:
    """A view whose chart differs with the rank."""
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


def test_versions_that_come_at_once_are_all_kept_each_under_a_number_of_its_own(views: ViewStore) -> None:
    view_id = views.create(ORG, definition(), "client").view_id

    def adding(number: int) -> Callable[[], View]:
        return lambda: views.add_version(ORG, view_id, definition(f"View {number}", rank=number), "client")

    answers = at_once([adding(number) for number in range(1, MANY + 1)])
    made = [answer for answer in answers if isinstance(answer, View)]
    assert kinds(answers) == {"View": MANY}
    assert sorted(view.version for view in made) == list(range(2, MANY + 2))
    assert sorted(map(chart_version, made)) == list(range(2, MANY + 2))
    for view in made:
        assert views.get_version(ORG, view_id, view.version) == view
        assert views.chart(ORG, view_id, "by-month", chart_version(view)) == view.chart("by-month")
    latest = max(made, key=lambda view: view.version)
    assert views.get(ORG, view_id) == latest
    assert [head.name for head in views.all(ORG)] == [latest.definition.name]


def test_of_edits_that_come_at_once_the_last_stays_whole(views: ViewStore) -> None:
    view_id = views.create(ORG, definition(), "client").view_id

    def editing(number: int) -> Callable[[], View]:
        return lambda: views.edit_version(ORG, view_id, 1, definition(f"View {number}", rank=number), "client")

    answers = at_once([editing(number) for number in range(1, MANY + 1)])
    made = [answer for answer in answers if isinstance(answer, View)]
    assert kinds(answers) == {"View": MANY}
    assert sorted(map(chart_version, made)) == list(range(2, MANY + 2))
    last = views.get(ORG, view_id)
    assert last in made
    assert [head.name for head in views.all(ORG)] == [last.definition.name]
    for view in made:
        assert views.chart(ORG, view_id, "by-month", chart_version(view)) == view.chart("by-month")


def test_edits_and_new_versions_at_once_never_share_a_charts_version(views: ViewStore) -> None:
    view_id = views.create(ORG, definition(), "client").view_id

    def adding(number: int) -> Callable[[], View]:
        return lambda: views.add_version(ORG, view_id, definition("Added", rank=number), "client")

    def editing(number: int) -> Callable[[], View]:
        return lambda: views.edit_version(ORG, view_id, 1, definition("Edited", rank=number), "client")

    answers = at_once([(adding if number % 2 else editing)(number) for number in range(1, MANY + 1)])
    made = [answer for answer in answers if isinstance(answer, View)]
    assert kinds(answers) == {"View": MANY}
    assert sorted(map(chart_version, made)) == list(range(2, MANY + 2))
    assert [head.name for head in views.all(ORG)] == ["Added"]
    assert views.get_version(ORG, view_id, 1).definition.name == "Edited"


@pytest.mark.parametrize("run", range(3))
def test_a_view_deleted_while_it_is_changed_leaves_nothing_behind(
    database: Tables, views: ViewStore, schedules: ScheduleStore, run: int
) -> None:
    view_id = views.create(ORG, definition(), "client").view_id
    calls: list[Callable[[], object]] = [
        lambda: views.add_version(ORG, view_id, definition(rank=1), "client"),
        lambda: views.edit_version(ORG, view_id, 1, definition(rank=2), "client"),
        lambda: schedules.create(ORG, view_id, Frequency.DAILY, "client"),
    ]
    answers = at_once([*calls, *calls, *[lambda: views.delete(ORG, view_id)] * 2])
    assert Counter(type(answer) for answer in answers[-2:]) == {type(None): 1, NotFound: 1}
    assert {type(answer).__name__ for answer in answers[:-2]} <= {"View", "Schedule", "Conflict", "NotFound"}
    assert rows(database, view_id) == []


def test_a_view_has_one_schedule_whoever_makes_it_first(views: ViewStore, schedules: ScheduleStore) -> None:
    view_id = views.create(ORG, definition(), "client").view_id
    answers = at_once([lambda: schedules.create(ORG, view_id, Frequency.DAILY, "client")] * MANY)
    (made,) = [answer for answer in answers if not isinstance(answer, Exception)]
    assert Counter(type(answer) for answer in answers if answer is not made) == {Conflict: MANY - 1}
    assert schedules.get(ORG, view_id) == made


def test_of_timers_that_run_at_once_one_moves_a_schedule(views: ViewStore, schedules: ScheduleStore) -> None:
    view_id = views.create(ORG, definition(), "client").view_id
    made = schedules.create(ORG, view_id, Frequency.DAILY, "client")
    (due,) = schedules.due(made.date_next)
    assert due == made
    answers = at_once([lambda: schedules.advance(due, made.date_next)] * MANY)
    assert Counter(answers) == {True: 1, False: MANY - 1}
    assert schedules.get(ORG, view_id).date_next == made.date_next + 86_400_000
    assert dates.text(made.date_next).endswith("T00:00:00.000Z")
