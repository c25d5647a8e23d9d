"""Runs the load on a local stack of its own, and prints the report."""

import contextlib
from dataclasses import dataclass

from tools.commands.options import hidden_metrics
from tools.console import output_console
from tools.load.fault_proxy import fault_proxy
from tools.load.faults import FaultPlan
from tools.load.kills import kill
from tools.load.organizations import set_up
from tools.load.report import (
    LoadCheck,
    checks,
    checks_table,
    counts_text,
    events_text,
    fault_checks,
    faults_table,
    sent_table,
)
from tools.load.run import KILLED, NATIVE_HIDDEN_SECONDS, LoadRun
from tools.load.traffic import TrafficKind
from tools.local_stack.stack import LocalStack
from tools.operator.report import RepairReport
from tools.paths import ROOT
from tools.progress import progress_bars

HOME = ROOT / ".local" / "load"
ORGANIZATIONS = ("acme", "globex")


@dataclass(frozen=True)
class LoadResult:
    """The result of a load run. `repaired` and `remaining` are None where nothing had to be repaired."""

    load: LoadRun
    checks: list[LoadCheck]
    repaired: RepairReport | None
    remaining: RepairReport | None

    @property
    def passed(self) -> bool:
        counted = all(self.load.tally.adds_up(kind) for kind in TrafficKind)
        return counted and all(check.passed for check in self.checks)


def run_load(seconds: float, rate: float, plan: FaultPlan, fault_seconds: float) -> bool:
    """Runs the load and prints its report. Returns whether every event is accounted for.

    Args:
        fault_seconds: how long faults are injected, from the first outcome of an event on. The rest of the time is for
            recovery.

    Raises:
        StackFailed: the local stack did not start.
    """
    with fault_proxy(plan) as proxy:
        local = LocalStack(HOME, functions_endpoint=proxy.between)
        local.down()  # a stack that a killed run left behind
        try:
            result = _run(local, seconds, rate, plan, fault_seconds)
        finally:
            local.down()
    console = output_console()
    console.print(events_text(result.load))
    console.print(faults_table(plan))
    console.print(sent_table(result.load.tally))
    console.print(checks_table(result.checks))
    if result.repaired is not None and result.remaining is not None:
        console.print(
            f"Repaired: {counts_text(result.repaired.repaired)}. "
            f"Differences after that: {counts_text(result.remaining.differences)}."
        )
    return result.passed


def _run(local: LocalStack, seconds: float, rate: float, plan: FaultPlan, fault_seconds: float) -> LoadResult:
    stack = local.up()
    stack.client("sqs").set_queue_attributes(
        QueueUrl=stack.physical_id("NativeQueue"), Attributes={"VisibilityTimeout": str(NATIVE_HIDDEN_SECONDS)}
    )
    functions = {name: stack.physical_id(name) for name in KILLED}
    emulator = local.process_id
    with contextlib.ExitStack() as contexts:
        bars = contexts.enter_context(progress_bars())
        contexts.enter_context(hidden_metrics())
        organizations = [set_up(stack, organization_id, "load") for organization_id in ORGANIZATIONS]
        load = LoadRun(stack, organizations, rate=rate, kill=lambda name: kill(emulator, functions[name]))
        with bars.bar("sending", seconds) as bar:

            def tick(passed: float) -> None:
                bar.set(passed, _progress_text(load))
                if load.tally.answered:
                    plan.begin(fault_seconds)

            load.run(seconds, tick)
        with bars.bar("catching up", None) as bar:
            report = load.settle(lambda differences: bar.set(0, f"{differences:,} differences"))
        state = load.stored()
        repaired = load.verify(repair=True) if report.differences.total() else None
        remaining = load.verify() if repaired is not None else None
    results = [*checks(load, report, state), *fault_checks(plan)]
    return LoadResult(load, results, repaired, remaining)


def _progress_text(load: LoadRun) -> str:
    tally, side_effects = load.tally, load.side_effects
    return (
        f"{tally.sent.total():,} sent, {tally.unanswered.total():,} without response, "
        f"{side_effects.killed.total():,} killed, {side_effects.rebuilds:,} rebuilds"
    )
