"""Consoles for tables and progress bars."""

import sys
from typing import TextIO

from rich.console import Console

WIDTH = 120
"""Columns of the output when it goes to a file or a pipe."""


def output_console() -> Console:
    """A console on standard output, as it is now: code that runs later can redirect standard output."""
    return _console(sys.stdout)


def error_console() -> Console:
    """A console on standard error, for progress bars."""
    return _console(sys.stderr)


def _console(file: TextIO) -> Console:
    console = Console(file=file, highlight=False)
    return console if console.is_terminal else Console(file=file, highlight=False, width=WIDTH)
