"""The progress bar of every command."""

import contextlib
from collections.abc import Callable, Iterator

from rich.progress import Progress


class Bars:
    """Progress, where somebody watches."""

    def __init__(self, progress: Progress | None = None) -> None:
        self._progress = progress

    @contextlib.contextmanager
    def bar(self, name: str, total: int | None) -> Iterator[Callable[[int], None]]:
        """A bar that is moved on by what is passed; full at the end."""
        if self._progress is None:
            yield lambda _: None
            return
        progress, task = self._progress, self._progress.add_task(name, total=total or None)
        yield lambda passed: progress.advance(task, passed)
        done = progress.tasks[task].completed
        progress.update(task, total=done, completed=done)
