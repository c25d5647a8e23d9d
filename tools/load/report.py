"""The report of a load run: what was sent, and what must hold afterwards."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from rich.table import Table

from journeys.journey.rebuild import RebuildOutcome
from tools.load.run import Load, Meanwhile
from tools.load.traffic import FRESH, KEPT, REFUSED, TAKEN, Kind, Tally
from tools.operator.report import KINDS, Report


def sent_table(tally: Tally) -> Table:
    """What was sent, and what became of it."""
    table = Table(title="What became of all that was sent", title_justify="left")
    for column in ("what", "sent", "created", "duplicate", "refused", "", "adds up"):
        table.add_column(column, justify="right" if column in ("sent", "created", "duplicate", "refused") else "left")

    def add(what: str, kinds: Sequence[Kind]) -> None:
        refused = sum((tally.refused(kind) for kind in kinds), Counter[str]())
        numbers = (
            sum(tally.sent[kind] for kind in kinds),
            *(tally.number(kinds, outcome) for outcome in TAKEN),
            refused.total(),
        )
        reasons = ", ".join(sorted(refused)) if len(kinds) == 1 else ""
        table.add_row(what, *(f"{one:,}" for one in numbers), reasons, _yes(all(map(tally.adds_up, kinds))))

    for kind in Kind:
        add(kind, [kind])
    table.add_section()
    add("in all", list(Kind))
    return table


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that must be so in the end."""

    what: str
    expected: int
    found: int

    @property
    def holds(self) -> bool:
        return self.expected == self.found


def checks(tally: Tally, meanwhile: Meanwhile, report: Report, failures: Counter[str]) -> list[Check]:
    """What must be so when all that was sent is answered for, and `report` is what verify found."""
    kept = [Check(f"failures: {REFUSED[kind]}", tally.sent[kind], failures[REFUSED[kind]]) for kind in sorted(KEPT)]
    others = failures.total() - sum(one.found for one in kept)
    return [
        Check("events in the log", sum(tally.sent[kind] for kind in FRESH), report.events),
        *kept,
        Check("failures of any other reason", 0, others),
        Check("journeys read with fewer events than before", 0, meanwhile.fewer),
        *(Check(kind, 0, report.found[kind]) for kind in KINDS),
    ]


def checks_table(found: Sequence[Check]) -> Table:
    """What must be so, and whether it is."""
    table = Table(title="What there is now, and what verify finds", title_justify="left")
    for column in ("what", "expected", "found", "holds"):
        table.add_column(column, justify="right" if column in ("expected", "found") else "left")
    for one in found:
        table.add_row(one.what, f"{one.expected:,}", f"{one.found:,}", _yes(one.holds))
    return table


def _yes(holds: bool) -> str:
    return "yes" if holds else "[bold red]NO[/bold red]"


def _said(counts: Counter[str]) -> str:
    return ", ".join(f"{what} {number:,}" for what, number in sorted(counts.items()) if number) or "none"


def _happened(load: Load) -> str:
    """What went on while the events were sent."""
    tally, meanwhile = load.tally, load.meanwhile
    changed = Counter({what: number for what, number in meanwhile.rebuilt.items() if what != RebuildOutcome.CORRECT})
    return "\n".join(
        (
            f"{tally.sent.total():,} events sent in {meanwhile.seconds:.0f} s; {load.rate:g} a second were asked for",
            f"killed: {_said(meanwhile.killed)}",
            f"requests that got no answer, and were sent again: {_said(tally.unanswered)}",
            f"rebuilds of all journeys: {meanwhile.rebuilds:,}; journeys that one had to touch: {_said(changed)}",
            f"journeys read: {meanwhile.reads:,} times",
        )
    )
