"""Redrives what Lambda gave up: batches of the log's stream, deliveries, native events and compactions."""

from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING

from journeys.stream.batch import Consumer
from journeys.stream.redrive import RedriveOutcome, redrive
from journeys.stream.store import DiscardedStore
from tools.progress import ProgressBars

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient


def redrive_all(
    store: DiscardedStore, consumers: Mapping[str, Consumer], bars: ProgressBars
) -> tuple[Counter[RedriveOutcome], Counter[RedriveOutcome]]:
    """Redrives every discarded batch. Returns the number of batches and of records, by outcome."""
    batches, records = Counter[RedriveOutcome](), Counter[RedriveOutcome]()
    keys = sorted(store.keys())
    with bars.bar("redriving", len(keys)) as bar:
        for key in keys:
            done = redrive(store, key, consumers)
            batches[done.outcome] += 1
            records[done.outcome] += done.records
            bar.advance(1)
    return batches, records


def redrive_messages(sqs: "SQSClient", dead_letters: str, queue: str) -> int:
    """Sends each message in a dead-letter queue to its queue again. Returns their number.

    A message is deleted after it was sent. If the command is interrupted between the two, the message is processed
    twice: an event is stored once, and an archive is compacted twice, which changes nothing.
    """
    sent = 0
    while messages := sqs.receive_message(QueueUrl=dead_letters, MaxNumberOfMessages=10).get("Messages", []):
        for message in messages:
            sqs.send_message(QueueUrl=queue, MessageBody=message["Body"])
            sqs.delete_message(QueueUrl=dead_letters, ReceiptHandle=message["ReceiptHandle"])
            sent += 1
    return sent
