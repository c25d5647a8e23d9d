"""The tables of a result as CSV: they say what the JSON says, in pages of any size, and no text is a formula."""

import csv
import io
import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from itertools import groupby
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from journeys import csvtext, jsontext
from journeys.http import csv_pages
from journeys.views.computation.durations import Durations
from journeys.views.computation.partial_result import Counts, PartialMetric, PartialResult
from journeys.views.computation.results import to_result
from journeys.views.model import Aggregate, View, ViewDefinition
from journeys.views.tables import COUNTS, DURATION, TABLES, charts
from tests.support.csv_reading import read_csv
from tests.support.functions import Context, api_event
from tests.support.jobs import HOUR, NOON, JobHarness, harness
from tests.support.properties import examples

__all__ = ["harness"]

DURATIONS_OF = (
    "durationMinimum,durationAverage,durationMedian,durationPercentile75,durationPercentile90,durationPercentile95,"
    "durationMaximum"
)
LINK = re.compile(r'<([^>]+)>; rel="next"')

# -- CSV and JSON agree ------------------------------------------------------------------------------------------------

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=6) | st.sampled_from(
    ["=1+1", "+49 30 1", "-5", "@x", "\t=2", "'", "''=", "", " ", 'a"b', "a,b", "a\r\nb", "\n", "\uff1d1", "null"]
)
NAMES = TEXTS.filter(lambda text: bool(text.strip()))
DURATIONS = st.lists(st.integers(0, 10**9), max_size=5).map(lambda values: Durations.of(np.array(values, np.int64)))
NUMBERS = st.decimals(allow_nan=False, allow_infinity=False, places=4) | st.integers(-(10**37), 10**37).map(Decimal)


@st.composite
def computed(draw: st.DrawFn) -> tuple[ViewDefinition, dict[str, Any]]:
    """A view and its result, as a job stores it."""
    ids = draw(st.lists(NAMES, min_size=1, max_size=4, unique=True))
    links = {one: draw(st.lists(st.sampled_from(ids), max_size=3, unique=True)) for one in ids}
    elements = [
        {"id": one, "name": draw(NAMES), "attributes": {"id": "t"}, "followedBy": [{"id": to} for to in links[one]]}
        for one in ids
    ]
    drawn_charts = []
    for number in range(draw(st.integers(0, 2))):
        groups = draw(st.lists(NAMES, max_size=3, unique=True))
        chart = {
            "id": f"chart-{number}",
            "name": draw(NAMES),
            "groupByTime": draw(st.sampled_from([None, "Day"])),
            "groupByAttributes": [{"elementId": draw(st.sampled_from(ids)), "attribute": name} for name in groups],
            "metrics": [
                {"id": f"m{index}", "elementId": draw(st.sampled_from(ids)), "aggregate": "Sum", "attribute": "n"}
                for index in range(draw(st.integers(1, 2)))
            ],
        }
        drawn_charts.append(chart)
    spans = [
        {"fromId": one, "toId": other}
        for one, other in draw(st.lists(st.tuples(st.sampled_from(ids), st.sampled_from(ids)), max_size=2))
    ]
    definition = ViewDefinition.model_validate(
        {"name": "v", "elements": elements, "charts": drawn_charts, "durations": spans}
    )
    result = to_result(
        definition,
        PartialResult(
            tuple(Counts(*draw(st.tuples(*[st.integers(0, 10**9)] * 5))) for _ in ids),
            tuple(draw(DURATIONS) for one in ids for _ in links[one]),
            tuple(draw(DURATIONS) for _ in spans),
            tuple(
                tuple(
                    PartialMetric(Aggregate.SUM, draw(st.dictionaries(_names(chart, metric), NUMBERS, max_size=4)))
                    for metric in chart.metrics
                )
                for chart in definition.charts
            ),
        ),
    )
    return definition, jsontext.loads(jsontext.dumps(result).encode())


def _names(chart: Any, metric: Any) -> Any:
    own = sum(group.elementId == metric.elementId for group in chart.groupByAttributes)
    time = [st.just("2026-01-01")] if chart.groupByTime else []
    return st.tuples(*time, *[st.none() | TEXTS] * own)


def texts(view: ViewDefinition, result: Mapping[str, Any]) -> dict[str, str]:
    """Every table as one CSV text."""
    written = {}
    for name, table in TABLES.items():
        columns, rows = table(view, result)
        written[name] = "".join([csvtext.line(columns), *map(csvtext.line, rows)])
    return written


