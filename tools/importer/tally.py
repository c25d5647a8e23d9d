"""Counts the rows of an import by outcome."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

from rich.markup import escape
from rich.table import Table

LINES_SHOWN = 5
"""Lines of each reason whose number is in the table."""
REASONS_SHOWN = 10
"""Reasons in the table, so that it fits a screen."""
MESSAGE_SHOWN = 200
"""Characters of a message in the table. The file of rejected rows has the whole message."""
MOST_MESSAGES = 1000
"""Different messages that are counted apart."""

CONFLICT, REJECTED, NO_RESPONSE, VALID = "conflict", "rejected", "no response", "valid"
OUTCOMES = ("created", VALID, "duplicate", CONFLICT, REJECTED, NO_RESPONSE)


@dataclass
class ImportTally:
    """The rows of an import: each row counts once, under its outcome, reason and message."""

    counts: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    lines: dict[tuple[str, str, str], list[int]] = field(default_factory=lambda: defaultdict(list))

    def add(self, outcome: str, reason: str, line: int, message: str = "") -> None:
        key = outcome, reason, message
        if key not in self.counts and len(self.counts) >= MOST_MESSAGES:
            key = outcome, reason, ""
        self.counts[key] += 1
        if len(self.lines[key]) < LINES_SHOWN:
            self.lines[key].append(line)

    def count(self, outcome: str) -> int:
        return sum(number for (name, _, _), number in self.counts.items() if name == outcome)


def import_table(
    tally: ImportTally,
    title: str,
    *,
    dry_run: bool = False,
    outcomes: Sequence[str] = OUTCOMES,
    headings: tuple[str, str] = ("rows", "in line"),
) -> Table:
    """The number of rows by outcome and reason, with the numbers of some lines. It fits a screen.

    `headings` are those of the numbers: what is counted, and where it is.
    """
    counted, place = headings
    table = Table(title=title, title_justify="left")
    table.add_column("outcome")
    table.add_column(counted, justify="right")
    table.add_column("reason")
    table.add_column(place)
    shown = {key for key, _ in [one for one in tally.counts.most_common() if one[0][1]][:REASONS_SHOWN]}
    for outcome in outcomes:
        keys = sorted(key for key in tally.counts if key[0] == outcome)
        if not keys and outcome not in (NO_RESPONSE, "created" if dry_run else VALID):
            table.add_row(outcome, "0", "", "")
        for key in keys:
            if key in shown or not key[1]:
                table.add_row(outcome, f"{tally.counts[key]:,}", *_reason(tally, key))
        if others := [key for key in keys if key[1] and key not in shown]:
            rows = sum(tally.counts[key] for key in others)
            table.add_row(outcome, f"{rows:,}", f"{len(others):,} other reasons", "")
    table.add_section()
    table.add_row("total", f"{tally.counts.total():,}", "", "")
    return table


def _reason(tally: ImportTally, key: tuple[str, str, str]) -> tuple[str, str]:
    """The cells of the reason and of the lines."""
    _, reason, message = key
    if not reason:
        return "", ""
    lines = sorted(tally.lines[key])
    text = f"{reason}: {message}" if message else reason
    text = text if len(text) <= MESSAGE_SHOWN else f"{text[: MESSAGE_SHOWN - 1]}…"
    return escape(text), ", ".join(map(str, lines)) + (" ..." if tally.counts[key] > len(lines) else "")
