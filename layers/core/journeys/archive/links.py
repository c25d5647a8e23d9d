"""The distinct links of an archive: which identifiers its events join. Views resolve persons from them.

One file has the links of all compacted events, ordered by both hashes. The events of landed files add theirs.

| column         | type    | content                                                          |
| -------------- | ------- | ---------------------------------------------------------------- |
| `one`          | BIGINT  | the lesser hash of the two identifiers; see `columns`            |
| `other`        | BIGINT  | the greater hash                                                 |
| `one_source`   | VARCHAR | the source of the identifier `one`                               |
| `other_source` | VARCHAR | the source of the identifier `other`                             |

Events never change, so links are only added. Which of them count is decided when a view is computed.
"""

# ruff: noqa: S608  (this module builds SQL; all names and texts in it are quoted)

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
from numpy.typing import NDArray

from journeys import keys
from journeys.archive import columns
from journeys.archive.parquet import literal

EVENTS_AT_ONCE = 2_000
"""Different lists of identifiers that Python holds at a time. Each has at most 45 links."""

_FOUND = "found_links"
_COLUMNS = "one BIGINT, other BIGINT, one_source VARCHAR, other_source VARCHAR"


@dataclass(frozen=True, slots=True)
class LinkArrays:
    """Links as parallel arrays: the hashes of both identifiers, and whether both sources may link. None is repeated."""

    one: NDArray[np.int64]
    other: NDArray[np.int64]
    may_link: NDArray[np.bool_]


def find(connection: duckdb.DuckDBPyConnection, organization_id: str, paths: Sequence[Path]) -> bool:
    """Collects the links of files of events in a temporary table, for `add` and `read`. Returns whether there are any.

    The table replaces that of an earlier call. Raises duckdb.Error.
    """
    connection.execute(f"CREATE OR REPLACE TEMP TABLE {_FOUND} ({_COLUMNS})")
    files = f"read_parquet([{', '.join(map(literal, paths))}], union_by_name = true)"
    if not paths or "linked" not in _names(connection, files):
        return False
    prefix = keys.join(organization_id) + "#"
    # Another connection, because inserting would end the query. It shares the memory limit.
    with connection.cursor() as reader:
        result = reader.execute(f"SELECT DISTINCT linked FROM {files} WHERE linked IS NOT NULL")
        found = False
        while lists := result.fetchmany(EVENTS_AT_ONCE):
            connection.register("some_links", _links((linked for (linked,) in lists), prefix))
            connection.execute(f"INSERT INTO {_FOUND} FROM some_links")
            connection.unregister("some_links")
            found = True
    return found


def add(connection: duckdb.DuckDBPyConnection, before: Path | None, path: Path) -> int | None:
    """Writes the links of a file and those that `find` collected to a new file, each once. Returns their number.

    Returns None, and writes nothing, if the file already has all of them. `before` is None for the first file.
    """
    if before is not None:
        missing = f"SELECT 1 FROM {_FOUND} ANTI JOIN read_parquet({literal(before)}) USING (one, other) LIMIT 1"
        if not connection.execute(missing).fetchall():
            return None
    connection.execute(
        f"COPY (FROM ({_all(before)}) ORDER BY one, other) TO {literal(path)} (FORMAT parquet, COMPRESSION zstd)"
    )
    ((count,),) = connection.execute(f"SELECT count(*) FROM read_parquet({literal(path)})").fetchall()
    return int(count)


def read(connection: duckdb.DuckDBPyConnection, path: Path | None, may_link: Callable[[str], bool]) -> LinkArrays:
    """The links of a file and those that `find` collected. `may_link` decides by the source of an identifier."""
    links = _all(path)
    found = connection.execute(f"SELECT DISTINCT unnest([one_source, other_source]) FROM ({links})").fetchall()
    sources = [source for (source,) in found if may_link(source)]
    if not found:
        return LinkArrays(np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0, np.bool_))
    connection.register("linking_sources", {"source": np.array([*sources, ""], object)})  # No source is empty.
    linking = "IN (SELECT source FROM linking_sources)"
    rows = connection.execute(
        f"SELECT one, other, one_source {linking} AND other_source {linking} AS may_link FROM ({links})"
    ).fetchnumpy()
    connection.unregister("linking_sources")
    return LinkArrays(rows["one"], rows["other"], rows["may_link"])


def _all(path: Path | None) -> str:
    """A query for the links of a file and those that `find` collected, each once."""
    if path is None:
        return f"SELECT DISTINCT * FROM {_FOUND}"
    file = f"read_parquet({literal(path)})"
    return f"FROM {file} UNION ALL SELECT DISTINCT {_FOUND}.* FROM {_FOUND} ANTI JOIN {file} USING (one, other)"


def _names(connection: duckdb.DuckDBPyConnection, files: str) -> set[str]:
    return {name for name, *_ in connection.execute(f"DESCRIBE FROM {files}").fetchall()}


def _links(lists: Iterable[Sequence[str]], prefix: str) -> dict[str, NDArray[Any]]:
    """The links between the identifiers of each list, as columns."""
    rows = []
    for linked in lists:
        ends = sorted((columns.customer_hash(prefix + key), keys.split(key)[0]) for key in linked)
        rows += [(one, other, source, target) for (one, source), (other, target) in combinations(ends, 2)]
    one, other, one_source, other_source = zip(*rows, strict=True)
    return {
        "one": np.array(one, np.int64),
        "other": np.array(other, np.int64),
        "one_source": np.array(one_source, object),
        "other_source": np.array(other_source, object),
    }
