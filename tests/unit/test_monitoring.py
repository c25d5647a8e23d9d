"""Tests that dashboard, alarms and saved queries use existing metrics and log fields, and that the docs are current."""

import ast
import copy
import functools
import io
import json
import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from botocore.exceptions import ClientError

from journeys import aws, dates
from journeys.archive.model import Manifest
from journeys.archive.store import ArchiveStore
from journeys.events.ingest import IngestOutcome
from journeys.events.refusals import REASONS
from journeys.registry.clients.model import Client
from journeys.stream.batch import process_batch
from journeys.telemetry import Line, emit_count, emit_duration, log_info, logger, request_of
from journeys.views.jobs.customers import log_listing
from journeys.views.jobs.model import BROKEN
from tests.support.functions import Context, api_event, call, load
from tests.support.logs import logs_at
from tests.support.tables import Tables
from tests.support.template import ROOT, monitoring, resources, template
from tools.cli import journeys
from tools.documentation import alarms

RESOURCES: dict[str, Any] = template()["Resources"] | monitoring()["Resources"]
PARAMETERS: dict[str, Any] = template()["Resources"]["Monitoring"]["Properties"]["Parameters"]
FUNCTIONS = resources("AWS::Serverless::Function")
ALARMS = resources("AWS::CloudWatch::Alarm")
QUERIES = resources("AWS::Logs::QueryDefinition")
STREAM_CONSUMERS = {
    name
    for name, function in FUNCTIONS.items()
    if any(event["Type"] == "DynamoDB" for event in function["Properties"].get("Events", {}).values())
}

PUBLISHED = {
    ("AWS/Lambda", "FunctionName"): "Duration Invocations Errors Throttles ConcurrentExecutions IteratorAge "
    "DestinationDeliveryFailures",
    ("AWS/Lambda",): "Throttles",  # The account's functions in one region share one concurrency limit.
    ("AWS/Lambda", "EventSourceMappingUUID"): "OnFailureDestinationDeliveredEventCount",
    ("AWS/ApiGateway", "ApiName", "Stage"): "Count 4XXError 5XXError Latency IntegrationLatency",
    ("AWS/DynamoDB", "TableName"): "ConsumedReadCapacityUnits ConsumedWriteCapacityUnits ReadThrottleEvents "
    "WriteThrottleEvents",
    ("AWS/DynamoDB", "TableName", "GlobalSecondaryIndexName"): "ConsumedWriteCapacityUnits WriteThrottleEvents",
    ("AWS/DynamoDB", "TableName", "Operation"): "SuccessfulRequestLatency",
    ("AWS/SQS", "QueueName"): "ApproximateNumberOfMessagesVisible ApproximateNumberOfMessagesNotVisible "
    "ApproximateAgeOfOldestMessage NumberOfMessagesReceived",
    ("AWS/States", "StateMachineArn"): "ExecutionsStarted ExecutionsSucceeded ExecutionsFailed ExecutionsTimedOut",
    ("AWS/WAFV2", "Region", "Rule", "WebACL"): "BlockedRequests",
}
"""The metrics that AWS publishes, by namespace and dimensions. Source: https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/aws-services-cloudwatch-metrics.html"""


@dataclass(frozen=True)
class Metric:
    """A metric that a widget or an alarm uses. Values of dimensions name resources as `${Name}`."""

    namespace: str
    name: str
    dimensions: tuple[tuple[str, str], ...]
    stat: str = ""


# -- the nested application --------------------------------------------------------------------------------------------


def test_the_monitoring_template_receives_every_parameter_that_it_declares() -> None:
    assert PARAMETERS.keys() == monitoring()["Parameters"].keys()


def test_a_parameter_of_the_monitoring_template_has_the_name_of_the_resource_that_it_describes() -> None:
    for name, value in PARAMETERS.items():
        if name in template()["Resources"]:
            queue = RESOURCES[name]["Type"] == "AWS::SQS::Queue"
            assert value == ({"Fn::GetAtt": f"{name}.QueueName"} if queue else {"Ref": name}), name


# -- metrics that exist ------------------------------------------------------------------------------------------------


