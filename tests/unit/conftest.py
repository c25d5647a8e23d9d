"""Fixtures of the unit tests."""

from collections.abc import Iterator

import duckdb
import pytest

from journeys.archive.reading import connect


@pytest.fixture(scope="module")
def connection(tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    """A DuckDB that computes views."""
    with connect(tmp_path_factory.mktemp("duckdb"), "1GB", 1) as opened:
        yield opened
