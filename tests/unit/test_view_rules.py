"""The rules for views: each problem is reported with its code, path and message, and valid views are accepted."""

import inspect
import json
import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest

from journeys import jsontext
from journeys.errors import BadRequest
from journeys.registry.native_types import NATIVE_TYPES
from journeys.views import rules
from journeys.views.model import View as SavedView
from journeys.views.model import interval, period
from tests.support.views import ORDER_DOCUMENT, PARCEL_DOCUMENT, parsed, schema, view_body

SCHEMAS = {
    "order-type": schema("order-type", ORDER_DOCUMENT),
    "parcel-type": schema("parcel-type", PARCEL_DOCUMENT, "b"),
    "quiet-type": schema("quiet-type", ORDER_DOCUMENT, "c", active=False),
    **NATIVE_TYPES,
}
View = dict[str, Any]
Change = Callable[[View], object]


def found(body: View) -> list[tuple[str, str]]:
    view = parsed(body)
    return [(problem.code, problem.path) for problem in rules.problems(view, SCHEMAS)]


def put(path: str, value: Any) -> Change:
    """Set the field with a path such as `elements[0].filter`; None deletes it."""

    def change(view: View) -> None:
        *way, last = path.replace("[", ".").replace("]", "").split(".")
        at: Any = view
        for step in way:
            at = at[int(step) if step.isdigit() else step]
        if value is None:
            del at[last]
        else:
            at[int(last) if last.isdigit() else last] = value

    return change


def all_of(*changes: Change) -> Change:
    return lambda view: [change(view) for change in changes]


def predicate(**changes: Any) -> Change:
    """The only predicate of the first element."""
    return put("elements[0].filter", {"predicates": [{"dimension": "note", "values": ["x"]} | changes]})


def number_predicate(**changes: Any) -> Change:
    """The only number predicate of the first element."""
    with_range = {"dimension": "total", "range": {"lt": {"number": 5}}}
    return put("elements[0].filter", {"numberPredicates": [with_range | changes]})


def within(**range_: Any) -> Change:
    return number_predicate(range=range_)


def metric(**changes: Any) -> Change:
    return put("charts[1].metrics[0]", {"id": "all", "elementId": "order"} | changes)


def add_charts(count: int) -> Change:
    return lambda view: view["charts"].extend(
        {"name": f"Chart {number}", "metrics": [{"id": "m", "elementId": "order"}]} for number in range(count)
    )


def constraints(after: tuple[str, int] | None, within_: tuple[str, int] | None, kind: str = "Sequential") -> Change:
    def constraint(given: tuple[str, int] | None) -> dict[str, Any] | None:
        return given and {"unit": given[0], "value": given[1]}

    link = {
        "id": "heavy",
        "eventCountType": kind,
        "constraintAfter": constraint(after),
        "constraintWithin": constraint(within_),
    }
    return put("elements[1].followedBy[0]", link)


def call(index: int, event: str = "native-customer-start") -> Change:
    """Make an element native."""
    return all_of(put(f"elements[{index}].attributes.id", event), put(f"elements[{index}].filter", {}))


def join(*names: str) -> Change:
    """The attributes that the link from the second to the third element joins by."""
    return put("elements[1].followedBy[0].joinAttributes", list(names))


PREDICATE, NUMBER = "elements[0].filter.predicates[0]", "elements[0].filter.numberPredicates[0]"
LINK, CHART = "elements[1].followedBy[0]", "charts[0]"


def span(start: str, end: str) -> Change:
    return put("durations", [{"fromId": start, "toId": end}])


