"""Breaks the figures of a view down by groups of its customers, exactly for any number of groups.

Definitions. The customers of a breakdown are those who have a reachable event anywhere in the view. Each of them is in
exactly one group, so the figures of all groups add up to those of the view.

- By an attribute of an element: the group is the value of the attribute at the customer's first reachable event at the
  element. Customers whose first event lacks the attribute are in the group Missing, and those without a reachable event
  at the element in the group NotReached. Of several first events with the same date, the one with the text that sorts
  first counts, and one without the attribute last.
- By source: the group is the source of the customer's first reachable event anywhere in the view. Of several first
  events with the same date, the one at the first element of the view counts, and of these the source that sorts first.

Values are texts, as those of a chart's groups. So the group depends on nothing but the customer's events: neither on
their order nor on batches and parts.

Method. DuckDB numbers the different values of a batch's rows in the order of their texts, and numpy chooses the least
number of each customer's first events. The partial result has tallies with the figures of each group that has some.
"""

# ruff: noqa: S608  (queries are composed here; all names in them are quoted)

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count

import duckdb
import numpy as np
from numpy.typing import NDArray

from journeys.archive.columns import quoted
from journeys.views.computation import tallies
from journeys.views.computation.charts import ChartColumns, group_name
from journeys.views.computation.durations import BIN_BITS, bins_of
from journeys.views.computation.group_tallies import FIRST_VALUE, MISSING, NOT_REACHED, GroupTallies, TooManyValues
from journeys.views.computation.links import LinkEvaluation, Timed
from journeys.views.computation.partial_result import State
from journeys.views.computation.plan import PlannedBreakdown, mark
from journeys.views.computation.portions import Integers, changes
from journeys.views.computation.tallies import Tally

CUSTOMERS, STATES = 0, 1
"""The figures that are counted: 0 for all customers, then from 1 the states of each element in turn."""


@dataclass(frozen=True, slots=True)
class RowValues:
    """The values of the rows of a batch: the texts in ascending order, and the number of each row's text.

    A row without a value has the number after the last.
    """

    texts: tuple[str, ...]
    numbers: Integers


def read_values(connection: duckdb.DuckDBPyConnection, breakdown: PlannedBreakdown, rows: int) -> RowValues:
    """The values of the rows of the table `viewed`, in their order. `rows` is their number. Raises TooManyValues."""
    column = group_name(breakdown.attribute) if breakdown.attribute else _SOURCE
    marks = sum(map(mark, breakdown.elements))
    there = f"viewed.marks & {marks} <> 0 AND {column.sql[0]} IS NOT NULL"
    keys = ", ".join(f"{sql} AS key_{number}" for number, sql in enumerate(column.sql))
    same = " AND ".join(f"{sql} IS NOT DISTINCT FROM key_{number}" for number, sql in enumerate(column.sql))
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE viewed_values AS SELECT *, row_number() OVER () - 1 AS number "
        f"FROM (SELECT DISTINCT {keys} FROM viewed WHERE {there} LIMIT {tallies.MAX_ROWS + 1})"
    )
    found = connection.execute("SELECT * EXCLUDE (number) FROM viewed_values ORDER BY number").fetchall()
    if len(found) > tallies.MAX_ROWS:
        raise TooManyValues
    by_number = [column.read(*row) for row in found]
    texts = sorted({*by_number})
    ranks = dict(zip(texts, count()))
    numbers = np.full(rows, len(texts), np.int64)
    # A table's rows have the numbers of their order, which the other queries of the table follow.
    joined = connection.execute(
        f"SELECT viewed.rowid AS place, number FROM viewed JOIN viewed_values ON {same} WHERE {there}"
    ).fetchnumpy()
    numbers[joined["place"]] = np.array([ranks[text] for text in by_number], np.int64)[joined["number"]]
    connection.execute("DROP TABLE viewed_values")
    return RowValues(tuple(texts), numbers)


_SOURCE = ChartColumns((quoted("source"),), lambda source: source)


def tally_groups(
    breakdown: PlannedBreakdown,
    evaluation: LinkEvaluation,
    rows: Integers,
    values: RowValues,
    states: Sequence[NDArray[np.uint8]],
    linked: Sequence[Timed],
) -> GroupTallies:
    """The figures of the groups of a portion, whose events are these rows of the batch. Raises TooManyValues.

    `states` are those of the customers at each element, and `linked` the customers of each link.
    """
    groups = _groups(breakdown, evaluation, rows, values)
    is_there = [element_states != State.ABSENT for element_states in states]
    somewhere = groups[np.logical_or.reduce(is_there)]
    customers = [Tally(somewhere, np.full(len(somewhere), CUSTOMERS), np.ones(len(somewhere), np.int64))]
    for index, (there, element_states) in enumerate(zip(is_there, states, strict=True)):
        figures = STATES + index * len(State) + element_states[there].astype(np.int64)
        customers.append(Tally(groups[there], figures, np.ones(len(figures), np.int64)))
    bins, durations = [Tally.empty()], [Tally.empty()]
    for link, timed in enumerate(linked):
        own, numbers = groups[timed.customers], np.full(len(timed.customers), link)
        bins.append(Tally(own, (link << BIN_BITS) | bins_of(timed.milliseconds), np.ones(len(own), np.int64)))
        durations.append(Tally(own, numbers, timed.milliseconds))
    taken = Tally.concatenate(durations)
    return GroupTallies(
        values.texts, Tally.concatenate(customers), Tally.concatenate(bins), taken, taken, taken
    ).merged()


def _groups(breakdown: PlannedBreakdown, evaluation: LinkEvaluation, rows: Integers, values: RowValues) -> Integers:
    """The group of each customer of a portion, by the customer's number."""
    groups = np.full(len(evaluation.customers), NOT_REACHED, np.int64)
    earliest = np.full(len(evaluation.customers), np.iinfo(np.int64).max)
    for index in breakdown.elements:
        customers, dates, positions = evaluation.first_events(index)
        firsts = np.flatnonzero(changes(customers))
        if not len(firsts):
            continue
        least = np.minimum.reduceat(values.numbers[rows[positions]], firsts)
        customers, dates = customers[firsts], dates[firsts]
        is_earlier = dates < earliest[customers]  # At the same date, the element before counts.
        customers, least = customers[is_earlier], least[is_earlier]
        earliest[customers] = dates[is_earlier]
        groups[customers] = np.where(least < len(values.texts), least + FIRST_VALUE, MISSING)
    return groups
