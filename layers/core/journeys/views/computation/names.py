"""Finds the identifiers of listed customers, after their figures are computed.

A list has hashes, and the archive's column `customer` has the identifier of a hash. Only the identifiers of the listed
customers are read, those with events in the view's period. Files are sorted by hash, so DuckDB skips most of them.

A person can have identifiers in buckets that are not the run's own. The files of these are read, and deleted, before it
is known who is listed. Therefore the identifiers of all persons of the run are written to a file meanwhile.
"""

# ruff: noqa: S608  (this module builds SQL; all names and texts in it are quoted)

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import duckdb
import numpy as np

from journeys import keys
from journeys.archive.parquet import literal
from journeys.archive.reading import Events
from journeys.views.computation.lists import Lists
from journeys.views.computation.merging import Merging
from journeys.views.computation.portions import Integers

MAX_IDENTIFIERS = 10
"""Identifiers of a listed person."""

BATCH = 10_000
"""Rows fetched from DuckDB at a time."""


class Names:
    """The identifiers that the customers of a run have events under.

    `period` are the first date and the one after the last, and `hashes` the lowest and the highest hash of the run's
    customers. `merging` has its persons with several identifiers.
    """

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        period: tuple[int, int],
        hashes: tuple[int, int],
        merging: Merging | None,
    ) -> None:
        self._connection, self._period, self._hashes, self._merging = connection, period, hashes, merging
        self._collected: list[Path] = []

    def collecting(self) -> Merging | None:
        """The persons of the run. As other buckets are read, the identifiers that persons have there are collected."""
        return self._merging and replace(self._merging, elsewhere=self._collect(self._merging))

    def _collect(self, merging: Merging) -> Iterator[tuple[int, Events]]:
        first, last = self._hashes
        persons = merging.persons
        own = persons.identifiers[(persons.persons >= first) & (persons.persons <= last)]
        for bucket, events in merging.elsewhere:
            path = merging.folder / f"identifiers-{bucket}.parquet"
            self._connection.register("of_persons", {"hash": own})
            self._connection.execute(
                f"COPY (SELECT hash, any_value(customer) AS customer FROM ({self._select(events)}) "
                f"SEMI JOIN of_persons USING (hash) GROUP BY hash) TO {literal(path)} (FORMAT parquet)"
            )
            self._connection.unregister("of_persons")
            self._collected.append(path)
            yield bucket, events

    def named(self, listed: Lists, events: Events) -> Lists:
        """The lists with the identifiers of their customers. `events` are those of the run's own buckets."""
        hashes = listed.hashes()
        identifiers, customers = self._identifiers(hashes)
        everything = self._select(events)
        for path in self._collected:
            everything += f" UNION ALL SELECT hash, customer FROM read_parquet({literal(path)})"
        self._connection.register("listed", {"hash": identifiers, "listed": customers})
        try:
            result = self._connection.execute(
                f"SELECT DISTINCT listed, customer FROM ({everything}) JOIN listed USING (hash)"
            )
            found: dict[int, list[str]] = {hash_: [] for hash_ in hashes.tolist()}
            while rows := result.fetchmany(BATCH):
                for hash_, key in rows:
                    found[hash_].append(key)
        finally:
            self._connection.unregister("listed")
        return listed.with_names({hash_: _in_order(names) for hash_, names in found.items()})

    def _identifiers(self, hashes: Integers) -> tuple[Integers, Integers]:
        """The hashes of all identifiers of these customers, and the customer of each."""
        if self._merging is None:
            return hashes, hashes
        persons = self._merging.persons
        alone = hashes[~np.isin(hashes, persons.persons)]
        of_listed = np.isin(persons.persons, hashes)
        return (
            np.concatenate((alone, persons.identifiers[of_listed])),
            np.concatenate((alone, persons.persons[of_listed])),
        )

    def _select(self, events: Events) -> str:
        """SQL for the hash and the journey key of each event in the period."""
        start, end = self._period
        return f"SELECT hash, customer FROM ({events.select(('customer',), f'date >= {start} AND date < {end}')})"


def _in_order(found: list[str]) -> tuple[str, ...]:
    """The first identifiers of a customer, in the order that persons have everywhere, without the organization."""
    identifiers = sorted(keys.split(key)[1:] for key in found)
    return tuple(keys.join(*identifier) for identifier in identifiers[:MAX_IDENTIFIERS])
