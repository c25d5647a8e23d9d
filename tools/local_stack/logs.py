"""Reads the logs of a stack's functions."""

import heapq
import time
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from tools.errors import ToolError
from tools.stack import Stack

OVERLAP_MS = 5000
"""While following, each read begins this much before the last line, because lines can arrive late."""


WINDOWS_HOURS = (0.25, 2, 24, 14 * 24)


@dataclass(frozen=True, order=True, slots=True)
class LogLine:
    """One log event of a function. `timestamp` is in milliseconds."""

    timestamp: int
    function: str
    message: str

    def __str__(self) -> str:
        moment = f"{datetime.fromtimestamp(self.timestamp / 1000, UTC):%H:%M:%S}"
        return "\n".join(f"{moment} {self.function:14} {line}" for line in self.message.splitlines())


class Logs:
    """The logs of one stack.

    Args:
        functions: names of functions, such as "ingest"; all when empty.

    Raises:
        ToolError: the stack has no log of such a function.
    """

    def __init__(self, stack: Stack, functions: Collection[str] = ()) -> None:
        self._client = stack.client("logs")
        pages = self._client.get_paginator("describe_log_groups").paginate(
            logGroupNamePrefix=f"/journeys/{stack.name}/"
        )
        groups = {
            group["logGroupName"].rsplit("/", 1)[-1]: group["logGroupName"]
            for page in pages
            for group in page["logGroups"]
        }
        if unknown := sorted(set(functions) - groups.keys()):
            raise ToolError(f"There is no log of {', '.join(unknown)}. Use one of: {', '.join(sorted(groups))}.")
        self._groups = {name: group for name, group in groups.items() if not functions or name in functions}

    def last(self, number: int) -> list[LogLine]:
        """The last lines of the last two weeks, oldest first. Recent hours are read first, since logs can be large."""
        now = time.time()
        for hours in WINDOWS_HOURS:
            lines = heapq.nlargest(number, self._since(int((now - hours * 3600) * 1000)))
            if len(lines) == number:
                break
        return sorted(lines)

    def follow(self, since: int) -> Iterator[LogLine]:
        """Yields the lines from a moment on, in milliseconds, and then new lines as they arrive, without end."""
        seen: set[LogLine] = set()
        while True:
            lines = sorted(line for line in self._since(since) if line not in seen)
            yield from lines
            seen = {line for line in seen.union(lines) if line.timestamp >= since}
            if lines:
                since = max(since, lines[-1].timestamp - OVERLAP_MS)
            time.sleep(1)

    def _since(self, start: int) -> Iterator[LogLine]:
        for name, group in self._groups.items():
            pages: Any = self._client.get_paginator("filter_log_events").paginate(logGroupName=group, startTime=start)
            for page in pages:
                for event in page["events"]:
                    yield LogLine(event["timestamp"], name, event["message"])
