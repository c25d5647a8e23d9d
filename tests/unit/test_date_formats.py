"""Dates in the formats of other systems: which formats are accepted, and which moment a date is."""

import contextlib
import time
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from journeys import dates
from journeys.date_formats import DateFormat, InvalidDate, InvalidDateFormat, time_zone
from journeys.webhooks.expressions import Evaluator
from journeys.webhooks.mapping import compile_mapping
from journeys.webhooks.senders.registry import SENDERS
from tools.importer.mapping_file import parse_plan

BERLIN = ZoneInfo("Europe/Berlin")


def moment(value: object, pattern: str = "iso", zone: ZoneInfo | None = None) -> str:
    return dates.text(DateFormat.of(pattern, zone).milliseconds(value))


@pytest.mark.parametrize(
    ("value", "pattern", "zone", "expected"),
    [
        ("2026-01-05T10:00:00Z", "iso", None, "2026-01-05T10:00:00.000Z"),
        ("2026-01-05T10:00:00+02:00", "iso", BERLIN, "2026-01-05T08:00:00.000Z"),
        ("2026-01-05 10:00:00", "iso", BERLIN, "2026-01-05T09:00:00.000Z"),
        (1767607200, "unix", None, "2026-01-05T10:00:00.000Z"),
        ("1767607200.5", "unix", None, "2026-01-05T10:00:00.500Z"),
        (Decimal("1767607200.25"), "unix", None, "2026-01-05T10:00:00.250Z"),
        (" 1767607200123 ", "unix_ms", None, "2026-01-05T10:00:00.123Z"),
        (1767607200123.0, "unix_ms", None, "2026-01-05T10:00:00.123Z"),
        ("05.01.2026 10:00", "%d.%m.%Y %H:%M", BERLIN, "2026-01-05T09:00:00.000Z"),
        ("05.01.2026", "%d.%m.%Y", BERLIN, "2026-01-04T23:00:00.000Z"),
        ("2026-01-05 10:00 +0200", "%Y-%m-%d %H:%M %z", BERLIN, "2026-01-05T08:00:00.000Z"),
    ],
)
def test_a_date_is_read_in_its_format_and_zone(
    value: object, pattern: str, zone: ZoneInfo | None, expected: str
) -> None:
    assert moment(value, pattern, zone) == expected


@pytest.mark.parametrize("name", ["UTC", "GMT", "Z", "utc"])
def test_a_name_of_utc_is_honored_whatever_zone_is_configured(name: str) -> None:
    assert moment(f"2026-01-05 10:00:00 {name}", "%Y-%m-%d %H:%M:%S %Z", BERLIN) == "2026-01-05T10:00:00.000Z"


@pytest.mark.parametrize("name", ["EST", "CET", "PST", "", "XYZ"])
def test_other_names_of_zones_are_refused(name: str) -> None:
    with pytest.raises(InvalidDate):
        moment(f"2026-01-05 10:00:00 {name}", "%Y-%m-%d %H:%M:%S %Z", BERLIN)


def test_a_percent_sign_before_z_is_text_and_not_a_zone() -> None:
    assert moment("2026-01-05 %Z", "%Y-%m-%d %%Z", BERLIN) == "2026-01-04T23:00:00.000Z"


def test_a_repeated_hour_is_the_first_one_and_a_skipped_hour_lies_after_the_change() -> None:
    assert moment("2026-10-25T02:30:00", "iso", BERLIN) == "2026-10-25T00:30:00.000Z"  # still summer time, +02:00
    assert moment("2026-03-29T02:30:00", "iso", BERLIN) == "2026-03-29T01:30:00.000Z"  # 03:30 in summer time


