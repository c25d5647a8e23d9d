"""The report of a load run: what was sent, and what must hold afterwards."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from rich.table import Table

from journeys.journey.rebuild import RebuildOutcome
from tools.load.faults import FaultKind, FaultPlan
from tools.load.run import LoadRun, StoredState
from tools.load.traffic import FRESH, QUEUED, RECORDED, REFUSAL_REASONS, STORED_REFUSALS, LoadTally, TrafficKind
from tools.operator.report import DIFFERENCES, RepairReport


def sent_table(tally: LoadTally) -> Table:
    """What was sent, by kind, with its outcomes."""
    table = Table(title="Events sent, and their outcomes", title_justify="left")
    numbers = ("sent", "created", "duplicate", "queued", "refused")
    for column in ("kind", *numbers, "reason", "adds up"):
        table.add_column(column, justify="right" if column in numbers else "left")

    def add(name: str, kinds: Sequence[TrafficKind]) -> None:
        refused = sum((tally.refused(kind) for kind in kinds), Counter[str]())
        numbers = (
            sum(tally.sent[kind] for kind in kinds),
            *(tally.number(kinds, outcome) for outcome in (*RECORDED, QUEUED)),
            refused.total(),
        )
        reasons = ", ".join(sorted(refused)) if len(kinds) == 1 else ""
        table.add_row(name, *(f"{number:,}" for number in numbers), reasons, _yes(all(map(tally.adds_up, kinds))))

    for kind in TrafficKind:
        add(kind, [kind])
    table.add_section()
    add("total", list(TrafficKind))
    return table


@dataclass(frozen=True, slots=True)
class LoadCheck:
    """A figure that must have an expected value at the end."""

    name: str
    expected: int
    actual: int

    @property
    def passed(self) -> bool:
        return self.expected == self.actual


def checks(load: LoadRun, report: RepairReport, state: StoredState) -> list[LoadCheck]:
    """What must hold when every request has a response, and the queues are empty.

    Args:
        report: the report of `verify`.
        state: what is stored at the end.
    """
    tally, side_effects = load.tally, load.side_effects
    refused = [
        LoadCheck(f"failures: {REFUSAL_REASONS[kind]}", tally.sent[kind], state.failures[REFUSAL_REASONS[kind]])
        for kind in sorted(STORED_REFUSALS)
    ]
    others = state.failures.total() - sum(check.actual for check in refused)
    return [
        LoadCheck("events in the log", sum(tally.sent[kind] for kind in FRESH), report.events),
        *_native_checks(tally, state.native),
        *refused,
        LoadCheck("failures with another reason", 0, others),
        LoadCheck("links", len(load.links), len(load.links & state.links)),
        LoadCheck("links that no event sent", 0, len(state.links - load.links)),
        LoadCheck("reads that lost events", 0, side_effects.lost_events),
        *(LoadCheck(kind, 0, report.differences[kind]) for kind in DIFFERENCES),
    ]


def _native_checks(tally: LoadTally, native: Counter[str]) -> list[LoadCheck]:
    """What must have become of the native events, beside the failures.

    The queue delivers an event again whose function was killed, so more than those sent twice can be duplicates.
    """
    repeated = tally.sent[TrafficKind.NATIVE_REPEATED]
    return [
        LoadCheck("native events created", tally.sent[TrafficKind.NATIVE], native["created"]),
        LoadCheck("native events sent before, duplicates", repeated, min(native["duplicate"], repeated)),
        LoadCheck("native events dropped", tally.sent[TrafficKind.NATIVE_UNMAPPED], native["dropped"]),
    ]


def fault_checks(plan: FaultPlan) -> list[LoadCheck]:
    """What must hold of the injected faults: no kind is missing. A run without faults has no check."""
    return [LoadCheck("kinds of faults that no call had", 0, len(plan.not_injected))] if plan.rate else []


def faults_table(plan: FaultPlan) -> Table:
    """The injected faults, by operation and kind."""
    table = Table(title=f"Faults injected; target rate {plan.rate:g}", title_justify="left")
    table.add_column("service")
    table.add_column("operation")
    for column in ("calls", *FaultKind):
        table.add_column(column, justify="right")
    for call, calls in sorted(plan.calls.items()):
        table.add_row(
            call.service, call.operation, f"{calls:,}", *(f"{plan.injected[call, kind]:,}" for kind in FaultKind)
        )
    table.add_section()
    totals = (sum(plan.injected[call, kind] for call in plan.calls) for kind in FaultKind)
    table.add_row("total", "", f"{plan.calls.total():,}", *(f"{total:,}" for total in totals))
    return table


def checks_table(results: Sequence[LoadCheck]) -> Table:
    """The checks and their results."""
    table = Table(title="State at the end", title_justify="left")
    for column in ("check", "expected", "actual", "passed"):
        table.add_column(column, justify="right" if column in ("expected", "actual") else "left")
    for check in results:
        table.add_row(check.name, f"{check.expected:,}", f"{check.actual:,}", _yes(check.passed))
    return table


def counts_text(counts: Counter[str]) -> str:
    """Counts in words, such as "502 3, 503 1"."""
    return ", ".join(f"{name} {number:,}" for name, number in sorted(counts.items()) if number) or "none"


def events_text(load: LoadRun) -> str:
    """What happened while the events were sent."""
    tally, side_effects = load.tally, load.side_effects
    changed = Counter(
        {outcome: number for outcome, number in side_effects.rebuilt.items() if outcome != RebuildOutcome.CORRECT}
    )
    return "\n".join(
        (
            f"Events sent: {tally.sent.total():,} in {side_effects.seconds:.0f} s; target rate {load.rate:g}/s",
            f"Killed processes: {counts_text(side_effects.killed)}",
            f"Requests without response that were sent again: {counts_text(tally.unanswered)}",
            f"Rebuilds of all journeys: {side_effects.rebuilds:,}; journeys changed by them: {counts_text(changed)}",
            f"Journeys read: {side_effects.reads:,} times",
        )
    )


def _yes(passed: bool) -> str:
    return "yes" if passed else "[bold red]NO[/bold red]"
