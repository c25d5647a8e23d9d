"""`journeys verify` and `rebuild`: what they find in the links table, and what they repair."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from journeys import dates, keys
from journeys.events.model import ExternalId
from journeys.events.store import EventLog
from journeys.identity.linker import Linker
from journeys.identity.model import DecisionState, Evidence, made_by, pair
from journeys.identity.store import LinkStore
from journeys.identity.survey import LinkSurvey, read_identifiers
from journeys.journey.model import step_of
from journeys.journey.projection import count_steps
from journeys.journey.store import JourneyStore
from journeys.journey.survey import EVENT_ATTRIBUTES
from tests.support.identities import identifier, stored_event
from tests.support.tables import Tables
from tools.operator.repair import JourneyRepair
from tools.operator.report import LINK_MISSING, LINK_ORPHANED, SOURCE_MISSING, RepairReport, RepairScope

WEB, EMAIL, CRM = map(identifier, ("web:v-1", "email:ann@example.org", "crm:C-7"))
GONE = Evidence(0, "orders", "no such event", 0)


class World:
    """A log with its journeys and links, and the commands that verify and rebuild them."""

    def __init__(self, tables: Tables) -> None:
        self.tables = tables
        self.log = EventLog(tables.dynamodb, tables.events)
        self.links = LinkStore(tables.dynamodb, tables.links)
        self.journeys = JourneyStore(tables.dynamodb, tables.journeys)
        self.repair = JourneyRepair(self.journeys, self.links, self.log, threads=1, reader_seconds=0.0)

    def add(self, number: int, *identifiers: ExternalId, linked: bool = True, **changes: Any) -> None:
        stored = stored_event(number, *identifiers, **changes)
        self.log.put(stored.to_item())
        journey_key, step = step_of(stored)
        count_steps(self.journeys, journey_key, [step])
        if linked:
            Linker(self.links).link(stored.organization_id, [stored])

    def verify(self, scope: RepairScope | None = None, *, repair: bool = False) -> RepairReport:
        report = RepairReport(show=True)
        self.repair.verify(scope or RepairScope(), report, repair=repair)
        return report

    def rebuild(self, scope: RepairScope | None = None) -> RepairReport:
        report = RepairReport()
        self.repair.rebuild_journeys(scope or RepairScope(), report)
        return report

    def rows(self) -> dict[tuple[str, str], dict[str, Any]]:
        return {(item["pk"]["S"], item["sk"]["S"]): item for item in self.tables.items(self.tables.links)}

    def delete(self, pk: str, sk: str) -> None:
        self.tables.dynamodb.delete_item(TableName=self.tables.links, Key=keys.item(pk, sk))


@pytest.fixture
def world(tables: Tables) -> World:
    made = World(tables)
    made.add(1, WEB, EMAIL, CRM)
    made.add(2, CRM)
    return made


def _nothing(_: World) -> None:
    pass


def _lost_row(world: World) -> None:
    world.delete("acme#web#v-1", "LINK#crm#C-7")


def _lost_table(world: World) -> None:
    for pk, sk in world.rows():
        world.delete(pk, sk)


def _lost_source(world: World) -> None:
    world.delete("acme#SOURCES", "crm")


def _never_linked(world: World) -> None:
    world.add(3, EMAIL, ExternalId("genesys", "G-1"), linked=False)


def _orphan(world: World) -> None:
    world.links.put("acme", {pair(CRM, ExternalId("crm", "C-8")): GONE})


def _orphan_of_an_event_without_it(world: World) -> None:
    made = Evidence(0, "orders", "event-2", 0)
    world.links.put("acme", {pair(CRM, ExternalId("crm", "C-8")): made})


@pytest.mark.parametrize(
    ("damage", "found"),
    [
        (_nothing, {}),
        (_lost_row, {LINK_MISSING: 1}),
        (_lost_table, {LINK_MISSING: 6, SOURCE_MISSING: 3}),
        (_lost_source, {SOURCE_MISSING: 1}),
        (_never_linked, {LINK_MISSING: 2, SOURCE_MISSING: 1}),
        (_orphan, {LINK_ORPHANED: 2}),
        (_orphan_of_an_event_without_it, {LINK_ORPHANED: 2}),
    ],
    ids=lambda value: value.__name__.strip("_") if callable(value) else "",
)
def test_each_kind_of_damage_is_found_counted_and_repaired(
    world: World, damage: Callable[[World], None], found: dict[str, int]
) -> None:
    decided = world.links.decide("acme", pair(WEB, CRM), DecisionState.UNLINKED, by="ann", now_ms=1)
    if damage is not _lost_table:
        before = world.rows()
    damage(world)
    report = world.verify()
    assert {kind: number for kind, number in report.differences.items() if number} == found
    assert {kind: len(names) for kind, names in report.keys.items() if names} == found
    repaired = world.verify(repair=True)
    assert (repaired.differences, repaired.remaining) == (report.differences, 0)
    assert world.verify().differences.total() == 0
    if damage not in (_lost_table, _never_linked):
        assert world.rows().keys() == before.keys()
        assert world.links.decision("acme", pair(WEB, CRM)) == decided


def test_a_rebuild_restores_and_removes_links(world: World) -> None:
    before = world.rows()
    _orphan(world)
    _lost_row(world)
    report = world.rebuild()
    assert (report.repaired[LINK_MISSING], report.repaired[LINK_ORPHANED], report.remaining) == (1, 2, 0)
    assert world.rows() == before


def test_a_restored_link_names_the_first_received_event(world: World) -> None:
    world.add(9, WEB, ExternalId("genesys", "G-1"), linked=False)
    world.add(8, WEB, ExternalId("genesys", "G-1"), linked=False)
    world.rebuild()
    assert world.links.links("acme", WEB).evidence[ExternalId("genesys", "G-1")].event_id == "event-8"


def test_verify_ignores_links_in_flight_and_rebuild_restores_them(world: World) -> None:
    new = ExternalId("genesys", "G-1")
    world.add(3, WEB, new, linked=False, received=dates.now_ms())
    assert world.verify().differences[LINK_MISSING] == 0
    assert world.rebuild().repaired[LINK_MISSING] == 2
    assert new in world.links.links("acme", WEB).evidence


def test_a_link_of_an_event_that_was_stored_after_the_scan_is_no_orphan(world: World) -> None:
    other = ExternalId("crm", "C-8")
    pages = world.log.pages

    def then_add(segment: int, segments: int, **options: Any) -> Any:
        yield from pages(segment, segments, **options)
        if segment == segments - 1:
            world.add(3, CRM, other)

    world.log.pages = then_add  # type: ignore[method-assign]
    assert world.verify(repair=True).differences[LINK_ORPHANED] == 0
    assert other in world.links.links("acme", CRM).evidence


def test_an_orphaned_link_that_an_event_makes_before_it_is_removed_is_restored(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The projector finds the rows, and does not write them."""
    other, delete = ExternalId("crm", "C-8"), world.links.delete
    _orphan(world)

    def add_first(organization_id: str, pairs: Any) -> None:
        world.add(3, CRM, other)
        delete(organization_id, pairs)

    monkeypatch.setattr(world.links, "delete", add_first)
    world.verify(repair=True)
    assert world.links.links("acme", CRM).evidence[other].event_id == "event-3"
    assert world.verify().differences.total() == 0