def records(text: str) -> list[dict[str, str | None]]:
    head, *rows = read_csv(text)
    return [dict(zip(map(str, head), row, strict=True)) for row in rows]


def restored(view: ViewDefinition, files: Mapping[str, str]) -> dict[str, Any]:
    """The JSON of a result, from its CSV files and the view alone. Numbers are texts."""
    links = records(files["links"])
    values = {
        key: [
            {
                "value": row["value"],
                "groupByAttributes": [{"attribute": "groupByTime", "value": row["time"]}] * (row["time"] is not None)
                + [
                    {"attribute": row[f"groupBy{number}"], "value": row[f"group{number}"]}
                    for number in range(1, 11)
                    if row.get(f"groupBy{number}") is not None
                ],
            }
            for row in rows
        ]
        for key, rows in groupby(records(files["charts"]), lambda row: (row["chartId"], row["metricId"]))
    }
    return {
        "elements": [
            {
                "id": row["elementId"],
                "metrics": {name: row[name] for name in COUNTS},
                "followedBy": [
                    {
                        "id": link["targetElementId"],
                        "connectionCount": link["connectionCount"],
                        "duration": {"customerCount": link["connectionCount"]} | took(link),
                    }
                    for link in links
                    if link["sourceElementId"] == row["elementId"]
                ],
            }
            for row in records(files["elements"])
        ],
        "durations": [
            {"fromId": row["fromElementId"], "toId": row["toElementId"], "customerCount": row["customerCount"]}
            | took(row)
            for row in records(files["durations"])
        ],
        "charts": [
            {
                "id": chart.id,
                "metrics": [
                    {"id": metric.id, "values": values.get((chart.id, metric.id), [])} for metric in chart.metrics
                ],
            }
            for chart in view.charts
        ],
    }


def took(row: Mapping[str, str | None]) -> dict[str, str | None]:
    """The figures of durations in a row, without those that are missing."""
    found = {name: row[f"duration{name[0].upper()}{name[1:]}"] for name in DURATION}
    return {name: value for name, value in found.items() if value is not None}


def without_histograms(value: Any) -> Any:
    """The result without the histograms of durations, which no table has."""
    if isinstance(value, dict):
        return {name: without_histograms(inner) for name, inner in value.items() if name != "histogram"}
    return [without_histograms(inner) for inner in value] if isinstance(value, list) else value


