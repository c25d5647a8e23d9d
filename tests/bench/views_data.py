"""The archive for the benchmarks of views: events generated with numpy, in files like those of the compaction."""

# ruff: noqa: S608  (queries are put together here, of numbers)

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
from numpy.typing import NDArray

from journeys.archive import parquet
from journeys.archive.columns import BUCKETS

FOLDER = Path(__file__).resolve().parents[2] / ".local" / "bench"
CUSTOMERS_OF = 100
"""The average number of events per customer."""
TYPES = 12
DAYS = 90
DAY = 86_400_000
START = 1_767_225_600_000  # 2026-01-01
END = START + DAYS * DAY

_COLUMNS = """
    'bench#' || (hash % 7) || '#' || row_number() OVER () AS event, 'bench#customer#' || hash AS customer, hash, date,
    date + 250 AS received, type, 1::UINTEGER AS version, 'type ' || type AS name, 'bench' AS source,
    CASE WHEN amount >= 0 THEN amount END AS "n:amount", NULL::VARCHAR AS "x:amount",
    ['web', 'phone', 'store', 'partner'][channel + 1] AS "s:channel", amount > 50 AS "b:member"
"""


def compacted(events: int) -> list[str]:
    """Files with that many events, as the compaction writes a large day: one per bucket of customers."""
    return _files(f"views-compacted-{events}", events, events // CUSTOMERS_OF, _write_buckets)


def few_linked(events: int, links: int) -> list[str]:
    """Files as `compacted` writes them, and links between the customers and identifiers that have no events.

    Each person has 2 or 3 customers and about 23 identifiers, joined by 25 links.
    """
    return _linked(f"views-few-linked-{events}-{links}", events, events // CUSTOMERS_OF, links // 25, links)


def many_linked(events: int, links: int) -> list[str]:
    """The same for many customers: each person has 3 of them, joined by 2 links."""
    return _linked(f"views-many-linked-{events}-{links}", events, links // 2 * 3, links // 2, links)


def links_file(files: Sequence[str]) -> Path:
    """The file of the links of these files."""
    return Path(files[0]).parent / "links" / "links.parquet"


def daily(events: int) -> list[str]:
    """The same events, as the compaction writes small days: one file per day."""
    return _files(f"views-daily-{events}", events, events // CUSTOMERS_OF, _write_days)


def _files(
    name: str, events: int, customers: int, write: Callable[[duckdb.DuckDBPyConnection, Path], None]
) -> list[str]:
    """The files of a folder. They are created if they do not exist."""
    folder = FOLDER / name
    if not folder.exists():
        unfinished = folder.with_suffix(".unfinished")
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir(parents=True)
        with duckdb.connect() as connection:
            connection.register("made", _made(events, customers))
            write(connection, unfinished)
        unfinished.rename(folder)
    return sorted(map(str, folder.glob("*.parquet")))


def _made(events: int, customers: int) -> dict[str, NDArray[Any]]:
    """Customers and types are skewed: a tenth of the customers have over a third of the events, two types half."""
    chance = np.random.default_rng(4)
    hashes = chance.integers(-(2**63), 2**63 - 1, customers, dtype=np.int64)
    activity = chance.lognormal(0, 0.8, customers)
    customer = np.searchsorted(np.cumsum(activity / activity.sum())[:-1], chance.random(events))
    share = 1 / np.arange(1, TYPES + 1)
    kind = np.searchsorted(np.cumsum(share / share.sum())[:-1], chance.random(events))
    amount = np.round(chance.gamma(2, 25, events), 2)
    amount[chance.random(events) < 0.1] = -1  # a tenth have none
    return {
        "hash": hashes[customer],
        "date": START + chance.integers(0, DAYS * DAY, events, dtype=np.int64),
        "type": kind.astype(np.uint8),
        "amount": amount,
        "channel": chance.integers(0, 4, events, dtype=np.uint8),
    }


def _linked(name: str, events: int, customers: int, persons: int, links: int) -> list[str]:
    files = _files(name, events, customers, _write_buckets)
    path = links_file(files)
    if not path.exists():
        path.parent.mkdir(exist_ok=True)
        with duckdb.connect() as connection:
            rows = connection.execute(f"SELECT DISTINCT hash FROM read_parquet({files}) ORDER BY hash").fetchnumpy()
            connection.register("made", _made_links(rows["hash"], persons, links))
            unfinished = path.with_suffix(".unfinished")
            connection.execute(f"COPY (FROM made ORDER BY one, other) TO '{unfinished}' (FORMAT parquet)")
        unfinished.rename(path)
    return files


def _made_links(customers: NDArray[np.int64], persons: int, links: int) -> dict[str, NDArray[Any]]:
    """Each person is a chain of customers and further identifiers in any order, with some more links along it."""
    chance = np.random.default_rng(5)
    more = max(0, persons * 23 - len(customers)) if links > 3 * persons else 0
    hashes = np.concatenate((customers, chance.integers(-(2**63), 2**63 - 1, more, dtype=np.int64)))
    chance.shuffle(hashes)
    person = np.arange(len(hashes)) * persons // len(hashes)
    pairs = []
    for distance in (1, 2):
        ends = np.flatnonzero(person[distance:] == person[:-distance])
        pairs.append(np.stack((hashes[ends], hashes[ends + distance])))
    chosen = np.concatenate((pairs[0], pairs[1][:, : max(0, links - pairs[0].shape[1])]), axis=1)
    sources = np.array(["crm", "email", "web", "app"], object)
    return {
        "one": chosen.min(axis=0),
        "other": chosen.max(axis=0),
        "one_source": sources[chance.integers(0, 4, chosen.shape[1])],
        "other_source": sources[chance.integers(0, 4, chosen.shape[1])],
    }


def _write_buckets(connection: duckdb.DuckDBPyConnection, folder: Path) -> None:
    for bucket in range(BUCKETS):
        _write(connection, folder / f"{bucket:02d}.parquet", f"(hash >> 60) + 8 = {bucket}")


def _write_days(connection: duckdb.DuckDBPyConnection, folder: Path) -> None:
    for day in range(DAYS):
        _write(connection, folder / f"{day:03d}.parquet", f"(date - {START}) // {DAY} = {day}")


def _write(connection: duckdb.DuckDBPyConnection, path: Path, where: str) -> None:
    parquet.copy(connection, f"SELECT {_COLUMNS} FROM made WHERE {where}", path)
