"""The persons that views count equal those of `identity.resolve`, for any links, decisions, settings and guards."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from itertools import combinations, pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from journeys.archive.columns import BUCKETS, bucket, customer_hash
from journeys.archive.links import LinkArrays
from journeys.identity.model import Decision, DecisionState, Identifier, Pair, key, pair
from journeys.identity.resolve import GUARDS, MAX_ROWS, Guards
from journeys.identity.resolve import persons as reference
from journeys.identity.settings import IdentitySettings, Linking
from journeys.views.computation.persons import DecisionArrays, Persons, resolve
from journeys.views.jobs.identity import JobIdentity
from tests.support.properties import examples

ORGANIZATION = "acme"
SOURCES = ("crm", "email", "phone", "Phone")
DEFAULTS = IdentitySettings()


def identifier(number: int, source: str = "crm") -> Identifier:
    return Identifier(source, f"c-{number}")


def hash_of(one: Identifier) -> int:
    return customer_hash(key(ORGANIZATION, one))


def arrays(links: Iterable[Pair], rules: IdentitySettings) -> LinkArrays:
    """Links as the archive's file holds them."""
    rows = [(*sorted(map(hash_of, link)), all(rules.may_link(one.source_id) for one in link)) for link in links]
    one, other, may_link = zip(*rows, strict=True) if rows else ((), (), ())
    return LinkArrays(np.array(one, np.int64), np.array(other, np.int64), np.array(may_link, np.bool_))


def resolved(
    links: Iterable[Pair],
    decisions: Mapping[Pair, Decision] | None = None,
    rules: IdentitySettings = DEFAULTS,
    guards: Guards = GUARDS,
) -> Persons:
    identity = JobIdentity.of(ORGANIZATION, rules, decisions or {})
    assert JobIdentity.from_values(identity.to_values()) == identity
    return resolve(arrays(links, rules), DecisionArrays.of(identity.decisions), guards)


def groups(persons: Persons) -> set[frozenset[int]]:
    """The identifiers of each person, after a check that one of them stands for the person."""
    found: dict[int, set[int]] = defaultdict(set)
    for one, person in zip(persons.identifiers.tolist(), persons.persons.tolist(), strict=True):
        found[person].add(one)
    assert all(person in identifiers for person, identifiers in found.items())
    assert persons.identifiers.tolist() == sorted(set(persons.identifiers.tolist()))
    return {frozenset(identifiers) for identifiers in found.values()}


def expected(
    links: Iterable[Pair], decisions: Mapping[Pair, Decision], rules: IdentitySettings, guards: Guards
) -> set[frozenset[int]]:
    found = reference(links, decisions, rules, guards=guards)
    return {frozenset(map(hash_of, person.identifiers)) for person in found.values() if len(person.identifiers) > 1}


identifiers = st.builds(identifier, st.integers(0, 11), st.sampled_from(SOURCES))
pairs = st.tuples(identifiers, identifiers).filter(lambda both: both[0] != both[1]).map(lambda both: pair(*both))


@st.composite
def shapes(draw: st.DrawFn) -> set[Pair]:
    """A chain, a clique or a star of some identifiers, in any order."""
    chosen = draw(st.lists(identifiers, min_size=2, max_size=16, unique=True))
    match draw(st.sampled_from(["chain", "clique", "star"])):
        case "chain":
            return {pair(*both) for both in pairwise(chosen)}
        case "clique":
            return {pair(*both) for both in combinations(chosen[:6], 2)}
        case _:
            return {pair(chosen[0], other) for other in chosen[1:]}


graphs = st.builds(lambda some, more: set().union(*some) | more, st.lists(shapes(), max_size=4), st.sets(pairs))
decisions_ = st.dictionaries(
    pairs, st.sampled_from(DecisionState).map(lambda state: Decision(state, "ann", 0)), max_size=6
)
rules_ = st.builds(
    IdentitySettings,
    st.sampled_from(Linking),
    st.lists(st.sampled_from(["crm", "email", "phone"]), max_size=2).map(tuple),
)
guards_ = st.sampled_from([GUARDS, Guards(3, 5), Guards(2, 50), Guards(10, 3)])


@pytest.mark.slow
@settings(max_examples=examples(150), deadline=None)
@given(links=graphs, decisions=decisions_, rules=st.just(DEFAULTS) | rules_, guards=guards_)
def test_persons_equal_those_of_the_reference(
    links: set[Pair], decisions: dict[Pair, Decision], rules: IdentitySettings, guards: Guards
) -> None:
    assert groups(resolved(links, decisions, rules, guards)) == expected(links, decisions, rules, guards)


def test_long_chains_have_one_person_if_the_guard_allows_it() -> None:
    links = [
        pair(identifier(one), identifier(other))
        for one, other in pairwise(np.random.default_rng(1).permutation(3000).tolist())
    ]
    (person,) = groups(resolved(links, guards=Guards(10, 3000)))
    assert len(person) == 3000
    assert groups(resolved(links)) == set()


@pytest.mark.parametrize(("size", "joined"), [(50, 1), (51, 0)])
def test_a_person_has_at_most_fifty_identifiers(size: int, joined: int) -> None:
    links = [pair(identifier(one), identifier(other)) for one, other in pairwise(range(size))]
    assert len(groups(resolved(links))) == joined


@pytest.mark.parametrize(("size", "joined"), [(10, 1), (11, 0)])
def test_an_identifier_with_more_than_ten_links_links_nobody(size: int, joined: int) -> None:
    links = [pair(identifier(0), identifier(other)) for other in range(1, size + 1)]
    assert len(groups(resolved(links))) == joined


def test_links_of_sources_that_may_not_link_count_only_toward_the_rows_that_are_read() -> None:
    """An identifier with more than MAX_ROWS links is not read to its end, so it has stopped linking."""
    kiosk, customer = identifier(0, "email"), identifier(1)
    for phones, joined in ((MAX_ROWS - 1, 1), (MAX_ROWS, 0)):
        links = [pair(kiosk, customer), *(pair(kiosk, identifier(number, "phone")) for number in range(phones))]
        assert len(groups(resolved(links))) == joined
        assert groups(resolved(links)) == expected(links, {}, DEFAULTS, GUARDS)


def test_persons_are_spread_over_all_buckets_evenly() -> None:
    """Otherwise, one of the parts that a job is computed in would have most persons of many identifiers."""
    links = [
        pair(identifier(ten * 10 + one), identifier(ten * 10 + one + 1)) for ten in range(3200) for one in range(9)
    ]
    persons = resolved(links)
    counts = np.bincount([bucket(person) for person in set(persons.persons.tolist())], minlength=BUCKETS)
    assert counts.min() > 140
    assert counts.max() < 260


def test_identifiers_that_stand_alone_keep_their_own_hash() -> None:
    one, other, alone = sorted(hash_of(identifier(number)) for number in range(3))
    persons = Persons(np.array([one, other]), np.array([other, other]))
    found, has_several = persons.of(np.array([one, one, alone, other, one]))
    assert found.tolist() == [other, other, alone, other, other]
    assert has_several.tolist() == [True, True, False, True, True]
    for empty in (Persons(np.zeros(0, np.int64), np.zeros(0, np.int64)), persons):
        found, has_several = empty.of(np.zeros(0, np.int64))
        assert (found.tolist(), has_several.tolist()) == ([], [])
