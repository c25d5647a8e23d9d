"""Times as milliseconds and as text."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from journeys import dates

MOMENTS = st.integers(
    min_value=int(datetime(1, 1, 1, tzinfo=UTC).timestamp()) * 1000,
    max_value=int(datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC).timestamp()) * 1000 + 999,
)
ZONES = st.integers(-1439, 1439).map(lambda minutes: timezone(timedelta(minutes=minutes)))


@given(MOMENTS)
def test_a_time_is_written_and_parsed_unchanged(ms: int) -> None:
    assert dates.parse(dates.text(ms)) == ms


@given(MOMENTS, MOMENTS)
def test_texts_have_a_fixed_length_and_sort_by_time(first: int, second: int) -> None:
    texts = dates.text(first), dates.text(second)
    assert [len(text) for text in texts] == [24, 24]
    assert (texts[0] < texts[1]) == (first < second)


@given(st.datetimes(min_value=datetime(2, 1, 1), max_value=datetime(9998, 12, 31)), ZONES)  # noqa: DTZ001, RUF100
def test_a_date_is_the_same_time_in_every_time_zone(moment: datetime, zone: timezone) -> None:
    there = moment.replace(tzinfo=UTC).astimezone(zone)
    expected = (moment.replace(tzinfo=UTC) - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)
    assert dates.parse(there.isoformat()) == expected


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("2026-01-31T09:30:00Z", "2026-01-31T09:30:00.000Z"),
        ("2026-01-31T09:30Z", "2026-01-31T09:30:00.000Z"),
        ("2026-01-31 09:30:00z", "2026-01-31T09:30:00.000Z"),
        ("2026-01-31t09:30:00.5+01:00", "2026-01-31T08:30:00.500Z"),
        ("2026-01-31T09:30:00,25+0130", "2026-01-31T08:00:00.250Z"),
        ("2026-01-31T09:30:00-05", "2026-01-31T14:30:00.000Z"),
        ("20260131T093000Z", "2026-01-31T09:30:00.000Z"),
        ("2026-01-01T00:30:00+01:00", "2025-12-31T23:30:00.000Z"),
        ("2024-02-29T00:00:00Z", "2024-02-29T00:00:00.000Z"),
    ],
)
def test_the_usual_forms_of_iso_8601_are_parsed(written: str, meant: str) -> None:
    assert dates.text(dates.parse(written)) == meant


def test_finer_digits_than_milliseconds_are_cut_and_never_rounded_up() -> None:
    assert dates.text(dates.parse("2026-12-31T23:59:59.999999999Z")) == "2026-12-31T23:59:59.999Z"
    assert dates.text(dates.parse("1969-12-31T23:59:59.9999Z")) == "1969-12-31T23:59:59.999Z"


@pytest.mark.parametrize(
    "written",
    [
        "",
        "now",
        "2026-01-31",
        "2026-01-31T09:30:00",
        "1769851800000",
        "2026-02-30T00:00:00Z",
        "2026-13-01T00:00:00Z",
        "2026-01-31T25:00:00Z",
        "2026-01-31T09:61:00Z",
        "2026-01-31T09:30:00+24:00",
        "2026-01-31T09:30:00.Z",
        "2026-01-31T09:30:00.1234567890Z",
        "2026-01-31T09:30:00ZZ",
        " 2026-01-31T09:30:00Z",
        "2026-01-31T09:30:00Z\n",
        "\uff12026-01-31T09:30:00Z",
        "0000-01-01T00:00:00Z",
        "-2026-01-31T09:30:00Z",
    ],
)
def test_a_text_that_is_not_a_date_and_time_with_a_time_zone_is_refused(written: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        dates.parse(written)


@pytest.mark.parametrize("written", ["0001-01-01T00:00:00+00:01", "9999-12-31T23:59:59-00:01"])
def test_a_date_outside_the_calendar_in_utc_is_refused(written: str) -> None:
    with pytest.raises(ValueError, match="out of range"):
        dates.parse(written)


@given(st.text(max_size=40))
def test_invalid_dates_raise_only_value_error(written: str) -> None:
    try:
        ms = dates.parse(written)
    except ValueError:
        return
    assert dates.parse(dates.text(ms)) == ms