def test_a_scope_of_one_customer_or_organization_leaves_others_unchanged(world: World) -> None:
    world.add(4, WEB, EMAIL, organization="globex")
    _lost_row(world)
    world.delete("globex#web#v-1", "LINK#email#ann@example.org")
    world.delete("acme#email#ann@example.org", "LINK#crm#C-7")
    assert world.verify(RepairScope("globex")).differences[LINK_MISSING] == 1
    scope = RepairScope("acme", "acme#web#v-1")
    assert world.verify(scope).differences[LINK_MISSING] == 1
    assert world.rebuild(scope).repaired[LINK_MISSING] == 1
    assert world.verify(scope).differences.total() == 0
    assert world.verify(RepairScope("acme")).differences[LINK_MISSING] == 1
    assert world.verify(RepairScope("globex")).differences[LINK_MISSING] == 1


TEXT = st.text(
    alphabet=st.sampled_from("#%\t\n @é😀a") | st.characters(exclude_categories=["Cs"]), min_size=1, max_size=9
)


@given(st.lists(st.tuples(TEXT, TEXT), min_size=1, max_size=4), st.integers(0, 10**12))
def test_the_survey_finds_the_links_that_the_projector_makes(ids: list[tuple[str, str]], received: int) -> None:
    import tempfile

    stored = stored_event(1, *(ExternalId(*one) for one in ids), received=received)
    item = {name: value for name, value in stored.to_item().items() if name in EVENT_ATTRIBUTES}
    with tempfile.TemporaryDirectory() as folder:
        survey = LinkSurvey(Path(folder))
        survey.add_event(read_identifiers(item))
        found = {
            pair(one.identifier, other): evidence
            for part in survey.parts()
            for one in part
            for other, evidence in one.made.items()
        }
        survey.close()
    assert found == made_by([stored])
    assert survey.named_sources == {"acme": {source for source, _ in ids}}