def numbers_as_texts(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: numbers_as_texts(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [numbers_as_texts(inner) for inner in value]
    return value if value is None or isinstance(value, str) else jsontext.dumps(value)


@settings(max_examples=examples(60), deadline=None)
@given(computed())
def test_the_csv_of_a_result_has_what_its_json_has(made: tuple[ViewDefinition, dict[str, Any]]) -> None:
    view, result = made
    files = texts(view, result)
    assert restored(view, files) == numbers_as_texts(without_histograms(result))
    names = {element.id: element.name for element in view.elements}
    assert all(row["elementName"] == names[str(row["elementId"])] for row in records(files["elements"]))
    for text in files.values():  # another reader finds the same cells
        read = [[cell or None for cell in row] for row in csv.reader(io.StringIO(text, newline=""), strict=True)]
        assert [len(row) for row in read] == [len(row) for row in read_csv(text)]


@pytest.mark.parametrize(
    ("text", "cell"),
    [
        ("-3", "-3"),
        ("-0.5", "-0.5"),
        ("-1E-7", "-1E-7"),
        ("+3", "'+3"),
        ("-3+1", "'-3+1"),
        ("-", "'-"),
        ("-3\n", '"\'-3\n"'),
    ],
)
def test_a_text_that_is_a_negative_number_stays_as_it_is(text: str, cell: str) -> None:
    """The values of a group are texts, also those of a number."""
    assert csvtext.line([text]) == f"{cell}\r\n"


@pytest.mark.parametrize("first", csvtext.PROTECTED)
def test_a_text_that_a_spreadsheet_could_take_for_a_formula_begins_with_an_apostrophe(first: str) -> None:
    (cell,) = next(csv.reader(io.StringIO(csvtext.line([f"{first}1+1"]), newline="")))
    assert cell == f"'{first}1+1"


def test_numbers_have_all_digits_and_their_sign() -> None:
    numbers = (-5, Decimal("-1.50"), Decimal("12345678901234567890.123456789"), Decimal("1E-30"), 10**37)
    assert csvtext.line(numbers) == f"-5,-1.50,12345678901234567890.123456789,1E-30,{10**37}\r\n"


# -- the API -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def view(harness: JobHarness) -> View:
    placed, paid = harness.event_type("Placed", amount="number", channel="string"), harness.event_type("Paid")
    harness.land(placed, ("ada", NOON), ("bob", NOON + HOUR), received=NOON + HOUR, amount=5, channel="=web")
    harness.land(placed, ("cyd", NOON), received=NOON + 2 * HOUR, amount=7)
    harness.land(paid, ("ada", NOON + HOUR), received=NOON + 3 * HOUR)
    return harness.view(
        name="Orders",
        interval="2026-01-01T00:00:00Z/2027-01-01T00:00:00Z",
        elements=[
            {"id": "a", "name": "Placed", "attributes": {"id": placed.schema_id}, "followedBy": [{"id": "b"}]},
            {"id": "b", "name": "Paid, at last", "attributes": {"id": paid.schema_id}},
        ],
        charts=[
            {
                "id": "c",
                "name": "Amount",
                "groupByAttributes": [{"elementId": "a", "attribute": "channel"}],
                "metrics": [{"id": "m", "elementId": "a", "aggregate": "Sum", "attribute": "amount"}],
            },
            {"id": "d", "name": "All", "metrics": [{"id": "m", "elementId": "b", "aggregate": "EventCount"}]},
        ],
        durations=[{"fromId": "a", "toId": "b"}],
    )


@pytest.fixture
def ask(harness: JobHarness, view: View) -> Callable[..., dict[str, Any]]:
    """Asks for the results of a complete job."""
    path = harness.accept(view)
    assert harness.deliver() == []

    def ask(below: str = "", **query: str) -> dict[str, Any]:
        answer: dict[str, Any] = harness.load("jobs").handler(
            api_event("GET", f"views{path}/results{below}", query=query), Context()
        )
        return answer

    return ask


def tests_of(*prefixes: str) -> list[str]:
    """The columns of tests."""
    names = ["Share", "OtherShare", "Difference", "Z", "PValue", "IsSignificant", "IsSignificantCorrected", "Reason"]
    return [prefix + name for prefix in prefixes for name in names]


tests_of.__test__ = False  # type: ignore[attr-defined]  # pytest would collect it by its name


def test_a_job_answers_each_table_as_csv(ask: Callable[..., dict[str, Any]]) -> None:
    bodies = {name: ask(format="csv", table=name)["body"] for name in TABLES}
    assert bodies == {
        "elements": "elementId,elementName,participantCount,activeCount,completedCount,dropoutCount,flowCount\r\n"
        'a,Placed,3,2,1,0,0\r\nb,"Paid, at last",1,0,1,0,0\r\n',
        "links": "sourceElementId,sourceElementName,targetElementId,targetElementName,connectionCount,"
        f"{DURATIONS_OF}\r\n"
        f'a,Placed,b,"Paid, at last",1,{",".join([str(HOUR)] * 7)}\r\n',
        "charts": "chartId,chartName,metricId,elementName,aggregate,attribute,value,time,groupBy1,group1\r\n"
        "c,Amount,m,Placed,Sum,amount,10,,channel,'=web\r\nc,Amount,m,Placed,Sum,amount,7,,channel,\r\n"
        'd,All,m,"Paid, at last",EventCount,,1,,,\r\n',
        "durations": f"fromElementId,fromElementName,toElementId,toElementName,customerCount,{DURATIONS_OF}\r\n"
        f'a,Placed,b,"Paid, at last",1,{",".join([str(HOUR)] * 7)}\r\n',
        "breakdown": "kind,value,customerCount,elementId,elementName,participantCount,activeCount,completedCount,"
        f"dropoutCount,flowCount,{','.join(tests_of(*(f'{count}Test' for count in COUNTS)))}\r\n",
        "breakdownLinks": "kind,value,customerCount,sourceElementId,sourceElementName,targetElementId,"
        f"targetElementName,connectionCount,{DURATIONS_OF},{','.join(tests_of('test'))}\r\n",
    }
    answer = ask(format="csv")
    assert answer["body"] == bodies["elements"]
    assert answer["headers"]["Content-Type"] == "text/csv; charset=utf-8; header=present"
    assert answer["headers"]["Content-Disposition"] == 'attachment; filename="elements.csv"'
    assert "Link" not in answer["headers"]
    assert ask("/charts/d", format="csv")["body"] == (
        "chartId,chartName,metricId,elementName,aggregate,attribute,value,time\r\n"
        'd,All,m,"Paid, at last",EventCount,,1,\r\n'
    )
    assert ask("/charts/e", format="csv")["statusCode"] == 404
    assert ask(format="json") == ask() | {"headers": ask()["headers"]}


@pytest.mark.parametrize("page", [1, 100, 150, 10_000])
def test_the_pages_of_a_table_are_one_file(
    ask: Callable[..., dict[str, Any]], page: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = ask(format="csv", table="charts")["body"]
    monkeypatch.setattr(csv_pages, "LARGEST_PAGE", page)
    pages, query = [], {"format": "csv", "table": "charts"}
    while query:
        answer = ask(**query)
        pages.append(answer["body"])
        link = LINK.fullmatch(answer["headers"].get("Link", ""))
        query = dict(parse_qsl(urlsplit(link[1]).query)) if link else {}
    assert "".join(pages) == whole
    assert len(pages) == {1: 3, 100: 2, 150: 1, 10_000: 1}[page] or page in (100, 150)
    assert all(pages)


@pytest.mark.parametrize(
    ("below", "query", "name"),
    [
        ("", {"table": "links"}, "table"),
        ("", {"cursor": "x"}, "cursor"),
        ("/charts/c", {"cursor": "x"}, "cursor"),
        ("", {"format": "xml"}, "format"),
        ("", {"format": "csv", "table": "rows"}, "table"),
        ("/charts/c", {"format": "csv", "table": "links"}, "table"),
    ],
)
def test_a_wrong_combination_of_parameters_is_refused(
    ask: Callable[..., dict[str, Any]], below: str, query: dict[str, str], name: str
) -> None:
    answer = ask(below, **query)
    assert answer["statusCode"] == 400
    assert name in [detail["fieldName"] for detail in jsontext.loads(answer["body"].encode())["details"]]


def test_a_cursor_of_another_table_is_refused(
    ask: Callable[..., dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(csv_pages, "LARGEST_PAGE", 1)
    link = LINK.fullmatch(ask(format="csv", table="elements")["headers"]["Link"])
    assert link
    answer = ask(**dict(parse_qsl(urlsplit(link[1]).query)) | {"table": "charts"})
    assert (answer["statusCode"], jsontext.loads(answer["body"].encode())["code"]) == (400, "invalid.cursor")


def test_a_breakdown_as_csv_has_a_row_per_group_and_element_or_link(harness: JobHarness, view: View) -> None:
    options = {"breakdown": {"elementId": "a", "attribute": "channel"}}
    _, job = harness.request("POST", f"/{view.view_id}/versions/1/jobs", options)
    assert harness.deliver() == []
    path = str(job["selfUri"]).removeprefix("/api/v2/journey/")

    def rows(table: str) -> list[dict[str, str]]:
        query = {"format": "csv", "table": table}
        answer = harness.api.handler(api_event("GET", f"{path}/results", query=query), Context())
        return list(csv.DictReader(io.StringIO(answer["body"], newline=""), strict=True))

    def cells(table: str, columns: int) -> list[list[str]]:
        return [list(row.values())[:columns] for row in rows(table)]

    assert cells("breakdown", 10) == [
        ["Value", "'=web", "2", "a", "Placed", "2", "1", "1", "0", "0"],
        ["Value", "'=web", "2", "b", "Paid, at last", "1", "0", "1", "0", "0"],
        ["Missing", "", "1", "a", "Placed", "1", "1", "0", "0", "0"],
        ["Missing", "", "1", "b", "Paid, at last", "0", "0", "0", "0", "0"],
    ]
    assert cells("breakdownLinks", 15) == [
        ["Value", "'=web", "2", "a", "Placed", "b", "Paid, at last", "1", *[str(HOUR)] * 7],
        ["Missing", "", "1", "a", "Placed", "b", "Paid, at last", "0", *[""] * 7],
    ]
    element, link = rows("breakdown")[0], rows("breakdownLinks")[0]
    assert element["participantCountTestReason"].startswith("The groups are made by")
    shares = (element["completedCountTestShare"], element["completedCountTestOtherShare"])
    assert shares == (link["testShare"], link["testOtherShare"]) == ("0.5", "0.0")
    assert (
        link["testReason"] == element["completedCountTestReason"] == "One of the four expected counts is less than 5."
    )


def test_a_table_without_charts_has_its_columns() -> None:
    view = ViewDefinition.model_validate(
        {"name": "v", "elements": [{"id": "a", "name": "A", "attributes": {"id": "t"}}]}
    )
    assert charts(view, {"charts": []}).columns[:3] == ("chartId", "chartName", "metricId")
