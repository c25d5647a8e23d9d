"""Compacts the archives of all organisations, by the clock; what it has no time for is for the next run."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from journeys.archive.compaction import Compaction, compact_all
from journeys.archive.store import ArchiveStore
from journeys.aws import batch_s3, dynamodb
from journeys.settings import ArchiveSettings
from journeys.telemetry import logger

settings = ArchiveSettings.read()
store = ArchiveStore(dynamodb(), settings.registry_table, batch_s3, settings.archive_bucket)


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, int]:
    """Answers with how many days were compacted."""
    memory = int(context.memory_limit_in_mb) // 2  # Lambda gives a text; the rest is for Python and buffers
    compaction = Compaction(store, memory=f"{memory}MB")
    days = compact_all(compaction, store, seconds=context.get_remaining_time_in_millis() / 1000)
    logger.info("compacted", days=days)
    return {"days": days}
