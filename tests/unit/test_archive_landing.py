"""Landing: the files it writes, records that cannot be archived, and the kinds of attribute values."""

import math
from collections.abc import Iterable, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest
from botocore.exceptions import ClientError, EndpointConnectionError
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from journeys import aws
from journeys.archive import columns, parquet
from journeys.archive.columns import quoted
from journeys.archive.landing import Landing
from journeys.archive.model import landed_file, landed_key
from journeys.archive.reading import Events, connect
from journeys.archive.store import LandingStore
from journeys.events.model import Event, ExternalId, StoredEvent
from tests.support.archive import BUCKET, DAY, NOON, Archive, customer_key, event, names, records
from tests.support.functions import Context, load
from tests.support.tables import Tables

# -- files -------------------------------------------------------------------------------------------------------------


def test_a_batch_lands_in_one_file_per_organization_and_day_of_receipt(tables: Tables) -> None:
    archive = Archive.of(tables)
    days = [event(number, date_received=NOON + number * DAY) for number in (0, 0, 1)]
    assert archive.land(*days, event(5), event(6, organization_id="other/org")) == []
    assert len(archive.objects("landed")) == 2
    assert archive.read() == names([*days, event(5)])
    assert archive.read("other/org") == names([event(6, organization_id="other/org")])
    assert sorted(archive.store.organizations()) == ["acme", "other/org"]


def test_the_same_set_of_events_lands_in_the_same_file(tables: Tables) -> None:
    archive = Archive.of(tables)
    for batch in ([event(1), event(2)], [event(2), event(1)], [event(1), event(2), event(1)], [event(1)]):
        assert archive.land(*batch) == []
    assert len(archive.objects("landed")) == 2
    assert archive.read() == names([event(1), event(2)])


def test_the_name_of_a_landed_file_describes_its_content(tables: Tables) -> None:
    archive = Archive.of(tables)
    archive.land(event(3), event(1, "bob"), event(2, date=NOON - 400 * DAY, date_received=NOON))
    (file,) = archive.store.snapshot("acme").landed
    assert (file.day, file.rows, file.first_bucket, file.last_bucket) == ("2025-06-16", 3, 0, 15)
    assert (file.first, file.last, file.received) == (NOON - 400 * DAY, NOON + 3000, NOON + 63_000)
    assert archive.store.figures("acme").dates == (NOON - 400 * DAY, NOON + 3000)
    assert archive.store.figures("nobody").dates is None


