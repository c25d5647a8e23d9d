"""The tables of docs/monitoring.md, made from monitoring/template.yaml."""

import re
from collections.abc import Iterable, Sequence
from typing import Any

from tools.documentation.generated import replaced
from tools.paths import ROOT

PAGE = ROOT / "docs" / "monitoring.md"

DESCRIPTION = re.compile(r"(?P<what>.+\.) Threshold: (?P<threshold>.+\.) Runbook: (?P<runbook>.+\.)")
"""The form of every alarm's description."""


def alarms(monitoring: dict[str, Any]) -> str:
    """The alarms as a Markdown table, in the template's order. Raises ValueError if a description has another form."""
    rows = []
    for name, alarm in _resources(monitoring, "AWS::CloudWatch::Alarm"):
        parts = DESCRIPTION.fullmatch(alarm["AlarmDescription"])
        if parts is None:
            raise ValueError(f'The description of the alarm {name} lacks "Threshold:" or "Runbook:".')
        rows.append((f"`{name}`", *(part[0].upper() + part[1:] for part in parts.groups())))
    return _table(("alarm", "what happened", "threshold", "what to do"), rows)


def queries(monitoring: dict[str, Any]) -> str:
    """The saved queries as a Markdown table. The first line of a query is a comment that says what it shows."""
    rows = []
    for _, query in _resources(monitoring, "AWS::Logs::QueryDefinition"):
        name = query["Name"]["Fn::Sub"].partition("/")[2]
        rows.append((f"*{name}*", query["QueryString"].splitlines()[0].removeprefix("# ")))
    return _table(("query", "what it shows"), rows)


def updated(page: str, monitoring: dict[str, Any]) -> str:
    """The page with both tables replaced. Raises ValueError if a table's markers are missing."""
    return replaced(replaced(page, "alarms", alarms(monitoring)), "queries", queries(monitoring))


def _resources(monitoring: dict[str, Any], kind: str) -> Iterable[tuple[str, dict[str, Any]]]:
    for name, resource in monitoring["Resources"].items():
        if resource["Type"] == kind:
            yield name, resource["Properties"]


def _table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)
