"""The archive's comparison with the log: events of before links existed lack a column, which is no difference."""

import json
from pathlib import Path
from typing import Any

import pytest

from journeys.archive import parquet
from journeys.archive.verify import ArchiveComparison, ArchiveDifferences
from tests.support.archive import event

LATER = 2**53


@pytest.mark.parametrize(
    ("changes", "differs"),
    [({}, False), ({"linked": None}, False), ({"linked": ["email#another"]}, True), ({"source": "another"}, True)],
)
def test_an_archived_event_may_lack_its_links_and_nothing_else(
    tmp_path: Path, changes: dict[str, Any], differs: bool
) -> None:
    row = parquet.row(event(1, also={"email": "a@x"}))
    archived = json.loads(row.line) | changes
    comparison = ArchiveComparison(tmp_path)
    try:
        comparison.add_logged([row], LATER)
        comparison.add_archived([archived])
        found = [differences for differences in comparison.parts() if differences != ArchiveDifferences()]
    finally:
        comparison.close()
    assert found == ([ArchiveDifferences(differing=(row.event,))] if differs else [])