@pytest.mark.parametrize(
    ("value", "pattern"),
    [
        ("1e999990", "unix"), ("1e999990", "unix_ms"), (10**4000, "unix"), ("9" * 21, "unix"), (1e308, "unix_ms"),
        (True, "unix"),
        (None, "unix"), ("", "unix"), ("1_000", "unix"), ("٣", "unix"), (float("inf"), "unix"), (float("nan"), "unix"),
        (5, "iso"), (None, "iso"), ("2026-13-01T00:00:00Z", "iso"), ("1" * 101, "iso"), ("05.01.26", "%d.%m.%Y"),
    ],
)  # fmt: skip
def test_another_value_is_refused_at_once(value: object, pattern: str) -> None:
    began = time.process_time()
    with pytest.raises((InvalidDate, OverflowError)):
        moment(value, pattern, BERLIN)
    assert time.process_time() - began < 1


@pytest.mark.parametrize("pattern", ["", "%H:%M", "%Y-%m", "%Q", "%Y %Y-%m-%d", "%Y-%m-%d %I:%M", "x" * 101, None, 5])
def test_a_format_that_cannot_be_is_refused(pattern: object) -> None:
    with pytest.raises(InvalidDateFormat, match="must be iso, unix, unix_ms or a strptime pattern"):
        DateFormat.of(pattern)


@pytest.mark.parametrize("name", ["Europe/Nowhere", "", None, 5, "../etc/passwd"])
def test_an_unknown_zone_is_refused(name: object) -> None:
    with pytest.raises(InvalidDateFormat, match="IANA"):
        time_zone(name)


@given(
    st.text(max_size=120) | st.integers() | st.floats() | st.booleans() | st.none(),
    st.sampled_from(["iso", "unix", "unix_ms", "%d.%m.%Y %Z"]),
)
def test_any_value_is_a_time_or_an_invalid_date(value: object, pattern: str) -> None:
    with contextlib.suppress(InvalidDate):
        assert isinstance(DateFormat.of(pattern, BERLIN).milliseconds(value), int)


CSV_MAPPING = """
id = "id"
[date]
value = "date"
format = "iso"
zone = "{zone}"
[customer]
externalSourceId = "crm"
value = "id"
[type]
title = "Visit"
source = "CRM"
[attributes]
at = {{ value = "date", kind = "datetime", format = "iso" }}
"""


@pytest.mark.parametrize(
    ("zone", "text", "expected"),
    [
        ("Europe/Berlin", "2026-03-29T02:30", "2026-03-29T01:30:00.000Z"),  # skipped
        ("Europe/Berlin", "2026-10-25T02:30", "2026-10-25T00:30:00.000Z"),  # repeated
        ("America/New_York", "2026-03-08T02:30", "2026-03-08T07:30:00.000Z"),
        ("America/New_York", "2026-11-01T01:30", "2026-11-01T05:30:00.000Z"),
        ("America/Sao_Paulo", "2018-11-04T00:30", "2018-11-04T03:30:00.000Z"),  # at midnight
        ("Australia/Lord_Howe", "2026-10-04T02:15", "2026-10-03T15:45:00.000Z"),  # half an hour
        ("Australia/Lord_Howe", "2026-04-05T01:45", "2026-04-04T14:45:00.000Z"),
        ("Pacific/Apia", "2011-12-30T12:00", "2011-12-30T22:00:00.000Z"),  # a whole day
    ],
)
@pytest.mark.parametrize("pattern", ["iso", "%Y-%m-%dT%H:%M"])
def test_webhook_mappings_and_imports_treat_clock_changes_alike(
    zone: str, text: str, expected: str, pattern: str
) -> None:
    plan = parse_plan(CSV_MAPPING.format(zone=zone).replace("iso", pattern), "test")
    imported = plan.event({"id": "1", "date": text})
    own = {"dateFormat": pattern, "timeZone": zone}
    mapping = compile_mapping(SENDERS["hmac"].presets[1], own)
    (delivered,) = mapping.to_events({"id": "1", "date": text, "customer": "1"}, {}, Evaluator.of_delivery({}, 0))

    assert moment(text, pattern, ZoneInfo(zone)) == expected
    assert imported["dateCreated"] == delivered["dateCreated"] == imported["attributes"]["at"] == expected
