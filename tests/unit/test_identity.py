"""Identity: which values and sources may link, and which identifiers are one person."""

from itertools import pairwise, permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from journeys.events.validation import PLACEHOLDERS
from journeys.identity import model, resolve, values
from journeys.identity.model import Decision, DecisionState, Evidence, Identifier, Links, Pair, pair
from journeys.identity.resolve import Guards, Read, person, persons, rows_of
from journeys.identity.settings import NOT_LINKING, IdentitySettings, Linking
from tests.support.identities import every_pair, groups, identifier

ALL = IdentitySettings(Linking.ALL_EXCEPT, ())
DEFAULTS = IdentitySettings()


def _ids(names: str) -> list[Identifier]:
    return [identifier(name) for name in names.split()]


def _pairs(text: str) -> list[Pair]:
    """The pairs of `web:1-email:a web:1-crm:7`."""
    return [pair(*map(identifier, one.split("-"))) for one in text.split()]


def _read(links: list[Pair], decisions: dict[Pair, Decision] | None = None) -> Read:
    rows = rows_of(links, decisions or {})
    return lambda one: rows.get(one, Links(one))


def _decided(state: DecisionState) -> Decision:
    return Decision(state, "someone", 0)


# -- which values may link ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "value",
    [
        "[object Object]", '"[object Object]"', "null", " Undefined ", "GUEST", "test", "true", "False", "-1", "0",
        "00000000-0000-0000-0000-000000000000", "000000", "0000-0000", "+000 000", "0.0", "...", "not_authenticated",
        "distinct_id", "lmy47d", "{}", "[]", "(null)", "<nil>", "\u201cguest\u201d", "(guest)", "[ 'guest' ]",
        "\u00abtest\u00bb", "\uff10\uff10\uff10", "\uff47uest", "gu\u200best", "\ufeffguest", "guest\x00",
        "\u300ctest\u300d", "(0)", "\u200b",
    ],
)  # fmt: skip
def test_values_that_many_customers_share_never_link(value: str) -> None:
    assert not values.may_link(Identifier("crm", value))


@pytest.mark.parametrize("value", ["ann@example.org", "0010", "10", "testament", "guest-17", "C-0001", "+14155550100",
                                   "(030) 12", "\u00e9mile", "\u5f20\u4f1f"])  # fmt: skip
def test_values_of_one_customer_may_link(value: str) -> None:
    assert values.may_link(Identifier("crm", value))


def test_every_placeholder_of_ingest_is_refused() -> None:
    assert not [value for value in PLACEHOLDERS if values.may_link(Identifier("crm", value))]


def test_identifiers_whose_key_would_be_too_long_never_link() -> None:
    assert values.may_link(Identifier("s" * 499, "v" * 500))
    assert not values.may_link(Identifier("s" * 500, "v" * 500))
    assert not values.may_link(Identifier("crm", "é" * 200))


def test_an_event_links_each_of_its_identifiers_with_each_other() -> None:
    assert model.pairs(_ids("web:2 email:a crm:7 web:2")) == every_pair(_ids("web:2 email:a crm:7"))
    assert model.pairs(_ids("web:2 web:2")) == []
    assert model.pairs(_ids("web:2 email:guest")) == []


def test_an_event_with_more_than_ten_identifiers_links_nothing() -> None:
    ten = [Identifier("web", f"visitor-{number}") for number in range(10)]
    assert len(model.pairs(ten)) == 45
    assert len(model.pairs([*ten, Identifier("crm", "null")])) == 45
    eleven = [*ten, Identifier("crm", "7")]
    assert model.pairs(eleven) == []
    assert values.too_many(eleven)
    assert not values.too_many([*ten, *ten])


# -- which sources may link --------------------------------------------------------------------------------------------


def test_telephone_numbers_conversations_addresses_and_companies_do_not_link_by_default() -> None:
    assert [source for source in (*NOT_LINKING, "Phone") if DEFAULTS.may_link(source)] == []
    assert DEFAULTS.may_link("email")
    assert DEFAULTS.may_link("genesys")


