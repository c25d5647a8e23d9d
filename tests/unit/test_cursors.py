"""Cursors: good only for the listing that gave them."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from journeys import cursors, jsontext
from journeys.errors import BadRequest

TEXTS = st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=40)
SCOPES = st.lists(TEXTS, min_size=1, max_size=3)


@given(TEXTS, SCOPES)
def test_a_cursor_names_the_place_it_was_made_of(position: str, scope: list[str]) -> None:
    assert cursors.decode(cursors.encode(position, *scope), *scope) == position


@given(TEXTS, SCOPES, SCOPES)
def test_a_cursor_of_another_listing_is_refused(position: str, scope: list[str], other: list[str]) -> None:
    if scope == other:
        return
    with pytest.raises(BadRequest) as caught:
        cursors.decode(cursors.encode(position, *scope), *other)
    assert caught.value.code == "invalid.cursor"


def test_two_filters_that_read_alike_when_strung_together_are_two_listings() -> None:
    with pytest.raises(BadRequest):
        cursors.decode(cursors.encode("place", "a\nb", "c"), "a", "b\nc")


@given(TEXTS)
def test_what_is_no_cursor_is_refused_and_not_repeated(text: str) -> None:
    with pytest.raises(BadRequest) as caught:
        cursors.decode(text)
    assert not text or len(text) < 4 or text not in caught.value.message


def test_a_cursor_with_one_character_changed_is_refused() -> None:
    cursor = cursors.encode("2026-01-31#a#b", "acme")
    for place in range(len(cursor)):
        changed = cursor[:place] + ("A" if cursor[place] != "A" else "B") + cursor[place + 1 :]
        with pytest.raises(BadRequest):
            cursors.decode(changed, "acme")


@given(TEXTS)
def test_a_cursor_passes_through_an_address_as_it_is(position: str) -> None:
    assert cursors.encode(position).replace("-", "").replace("_", "").isalnum()


# -- where a page ends -------------------------------------------------------------------------------------------------

NOTES = st.lists(
    st.tuples(st.sampled_from(["n", '"', "\\", "\n", "\x01", "ж"]), st.integers(200_000, 900_000)), max_size=12
)


@settings(max_examples=20, deadline=None)  # megabytes each
@given(NOTES)
def test_a_page_ends_before_the_entity_that_an_answer_cannot_hold(notes: list[tuple[str, int]]) -> None:
    entities = [{"note": letter * times} for letter, times in notes]
    fit = cursors.fitting(entities)

    def answered(number: int) -> int:
        return sum(len(json.dumps(jsontext.dumps(entity))) for entity in entities[:number])

    assert min(1, len(entities)) <= fit <= len(entities)
    assert fit <= 1 or answered(fit) <= cursors.LARGEST_PAGE
    assert fit == len(entities) or answered(fit + 1) > cursors.LARGEST_PAGE


def test_one_entity_that_is_too_large_for_any_answer_is_a_page_all_the_same() -> None:
    large = {"note": "n" * 2 * cursors.LARGEST_PAGE}
    pages: list[list[dict[str, str] | None]] = [[], [large], [large, {}], [{}, large], [None, {}]]
    assert [cursors.fitting(page) for page in pages] == [0, 1, 1, 1, 2]