@functools.cache
def emitted(functions: tuple[str, ...] = ("emit_count", "emit_duration")) -> dict[str, set[str]]:
    """The metrics that the code emits by these functions of the telemetry module, each with its dimensions."""
    found: dict[str, set[str]] = defaultdict(set)
    for folder in ("layers/core/journeys", "functions"):
        for path in (ROOT / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                    if node.func.id not in functions or path.name == "telemetry.py":
                        continue
                    dimensions = {keyword.arg for keyword in node.keywords if keyword.arg and keyword.arg != "value"}
                    for name in ast.walk(node.args[0]):
                        if isinstance(name, ast.Constant) and re.fullmatch(r"[A-Z]\w+", str(name.value)):
                            found[str(name.value)] |= dimensions
    return found


def assert_exists(metric: Metric) -> None:
    """Fails if the metric does not exist with exactly these dimensions."""
    if metric.namespace == "Journeys":
        assert metric.name in emitted(), metric
        assert len(metric.dimensions) <= 1
        for name, value in metric.dimensions:
            assert name in emitted()[metric.name], metric
            if value:
                assert value in {*REASONS, *IngestOutcome, BROKEN.code}, metric
        return
    names = tuple(name for name, _ in metric.dimensions)
    assert metric.name in PUBLISHED[metric.namespace, *names].split(), metric
    for name, value in metric.dimensions:
        assert_names(name, value)


def assert_names(dimension: str, value: str) -> None:
    """Fails if the value of a dimension is not a resource of the dimension's kind."""
    kinds = {
        "FunctionName": "AWS::Serverless::Function",
        "TableName": "AWS::DynamoDB::Table",
        "StateMachineArn": "AWS::Serverless::StateMachine",
    }
    if dimension in kinds:
        assert RESOURCES[value[2:-1]]["Type"] == kinds[dimension], value
    elif dimension == "QueueName":
        assert RESOURCES[value[2:-1]]["Type"] == "AWS::SQS::Queue", value
    elif dimension == "EventSourceMappingUUID":
        mapping = PARAMETERS[value[2:-1]]["Ref"]
        (event,) = [
            event
            for name in STREAM_CONSUMERS
            for key, event in FUNCTIONS[name]["Properties"]["Events"].items()
            if f"{name}{key}" == mapping  # SAM names a mapping after its function and its event
        ]
        assert event["Properties"]["MetricsConfig"] == {
            "Metrics": ["EventCount"]
        }  # AWS publishes the metric only then.
    elif dimension == "GlobalSecondaryIndexName":
        (index,) = RESOURCES["FailuresTable"]["Properties"]["GlobalSecondaryIndexes"]
        assert value == index["IndexName"]
    elif dimension == "Operation":
        assert value in {"GetItem", "PutItem", "UpdateItem", "Query", "BatchGetItem", "BatchWriteItem"}
    elif dimension in ("ApiName", "WebACL"):
        assert value == "${Application}"
    elif dimension == "Stage":
        assert value == "${Stage}"
    else:
        assert value == "", dimension  # a search for all values


# -- the dashboard -----------------------------------------------------------------------------------------------------


def widgets() -> list[dict[str, Any]]:
    body = RESOURCES["Dashboard"]["Properties"]["DashboardBody"]["Fn::Sub"]
    found: list[dict[str, Any]] = json.loads(body.replace("${!", "${"))["widgets"]
    return found


def metrics_of(widget: dict[str, Any]) -> Iterator[Metric]:
    """The metrics of a widget. "..." repeats the beginning of the previous row, and "." repeats one of its elements."""
    stat, before = widget["properties"]["stat"], list[str]()
    for row in widget["properties"]["metrics"]:
        options = row[-1] if isinstance(row[-1], dict) else {}
        names = [part for part in row if isinstance(part, str)]
        if "expression" in options:
            yield from searched(options["expression"])
            continue
        if names[0] == "...":
            names = before[: len(before) - len(names) + 1] + names[1:]
        names = [before[place] if part == "." else part for place, part in enumerate(names)]
        before = names
        pairs = tuple(zip(names[2::2], names[3::2], strict=True))
        yield Metric(names[0], names[1], pairs, options.get("stat", stat))


def searched(expression: str) -> Iterator[Metric]:
    """The metrics of a search expression: SEARCH('{namespace,dimensions} MetricName="..."', statistic, period)."""
    found = re.fullmatch(r"""SEARCH\('\{([^}]+)\} MetricName="(\w+)"( WebACL="\S+")?', '(\w+)', 300\)""", expression)
    assert found, expression
    namespace, *dimensions = found[1].split(",")
    yield Metric(namespace, found[2], tuple((name, "") for name in dimensions if name != "WebACL") +
                 ((("WebACL", "${Application}"),) if found[3] else ()), found[4])  # fmt: skip


def shown() -> list[Metric]:
    return [metric for widget in widgets() if widget["type"] == "metric" for metric in metrics_of(widget)]


@pytest.mark.slow
def test_every_widget_shows_metrics_that_exist() -> None:
    assert len(shown()) > 100
    for metric in shown():
        assert_exists(metric)


def test_widgets_fit_the_grid_and_have_unique_titles() -> None:
    titles = [widget["properties"]["title"] for widget in widgets() if widget["type"] != "text"]
    assert len(titles) == len(set(titles))
    for widget in widgets():
        assert widget["width"] <= 24
        if widget["type"] == "metric":
            assert widget["properties"]["region"] == "${AWS::Region}"
            for row in widget["properties"]["metrics"]:
                for label in re.findall(r"PROP\('Dim\.(\w+)'\)", json.dumps(row)):
                    assert label in json.dumps(row).split("}")[0], (
                        row
                    )  # A label can only use a dimension of its search.


def test_the_dashboard_begins_with_business_figures() -> None:
    sections = [widget["properties"]["markdown"] for widget in widgets() if widget["type"] == "text"]
    assert sections[0] == "## Events"
    first = widgets()[: [widget["type"] for widget in widgets()].index("text", 2)]
    figures = {metric.name for widget in first if widget["type"] == "metric" for metric in metrics_of(widget)}
    assert figures == {"EventsTaken", "EventsRefused", "EventLag", "EventsLate", "EventTypesInUse", "Deliveries",
                       "DeliveriesNotProven", "DeliveriesEmpty", "SilentSources", "NativeEventsUnmapped",
                       "NativeEventsIgnored"}  # fmt: skip


@pytest.mark.parametrize("function", FUNCTIONS)
def test_the_dashboard_shows_the_golden_signals_of_every_function(function: str) -> None:
    own = {(one.name, one.stat) for one in shown() if ("FunctionName", f"${{{function}}}") in one.dimensions}
    assert own >= {("Duration", "p50"), ("Duration", "p99"), ("Errors", "Sum"), ("Throttles", "Sum"),
                   ("Invocations", "Sum"), ("ConcurrentExecutions", "Maximum")}  # fmt: skip
    if function in STREAM_CONSUMERS:
        assert ("IteratorAge", "Maximum") in own
        assert ("DestinationDeliveryFailures", "Sum") in own


def test_the_dashboard_shows_every_table_queue_and_state_machine() -> None:
    by_value: dict[str, set[str]] = defaultdict(set)
    for metric in shown():
        for _, value in metric.dimensions:
            by_value[value].add(metric.name)
    for table in resources("AWS::DynamoDB::Table"):
        assert by_value[f"${{{table}}}"] >= {"ConsumedReadCapacityUnits", "ConsumedWriteCapacityUnits",
                                             "ReadThrottleEvents", "WriteThrottleEvents"}  # fmt: skip
    for queue in resources("AWS::SQS::Queue"):
        wanted = {"ApproximateNumberOfMessagesVisible", "ApproximateAgeOfOldestMessage"}
        assert by_value[f"${{{queue}}}"] >= wanted
    for machine in resources("AWS::Serverless::StateMachine"):
        assert by_value[f"${{{machine}}}"] >= {"ExecutionsStarted", "ExecutionsFailed"}
    assert by_value["${Stage}"] == {"Count", "4XXError", "5XXError", "Latency", "IntegrationLatency"}


def test_the_dashboard_shows_every_metric_that_the_code_emits() -> None:
    assert set(emitted()) == {metric.name for metric in shown() if metric.namespace == "Journeys"}


def test_the_dashboard_shows_every_alarm_that_always_exists() -> None:
    (widget,) = [widget for widget in widgets() if widget["type"] == "alarm"]
    always = {name for name, alarm in ALARMS.items() if alarm.get("Condition") in (None, "IsOnAws")}
    assert set(widget["properties"]["alarms"]) == {f"${{{name}.Arn}}" for name in always}


# -- alarms ------------------------------------------------------------------------------------------------------------


def watched(alarm: dict[str, Any]) -> list[Metric]:
    """The metrics that an alarm watches."""
    if "Metrics" not in alarm:
        return [_metric(alarm | {"Stat": alarm.get("Statistic") or alarm["ExtendedStatistic"]})]
    stats = [one["MetricStat"] for one in alarm["Metrics"] if "MetricStat" in one]
    return [_metric(stat["Metric"] | {"Stat": stat["Stat"]}) for stat in stats]


def _metric(given: dict[str, Any]) -> Metric:
    dimensions = tuple((one["Name"], _text(one["Value"])) for one in given.get("Dimensions", []))
    return Metric(given["Namespace"], given["MetricName"], dimensions, given["Stat"])


def _text(value: Any) -> str:
    """Writes {"Ref": "X"} as ${X}."""
    if isinstance(value, str):
        return value
    ((_, name),) = value.items()
    return f"${{{name}}}"


SILENCES = {"NoEventsIngested", "TimerStopped", "CompactionStopped"}
"""The alarms that go off when their metric has no data."""


@pytest.mark.parametrize("name", ALARMS)
def test_an_alarm_watches_existing_metrics_notifies_the_topic_and_has_a_runbook(name: str) -> None:
    alarm = ALARMS[name]["Properties"]
    for metric in watched(alarm):
        assert_exists(metric)
    assert alarms.DESCRIPTION.fullmatch(alarm["AlarmDescription"]), alarm["AlarmDescription"]
    assert len(alarm["AlarmDescription"]) <= 1024
    assert alarm["AlarmActions"] == [{"Ref": "AlarmTopic"}]
    assert alarm["TreatMissingData"] == ("breaching" if name in SILENCES else "notBreaching")
    span = alarm.get("Period") or alarm["Metrics"][1]["MetricStat"]["Period"]
    if name != "NoEventsIngested":
        assert span * alarm["EvaluationPeriods"] <= 24 * 60 * 60  # CloudWatch evaluates at most one day.
    assert alarm.get("DatapointsToAlarm", 1) <= (alarm["EvaluationPeriods"] if name != "NoEventsIngested" else 1)


def test_a_description_names_existing_parameters_and_alarms() -> None:
    known = {*template()["Parameters"], *ALARMS, "CloudTrail", "DynamoDB", "MaximumConcurrency"}
    for name, alarm in ALARMS.items():
        assert set(re.findall(r"\b[A-Z][a-z]+[A-Z]\w+", alarm["Properties"]["AlarmDescription"])) <= known, name


def test_a_runbook_names_existing_commands() -> None:
    for name, alarm in ALARMS.items():
        named = re.findall(r"`(?:\.venv/bin/)?journeys (\w+)", alarm["Properties"]["AlarmDescription"])
        assert set(named) <= journeys.commands.keys(), name


def test_a_runbook_names_existing_queries() -> None:
    existing = {query["Properties"]["Name"]["Fn::Sub"].partition("/")[2] for query in QUERIES.values()}
    for name, alarm in ALARMS.items():
        assert set(re.findall(r"(?<!\w)'([^']+)'", alarm["Properties"]["AlarmDescription"])) <= existing, name


@pytest.mark.parametrize("name", [name for name, alarm in ALARMS.items() if "Metrics" in alarm["Properties"]])
def test_the_expression_of_an_alarm_uses_all_of_its_metrics_and_no_others(name: str) -> None:
    figure, *others = ALARMS[name]["Properties"]["Metrics"]
    names = set(re.findall(r"[a-z]\w*", figure["Expression"]))
    assert names == {one["Id"] for one in others}
    assert all(one["ReturnData"] is False for one in others)
    assert len({one["MetricStat"]["Period"] for one in others}) == 1
    assert len(others) < 10  # CloudWatch accepts ten, including the expression.
    assert ALARMS[name]["Condition"] == "IsOnAws"  # The local stack has no metric math.


@pytest.mark.parametrize("consumer", sorted(STREAM_CONSUMERS))
def test_alarms_watch_every_consumer_of_the_stream(consumer: str) -> None:
    mapping = f"${{{consumer.removesuffix('Function')}Mapping}}"
    own = {
        metric.name
        for alarm in ALARMS.values()
        for metric in watched(alarm["Properties"])
        if any(value in (f"${{{consumer}}}", mapping) for _, value in metric.dimensions)
    }
    assert own >= {"IteratorAge", "Errors", "DestinationDeliveryFailures", "OnFailureDestinationDeliveredEventCount"}


def test_api_gateway_emits_metrics_per_method_only_if_a_widget_or_an_alarm_uses_them() -> None:
    used = [*shown(), *(metric for alarm in ALARMS.values() for metric in watched(alarm["Properties"]))]
    names = {name for metric in used for name, _ in metric.dimensions if metric.namespace == "AWS/ApiGateway"}
    detailed = any(setting.get("MetricsEnabled") for setting in RESOURCES["Api"]["Properties"]["MethodSettings"])
    assert detailed == ("Method" in names)


def test_alarms_watch_everything_that_must_not_happen() -> None:
    found = {metric.name for alarm in ALARMS.values() for metric in watched(alarm["Properties"])}
    assert found >= {"LogTampering", "ProjectionFailures", "FailuresNotKept", "EventsNotLanded", "CompactionsFailed",
                     "CompactionLag", "SilentSources", "SchedulesNotRun", "JobsFailed", "DeliveriesNotProven",
                     "NativeEventsUnmapped", "Defects", "5XXError", "Latency", "Throttles"}  # fmt: skip
    dead_letters = {queue for queue in resources("AWS::SQS::Queue") if "DeadLetter" in queue}
    for queue in dead_letters:
        assert f"${{{queue}}}" in str([watched(alarm["Properties"]) for alarm in ALARMS.values()])
    for name in ("LogTampering", "ProjectionFailures", "FailuresNotStored", "EventsNotArchived"):
        alarm = ALARMS[name]["Properties"]
        assert (alarm["Threshold"], alarm["EvaluationPeriods"], alarm["Statistic"]) == (0, 1, "Sum")


def test_the_alarm_for_failed_stream_records_stays_on_for_a_day() -> None:
    alarm = ALARMS["RecordsNotProcessed"]["Properties"]
    assert (alarm["EvaluationPeriods"] * 300, alarm["DatapointsToAlarm"]) == (24 * 60 * 60, 1)


def test_only_alarms_publish_to_the_topic_and_only_over_tls() -> None:
    statements = RESOURCES["AlarmTopicPolicy"]["Properties"]["PolicyDocument"]["Statement"]
    allowed, denied = statements
    assert (allowed["Effect"], allowed["Principal"]) == ("Allow", {"Service": "cloudwatch.amazonaws.com"})
    assert (denied["Effect"], denied["Condition"]) == ("Deny", {"Bool": {"aws:SecureTransport": "false"}})


# -- the documentation -------------------------------------------------------------------------------------------------


def test_the_tables_in_the_documentation_are_current() -> None:
    page = alarms.PAGE.read_text()
    assert page == alarms.updated(page, monitoring()), "run `journeys docs tables`"


def test_a_changed_alarm_changes_the_documentation() -> None:
    changed = copy.deepcopy(monitoring())
    changed["Resources"]["LogTampering"]["Properties"]["AlarmDescription"] = "A. Threshold: b. Runbook: c."
    page = alarms.PAGE.read_text()
    assert "| `LogTampering` | A. | B. | C. |" in alarms.updated(page, changed)


def test_every_query_begins_with_a_comment_for_the_documentation() -> None:
    for query in QUERIES.values():
        assert re.match(r"# .+\.\n", query["Properties"]["QueryString"])


def test_the_documentation_lists_every_metric_with_its_unit_and_dimension() -> None:
    page = alarms.PAGE.read_text()
    rows = re.findall(r"^\| `(\w+)` \| (Count|Milliseconds) \| (?:`(\w+)` )?\| .+\. \|$", page, re.MULTILINE)
    assert {name: {dimension} - {""} for name, _, dimension in rows} == emitted()
    assert {name for name, unit, _ in rows if unit == "Milliseconds"} == emitted(("emit_duration",)).keys()


# -- log lines of the functions ----------------------------------------------------------------------------------------

LogLine = dict[str, Any]
EVENT = {
    "id": "e-1",
    "identifiers": {"externalIds": [{"externalSourceId": "crm", "value": "customer-1"}]},
    "attributes": {"quantity": 5},
}


class Busy:
    """An event log that is throttled."""

    def put(self, item: object) -> None:  # noqa: ARG002
        raise ClientError({"Error": {"Code": "ThrottlingException"}}, "PutItem")


class Logs:
    """The log lines of ingest requests, a projection, a forged delivery and a silent source, and the access log."""

    def __init__(self, tables: Tables) -> None:
        self.tables = tables
        with logs_at("INFO") as self._written:
            self._happen()
        self.lines: list[LogLine] = [flat(json.loads(line)) for line in self._written.getvalue().splitlines()]
        self.lines += [self._access(self.request, "200", "41"), self._access("another", "500", "4100")]

    def _happen(self) -> None:
        now = dates.text(dates.now_ms())
        made: Any = load("schemas"), load("configurations"), load("ingest"), load("projector")
        schemas, configurations, ingest, projector = made
        schema = {"title": "Order placed", "properties": {"quantity": {"type": "integer"}}}
        schema_id = call(schemas, api_event("POST", "externalevents/schemas", schema))[1]["id"]
        configuration = {"name": "Shop", "schemaId": schema_id, "source": "ERP"}
        _, kept = call(configurations, api_event("POST", "externalevents/configurations", configuration))
        events = [
            EVENT | {"dateCreated": now},
            EVENT | {"dateCreated": now},
            EVENT | {"id": "e-2", "dateCreated": "2026-01-31T09:30:00Z"},
            EVENT | {"id": "e-3"},
        ]
        path = f"externalevents/configurations/{kept['id']}/events"
        request = api_event("POST", path, {"entities": events})
        self.request = str(request["requestContext"]["requestId"])
        assert call(ingest, request)[0] == 200
        stored = self.tables.items(self.tables.events)
        self.receipt = str(stored[0]["receipt"]["S"])
        records = [
            {"eventName": "INSERT", "dynamodb": {"SequenceNumber": str(number), "NewImage": item}}
            for number, item in enumerate(stored)
        ]
        logger.remove_keys(["correlation_id"])  # On AWS the projector is another process.
        projector.handler({"Records": records}, Context())
        self._forged(kept["id"])
        self._silent(kept["id"])
        log_listing(Client("client", "acme", "A client", frozenset()), "job", "Dropout", 3)
        ingest.ingest._log = Busy()
        for broken, status in ((ingest.ingest, 200), (None, 500)):
            ingest.ingest = broken
            assert call(ingest, api_event("POST", path, {"entities": [EVENT | {"dateCreated": now}]}))[0] == status

    def _forged(self, configuration_id: str) -> None:
        body = {"name": "Shop", "sender": "shopify", "configurationId": configuration_id}
        status, endpoint = call(load("endpoints"), api_event("POST", "webhooks/endpoints", body))
        assert status == 201, endpoint
        delivery = api_event("POST", "", {"id": 1}, headers={"X-Shopify-Hmac-Sha256": "AAAA"})
        delivery |= {"path": f"/webhooks/{endpoint['id']}", "pathParameters": {"endpointId": endpoint["id"]}}
        delivery["requestContext"] |= {"domainName": "api.example.com", "stage": "prod"}
        assert call(load("webhooks"), delivery)[0] == 401

    def _silent(self, configuration_id: str) -> None:
        days = [dates.text(dates.now_ms() - number * 86_400_000)[:10] for number in range(2, 9)]
        store = ArchiveStore(self.tables.dynamodb, self.tables.registry, aws.s3, "archive")
        store.put_manifest(Manifest("acme", sources={configuration_id: dict.fromkeys(days, 1)}))
        load("compaction").handler({}, Context())

    def _access(self, request: str, status: str, milliseconds: str) -> LogLine:
        values = {"requestId": request, "status": status, "responseLatency": milliseconds}
        format_ = RESOURCES["Api"]["Properties"]["AccessLogSetting"]["Format"]
        return {key: values.get(value.removeprefix("$context."), "x") for key, value in json.loads(format_).items()}


def flat(value: Any, name: str = "") -> LogLine:
    """The fields of a log line under the names of Logs Insights: `reasons.a`, `frames.0`."""
    if isinstance(value, dict | list):
        pairs = value.items() if isinstance(value, dict) else enumerate(value)
        return {key: one for part, inner in pairs for key, one in flat(inner, f"{name}.{part}".strip(".")).items()}
    return {name: value}


@pytest.fixture
def logs(tables: Tables, monkeypatch: pytest.MonkeyPatch) -> Logs:
    monkeypatch.setenv("SECRETS_PREFIX", "stack/webhooks/")
    return Logs(tables)


# -- the saved queries -------------------------------------------------------------------------------------------------

BUILT_IN = {"@timestamp", "@log", "@message"}
WORDS = {"filter", "fields", "stats", "sort", "limit", "by", "as", "and", "or", "in", "asc", "desc", "like",
         "ispresent", "coalesce", "sum", "count", "count_distinct", "max", "min", "bin"}  # fmt: skip


def commands(name: str) -> list[str]:
    text = QUERIES[name]["Properties"]["QueryString"]
    assert text.isascii()
    return [line.removeprefix("| ").strip() for line in text.splitlines() if line.strip() and not line.startswith("#")]


def fields_of(name: str) -> set[str]:
    """The names of log fields in a query."""
    text = re.sub(r"'[^']*'|\bbin\(\w+\)", "", " ".join(commands(name)))
    made = set(re.findall(r"\bas (\w+)", text))
    named = set(re.findall(r"(?<![\w.@])[@A-Za-z][\w.@]*", text))
    return named - made - WORDS


def matches(condition: str, line: LogLine) -> bool:
    """Whether a log line matches a `filter` of comparisons, `ispresent` and `like`, joined by `and` and `or`."""

    def value(found: re.Match[str]) -> str:
        word = found[0]
        return word if word in ("and", "or") or word[0] in "'0123456789" else f"line.get({word!r})"

    condition = re.sub(r"ispresent\(([\w.]+)\)", r"'\1' is_in 1", condition)
    condition = re.sub(r"([\w.]+) like ('[^']*')", r"\2 is_part_of '\1'", condition)
    python = re.sub(r"'[^']*'|[A-Za-z][\w.]*|\d+", value, condition.replace(" = ", " == "))
    python = re.sub(r"'([\w.]+)' line.get\('is_in'\) 1", r"(line.get('\1') is not None)", python)
    python = re.sub(r"('[^']*') line.get\('is_part_of'\) '(\w+)'", r"(\1 in str(line.get('\2')))", python)
    python = re.sub(r"(line\.get\('\w+'\)(?: \+ line\.get\('\w+'\))*) (>=|>) (\d+)", r"number(\1) \2 \3", python)

    def number(given: Any) -> float:
        return float(given) if given is not None else float("nan")

    class Missing(dict[str, Any]):
        def get(self, key: str, default: Any = None) -> Any:
            return super().get(key, default)

    try:
        return bool(eval(python, {"line": Missing(line), "number": number}))  # noqa: S307  # The text comes from the template.
    except TypeError:  # The line lacks a field.
        return False


def test_every_field_in_a_query_exists_in_the_logs(logs: Logs) -> None:
    logged = {name for line in logs.lines for name in line} | BUILT_IN
    assert QUERIES
    for name in QUERIES:
        assert fields_of(name) <= logged, name


def test_every_query_finds_its_log_lines(logs: Logs) -> None:
    found = {
        name: [line for line in logs.lines if matches(condition.removeprefix("filter "), line)]
        for name in QUERIES
        for condition in commands(name)
        if condition.startswith("filter ")
    }
    assert found.keys() == QUERIES.keys()
    rejected = [(line["reason"], line["EventsRefused"]) for line in found["RejectionsQuery"]]
    assert rejected == [("missing.date", 1), ("too.many.requests", 1)]
    taken, refused = found["SourcesQuery"]
    assert (taken["source"], taken["stored"], taken["duplicate"], taken["refused"]) == ("ERP", 2, 1, 1)
    assert (refused["stored"], refused["duplicate"], refused["refused"]) == (0, 0, 1)
    assert found["SilentSourcesQuery"] == [taken]
    (stopped,) = found["StoppedSourcesQuery"]
    assert (stopped["organization"], stopped["message"]) == ("acme", "a regular source is silent")
    (duplicate,) = found["DuplicatesQuery"]
    assert duplicate["duplicate"] == 1
    (late,) = found["LateEventsQuery"]
    assert late["late"] == 1
    (forged,) = found["SignatureFailuresQuery"]
    assert (forged["sender"], forged["DeliveriesNotProven"]) == ("shopify", 1)
    assert [line["milliseconds"] for line in found["SlowestRequestsQuery"]] == ["41", "4100"]
    errors = {line.get("message") for line in found["ServerErrorsQuery"]}
    assert errors == {"an event was not stored", "a request failed", "request completed", None}
    assert found["OneEventQuery"] == []


def test_the_query_for_a_receipt_finds_every_log_line_of_the_request(logs: Logs) -> None:
    request = logs.receipt.partition("/")[0]
    (condition,) = [command for command in commands("OneEventQuery") if command.startswith("filter ")]
    asked = condition.removeprefix("filter ").replace("REQUEST", request)
    found = [line for line in logs.lines if matches(asked, line)]
    assert request == logs.request
    assert {line.get("message") for line in found} == {"request completed", "projected", None}
    assert [line["status"] for line in found if line.get("requestId")] == ["200"]
    assert any("EventsTaken" in line for line in found)
    assert "customer-1" not in json.dumps(logs.lines)
    assert "e-1" not in json.dumps([line.get("message") for line in logs.lines])


def test_queries_read_existing_log_groups() -> None:
    existing = {group["Properties"]["LogGroupName"]["Fn::Sub"] for group in resources("AWS::Logs::LogGroup").values()}
    for name, query in QUERIES.items():
        groups = {
            group["Fn::Sub"].replace("${Application}", "${AWS::StackName}")
            for group in query["Properties"]["LogGroupNames"]
        }
        assert groups <= existing, name
        if name in ("OneEventQuery", "ServerErrorsQuery"):
            assert groups == existing, name
    assert all(query["Condition"] == "IsOnAws" for query in QUERIES.values())


# -- telemetry ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "receipt", ["api-1/run-2#7", "replay-api-1/run-2#7", "replay-api-1/run-2#0#7", "api-1/run-2.0#7"]
)
def test_a_receipt_contains_the_request_identifier(receipt: str) -> None:
    assert request_of(receipt) == "api-1"