def test_settings_name_sources_that_may_or_that_may_not_link() -> None:
    assert not IdentitySettings(Linking.ALL_EXCEPT, ("crm",)).may_link("crm")
    assert IdentitySettings(Linking.ALL_EXCEPT, ("crm",)).may_link("phone")
    assert IdentitySettings(Linking.ONLY, ("crm",)).may_link("CRM")
    assert not IdentitySettings(Linking.ONLY, ("crm",)).may_link("web")
    assert not IdentitySettings(Linking.NONE, ("crm",)).may_link("web")
    assert not IdentitySettings(Linking.ALL_EXCEPT, (" Phone ",)).may_link("pHone ")
    assert IdentitySettings.from_values(DEFAULTS.to_values()) == DEFAULTS


# -- persons -----------------------------------------------------------------------------------------------------------


def test_linked_identifiers_are_one_person_from_wherever_it_is_read() -> None:
    links = _pairs("web:1-email:a email:a-crm:7 crm:8-web:9")
    expected = tuple(_ids("crm:7 email:a web:1"))
    for start in expected:
        assert person(_read(links), start, DEFAULTS).identifiers == expected
    assert person(_read(links), identifier("crm:99"), DEFAULTS).identifiers == (identifier("crm:99"),)


def test_a_link_carries_how_it_came_to_be() -> None:
    made, decided = _pairs("web:1-email:a crm:7-email:a")
    evidence, decision = Evidence(1, "configuration", "event", 2), _decided(DecisionState.LINKED)
    rows = rows_of({made: evidence}, {decided: decision})
    links = person(lambda one: rows[one], identifier("web:1"), DEFAULTS).links
    assert {link.pair: (link.evidence, link.decision) for link in links} == {
        made: (evidence, None),
        decided: (None, decision),
    }


def test_a_decision_overrules_the_events_both_ways() -> None:
    made, by_hand = _pairs("web:1-email:a crm:7-web:1")
    cut = {made: _decided(DecisionState.UNLINKED), by_hand: _decided(DecisionState.LINKED)}
    found = person(_read([made], cut), identifier("web:1"), DEFAULTS)
    assert found.identifiers == tuple(_ids("crm:7 web:1"))
    assert [link.pair for link in found.unlinked] == [made]


def test_a_decision_can_be_tried_without_being_stored() -> None:
    read = _read(_pairs("web:1-email:a"))
    joined, linked = pair(*_ids("crm:7 web:1")), _decided(DecisionState.LINKED)
    tried = resolve.with_decision(read, joined, linked)
    for start in _ids("crm:7 email:a web:1"):
        assert person(tried, start, DEFAULTS).identifiers == tuple(_ids("crm:7 email:a web:1"))
    assert person(read, identifier("crm:7"), DEFAULTS).identifiers == (identifier("crm:7"),)


def test_a_decision_that_is_tried_counts_as_a_row() -> None:
    read = _read([pair(identifier("web:1"), Identifier("phone", f"{n + 1:05}")) for n in range(resolve.MAX_ROWS)])
    tried = resolve.with_decision(read, pair(*_ids("web:1 crm:7")), _decided(DecisionState.LINKED))
    assert read(identifier("web:1")).complete
    assert not tried(identifier("web:1")).complete


def test_a_link_counts_only_if_both_rows_are_there() -> None:
    one, other = _ids("web:1 email:a")
    rows = {one: Links(one, {other: Evidence(0, "", "", 0)})}
    for start in (one, other):
        assert person(lambda any_: rows.get(any_, Links(any_)), start, DEFAULTS).identifiers == (start,)


def test_sources_that_may_not_link_join_nobody() -> None:
    links = _pairs("phone:1-email:a phone:1-email:b")
    assert person(_read(links), identifier("email:a"), DEFAULTS).identifiers == (identifier("email:a"),)
    assert len(person(_read(links), identifier("email:a"), ALL).identifiers) == 3
    by_hand = {links[0]: _decided(DecisionState.LINKED)}
    assert len(person(_read(links, by_hand), identifier("email:a"), DEFAULTS).identifiers) == 1


