"""The stores of one stack, as the operator's commands use them."""

from typing import TYPE_CHECKING

from botocore.config import Config

from journeys.archive.landing import Landing
from journeys.archive.store import ArchiveStore, LandingStore
from journeys.events.failures.store import FailureStore
from journeys.events.store import EventLog
from journeys.identity.store import IdentitySettingsStore, LinkStore
from journeys.journey.projector import Projector
from journeys.journey.store import JourneyStore
from journeys.stream.batch import Consumer
from tools.stack import Stack

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sqs import SQSClient

_PATIENT = Config(retries={"mode": "adaptive", "total_max_attempts": 12}, max_pool_connections=64)
"""Scans slow down when a table throttles them, instead of failing."""


class OperatorStores:
    """The log, the journeys, the links, the failures and the archive of one stack."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        outputs = stack.outputs
        self.bucket = outputs["ArchiveBucketName"]
        self.dynamodb: DynamoDBClient = stack.client("dynamodb", _PATIENT)
        self.s3: S3Client = stack.client("s3", _PATIENT)
        self.sqs: SQSClient = stack.client("sqs", _PATIENT)
        self.log = EventLog(self.dynamodb, outputs["EventsTableName"])
        self.journeys = JourneyStore(self.dynamodb, outputs["JourneysTableName"])
        self.links = LinkStore(self.dynamodb, outputs["LinksTableName"])
        self.identity_settings = IdentitySettingsStore(self.dynamodb, outputs["RegistryTableName"])
        self.failures = FailureStore(self.dynamodb, outputs["FailuresTableName"], lambda: self.s3, self.bucket)
        self.landing = Landing(LandingStore(self.s3, self.bucket))
        self.archive = ArchiveStore(self.dynamodb, outputs["RegistryTableName"], lambda: self.s3, self.bucket)

    def consumers(self) -> dict[str, Consumer]:
        """The consumers of the log's stream, by the name of the function that they run in."""
        return {
            self._stack.physical_id("ProjectorFunction"): Projector(self.journeys, self.links, self.failures).project,
            self._stack.physical_id("LandingFunction"): self.landing.land,
        }

    def queues(self) -> dict[str, tuple[str, str]]:
        """By what their messages stand for: the URLs of a dead-letter queue, and of the queue that it belongs to."""
        return {
            label: (self._stack.physical_id(f"{name}DeadLetterQueue"), self._stack.physical_id(f"{name}Queue"))
            for label, name in {
                "webhook deliveries": "Deliveries",
                "native events": "Native",
                "compactions": "Compactions",
            }.items()
        }
