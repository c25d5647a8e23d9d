"""Temporary folders: they belong to one process while it runs, and are deleted however it ends."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from journeys.archive.scratch import scratch

RUN = """
import sys, time
from journeys.archive.scratch import scratch
with scratch(sys.argv[1]) as folder:
    (folder / "fetched.parquet").write_bytes(b"x" * 1000)
    print(folder, flush=True)
    time.sleep(60)
"""


@pytest.fixture
def running(tmp_path: Path) -> Iterator[tuple[subprocess.Popen[str], Path]]:
    """Another process with a temporary folder, and the folder."""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen(
        [sys.executable, "-c", RUN, str(tmp_path)], env=environment, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        try:
            yield process, Path(process.stdout.readline().strip())
        finally:
            process.kill()


def test_a_folder_is_deleted_when_its_block_ends_or_fails(tmp_path: Path) -> None:
    with scratch(str(tmp_path)) as folder:
        (folder / "inner").mkdir()
        assert list(tmp_path.iterdir()) == [folder]
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(KeyError), scratch(str(tmp_path)):
        raise KeyError
    assert list(tmp_path.iterdir()) == []


def test_the_folder_of_a_killed_process_is_deleted_by_the_next_one(
    running: tuple[subprocess.Popen[str], Path], tmp_path: Path
) -> None:
    process, folder_left = running
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert (folder_left / "fetched.parquet").exists()
    with scratch(str(tmp_path)) as folder:
        assert list(tmp_path.iterdir()) == [folder]


def test_folders_in_use_are_not_deleted(running: tuple[subprocess.Popen[str], Path], tmp_path: Path) -> None:
    """Neither those of other processes nor those of the same process."""
    _, another = running
    with scratch(str(tmp_path)) as first, scratch(str(tmp_path)) as second:
        assert set(tmp_path.iterdir()) == {another, first, second}
        assert (another / "fetched.parquet").exists()


def test_other_files_in_the_directory_are_not_deleted(tmp_path: Path) -> None:
    (tmp_path / "tmpabc").mkdir()
    (tmp_path / "journeys-run-file").write_text("no folder")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (tmp_path / "journeys-run-link").symlink_to(elsewhere)
    with scratch(str(tmp_path)):
        pass
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "elsewhere",
        "journeys-run-file",
        "journeys-run-link",
        "tmpabc",
    ]
