"""Lambda function that compacts the archives of all organizations. A schedule runs it every hour."""

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
    """Returns the number of compacted days. Days for which there is no time are compacted by the next run."""
    memory = int(context.memory_limit_in_mb) // 2  # a string; the other half is for Python and buffers
    compaction = Compaction(store, memory=f"{memory}MB")
    days = compact_all(compaction, store, seconds=context.get_remaining_time_in_millis() / 1000)
    logger.info("compacted", days=days)
    return {"days": days}