@pytest.mark.parametrize(
    "key", ["archive/acme/landed/2025-06-16/rubbish.parquet", "archive/acme/compacted/d/1_2_3_4_e"]
)
def test_a_key_that_is_not_one_of_a_landed_file_is_rejected(key: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        landed_file(key, 1)


def test_the_name_of_a_landed_file_can_contain_dates_before_1970() -> None:
    key = landed_key("acme", ["e"], received=5, first=-DAY, last=-1)
    assert (landed_file(key, 1).first, landed_file(key, 1).last) == (-DAY, -1)


# -- tampering, poison records and errors ------------------------------------------------------------------------------


def _changed(one: StoredEvent, **attributes: Any) -> dict[str, Any]:
    (record,) = records([one])
    record["dynamodb"]["NewImage"] |= attributes
    return record


def _counted(monkeypatch: pytest.MonkeyPatch) -> dict[str, int]:
    counted: dict[str, int] = {}
    monkeypatch.setattr("journeys.archive.landing.emit_count", lambda name, value=1: counted.update({name: value}))
    return counted


def test_records_of_changed_and_deleted_events_do_not_land(tables: Tables) -> None:
    archive = Archive.of(tables)
    changed, removed, new = records([event(1), event(2), event(3)])
    changed["eventName"] = "MODIFY"
    removed["eventName"] = "REMOVE"
    del removed["dynamodb"]["NewImage"]
    assert archive.landing.land([changed, removed, new]) == []
    assert archive.read() == names([event(3)])


@pytest.mark.parametrize(
    "wrong",
    [
        {"slot": {"S": "z"}},
        {"slot": {"S": "ab"}},
        {"dateCreated": {"S": "yesterday"}},
        {"pk": {"S": "only-one-part"}},
        {"externalIds": {"L": []}},
        {"attributes": {"M": {"nested": {"M": {}}}}},
        {"attributes": {"M": {"nothing": {"NULL": True}}}},
        {"attributes": {"M": {"list": {"L": [{"N": "1"}]}}}},
        {"attributes": {"S": "text"}},
    ],
    ids=lambda wrong: next(iter(wrong)),
)
def test_a_record_that_is_not_an_event_is_skipped_and_counted(
    tables: Tables, monkeypatch: pytest.MonkeyPatch, wrong: dict[str, Any]
) -> None:
    counted = _counted(monkeypatch)
    archive = Archive.of(tables)
    batch = [*records([event(1)]), _changed(event(2), **wrong), *records([event(3)])]
    assert archive.landing.land(batch) == []
    assert archive.read() == names([event(1), event(3)])
    assert counted == {"EventsLanded": 2, "EventsNotLanded": 1}


def test_an_unwritable_event_does_not_affect_others(tables: Tables, monkeypatch: pytest.MonkeyPatch) -> None:
    """No such event is known, so the test makes writing fail for one."""
    counted = _counted(monkeypatch)
    write = parquet.write

    def fails(connection: Any, rows: Iterable[parquet.Row], path: Path) -> None:
        rows = list(rows)
        if any("event 5" in row.event for row in rows):
            raise ValueError
        write(connection, rows, path)

    monkeypatch.setattr(parquet, "write", fails)
    archive = Archive.of(tables)
    events = [event(number) for number in range(11)]
    assert archive.land(*events) == []
    assert archive.read() == names(one for one in events if one.event.event_id != "event 5")
    assert counted == {"EventsLanded": 10, "EventsNotLanded": 1}


@pytest.mark.parametrize("error", [duckdb.OutOfMemoryException, MemoryError])
@pytest.mark.parametrize("most", [3, 0])
def test_a_batch_that_exceeds_the_memory_lands_in_halves_or_is_retried(
    tables: Tables, monkeypatch: pytest.MonkeyPatch, error: type[Exception], most: int
) -> None:
    write = parquet.write

    def fails(connection: Any, rows: Sequence[parquet.Row], path: Path) -> None:
        if len(rows) > most:
            raise error
        write(connection, rows, path)

    monkeypatch.setattr(parquet, "write", fails)
    archive = Archive.of(tables)
    events = [event(number) for number in range(11)]
    to_retry = archive.land(*events)
    assert to_retry == ([] if most else [str(number) for number in range(11)])
    assert archive.read() == (names(events) if most else [])


class _Refusing(LandingStore):
    def __init__(self, error: Exception, day: str) -> None:
        super().__init__(aws.s3(), BUCKET)
        self._error, self._day = error, day

    def put(self, key: str, path: Path) -> None:
        if self._day in key:
            raise self._error
        super().put(key, path)


@pytest.mark.parametrize(
    "error",
    [ClientError({"Error": {"Code": "SlowDown"}}, "PutObject"), EndpointConnectionError(endpoint_url="s3"), OSError()],
    ids=["throttled", "unreachable", "disk full"],
)
def test_an_error_while_storing_a_file_retries_only_the_records_of_that_file(
    tables: Tables, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    function = load_landing(monkeypatch)
    monkeypatch.setattr(function, "landing", Landing(_Refusing(error, "2025-06-17")))
    batch = [event(0), event(1, date_received=NOON + DAY), event(2), event(3, date_received=NOON + DAY)]
    response = function.handler({"Records": records(batch)}, Context())
    assert response == {"batchItemFailures": [{"itemIdentifier": "1"}, {"itemIdentifier": "3"}]}
    assert Archive.of(tables).read() == names([batch[0], batch[2]])


def test_the_function_lands_a_batch(tables: Tables, monkeypatch: pytest.MonkeyPatch) -> None:
    function = load_landing(monkeypatch)
    assert function.handler({"Records": records([event(1), event(2)])}, Context()) == {"batchItemFailures": []}
    assert Archive.of(tables).read() == names([event(1), event(2)])


def load_landing(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("ARCHIVE_BUCKET", BUCKET)
    return load("landing")


# -- kinds -------------------------------------------------------------------------------------------------------------


def test_attributes_keep_their_kinds_when_landed_and_compacted(tables: Tables) -> None:
    """This includes text that looks like another kind, and names that differ only in case."""
    attributes = {
        "text": "5", "empty": "", "null": "null", "date": "2026-01-31", "moment": "2026-01-31T09:30:00Z",
        "json": '{"a": [1]}', "Größe": "ß", "nul": "a\x00b", "quote": "it's \"quoted\" \\ \n",
        "whole": 7, "fraction": Decimal("0.10"), "long": 10**38 - 1, "digits": Decimal("0." + "1" * 38),
        "tiny": Decimal("-1.5E-130"), "yes": True, "no": False, "tags": ["a", "A", "1"], "none": [],
        "Name": "first", "name": "second", "NAME": "third", 'qu"ote': "fourth", "%4eame": "fifth", "s:x": "sixth",
    }  # fmt: skip
    archive = Archive.of(tables)
    archive.land(event(1, attributes=attributes), event(2, "bob", attributes={"text": "x"}))
    archive.compact()
    assert len(archive.store.snapshot("acme").compacted) == 1
    archive.land(event(3, "cid", attributes={"new": True, "whole": 8}))
    rows = archive.rows([*_wanted(attributes), "b:new", "n:unheard", "l:unheard", "b:unheard"])
    assert _restored(rows[0], attributes) == attributes
    assert _restored(rows[1], attributes) == {"text": "x"}
    assert _restored(rows[2], attributes) == {"whole": 8}
    assert [row["b:new"] for row in rows] == [None, None, True]
    assert {row[f"{letter}:unheard"] for row in rows for letter in "nlb"} == {None}


def test_the_base_columns_hold_the_values_of_the_event(tables: Tables) -> None:
    archive = Archive.of(tables)
    archive.land(event(2, "ann@x", schema_version=3, event_name="Größe", source="ERP"))
    (row,) = archive.rows(list(columns.BASE))
    assert row == {
        "event": event(2).key, "customer": customer_key("ann@x"), "date": NOON + 2000, "received": NOON + 62_000,
        "hash": columns.customer_hash(customer_key("ann@x")), "type": 2, "version": 3, "name": "Größe", "source": "ERP",
        "linked": None,
    }  # fmt: skip


_TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
_NUMBERS = st.one_of(
    st.integers(-(10**38) + 1, 10**38 - 1),
    st.builds(
        lambda digits, exponent: Decimal(digits).scaleb(exponent),
        st.integers(-(10**38) + 1, 10**38 - 1),
        st.integers(-120, 80),
    ),
).map(lambda number: number or 0)
_VALUES = st.one_of(_TEXTS, _NUMBERS, st.booleans(), st.lists(_TEXTS, max_size=3))
_NAMES = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12)


@pytest.mark.slow
@given(st.lists(st.dictionaries(_NAMES, _VALUES, max_size=6), min_size=1, max_size=4))
@hypothesis_settings(max_examples=60)
def test_any_attributes_are_read_back_unchanged(
    tmp_path_factory: pytest.TempPathFactory, all_attributes: list[dict[str, Any]]
) -> None:
    folder = tmp_path_factory.mktemp("folder")
    path = folder / "a.parquet"
    events = [
        StoredEvent.from_item(event(number, attributes=attributes).to_item())
        for number, attributes in enumerate(all_attributes)
    ]
    with connect(folder, "200MB", 1) as connection:
        parquet.write(connection, map(parquet.row, events), path)
        every = {name: value for one in all_attributes for name, value in one.items()}
        wanted = [column for one in all_attributes for column in _wanted(one)]
        query = Events(connection, {}, {"2025-06-16": [path]}).select(wanted)
        found = connection.execute(f"{query} ORDER BY date")
        rows = [dict(zip([name for name, *_ in found.description or ()], row, strict=True)) for row in found.fetchall()]
    assert every is not None
    for row, attributes in zip(rows, all_attributes, strict=True):
        assert _restored(row, attributes) == attributes
        held = {name for name, value in row.items() if value is not None and name not in columns.BASE}
        assert held <= set(_wanted(attributes))


def _wanted(attributes: dict[str, Any]) -> list[str]:
    return [column for name, value in attributes.items() for column in _columns(name, value)]


def _columns(name: str, value: Any) -> list[str]:
    stored = StoredEvent(Event("e", 0, (ExternalId("a", "b"),), {name: value}), "o", "c", "s", 1, "a", "n", "s", 0, "r")
    found = list(parquet.row(stored).columns)
    return [*found, columns.remainder(name)] if found[0].startswith("n:") else found


def _restored(row: dict[str, Any], attributes: dict[str, Any]) -> dict[str, Any]:
    """Those of the attributes that have a value in the row, with their kinds."""
    found: dict[str, Any] = {}
    for name, value in attributes.items():
        first, *rest = _columns(name, value)
        if row[first] is None:
            continue
        if rest:
            assert math.isfinite(row[first])
            found[name] = columns.restored(row[first], row[rest[0]])
        else:
            assert type(row[first]) is type(value)
            found[name] = row[first]
    return found


def test_column_names_and_texts_are_quoted_in_queries() -> None:
    assert quoted('a"b') == '"a""b"'
    assert parquet.literal("it's") == "'it''s'"
