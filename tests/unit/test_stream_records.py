"""Stream records: new events, tampering and poison records are told apart, and the batch response names the rest."""

import time
from typing import Any

import pytest

from journeys.events.model import StoredEvent
from journeys.stream.batch import lag_ms, process_batch
from journeys.stream.records import sequence_number, split
from tests.support.archive import event, records


def _event_id(stored: StoredEvent) -> str:
    if stored.event.event_id == "event 3":
        raise ValueError("the consumer cannot use this event")
    return stored.event.event_id


def _batch() -> list[dict[str, Any]]:
    """A new event, a changed one, a deleted one, one that the consumer cannot use, and one without attributes."""
    new, changed, deleted, unusable, incomplete = records([event(number) for number in range(5)])
    changed["eventName"] = "MODIFY"
    deleted["eventName"] = "REMOVE"
    del deleted["dynamodb"]["NewImage"]
    del incomplete["dynamodb"]["NewImage"]["attributes"]
    return [new, changed, deleted, unusable, incomplete]


def test_a_batch_is_split_into_new_events_tampering_and_poison_records() -> None:
    batch = split(_batch(), _event_id)
    assert [(sequence_number(new.record), new.value) for new in batch.new] == [("0", "event 0")]
    assert list(map(sequence_number, batch.tampered)) == ["1", "2"]
    assert list(map(sequence_number, batch.unreadable)) == ["3", "4"]


def test_an_error_that_does_not_come_from_the_event_is_not_treated_as_poison() -> None:
    def failing(_: StoredEvent) -> str:
        raise MemoryError

    with pytest.raises(MemoryError):
        split(_batch(), failing)


def test_the_batch_response_names_the_records_to_retry() -> None:
    response = process_batch(_batch(), lambda batch: [sequence_number(batch[3])], message="tested")
    assert response == {"batchItemFailures": [{"itemIdentifier": "3"}]}


def test_the_lag_is_the_age_of_the_oldest_record() -> None:
    batch = _batch()
    for age, record in enumerate(batch):
        record["dynamodb"]["ApproximateCreationDateTime"] = time.time() - age
    assert 4_000 <= lag_ms(batch) < 5_000
    assert lag_ms([]) == 0
