"""What every function that reads the stream does with a batch: log it, measure its age, report what to retry."""

import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from journeys.stream.records import Record
from journeys.telemetry import Line, log_info, request_of

REQUESTS_PER_LINE = 100
"""Requests named in one log line. A longer list continues on further lines, because a log line has a maximum size."""

Consumer = Callable[[Sequence[Record]], Sequence[str]]
"""Processes a batch of records. Returns the sequence numbers of the records to retry."""


def process_batch(records: Sequence[Record], consumer: Consumer, *, message: str) -> dict[str, Any]:
    """Passes a batch to a consumer and returns Lambda's partial batch response.

    Lambda retries the batch from the first record that the response names.
    https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-batchfailurereporting.html
    """
    with Line(message) as line:
        to_retry = consumer(records)
        line.add(records=len(records), again=len(to_retry))
        log_requests(message, records)
    return {"batchItemFailures": [{"itemIdentifier": number} for number in to_retry]}


def lag_ms(records: Sequence[Record]) -> float:
    """The age of the oldest record of a batch, in milliseconds: how far the consumer is behind the log."""
    now = time.time()
    created = [float(record["dynamodb"].get("ApproximateCreationDateTime", now)) for record in records]
    return max(0.0, (now - min(created, default=now)) * 1000)


def log_requests(message: str, records: Sequence[Record]) -> None:
    """Logs the requests that sent the events of a batch. The first ones are in the line of the batch."""
    requests = sorted(set(_requests(records)))
    for start in range(0, len(requests), REQUESTS_PER_LINE):
        log_info(f"{message}, more", requests=" ".join(requests[start : start + REQUESTS_PER_LINE]))


def _requests(records: Sequence[Record]) -> Iterator[str]:
    """The request of each event. A record without one is skipped; `records.split` reports it."""
    for record in records:
        try:
            yield request_of(record["dynamodb"]["NewImage"]["receipt"]["S"])
        except (LookupError, TypeError, AttributeError):
            continue