WRONG: list[tuple[Change, str, str]] = [
    # the time frame
    (put("duration", None), "interval.or.duration", "interval"),
    (put("interval", "2026-01-01T00:00:00/2026-02-01T00:00:00"), "interval.or.duration", "interval"),
    *[
        (all_of(put("duration", None), put("interval", text)), "invalid.interval", "interval")
        for text in (
            "",
            "/",
            "2026-01-01T00:00:00Z",
            "2026-01-01/2026-02-01",
            "2026-02-30T00:00:00Z/2026-03-01T00:00:00Z",
            "2026-02-01T00:00:00Z/2026-01-01T00:00:00Z",
            "2026-02-01T00:00:00Z/2026-02-01T01:00:00+01:00",
            "2026-01-01T00:00:00Z/2026-02-01T00:00:00Z/2026-03-01T00:00:00Z",
            "1900-01-01T00:00:00Z/2026-01-01T00:00:00Z",
        )
    ],
    *[
        (put("duration", text), "invalid.duration", "duration")
        for text in ("", "P", "PT", "30D", "P1.5D", "P-1D", "p1d", "P0D", "PT0S", "P101Y", "P36500DT1S", "P1M1Y")
    ],
    # elements
    (put("elements[0].attributes.id", "nothing"), "unknown.event.definition", "elements[0].attributes.id"),
    (put("elements[0].attributes.id", "quiet-type"), "inactive.event.definition", "elements[0].attributes.id"),
    (put("elements[2].name", "parcel"), "duplicate.name", "elements[2].name"),
    (put("elements[2].name", " PARCEL "), "duplicate.name", "elements[2].name"),
    # predicates
    (predicate(dimension="nothing"), "unknown.attribute", f"{PREDICATE}.dimension"),
    (predicate(dimension="Note"), "unknown.attribute", f"{PREDICATE}.dimension"),
    (predicate(dimension="due"), "not.filterable", f"{PREDICATE}.dimension"),
    (predicate(dimension="labels"), "not.filterable", f"{PREDICATE}.dimension"),
    (predicate(values=None), "values.or.no.value", f"{PREDICATE}.values"),
    (predicate(values=[]), "values.or.no.value", f"{PREDICATE}.values"),
    (predicate(noValue=True), "values.or.no.value", f"{PREDICATE}.values"),
    (predicate(dimension="channel", values=["web", "fax"]), "impossible.value", f"{PREDICATE}.values[1]"),
    (predicate(dimension="channel", values=["Web"]), "impossible.value", f"{PREDICATE}.values[0]"),
    *[
        (predicate(dimension="member", values=[text]), "impossible.value", f"{PREDICATE}.values[0]")
        for text in ("yes", "True", "1", "")
    ],
    *[
        (predicate(dimension="total", values=[text]), "impossible.value", f"{PREDICATE}.values[0]")
        for text in ("ten", "", "1,5", "NaN", "Infinity", "1e5", " 1", "1.", "--1", "\u0661", "1" * 39)
    ],
    *[
        (predicate(dimension="items", values=["1", text]), "impossible.value", f"{PREDICATE}.values[1]")
        for text in ("1.5", "one", "9" * 38 + ".1")
    ],
    # number predicates
    *[
        (number_predicate(dimension=name), "not.a.number", f"{NUMBER}.dimension")
        for name in ("note", "channel", "member", "due", "labels")
    ],
    (number_predicate(dimension="nothing"), "unknown.attribute", f"{NUMBER}.dimension"),
    (number_predicate(range=None), "range.or.no.value", f"{NUMBER}.range"),
    (number_predicate(noValue=True), "range.or.no.value", f"{NUMBER}.range"),
    (within(), "empty.range", f"{NUMBER}.range"),
    (within(lt={}), "number.or.duration", f"{NUMBER}.range.lt"),
    (within(neq={"number": 1, "duration": "PT1S"}), "number.or.duration", f"{NUMBER}.range.neq"),
    (within(gte={"duration": "1 day"}), "invalid.duration", f"{NUMBER}.range.gte.duration"),
    *[
        (within(**{name: {"number": number} for name, number in given.items()}), "empty.range", f"{NUMBER}.range")
        for given in (
            {"gt": 5, "lt": 5},
            {"gte": 5, "lt": 5},
            {"gt": 5, "lte": 5},
            {"gte": 6, "lte": 5},
            {"gt": 1, "gte": 6, "lt": 9, "lte": 5},
            {"eq": 5, "gt": 5},
            {"eq": 5, "lt": 5},
            {"eq": 5, "gte": 6},
            {"eq": 5, "neq": 5},
        )
    ],
    (within(gt={"number": 1000}, lt={"duration": "PT1S"}), "empty.range", f"{NUMBER}.range"),
    # links
    (put("elements[2].followedBy", [{"id": "nowhere"}]), "unknown.element", "elements[2].followedBy[0].id"),
    (put("elements[2].followedBy", [{"id": "heavy"}]), "cycle", "elements[2].followedBy[0].id"),
    (
        put("elements[1].followedBy", [{"id": "heavy"}, {"id": "heavy"}]),
        "duplicate.id",
        "elements[1].followedBy[1].id",
    ),
    (put(f"{LINK}.joinAttributes", ["depot"]), "join.not.native", f"{LINK}.joinAttributes"),
    (put(f"{LINK}.joinAttributes", ["conversationId"]), "join.not.native", f"{LINK}.joinAttributes"),
    (all_of(call(1), join("conversationId")), "join.not.native", f"{LINK}.joinAttributes"),
    (all_of(call(2), join("conversationId")), "join.not.native", f"{LINK}.joinAttributes"),
    *[
        (all_of(call(1), call(2), join(*names)), "join.not.allowed", f"{LINK}.joinAttributes")
        for names in (["queueId"], ["conversationId", "queueId"], ["conversationId"] * 2, ["conversationid"])
    ],
    (constraints(("Days", 2), ("Days", 1)), "impossible.constraint", f"{LINK}.constraintAfter"),
    (constraints(("Seconds", 61), ("Minutes", 1)), "impossible.constraint", f"{LINK}.constraintAfter"),
    (constraints(("Days", 31), ("Months", 1)), "impossible.constraint", f"{LINK}.constraintAfter"),
    (constraints(None, ("Days", 0)), "impossible.constraint", f"{LINK}.constraintWithin"),
    (constraints(None, ("Days", 36501)), "impossible.constraint", f"{LINK}.constraintWithin.value"),
    (constraints(("Days", 36501), None), "impossible.constraint", f"{LINK}.constraintAfter.value"),
    # durations
    (span("nothing", "heavy"), "unknown.element", "durations[0].fromId"),
    (span("order", "nothing"), "unknown.element", "durations[0].toId"),
    (span("parcel", "order"), "not.connected", "durations[0].toId"),
    (span("order", "order"), "not.connected", "durations[0].toId"),
    (put("durations", [{"fromId": "order", "toId": "heavy"}] * 2), "duplicate.toId", "durations[1].toId"),
    # charts
    (add_charts(9), "too.many.charts", "charts"),
    (put("charts[1].id", "by-month"), "duplicate.id", "charts[1].id"),
    (put("charts[1].name", "by MONTH"), "duplicate.name", "charts[1].name"),
    (put("charts[1].metrics[0].elementId", "nothing"), "unknown.element", "charts[1].metrics[0].elementId"),
    (put("charts[0].metrics[1].id", "orders"), "duplicate.id", "charts[0].metrics[1].id"),
    *[
        (metric(aggregate=aggregate), "missing.attribute", "charts[1].metrics[0].attribute")
        for aggregate in ("Minimum", "Maximum", "Average", "Sum")
    ],
    *[
        (metric(aggregate=aggregate, attribute="total"), "unexpected.attribute", "charts[1].metrics[0].attribute")
        for aggregate in ("EventCount", "CustomerCount")
    ],
    (metric(attribute="total"), "unexpected.attribute", "charts[1].metrics[0].attribute"),
    *[
        (metric(aggregate=aggregate, attribute="note"), "not.a.number", "charts[1].metrics[0].attribute")
        for aggregate in ("Minimum", "Maximum", "Average", "Sum")
    ],
    (metric(aggregate="Sum", attribute="weight"), "unknown.attribute", "charts[1].metrics[0].attribute"),
    (put(f"{CHART}.groupByAttributes[0].elementId", "x"), "unknown.element", f"{CHART}.groupByAttributes[0].elementId"),
    (
        put(f"{CHART}.groupByAttributes", [{"elementId": "parcel", "attribute": "depot"}]),
        "element.not.measured",
        f"{CHART}.groupByAttributes[0].elementId",
    ),
    (
        put(f"{CHART}.groupByAttributes[0].attribute", "depot"),
        "unknown.attribute",
        f"{CHART}.groupByAttributes[0].attribute",
    ),
    (
        put(f"{CHART}.groupByAttributes[0].attribute", "due"),
        "not.filterable",
        f"{CHART}.groupByAttributes[0].attribute",
    ),
    (
        lambda view: view["charts"][0]["groupByAttributes"].append({"elementId": "order", "attribute": "channel"}),
        "duplicate.attribute",
        f"{CHART}.groupByAttributes[1].attribute",
    ),
    (put("charts[1].groupByMax", 3), "group.by.max.alone", "charts[1].groupByMax"),
]  # fmt: skip


