"""Cursors are valid only for the listing that returned them."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from journeys import cursors
from journeys.errors import BadRequest

TEXTS = st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=40)
SCOPES = st.lists(TEXTS, min_size=1, max_size=3)
ANY = re.compile(r"[\s\S]*")


@given(TEXTS, SCOPES)
def test_a_cursor_is_decoded_to_its_position(position: str, scope: list[str]) -> None:
    assert cursors.decode(cursors.encode(position, *scope), ANY, *scope) == position


@given(TEXTS, SCOPES, SCOPES)
def test_a_cursor_of_another_listing_is_refused(position: str, scope: list[str], other: list[str]) -> None:
    if scope == other:
        return
    with pytest.raises(BadRequest) as caught:
        cursors.decode(cursors.encode(position, *scope), ANY, *other)
    assert caught.value.code == "invalid.cursor"


def test_filters_that_are_equal_only_when_concatenated_are_different_listings() -> None:
    with pytest.raises(BadRequest):
        cursors.decode(cursors.encode("place", "a\nb", "c"), ANY, "a", "b\nc")


@given(TEXTS)
def test_an_invalid_cursor_is_refused_and_not_repeated(text: str) -> None:
    with pytest.raises(BadRequest) as caught:
        cursors.decode(text, ANY)
    assert not text or len(text) < 4 or text not in caught.value.message


def test_a_cursor_with_one_character_changed_is_refused() -> None:
    cursor = cursors.encode("2026-01-31#a#b", "acme")
    for index in range(len(cursor)):
        changed = cursor[:index] + ("A" if cursor[index] != "A" else "B") + cursor[index + 1 :]
        with pytest.raises(BadRequest):
            cursors.decode(changed, ANY, "acme")


@given(TEXTS)
def test_a_cursor_needs_no_encoding_in_a_url(position: str) -> None:
    assert cursors.encode(position).replace("-", "").replace("_", "").isalnum()
