"""Sends events to a configuration, for `journeys send`."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tools.api import EVENTS_PER_REQUEST, ApiClient
from tools.errors import ToolError
from tools.importer.import_run import REQUEST_BYTES
from tools.progress import Bar

CONFIGURATIONS = "externalevents/configurations"


@dataclass(frozen=True)
class SendRefusal:
    """An event that the API refused. `number` counts the events of the input from 1."""

    number: int
    code: str
    message: str


@dataclass
class SendReport:
    """What became of the events: stored ones by outcome, and the refused ones."""

    outcomes: Counter[str] = field(default_factory=Counter)
    refused: list[SendRefusal] = field(default_factory=list)


def find_configuration(api: ApiClient, name_or_id: str) -> dict[str, Any]:
    """The configuration with that id or name. Raises ToolError when there is none, or several with that name."""
    configurations = list(api.entities(CONFIGURATIONS))
    matching = [one for one in configurations if one["id"] == name_or_id] or [
        one for one in configurations if one["name"].casefold() == name_or_id.casefold()
    ]
    if not matching:
        names = ", ".join(f'"{one["name"]}"' for one in configurations[:20]) or "none"
        raise ToolError(f'There is no configuration "{name_or_id}". The organization\'s configurations: {names}.')
    if len(matching) > 1:
        ids = ", ".join(one["id"] for one in matching)
        raise ToolError(f'Several configurations are called "{name_or_id}". Use one of these ids: {ids}.')
    return matching[0]


def schema_of(api: ApiClient, configuration: Mapping[str, Any]) -> dict[str, Any]:
    """The schema of a configuration's event type."""
    schema: dict[str, Any] = api.call("GET", f"externalevents/schemas/{configuration['schemaId']}")["jsonSchema"]
    return schema


def send_events(
    api: ApiClient, configuration_id: str, events: Sequence[dict[str, Any]], bar: Bar, *, validate_only: bool = False
) -> SendReport:
    """Sends events, or only validates them. Raises ApiError when the API refuses a whole request."""
    report = SendReport()
    for start, batch in _batches(events):
        if validate_only:
            response = api.call("POST", f"{CONFIGURATIONS}/{configuration_id}/events/validate", {"entities": batch})
        else:
            response = api.send(configuration_id, batch)
        report.outcomes.update(result["outcome"] for result in response["processed"])
        report.refused += [
            SendRefusal(start + result["originalRequestIndex"] + 1, result["errorCode"], result["errorMessage"])
            for result in response["unprocessedEntities"]
        ]
        bar.advance(len(batch))
    report.refused.sort(key=lambda refusal: refusal.number)
    return report


def _batches(events: Sequence[dict[str, Any]]) -> Iterator[tuple[int, list[dict[str, Any]]]]:
    """Splits events into requests, each with the index of its first event."""
    start, size, batch = 0, 0, list[dict[str, Any]]()
    for index, event in enumerate(events):
        length = len(json.dumps(event)) + 2
        if batch and (len(batch) == EVENTS_PER_REQUEST or size + length > REQUEST_BYTES):
            yield start, batch
            start, size, batch = index, 0, []
        batch.append(event)
        size += length
    if batch:
        yield start, batch
