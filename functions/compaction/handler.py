"""Compacts the archives of all organizations. It has two event sources, which share its role and its log.

Every hour, a schedule invokes it to send a message for each archive that has new files. The queue of these messages
then invokes it for one archive at a time, several at once.
"""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from journeys.archive.compaction import Compaction, compact_archive
from journeys.archive.store import ArchiveStore, CompactionQueue, organization_of_message
from journeys.archive.timer import CompactionTimer
from journeys.aws import batch_s3, dynamodb, sqs
from journeys.settings import CompactionSettings
from journeys.telemetry import logger

settings = CompactionSettings.read()
store = ArchiveStore(dynamodb(), settings.registry_table, batch_s3, settings.archive_bucket)
timer = CompactionTimer(store, CompactionQueue(sqs(), settings.compactions_queue_url))


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    if "Records" not in event:
        return {"archives": timer.run()}
    failed = [record["messageId"] for record in event["Records"] if not is_compacted(record["body"], context)]
    return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in failed]}


def is_compacted(message: str, context: LambdaContext) -> bool:
    """Compacts the archive of a message. Returns False if the queue has to deliver the message again."""
    organization_id = organization_of_message(message)
    memory = int(context.memory_limit_in_mb) // 2  # a string; the other half is for Python and buffers
    with logger.append_context_keys(organization=organization_id):
        return compact_archive(
            Compaction(store, memory=f"{memory}MB"),
            organization_id,
            seconds=context.get_remaining_time_in_millis() / 1000,
        )