def test_a_complete_view_has_no_problems() -> None:
    assert found(view_body()) == []


@pytest.mark.parametrize(("change", "code", "where"), WRONG, ids=lambda one: one if isinstance(one, str) else "")
def test_each_problem_is_reported_once_with_its_code_and_path(change: Change, code: str, where: str) -> None:
    body = view_body()
    change(body)
    assert found(body) == [(code, where)]


RIGHT: list[Change] = [
    all_of(put("duration", None), put("interval", "2026-01-01T00:00:00/2026-02-01T00:00:00")),
    all_of(put("duration", None), put("interval", "2026-01-01T00:00:00.000Z/2026-02-01T00:00:00+02:00")),
    *[put("duration", text) for text in ("PT1S", "P1DT12H", "P100Y", "P36500D", "P1Y2M3W4DT5H6M7.5S")],
    put("elements[0].filter", {}),
    predicate(values=["anything", ""]),
    predicate(dimension="total", values=["-1", "0.10", "007", "9" * 38]),
    predicate(dimension="member", values=["true", "false"], operator="NotMatches"),
    predicate(noValue=True, values=[]),
    within(gte={"number": 5}, lte={"number": 5}),
    within(eq={"number": 5}, gte={"number": 5}, lte={"number": 5}, neq={"number": 6}),
    within(gt={"duration": "PT0S"}, lt={"number": 1}),
    put("elements[1].followedBy[0].joinAttributes", []),
    all_of(call(1), call(2), join("conversationId")),
    all_of(call(1, "native-customer-start"), call(2, "native-customer-end"), join("conversationId")),
    all_of(call(1), call(2), join()),
    constraints(("Days", 7), ("Weeks", 1)),
    constraints(None, ("Seconds", 0), "All"),
    constraints(None, ("Seconds", 0), "Concurrent"),
    constraints(("Days", 36500), ("Days", 36500)),
    add_charts(8),
    metric(aggregate="Average", attribute="items"),
    put("charts[1].groupByTime", "Week"),
    all_of(put("charts[1].groupByTime", "Week"), put("charts[1].groupByMax", 3)),
    put("charts", []),
    put("elements[0].followedBy", []),
    put("durations", []),
    span("order", "parcel"),
    put("durations", [{"fromId": "order", "toId": "heavy"}, {"fromId": "parcel", "toId": "heavy"}]),
]