def test_a_metric_is_emitted_with_and_without_its_dimension_and_with_the_request_identifier(
    logged: io.StringIO,
) -> None:
    """An alarm cannot sum over the values of a dimension."""
    logger.set_correlation_id("request-1")
    emit_count("EventsRefused", 3, reason="missing.date")
    logger.remove_keys(["correlation_id"])
    emit_duration("JourneyLag", 5)
    counted, measured = map(json.loads, logged.getvalue().splitlines())
    (directive,) = counted["_aws"]["CloudWatchMetrics"]
    assert (directive["Namespace"], directive["Dimensions"]) == ("Journeys", [[], ["reason"]])
    assert directive["Metrics"] == [{"Name": "EventsRefused", "Unit": "Count"}]
    assert (counted["EventsRefused"], counted["reason"], counted["correlation_id"]) == (3, "missing.date", "request-1")
    (directive,) = measured["_aws"]["CloudWatchMetrics"]
    assert (directive["Dimensions"], directive["Metrics"][0]["Unit"]) == ([[]], "Milliseconds")
    assert "correlation_id" not in measured


def test_a_block_has_one_line_with_its_fields_and_metrics(logged: io.StringIO) -> None:
    with Line("request completed", "request-1") as line:
        log_info("ingested", stored=2, late=None)
        emit_count("EventsTaken", 2, outcome="created")
        emit_duration("EventLag", 7)
        line.add(status=200)
    (written,) = map(json.loads, logged.getvalue().splitlines())
    described = written.pop("_aws")
    assert described["Timestamp"] == pytest.approx(dates.now_ms(), abs=60_000)
    assert described["CloudWatchMetrics"] == [
        {
            "Namespace": "Journeys",
            "Dimensions": [[], ["outcome"]],
            "Metrics": [{"Name": "EventsTaken", "Unit": "Count"}],
        },
        {"Namespace": "Journeys", "Dimensions": [[]], "Metrics": [{"Name": "EventLag", "Unit": "Milliseconds"}]},
    ]
    assert written == {
        "level": "INFO", "message": "request completed", "correlation_id": "request-1", "stored": 2,
        "EventsTaken": 2, "outcome": "created", "EventLag": 7, "status": 200,
    }  # fmt: skip


