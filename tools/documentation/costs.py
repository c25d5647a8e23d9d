"""Computes what a million events and an idle month cost on AWS, as Markdown tables.

The figures come from costs.toml: prices, measured units, and assumptions. Nothing here asks AWS.
"""

import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

DEFAULTS = Path(__file__).with_name("costs.toml")
KB_PER_GB = 1024 * 1024
REQUEST_SIZES = (1, 100)
"""Events per request, for which the cost of a month with events is shown."""


class Item(NamedTuple):
    """One line of a bill: what it is for, how it is computed, and US dollars."""

    name: str
    arithmetic: str
    dollars: float


def read(path: Path = DEFAULTS) -> dict[str, Any]:
    """Reads a file of prices, measured units and assumptions. Raises OSError and tomllib.TOMLDecodeError."""
    return tomllib.loads(path.read_text(encoding="utf-8"))


def _runs(prices: Mapping[str, float], runs: float, ms: float, mb: float) -> float:
    """The price of function invocations: requests, and memory multiplied by time."""
    return runs * (prices["lambda_request"] + ms / 1000 * mb / 1024 * prices["lambda_gb_second"])


def with_events(figures: Mapping[str, Any], request_size: int) -> list[Item]:
    """The cost of a month's events when each request carries `request_size` events."""
    prices, load, measured = figures["prices"], figures["assumed"], figures["measured"]
    events = load["events"]
    requests, batches = events / request_size, events / load["events_per_projection"]
    measured_ms = measured["ingest_ms_per_request"] + request_size * measured["ingest_ms_per_event"]
    ingest_ms = round(measured_ms * load["lambda_factor"])
    project_ms = load["project_ms_per_event"] * load["events_per_projection"]
    table_gb, archive_gb = (events * kb / KB_PER_GB for kb in (load["event_kb"] + load["step_kb"], load["archived_kb"]))
    writes, reads = (events * measured[f"{kind}_units_per_event"] for kind in ("write", "read"))
    landing = load["landing_batches"]
    lines = {"request": requests, "access": requests, "projection": batches, "landing": landing}
    log_gb = sum(
        number * (measured[f"log_bytes_per_{line}"] + load["log_bytes_of_event"]) for line, number in lines.items()
    ) / (KB_PER_GB * 1024)
    return [
        Item("API Gateway", f"{requests:,.0f} requests", requests * prices["api_request"]),
        Item(
            "Lambda, ingest",
            f"{requests:,.0f} x {ingest_ms} ms x {load['ingest_mb']} MB",
            _runs(prices, requests, ingest_ms, load["ingest_mb"]),
        ),
        Item(
            "Lambda, projector",
            f"{batches:,.0f} x {project_ms} ms x {load['project_mb']} MB",
            _runs(prices, batches, project_ms, load["project_mb"]),
        ),
        Item(
            "Lambda, archive",
            f"{landing:,} x {load['landing_ms_per_batch']} ms x {load['landing_mb']} MB",
            _runs(prices, landing, load["landing_ms_per_batch"], load["landing_mb"]),
        ),
        Item("DynamoDB writes", f"{writes:,.0f} units", writes * prices["write_unit"]),
        Item("DynamoDB reads", f"{reads:,.0f} units", reads * prices["read_unit"]),
        Item("S3 requests", f"{landing:,} files, written and read", landing * (prices["s3_put"] + prices["s3_get"])),
        Item("CloudWatch Logs", f"{log_gb:.2f} GB", log_gb * (prices["logs_gb"] + prices["logs_gb_month"])),
        Item(
            "CloudWatch metrics",
            f"{measured['metrics_with_events']} metrics of the application",
            measured["metrics_with_events"] * prices["custom_metric_month"],
        ),
        Item("Firewall, if `Waf=on`", f"{requests:,.0f} requests", requests * prices["firewall_request"]),
        Item(
            "Storage, each month from then on",
            f"{table_gb:.2f} GB in tables with backup, {archive_gb:.2f} GB in S3",
            table_gb * (prices["table_gb_month"] + prices["table_backup_gb_month"])
            + archive_gb * prices["s3_gb_month"],
        ),
    ]


def idle(figures: Mapping[str, Any]) -> list[Item]:
    """The cost of a month without events, with the firewall as the last item."""
    prices, use = figures["prices"], figures["idle"]
    return [
        Item("Alarms", f"{use['alarm_metrics']} metrics", use["alarm_metrics"] * prices["alarm_metric_month"]),
        Item("CloudWatch metrics", f"{use['metrics']}", use["metrics"] * prices["custom_metric_month"]),
        Item("Dashboard", f"{use['dashboards']}", use["dashboards"] * prices["dashboard_month"]),
        Item(
            "Cognito",
            f"{use['clients']} client, {use['token_requests']} tokens",
            use["clients"] * prices["client_month"] + use["token_requests"] * prices["token_request"],
        ),
        Item(
            "Lambda, schedules",
            f"{use['timer_runs']:,} x {use['timer_ms']} ms, {use['compaction_runs']} x {use['compaction_ms']} ms",
            _runs(prices, use["timer_runs"], use["timer_ms"], use["timer_mb"])
            + _runs(prices, use["compaction_runs"], use["compaction_ms"], use["compaction_mb"]),
        ),
        Item("SQS, polling", f"{use['queue_polls']:,} requests", use["queue_polls"] * prices["queue_request"]),
        Item(
            "Firewall, if `Waf=on`",
            f"{use['firewall_rules']} rules",
            prices["firewall_month"] + use["firewall_rules"] * prices["firewall_rule_month"],
        ),
    ]


def _table(items: Iterable[Item]) -> list[str]:
    rows = list(items)
    total = sum(item.dollars for item in rows)
    return [
        "| item | arithmetic | US dollars |",
        "| --- | --- | ---: |",
        *(f"| {item.name} | {item.arithmetic} | {item.dollars:.2f} |" for item in rows),
        f"| **total** | | **{total:.2f}** |",
    ]


def to_markdown(figures: Mapping[str, Any]) -> str:
    """Every table of the documentation's section about costs."""
    lines: list[str] = []
    for size in REQUEST_SIZES:
        number = f"{size} events" if size > 1 else "1 event"
        lines += [f"**{figures['assumed']['events']:,} events in a month, {number} per request**", ""]
        lines += [*_table(with_events(figures, size)), ""]
    lines += ["**An idle month**", "", *_table(idle(figures)), ""]
    lines.append(f"Prices as of {figures['prices']['date']}, `us-east-1`, without free tiers.")
    return "\n".join(lines) + "\n"
