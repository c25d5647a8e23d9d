"""Response sizes: a page has as many entities as fit into one response, and at least one."""

import json

from hypothesis import given, settings
from hypothesis import strategies as st

from journeys import jsontext
from journeys.response_size import LARGEST_PAGE, count_fitting

NOTES = st.lists(
    st.tuples(st.sampled_from(["n", '"', "\\", "\n", "\x01", "ж"]), st.integers(200_000, 900_000)), max_size=12
)


@settings(max_examples=20, deadline=None)  # Each example has several megabytes.
@given(NOTES)
def test_a_page_ends_before_the_first_entity_that_does_not_fit(notes: list[tuple[str, int]]) -> None:
    entities = [{"note": letter * times} for letter, times in notes]
    fit = count_fitting(entities)

    def answered(number: int) -> int:
        return sum(len(json.dumps(jsontext.dumps(entity))) for entity in entities[:number])

    assert min(1, len(entities)) <= fit <= len(entities)
    assert fit <= 1 or answered(fit) <= LARGEST_PAGE
    assert fit == len(entities) or answered(fit + 1) > LARGEST_PAGE


def test_an_entity_that_is_too_large_is_returned_as_a_page_of_one() -> None:
    large = {"note": "n" * 2 * LARGEST_PAGE}
    pages: list[list[dict[str, str] | None]] = [[], [large], [large, {}], [{}, large], [None, {}]]
    assert [count_fitting(page) for page in pages] == [0, 1, 1, 1, 2]