def test_what_a_document_cannot_hold_twice_has_a_line_of_its_own(logged: io.StringIO) -> None:
    """A document has one value per metric, per dimension, and per field."""
    with Line("delivery completed", "request-1"):
        log_info("ingested", configuration="a", sender="github")
        log_info("ingested", configuration="b")
        for reason, number in (("missing.date", 1), ("invalid.id", 2), ("missing.date", 4)):
            emit_count("EventsRefused", number, reason=reason)
        emit_count("JobsFailed", reason="job.lost")
        emit_count("Deliveries", sender="slack")
    lines = list(map(json.loads, logged.getvalue().splitlines()))
    assert [line.get("configuration") for line in lines] == ["b", "a", None, None, None]
    assert [line.get("message") for line in lines] == ["ingested", "delivery completed", None, None, None]
    assert lines[1]["sender"] == "github"
    assert {line["correlation_id"] for line in lines} == {"request-1"}
    metrics = [
        (metric["Name"], line[metric["Name"]], [line[name] for name in directive["Dimensions"][-1]])
        for line in lines
        for directive in line.get("_aws", {"CloudWatchMetrics": []})["CloudWatchMetrics"]
        for metric in directive["Metrics"]
    ]
    assert sorted(metrics) == [
        ("Deliveries", 1, ["slack"]), ("EventsRefused", 1, ["missing.date"]), ("EventsRefused", 2, ["invalid.id"]),
        ("EventsRefused", 4, ["missing.date"]), ("JobsFailed", 1, ["job.lost"]),
    ]  # fmt: skip