@pytest.mark.parametrize("change", RIGHT)
def test_a_valid_view_has_no_problems(change: Change) -> None:
    body = view_body()
    change(body)
    assert found(body) == []


def test_every_link_of_a_cycle_is_reported_and_no_other() -> None:
    body = view_body()
    put("elements[2].followedBy", [{"id": "parcel"}])(body)
    assert found(body) == [("cycle", "elements[1].followedBy[0].id"), ("cycle", "elements[2].followedBy[0].id")]


def test_a_duplicate_element_id_is_reported_once() -> None:
    body = view_body()
    del body["elements"][1]["followedBy"]
    put("elements[2].id", "parcel")(body)
    put("elements[0].followedBy", [{"id": "parcel"}])(body)
    assert found(body) == [("duplicate.id", "elements[2].id")]


def test_all_problems_of_a_view_are_reported_together() -> None:
    body = view_body()
    del body["duration"]
    put("elements[0].attributes.id", "nothing")(body)  # so its attributes are not checked
    put("elements[2].followedBy", [{"id": "order"}, {"id": "nowhere"}])(body)
    put("charts[1].groupByMax", 3)(body)
    view = parsed(body)
    with pytest.raises(BadRequest) as refused:
        rules.check(view, SCHEMAS)
    assert refused.value.code == "invalid.view"
    told = [(detail.error_code, detail.field_name) for detail in refused.value.details]
    assert told == [
        ("interval.or.duration", "interval"),
        ("unknown.event.definition", "elements[0].attributes.id"),
        ("unknown.element", "elements[2].followedBy[1].id"),
        ("cycle", "elements[0].followedBy[0].id"),
        ("cycle", "elements[0].followedBy[1].id"),
        ("cycle", "elements[1].followedBy[0].id"),
        ("cycle", "elements[2].followedBy[0].id"),
        ("group.by.max.alone", "charts[1].groupByMax"),
    ]


