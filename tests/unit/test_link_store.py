"""The links table: rows of links, decisions, sources, and the settings in the registry."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from journeys import keys
from journeys.errors import Conflict, LimitReached
from journeys.identity import store as stores
from journeys.identity.model import Decision, DecisionState, Evidence, Identifier, Links, pair
from journeys.identity.resolve import person
from journeys.identity.settings import IdentitySettings, Linking
from journeys.identity.store import IdentitySettingsStore, LinkStore, link_row
from tests.support.identities import every_pair, identifier
from tests.support.tables import Tables

EVIDENCE = Evidence(1_750_000_000_000, "configuration", "event", 1_750_000_000_001)
WEB, EMAIL, CRM = map(identifier, ("web:v#1", "email:ann@example.org", "crm:C 7"))
MADE = pair(WEB, EMAIL)


@pytest.fixture
def links(tables: Tables) -> LinkStore:
    return LinkStore(tables.dynamodb, tables.links)


def test_a_link_has_a_row_in_the_partition_of_each_identifier(links: LinkStore, tables: Tables) -> None:
    links.put("acme", {MADE: EVIDENCE})
    assert links.links("acme", WEB) == Links(WEB, {EMAIL: EVIDENCE})
    assert links.links("acme", EMAIL) == Links(EMAIL, {WEB: EVIDENCE})
    assert links.links("other", EMAIL) == Links(EMAIL)
    rows = [link_row(item) for item in tables.items(tables.links)]
    assert sorted((row.identifier_key, row.other) for row in rows if row) == [
        ("acme#email#ann@example.org", WEB),
        ("acme#web#v%231", EMAIL),
    ]


def test_a_pair_exists_only_with_both_rows(links: LinkStore, tables: Tables) -> None:
    links.put("acme", {MADE: EVIDENCE, pair(WEB, CRM): EVIDENCE})
    tables.dynamodb.delete_item(
        TableName=tables.links, Key=keys.item("acme#crm#C 7", keys.link(WEB.source_id, WEB.value))
    )
    assert links.existing("acme", every_pair([WEB, EMAIL, CRM])) == {MADE}
    links.delete("acme", [MADE])
    assert links.existing("acme", [MADE]) == frozenset()


def test_the_longest_identifiers_that_may_link_fit_into_the_keys(links: LinkStore) -> None:
    long = pair(Identifier("s" * 255, "v" * 255), Identifier("é" * 100, "w" * 390))
    links.put("acme", {long: EVIDENCE})
    links.decide("acme", long, DecisionState.LINKED, by="c", now_ms=1)
    assert links.links("acme", long.first).decisions.keys() == {long.second}
    assert links.links("acme", Identifier("😀" * 60, "😀" * 200)) == Links(Identifier("😀" * 60, "😀" * 200))


def test_an_identifier_with_too_many_rows_is_read_incompletely(
    links: LinkStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stores, "MAX_ROWS", 3)
    for number in range(3):
        links.put("acme", {pair(WEB, Identifier("crm", f"C-{number}")): EVIDENCE})
    assert links.links("acme", WEB).complete
    links.put("acme", {MADE: EVIDENCE})
    found = links.links("acme", WEB)
    assert (len(found.evidence), found.complete) == (3, False)


def test_a_decision_is_in_both_partitions_and_in_the_list(links: LinkStore) -> None:
    links.put("acme", {MADE: EVIDENCE})
    decision = links.decide("acme", MADE, DecisionState.UNLINKED, by="ann", now_ms=5)
    assert (decision.state, decision.by, decision.date, decision.revision) == (DecisionState.UNLINKED, "ann", 5, 1)
    assert links.links("acme", WEB).decisions == {EMAIL: decision}
    assert links.links("acme", EMAIL).decisions == {WEB: decision}
    assert links.decisions("acme") == {MADE: decision}
    assert links.decisions("other") == {}
    read = links.reader("acme")
    assert person(read, WEB, IdentitySettings()).identifiers == (WEB,)
    changed = links.decide("acme", MADE, DecisionState.LINKED, by="bob", now_ms=6)
    assert (changed.by, changed.revision) == ("bob", 2)
    assert links.decisions("acme") == {MADE: changed}
    assert len(person(read, WEB, IdentitySettings()).identifiers) == 2


def test_the_same_decision_again_changes_nothing(links: LinkStore) -> None:
    first = links.decide("acme", MADE, DecisionState.LINKED, by="ann", now_ms=5)
    assert links.decide("acme", MADE, DecisionState.LINKED, by="bob", now_ms=6) == first
    assert links.decision("acme", MADE) == first


def test_a_decision_is_written_only_over_the_one_that_was_read(links: LinkStore) -> None:
    first = links.decide("acme", MADE, DecisionState.LINKED, by="ann", now_ms=5)
    for revision in (1, 3):
        other = Decision(DecisionState.UNLINKED, "bob", 6, revision)
        assert not links.put_decision("acme", MADE, other)
    assert links.decisions("acme") == {MADE: first}
    assert links.put_decision("acme", MADE, Decision(DecisionState.UNLINKED, "bob", 6, 2))


def test_decisions_at_the_same_time_leave_one_that_both_identifiers_have(links: LinkStore) -> None:
    def decide(number: int) -> None:
        links.decide("acme", MADE, list(DecisionState)[number % 2], by=f"{number}", now_ms=number)

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(decide, range(12)))
    (decision,) = links.decisions("acme").values()
    assert links.links("acme", WEB).decisions == {EMAIL: decision}
    assert links.links("acme", EMAIL).decisions == {WEB: decision}


def test_the_number_of_decisions_is_bounded(links: LinkStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stores, "MAX_DECISIONS", 2)
    first, second, third = every_pair([WEB, EMAIL, CRM])
    links.decide("acme", first, DecisionState.LINKED, by="a", now_ms=1)
    links.decide("acme", second, DecisionState.LINKED, by="a", now_ms=1)
    with pytest.raises(LimitReached):
        links.decide("acme", third, DecisionState.LINKED, by="a", now_ms=1)
    links.decide("acme", first, DecisionState.UNLINKED, by="a", now_ms=1)
    links.decide("other", third, DecisionState.LINKED, by="a", now_ms=1)
    assert len(links.decisions("acme")) == 2


def test_sources_are_listed_once_and_up_to_a_bound(links: LinkStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stores, "MAX_SOURCES", 3)
    links.add_sources("acme", ["web", "a#b"], now_ms=1)
    links.add_sources("acme", ["web", "crm", "email", "phone"], now_ms=2)
    assert links.sources("acme") == ["a#b", "crm", "web"]
    assert links.sources("other") == []


def test_settings_are_the_defaults_until_they_are_set(tables: Tables) -> None:
    store = IdentitySettingsStore(tables.dynamodb, tables.registry)
    assert store.get("acme") == IdentitySettings()
    new = IdentitySettings(Linking.ONLY, ("crm", "email"), revision=1)
    store.put("acme", new)
    assert store.get("acme") == new
    with pytest.raises(Conflict):
        store.put("acme", IdentitySettings(Linking.NONE, (), revision=1))
    store.put("acme", IdentitySettings(Linking.NONE, (), revision=2))
    assert store.get("acme").linking is Linking.NONE
    assert store.get("other") == IdentitySettings()