def test_a_block_that_raises_writes_its_line(logged: io.StringIO) -> None:
    def fail() -> None:
        with Line("projected"):
            emit_count("StepsCounted", 3)
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    emit_count("StepsCounted", 4)
    first, second = map(json.loads, logged.getvalue().splitlines())
    assert (first["message"], first["StepsCounted"]) == ("projected", 3)
    assert (second.get("message"), second["StepsCounted"]) == (None, 4)


def test_the_log_lines_of_a_batch_name_at_most_100_requests_each(logged: io.StringIO) -> None:
    records: list[dict[str, Any]] = [{"dynamodb": {"NewImage": {"receipt": {"S": f"request-{n:03d}/run#{m}"}}}}
               for n in range(250) for m in range(2)]  # fmt: skip
    records += [{"dynamodb": {"OldImage": {}}}, {"dynamodb": {"NewImage": {"receipt": 5}}}]
    process_batch(records, lambda _: ["1", "2", "3"], message="landed")
    *more, first = map(json.loads, logged.getvalue().splitlines())
    assert (first["message"], first["records"], first["again"]) == ("landed", 502, 3)
    assert [len(line["requests"].split()) for line in (first, *more)] == [100, 100, 50]
    assert len({name for line in (first, *more) for name in line["requests"].split()}) == 250