def message(body: View, schemas: rules.Schemas = SCHEMAS) -> str:
    with pytest.raises(BadRequest) as refused:
        rules.check(parsed(body), schemas)
    return refused.value.message


def test_a_message_does_not_repeat_the_values_of_a_filter() -> None:
    body = view_body()
    predicate(dimension="member", values=["ada@example.com"])(body)
    assert message(body) == (
        f'{PREDICATE}.values[0]: The attribute "member" cannot have this value. Use one of "true", "false".'
    )


MESSAGES: list[tuple[Change, str]] = [
    (
        predicate(dimension="channel", values=["fax"]),
        f'{PREDICATE}.values[0]: The attribute "channel" cannot have this value. Use one of "web", "app".',
    ),
    (
        predicate(dimension="items", values=["1.5"]),
        (
            f'{PREDICATE}.values[0]: The attribute "items" cannot have this value. '
            "Use a whole number of at most 38 digits, such as -12."
        ),
    ),
    (
        predicate(dimension="chanel"),
        f'{PREDICATE}.dimension: The event type has no attribute "chanel". Did you mean "channel"?',
    ),
    (
        predicate(dimension="NOTE"),
        f'{PREDICATE}.dimension: The event type has no attribute "NOTE". Did you mean "note"?',
    ),
    (
        metric(aggregate="Sum", attribute="zzzz"),
        (
            'charts[1].metrics[0].attribute: The event type has no attribute "zzzz". '
            'Its attributes: "channel", "due", "items", "labels", "member", "note", "total".'
        ),
    ),
    (
        predicate(dimension="due"),
        (
            f'{PREDICATE}.dimension: The attribute "due" is of kind date, which views cannot filter or group by. '
            "Use an enum, number, string or boolean attribute."
        ),
    ),
    (
        all_of(put("duration", None), put("interval", "2026-02-01T00:00:00Z/2026-01-01T00:00:00Z")),
        (
            "interval: The interval does not end after its start. "
            "Use the earlier date first, such as 2026-01-01T00:00:00Z/2026-02-01T00:00:00Z."
        ),
    ),
    (
        join("conversationId"),
        (
            f"{LINK}.joinAttributes: Only native events have a conversation, so only a link between two native "
            "elements can join by it. Remove joinAttributes."
        ),
    ),
    (
        all_of(call(1), call(2), join("queueId")),
        (
            f"{LINK}.joinAttributes: A link can join by conversation only, which tells what belongs together. "
            'Use ["conversationId"] or remove joinAttributes.'
        ),
    ),
    (
        put("duration", "30 days"),
        "duration: The duration is not an ISO-8601 duration. Use a form such as P30D or PT12H.",
    ),
]


@pytest.mark.parametrize(("change", "expected"), MESSAGES, ids=lambda one: one if isinstance(one, str) else "")
def test_a_message_says_where_the_problem_is_and_what_is_allowed(change: Change, expected: str) -> None:
    body = view_body()
    change(body)
    assert message(body) == expected


def test_a_message_lists_at_most_25_allowed_values() -> None:
    document = jsontext.loads(jsontext.dumps(ORDER_DOCUMENT).encode())
    document["properties"]["channel"]["enum"] = [f"channel-{number}" for number in range(28)]
    body = view_body()
    predicate(dimension="channel", values=["fax"])(body)
    told = message(body, {**SCHEMAS, "order-type": schema("order-type", document)})
    assert told.endswith('"channel-23", "channel-24" and 3 more.')


