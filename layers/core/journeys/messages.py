"""How error messages are put together: several problems, lists of allowed values, and names that a caller sent."""

from collections.abc import Iterable, Sequence

MAX_PROBLEMS = 10
"""Problems that one message describes."""
MAX_VALUES = 25
"""Values that a message lists."""
MAX_NAME = 100
"""Characters of a name that a message repeats."""


def join_messages(messages: Sequence[str]) -> str:
    """One text for several problems: the first MAX_PROBLEMS messages, then how many more there are."""
    more = len(messages) - MAX_PROBLEMS
    return " ".join(messages[:MAX_PROBLEMS]) + (f" (and {more} more)" if more > 0 else "")


def list_values(values: Sequence[str]) -> str:
    """The first MAX_VALUES values, separated by commas, then how many more there are."""
    more = len(values) - MAX_VALUES
    return ", ".join(values[:MAX_VALUES]) + (f" and {more} more" if more > 0 else "")


def use_one_of(values: Sequence[str]) -> str:
    """The sentence that says which values are allowed."""
    return f"Use {'one of ' if len(values) > 1 else ''}{list_values(values)}."


def closest(name: str, known: Iterable[str]) -> str | None:
    """The known name that is most like a name, whatever the case of their letters; None if no name is like it."""
    from difflib import get_close_matches  # Only refused requests need it, and an import takes time.

    by_lower_case = {candidate.lower(): candidate for candidate in known}
    matches = get_close_matches(name[:MAX_NAME].lower(), by_lower_case, n=1)
    return by_lower_case[matches[0]] if matches else None


def suggest(name: str, known: Iterable[str]) -> str:
    """A sentence that names the closest known name, with a space before it; empty if no name is like it."""
    found = closest(name, known)
    return f' Did you mean "{found}"?' if found is not None else ""


def shorten(name: object) -> str:
    """A name that a caller sent, at most MAX_NAME characters long."""
    text = str(name)
    return text if len(text) <= MAX_NAME else f"{text[:MAX_NAME]}…"