def test_an_identifier_with_more_than_ten_links_links_nobody_and_is_named() -> None:
    kiosk = identifier("web:kiosk")
    links = [pair(kiosk, Identifier("email", f"{number}@shop")) for number in range(11)]
    links.append(pair(Identifier("email", "0@shop"), identifier("crm:7")))
    assert len(person(_read(links[:10]), kiosk, DEFAULTS).identifiers) == 11
    visitor = person(_read(links), Identifier("email", "0@shop"), DEFAULTS)
    assert visitor.identifiers == (identifier("crm:7"), Identifier("email", "0@shop"))
    assert visitor.stopped == (kiosk,)
    assert person(_read(links), kiosk, DEFAULTS).identifiers == (kiosk,)
    assert person(_read(links), kiosk, DEFAULTS).stopped == (kiosk,)
    cut = {links[0]: _decided(DecisionState.UNLINKED)}
    assert len(person(_read(links, cut), kiosk, DEFAULTS).identifiers) == 11


def test_links_to_sources_that_may_not_link_do_not_stop_an_identifier() -> None:
    links = [pair(identifier("email:a"), Identifier("phone", f"+1415555{number:04}")) for number in range(30)]
    links += _pairs("email:a-crm:7")
    assert len(person(_read(links), identifier("crm:7"), DEFAULTS).identifiers) == 2


def test_an_identifier_with_more_rows_than_are_read_links_nobody() -> None:
    links = [pair(identifier("email:a"), Identifier("phone", f"{number + 1:05}")) for number in range(resolve.MAX_ROWS)]
    crm = _pairs("email:a-crm:7")
    assert len(person(_read(links[1:] + crm), identifier("crm:7"), DEFAULTS).identifiers) == 2
    assert person(_read(links + crm), identifier("crm:7"), DEFAULTS).stopped == (identifier("email:a"),)
    assert person(_read(links), identifier("phone:00001"), DEFAULTS).stopped == ()


def _chain(length: int) -> list[Pair]:
    ids = [Identifier("web", f"v{number:03}") for number in range(length)]
    return [pair(*two) for two in pairwise(ids)]


def test_a_person_has_at_most_fifty_identifiers() -> None:
    whole = person(_read(_chain(50)), Identifier("web", "v025"), DEFAULTS)
    assert (len(whole.identifiers), whole.too_large) == (50, False)
    for start in ("v000", "v025", "v050"):
        alone = person(_read(_chain(51)), Identifier("web", start), DEFAULTS)
        assert (alone.identifiers, alone.too_large) == ((Identifier("web", start),), True)


def test_the_rows_of_an_identifier_are_read_once_and_not_beyond_the_bound() -> None:
    read: list[Identifier] = []
    links = _chain(400)
    rows = _read(links)

    def counted(one: Identifier) -> Links:
        read.append(one)
        return rows(one)

    person(counted, Identifier("web", "v000"), DEFAULTS)
    assert len(read) == len(set(read)) == 51


LETTERS = [Identifier(source, letter) for source in ("web", "email", "phone") for letter in "abc"]
PAIRS = st.sampled_from(every_pair(LETTERS))
DECISIONS = st.dictionaries(PAIRS, st.sampled_from([_decided(state) for state in DecisionState]), max_size=6)
SETTINGS = st.sampled_from([ALL, DEFAULTS, IdentitySettings(Linking.ONLY, ("web",)), IdentitySettings(Linking.NONE)])
GUARDS = st.builds(Guards, st.integers(1, 4), st.integers(1, 6))


@given(st.lists(PAIRS, max_size=20), DECISIONS, SETTINGS, GUARDS)
def test_persons_equal_those_of_brute_force(
    links: list[Pair], decisions: dict[Pair, Decision], settings: IdentitySettings, guards: Guards
) -> None:
    expected = groups(set(links), decisions, settings, guards)
    found = persons(links, decisions, settings, guards=guards)
    assert {one: frozenset(who.identifiers) for one, who in found.items()} == expected
    rows = rows_of(links, decisions)
    for one, who in found.items():
        read = person(lambda any_: rows.get(any_, Links(any_)), one, settings, guards=guards)
        assert read == who
        assert frozenset(read.identifiers) == expected[one]


@given(st.lists(PAIRS, max_size=5, unique=True))
def test_persons_do_not_depend_on_the_order_of_the_links(links: list[Pair]) -> None:
    found = [persons(order, {}, ALL, guards=Guards(2, 4)) for order in permutations(links)]
    assert all(one == found[0] for one in found)