def test_a_message_shortens_names_to_100_characters() -> None:
    body = view_body()
    predicate(dimension="n" * 256)(body)
    assert f'"{"n" * 100}…"' in message(body)


def test_a_message_describes_at_most_10_problems_and_the_details_list_all() -> None:
    body = view_body()
    predicate(dimension="member", values=["maybe"] * 13)(body)
    with pytest.raises(BadRequest) as refused:
        rules.check(parsed(body), SCHEMAS)
    assert refused.value.message.count("cannot have this value") == 10
    assert refused.value.message.endswith(" (and 3 more)")
    assert len(refused.value.details) == 13


@pytest.mark.parametrize(
    "text",
    ["x" * 1000, '"' * 250, "\n" * 333, "\\" * 250, "\u2603" * 166, "\U0001f600" * 83],
    ids=["letters", "quotes", "line breaks", "backslashes", "symbols", "emoji"],
)
def test_a_view_can_have_at_most_55000_bytes_in_a_lambda_response(text: str) -> None:
    body = view_body()
    predicate(values=[text for _ in range(50)])(body)
    size = len(json.dumps(jsontext.dumps(parsed(body).to_values())))
    assert size < rules.MAX_BYTES
    body["description"] += "x" * (rules.MAX_BYTES - size)
    assert found(body) == []
    body["description"] += "x"
    assert found(body) == [("view.too.large", "elements")]


def test_a_page_of_100_of_the_largest_views_fits_into_a_lambda_response() -> None:
    body = view_body()
    add_charts(8)(body)
    values: list[str] = []
    predicate(values=values)(body)
    while found(body) != [("view.too.large", "elements")]:
        values.append('"' * 50)
    values.pop()
    assert found(body) == []
    definition = parsed(body)
    charts = [chart.model_copy(update={"id": str(uuid4()), "version": 1000}) for chart in definition.charts]
    definition = definition.model_copy(update={"charts": charts})
    view = SavedView(str(uuid4()), 1000, definition, "c" * 64, "c" * 64, 1_790_000_000_000, 1_790_000_000_000)
    page = {"entities": [view.to_wire()] * 100, "selfUri": "x" * 4096}
    assert len(json.dumps({"statusCode": 200, "headers": {"h": "x" * 4096}, "body": jsontext.dumps(page)})) < 6_291_556


def test_every_error_code_of_the_rules_is_tested() -> None:
    known = set(re.findall(r'Problem\(\s*"([a-z.]+)"', inspect.getsource(rules)))
    assert known <= {code for _, code, _ in WRONG} | {"view.too.large"}


# -- moments and durations ---------------------------------------------------------------------------------------------


def test_an_interval_without_a_time_zone_is_in_utc() -> None:
    assert interval("1970-01-01T00:00:01/1970-01-01T01:00:00.250") == (1_000, 3_600_250)
    assert interval("1970-01-01T01:00:01+01:00/1970-01-01T01:00:00Z") == (1_000, 3_600_000)


@pytest.mark.parametrize(
    ("text", "milliseconds"),
    [
        ("P1D", 86_400_000),
        ("P1DT12H", 129_600_000),
        ("P1M", 30 * 86_400_000),
        ("P1Y", 365 * 86_400_000),
        ("P2W", 14 * 86_400_000),
        ("PT1M", 60_000),
        ("PT0.5S", 500),
        ("PT1,25S", 1_250),
    ],
)
def test_a_duration_is_parsed_to_milliseconds(text: str, milliseconds: int) -> None:
    assert period(text) == milliseconds


def test_a_number_of_a_range_keeps_every_digit() -> None:
    body = view_body()
    digits = Decimal("1234567890123456789.0123456789012345678")
    within(lt={"number": digits})(body)
    view = parsed(body)
    assert view.elements[0].filter is not None
    kept = view.elements[0].filter.numberPredicates[0].range
    assert kept is not None
    assert kept.lt is not None
    assert kept.lt.number == digits
    assert parsed(view.to_values()) == view
