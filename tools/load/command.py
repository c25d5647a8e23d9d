"""A load run on a local stack of its own."""

import argparse
import contextlib
import io
import json
import sys
import time
from collections.abc import Sequence
from typing import TextIO

import httpx
from botocore.exceptions import BotoCoreError, ClientError
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from tools.api import ApiError
from tools.load.kills import kill, physical_names
from tools.load.report import _happened, _said, checks, checks_table, sent_table
from tools.load.run import KILLED, Load, set_up
from tools.load.traffic import (
    Kind,
)
from tools.local_stack.stack import LocalStack, StackFailed
from tools.paths import ROOT

HOME = ROOT / ".local" / "load"
ORGANIZATIONS = ("acme", "globex")
SECONDS, RATE = 60, 40


WIDTH = 120
"""Of a line in a file."""


def _console(file: TextIO) -> Console:
    console = Console(file=file, highlight=False)
    return console if console.is_terminal else Console(file=file, highlight=False, width=WIDTH)


class _Line:
    """The progress line; where nobody watches, one is printed now and then."""

    def __init__(self, console: Console, progress: Progress) -> None:
        self._console, self._progress, self._printed = console, progress, 0.0

    def task(self, name: str, total: float | None) -> TaskID:
        return self._progress.add_task(f"{name:11}", total=total, said="")

    def tell(self, task: TaskID, done: float | None, said: str) -> None:
        self._progress.update(task, completed=done, said=said)
        if not self._console.is_terminal and time.monotonic() - self._printed > 10:
            self._printed = time.monotonic()
            self._console.print(f"  {said}", soft_wrap=True)


def _so_far(load: Load) -> str:
    tally, meanwhile = load.tally, load.meanwhile
    return (
        f"{tally.sent.total():,} sent, {tally.unanswered.total():,} unheard, "
        f"{meanwhile.killed.total():,} killed, {meanwhile.rebuilds:,} rebuilds"
    )


def _run(local: LocalStack, given: argparse.Namespace, console: Console, errors: Console) -> int:
    stack = local.up()
    emulator = int(json.loads((HOME / "ministack.json").read_text())["pid"])
    functions = physical_names(stack, KILLED)
    columns = (TextColumn("{task.description}"), BarColumn(20), TimeElapsedColumn(), TextColumn("{task.fields[said]}"))
    with (
        Progress(*columns, console=errors, redirect_stdout=False) as progress,
        contextlib.redirect_stdout(io.StringIO()),  # the functions' code prints its metrics
    ):
        line = _Line(errors, progress)
        organizations = [set_up(stack, one, "load") for one in ORGANIZATIONS]
        load = Load(stack, organizations, rate=given.rate, kills=lambda name: kill(emulator, functions[name]))
        task = line.task("sending", given.seconds)
        load.run(given.seconds, lambda passed: line.tell(task, passed, _so_far(load)))
        line.tell(task, given.seconds, _so_far(load))
        task = line.task("catching up", None)
        report = load.settle(lambda left: line.tell(task, None, f"{left:,} differences"))
        failures = load.failures()
        mended = load.verify(mend=True) if report.found.total() else None
        after = load.verify() if mended is not None else report
    found = checks(load.tally, load.meanwhile, report, failures)
    console.print(_happened(load))
    console.print(sent_table(load.tally))
    console.print(checks_table(found))
    if mended is not None:
        console.print(
            f"mended: {_said(mended.mended)}; verify finds after that: {_said(after.found)}\n"
            "(What a function asks for again is delivered again by AWS, and not by the emulator.)"
        )
    return 0 if all(one.holds for one in found) and all(map(load.tally.adds_up, Kind)) else 1


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command; answers with its exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.load", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=SECONDS, help=f"for which events are sent ({SECONDS})")
    parser.add_argument("--rate", type=float, default=RATE, help=f"events a second, of all senders ({RATE})")
    given = parser.parse_args(arguments)
    if given.seconds <= 0 or given.rate <= 0:
        parser.error("seconds and rate are greater than nothing")
    console, errors = (_console(file) for file in (sys.stdout, sys.stderr))
    local = LocalStack(HOME)
    local.down()  # one that a run left behind when it was killed
    try:
        return _run(local, given, console, errors)
    except KeyboardInterrupt:
        trouble = "Interrupted."
    except (StackFailed, ApiError) as error:
        trouble = str(error)
    except (httpx.HTTPError, BotoCoreError, ClientError) as error:
        trouble = f"The local stack does not answer ({type(error).__name__}); its log is in {HOME.relative_to(ROOT)}."
    finally:
        local.down()
    errors.print(trouble, style="red", markup=False)
    return 2


if __name__ == "__main__":
    sys.exit(main())
