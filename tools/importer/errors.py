"""The errors of the importer."""

from collections.abc import Sequence

from tools.errors import ToolError

NAMES_SHOWN = 20


class CannotImport(ToolError):
    """The file or the mapping cannot be used. The message says what to change."""


class RowRefused(Exception):
    """A row cannot become an event. Neither the reason nor the message contains a cell of the row."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason, self.message = reason, message


def listed(names: Sequence[str]) -> str:
    """Names for a message: at most NAMES_SHOWN, each shortened."""
    shown = ", ".join(shortened(name) for name in names[:NAMES_SHOWN])
    return f"{shown} and {len(names) - NAMES_SHOWN} more" if len(names) > NAMES_SHOWN else shown


def shortened(name: str, most: int = 60) -> str:
    """A name for a message, in one line and without control characters."""
    name = "".join(character if character.isprintable() else " " for character in name)
    return name if len(name) <= most else f"{name[: most - 1]}…"
