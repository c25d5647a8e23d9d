"""Counts the rows of an import by outcome."""

from collections import Counter, defaultdict
from dataclasses import dataclass, field

from rich.markup import escape
from rich.table import Table

from tools.importer.mapping import INVALID_ROW, NO_RESPONSE

ROWS_SHOWN = 5
"""Rows of each reason whose number is in the table."""

ALWAYS_SHOWN = ("created", "duplicate", "conflict", "rejected")
OUTCOMES = (*ALWAYS_SHOWN, INVALID_ROW, NO_RESPONSE)


@dataclass
class ImportTally:
    """The rows of an import: each row counts once, under its outcome and reason."""

    counts: Counter[tuple[str, str]] = field(default_factory=Counter)
    rows: dict[tuple[str, str], list[int]] = field(default_factory=lambda: defaultdict(list))
    messages: dict[tuple[str, str], str] = field(default_factory=dict)

    def add(self, outcome: str, reason: str, row: int, message: str = "") -> None:
        key = outcome, reason
        self.counts[key] += 1
        self.messages.setdefault(key, message)
        if len(self.rows[key]) < ROWS_SHOWN:
            self.rows[key].append(row)

    def count(self, outcome: str) -> int:
        return sum(number for (name, _), number in self.counts.items() if name == outcome)


def import_table(tally: ImportTally, title: str) -> Table:
    """The number of rows by outcome and reason, with the numbers of some rows."""
    table = Table(title=title, title_justify="left")
    table.add_column("outcome")
    table.add_column("rows", justify="right")
    table.add_column("reason")
    table.add_column("in row")
    for outcome in OUTCOMES:
        reasons = sorted(reason for name, reason in tally.counts if name == outcome)
        if not reasons and outcome in ALWAYS_SHOWN:
            table.add_row(outcome, "0", "", "")
        for reason in reasons:
            number, rows = tally.counts[outcome, reason], sorted(tally.rows[outcome, reason])
            shown = ", ".join(map(str, rows)) + (" ..." if number > len(rows) else "")
            text = escape(f"{reason}: {tally.messages[outcome, reason]}")
            table.add_row(outcome, f"{number:,}", text if reason else "", shown if reason else "")
    table.add_section()
    table.add_row("total", f"{tally.counts.total():,}", "", "")
    return table
