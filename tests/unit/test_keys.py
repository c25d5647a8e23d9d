"""Keys: no sent value can produce the key of another item."""

from collections.abc import Callable
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from journeys import dates, keys

# Text without lone surrogates, in which the special characters of keys are frequent.
PARTS = st.text(alphabet=st.sampled_from("#%/@ aA2é\n\0😀") | st.characters(exclude_categories=["Cs"]), max_size=20)


@given(st.lists(PARTS, min_size=1, max_size=4))
def test_a_key_is_split_into_its_parts(parts: list[str]) -> None:
    assert keys.split(keys.join(*parts)) == parts


def test_every_character_of_a_part_is_percent_encoded_unless_it_is_safe() -> None:
    for character in map(chr, range(0x300)):
        assert keys.join(character, "a") == quote(character, safe="/:@+=, ()!*'") + "#a"


@given(st.lists(PARTS, min_size=1, max_size=3), st.lists(PARTS, min_size=1, max_size=3))
def test_keys_are_equal_only_if_all_parts_are(first: list[str], second: list[str]) -> None:
    assert (keys.join(*first) == keys.join(*second)) == (first == second)


@pytest.mark.parametrize("make", [keys.event, keys.journey])
def test_no_identifier_can_reach_another_organization(make: Callable[[str, str, str], str]) -> None:
    assert make("a", "b#c", "d") != make("a#b", "c", "d")
    assert make("a", "b", "c#d") != make("a", "b#c", "d")
    assert make("acme", "b", "c").startswith("acme#")


def test_an_email_address_stays_readable_in_a_key() -> None:
    assert keys.journey("acme", "crm", "ann@example.org") == "acme#crm#ann@example.org"


@given(st.lists(st.tuples(st.integers(0, 4_000_000_000_000), PARTS, PARTS), min_size=2, max_size=6))
def test_steps_are_ordered_by_time_first(steps: list[tuple[int, str, str]]) -> None:
    made = sorted((keys.step(dates.text(ms), *names), ms) for ms, *names in steps)
    assert [ms for _, ms in made] == sorted(ms for _, ms in made)


@given(st.integers(0, 4_000_000_000_000), PARTS, PARTS)
def test_no_step_has_the_key_of_the_summary(ms: int, configuration_id: str, event_id: str) -> None:
    assert keys.step(dates.text(ms), configuration_id, event_id) < keys.SUMMARY


@given(st.lists(st.integers(1, 99_999_999), min_size=2))
def test_versions_are_ordered_by_number(versions: list[int]) -> None:
    made = sorted((keys.schema_version("acme", "s", version)["sk"]["S"], version) for version in versions)
    assert [version for _, version in made] == sorted(versions)


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=100))
def test_a_title_of_100_characters_always_fits_into_a_key(title: str) -> None:
    # DynamoDB allows sort keys of up to 1,024 bytes.
    assert len(keys.title("acme", title)["sk"]["S"].encode()) <= 1024


@pytest.mark.parametrize("character", ["😀", "ΐ", "ᾷ", "ß", "%"])
def test_a_title_of_100_wide_characters_fits_into_a_key_too(character: str) -> None:
    assert len(keys.title("acme", character * 100)["sk"]["S"].encode()) <= 1024


def test_titles_that_differ_in_case_or_outer_white_space_are_equal() -> None:
    assert len({str(keys.title("acme", title)) for title in ("Straße", " STRASSE ", "strasse")}) == 1
    assert keys.title("acme", "a b") != keys.title("acme", "ab")


@given(st.text(alphabet="0123456789abcdef", min_size=1, max_size=64))
def test_failures_are_spread_over_all_buckets(failure_id: str) -> None:
    assert keys.failure_bucket("acme", failure_id, "open") in keys.failure_buckets("acme", ["open"])
    assert keys.failure_bucket("acme", failure_id, "open") not in keys.failure_buckets("acme", ["resolved"])


def test_different_resources_of_an_organization_have_different_partitions() -> None:
    partitions = [
        keys.organization("x")["pk"]["S"],
        keys.client("x")["pk"]["S"],
        keys.schemas("x"),
        keys.schema_versions("x", "s"),
        keys.title("x", "t")["pk"]["S"],
        keys.configurations("x"),
    ]
    assert len(set(partitions)) == len(partitions)
    assert keys.organization("x") != keys.event_types("x")
