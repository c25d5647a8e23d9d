"""Collects the events of persons with several identifiers, so that they are evaluated together.

The events of an archive are read identifier by identifier, in the order of the hashes, and the identifiers of a person
can be anywhere. Events of everybody else are evaluated as they are read, without being sorted again. Those of persons
with several identifiers are written to files, with the hash of the person instead of the identifier's, and are
evaluated after all others, in batches of persons.

Cost. One search per identifier and batch; the events of these persons are written and sorted once, and read once per
batch of persons. Memory does not depend on their number.
"""

# ruff: noqa: S608  (this module builds SQL; names in it are this module's, or quoted)

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import duckdb
import numpy as np
from numpy.typing import NDArray

from journeys.archive.parquet import literal
from journeys.archive.reading import Events
from journeys.views.computation.persons import Persons
from journeys.views.computation.portions import Booleans, Integers


@dataclass(frozen=True, slots=True)
class Merging:
    """The persons of a run. `folder` is for temporary files.

    `elsewhere` has further buckets, each with its events: buckets that are not the run's own, but have identifiers of
    its persons. Each is read before the next one is asked for, so that their files need not be there at the same time.
    """

    persons: Persons
    folder: Path
    elsewhere: Iterable[tuple[int, Events]] = ()


class MergedRows:
    """The events of the persons with several identifiers whose hashes are from `first` to `last`."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, merging: Merging, first: int, last: int) -> None:
        self._connection, self._folder = connection, merging.folder
        self._persons, self._first, self._last = merging.persons, first, last
        self._paths: list[Path] = []
        self.rows = 0

    def divert(self, table: str, hashes: Integers) -> Booleans:
        """Stores those rows of a table whose identifiers belong to persons with several.

        `hashes` are the table's hashes in order. Returns for each row whether its person has several identifiers; such
        a row must not be evaluated now. It is not stored if its person's hash is not one of the run.
        """
        persons, has_several = self._persons.of(hashes)
        stored: NDArray[np.bool_] = has_several & (persons >= self._first) & (persons <= self._last)
        if stored.any():
            path = self._folder / f"merged-{len(self._paths)}.parquet"
            self._connection.register("row_persons", {"person": persons, "stored": stored})
            try:
                self._connection.execute(
                    f"COPY (SELECT * EXCLUDE (person, stored) REPLACE (person AS hash) "
                    f"FROM {table} POSITIONAL JOIN row_persons WHERE stored) "
                    f"TO {literal(path)} (FORMAT parquet, COMPRESSION uncompressed)"
                )
            finally:
                self._connection.unregister("row_persons")
            self._paths.append(path)
            self.rows += int(np.count_nonzero(stored))
        return has_several

    def select(self, hash_condition: str) -> str:
        """SQL for the stored rows of some persons, with the columns that they were stored with."""
        return f"SELECT * FROM read_parquet([{', '.join(map(literal, self._paths))}]) WHERE {hash_condition}"
