"""The progress bar of every command."""

import contextlib
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from tools.console import error_console

NOTE_SECONDS = 10
"""Seconds between two notes in a log file, where the bar cannot be drawn in place."""


@dataclass
class Bar:
    """One bar. Without a `progress` it draws nothing. May be used by several threads."""

    progress: Progress | None = None
    task: TaskID = field(default=TaskID(0))
    _printed: float = field(default=0.0, init=False)

    def advance(self, steps: float) -> None:
        """Moves the bar on by a number of steps."""
        if self.progress is not None:
            self.progress.advance(self.task, steps)

    def set(self, completed: float, note: str = "") -> None:
        """Moves the bar to a number of steps. The note is shown beside the bar."""
        if self.progress is None:
            return
        self.progress.update(self.task, completed=completed, note=note)
        if note and not self.progress.console.is_terminal and time.monotonic() - self._printed > NOTE_SECONDS:
            self._printed = time.monotonic()
            self.progress.console.print(f"  {note}", soft_wrap=True)


class ProgressBars:
    """Draws the bars of one command. Without a `progress` it draws nothing."""

    def __init__(self, progress: Progress | None = None) -> None:
        self._progress = progress

    @contextlib.contextmanager
    def bar(self, name: str, total: float | None) -> Iterator[Bar]:
        """Draws a bar until the block ends; the bar is full then. `total` may be an estimate, or None."""
        if self._progress is None:
            yield Bar()
            return
        progress, task = self._progress, self._progress.add_task(name, total=total or None, note="")
        yield Bar(progress, task)
        completed = progress.tasks[task].completed
        progress.update(task, total=completed, completed=completed)


@contextlib.contextmanager
def progress_bars() -> Iterator[ProgressBars]:
    """Draws progress bars on standard error while the block runs."""
    columns = (
        TextColumn("  {task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.fields[note]}"),
    )
    with Progress(*columns, console=error_console(), redirect_stdout=False) as progress:
        yield ProgressBars(progress)
