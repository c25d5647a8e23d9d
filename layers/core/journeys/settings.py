"""What each function is told by its environment: the only module that reads it.

One frozen model per function; a field `events_table` is the variable `EVENTS_TABLE`. A missing one fails at start.
"""

import os
from dataclasses import dataclass, fields
from typing import Self


@dataclass(frozen=True, slots=True)
class Settings:
    """The base: fields are strings, read once."""

    @classmethod
    def read(cls) -> Self:
        """The settings of this process. Raises KeyError with the name of a variable that is not set."""
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
    events_table: str


@dataclass(frozen=True, slots=True)
class ProjectorSettings(Settings):
    journeys_table: str
    failures_table: str
    archive_bucket: str


@dataclass(frozen=True, slots=True)
class WebhookSettings(IngestSettings):
    secrets_prefix: str


@dataclass(frozen=True, slots=True)
class EndpointSettings(RegistrySettings):
    secrets_prefix: str


@dataclass(frozen=True, slots=True)
class LandingSettings(Settings):
    archive_bucket: str


@dataclass(frozen=True, slots=True)
class ArchiveSettings(RegistrySettings):
    archive_bucket: str


@dataclass(frozen=True, slots=True)
class JobSettings(ArchiveSettings):
    jobs_queue_url: str


@dataclass(frozen=True, slots=True)
class TimerSettings(RegistrySettings):
    jobs_queue_url: str


@dataclass(frozen=True, slots=True)
class OpenapiSettings(Settings):
    token_url: str


@dataclass(frozen=True, slots=True)
class ComputeSettings(JobSettings):
    computation_arn: str
    events_per_run: str


def adobe_keys_url() -> str:
    """Where Adobe's public keys are: a fixed host, which no request can change."""
    return os.environ.get("ADOBE_KEYS_URL", "https://static.adobeioevents.com")


def allowed_origin() -> str:
    """The origin that browsers may call from (CORS)."""
    return os.environ.get("ALLOWED_ORIGIN", "*")
