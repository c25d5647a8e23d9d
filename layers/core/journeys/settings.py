"""The configuration of each function, read from environment variables. No other module reads the environment.

Each function has one frozen class. The field `events_table` holds the variable EVENTS_TABLE.
"""

import os
from dataclasses import dataclass, fields
from typing import Self


@dataclass(frozen=True, slots=True)
class Settings:
    """The base of all settings. Every field is a string."""

    @classmethod
    def read(cls) -> Self:
        """Return the settings of this process. Raises KeyError with the name of a missing variable."""
        return cls(**{field.name: os.environ[field.name.upper()] for field in fields(cls)})


@dataclass(frozen=True, slots=True)
class RegistrySettings(Settings):
    registry_table: str


@dataclass(frozen=True, slots=True)
class IngestSettings(RegistrySettings):
    events_table: str
    failures_table: str
    archive_bucket: str


@dataclass(frozen=True, slots=True)
class JourneySettings(RegistrySettings):
    journeys_table: str
    links_table: str
    events_table: str


@dataclass(frozen=True, slots=True)
class ProjectorSettings(Settings):
    journeys_table: str
    links_table: str
    failures_table: str
    archive_bucket: str


@dataclass(frozen=True, slots=True)
class DeliverySettings(IngestSettings):
    deliveries_table: str
    deliveries_queue_url: str


@dataclass(frozen=True, slots=True)
class WebhookSettings(DeliverySettings):
    secrets_prefix: str


@dataclass(frozen=True, slots=True)
class LandingSettings(Settings):
    archive_bucket: str


@dataclass(frozen=True, slots=True)
class ArchiveSettings(RegistrySettings):
    archive_bucket: str


@dataclass(frozen=True, slots=True)
class CompactionSettings(ArchiveSettings):
    compactions_queue_url: str


@dataclass(frozen=True, slots=True)
class ViewSettings(ArchiveSettings):
    job_retention_days: str


@dataclass(frozen=True, slots=True)
class JobSettings(ViewSettings):
    jobs_queue_url: str


@dataclass(frozen=True, slots=True)
class TimerSettings(RegistrySettings):
    job_retention_days: str
    jobs_queue_url: str


@dataclass(frozen=True, slots=True)
class PeopleSettings(RegistrySettings):
    user_pool_id: str
    people_pool_id: str


@dataclass(frozen=True, slots=True)
class OpenapiSettings(Settings):
    token_url: str


@dataclass(frozen=True, slots=True)
class ComputeSettings(JobSettings):
    links_table: str
    computation_arn: str
    events_per_run: str
    compute_slots: str


def adobe_keys_url() -> str:
    """Return the address of Adobe's public keys. It is fixed at deployment, so that no request can change it."""
    return os.environ.get("ADOBE_KEYS_URL", "https://static.adobeioevents.com")


def allowed_origin() -> str:
    """Return the origin whose pages may call the API from a browser (CORS)."""
    return os.environ.get("ALLOWED_ORIGIN", "*")
