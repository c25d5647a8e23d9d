"""Durations: exact figures, percentiles within 1%, histograms, and merging without loss."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from journeys.views.computation.durations import MAX_BARS, PERCENTILE_ERROR, Durations
from journeys.views.rules import LONGEST

lists = st.lists(st.integers(0, 200) | st.integers(0, LONGEST), min_size=1, max_size=40)


def durations(*values: int) -> Durations:
    return Durations.of(np.array(values, np.int64))


@given(lists, st.integers(1, 100))
def test_a_percentile_is_within_the_stated_error_of_the_exact_one(values: list[int], percent: int) -> None:
    exact = sorted(values)[-(-len(values) * percent // 100) - 1]
    assert abs(durations(*values).percentile(percent) - exact) <= PERCENTILE_ERROR * exact


@given(st.lists(st.integers(0, 127), min_size=1))
def test_percentiles_below_128_milliseconds_are_exact(values: list[int]) -> None:
    ordered = sorted(values)
    assert [durations(*values).percentile(percent) for percent in (50, 100)] == [
        ordered[(len(values) - 1) // 2],
        ordered[-1],
    ]


@given(lists, lists)
def test_merging_gives_the_durations_of_all_customers(one: list[int], other: list[int]) -> None:
    assert durations(*one) + durations(*other) == durations(*one, *other)
    assert durations(*one) + Durations() == durations(*one)


@given(lists)
def test_a_histogram_counts_every_duration_in_one_bar(values: list[int]) -> None:
    bars = list(durations(*values).bars())
    assert len(bars) <= MAX_BARS + 1
    assert [count for _, _, count in bars] == [sum(start <= one < end for one in values) for start, end, _ in bars]
    assert sum(count for _, _, count in bars) == len(values)


@given(lists)
def test_durations_survive_as_json_values(values: list[int]) -> None:
    found = durations(*values)
    assert Durations.from_values(found.to_values()) == found


def test_nobody_has_no_percentile() -> None:
    assert list(Durations().bars()) == []
    with pytest.raises(ValueError, match="no durations"):
        Durations().percentile(50)
