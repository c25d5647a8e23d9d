"""Judges the events of an import without storing any, for `journeys import --dry-run`."""

import hashlib
import json
import sqlite3
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from journeys import dates, jsontext
from journeys.errors import BadRequest
from journeys.events.attributes import AttributeValidator
from journeys.events.refusals import Refusal
from journeys.events.validation import check
from journeys.registry.schemas.document import parse
from tools.api import ApiClient, ApiError
from tools.importer.errors import CannotImport
from tools.importer.import_run import Response, Send, find_schema
from tools.importer.mapping import ImportPlan
from tools.importer.tally import CONFLICT, VALID

CONFIGURATIONS = "externalevents/configurations"


def judge_for(api: ApiClient | None, plan: ImportPlan) -> Send:
    """The API's validation if the configuration exists, or the same rules in this process.

    Raises:
        CannotImport: the mapping's event type cannot be created, or lacks an attribute.
    """
    schema = find_schema(api, plan) if api else None
    if api and schema and (configuration_id := _configuration(api, schema["id"], plan.source)):
        path = f"{CONFIGURATIONS}/{configuration_id}/events/validate"

        def validate(events: Sequence[Mapping[str, Any]]) -> Response:
            response: Response = api.call("POST", path, {"entities": events})
            return response

        return _without_repeats(validate)
    return _without_repeats(_local_judge(schema["jsonSchema"] if schema else plan.to_schema()))


def _configuration(api: ApiClient, schema_id: str, source: str) -> str | None:
    """The id of the configuration that an import would use, or None if it does not exist or cannot be listed."""
    try:
        for configuration in api.entities(CONFIGURATIONS):
            if configuration["schemaId"] == schema_id and configuration["source"] == source:
                return str(configuration["id"])
    except ApiError as error:
        if error.status != 403:  # a client that may only import cannot list configurations
            raise
    return None


def _local_judge(schema: Mapping[str, Any]) -> Send:
    try:
        validator = AttributeValidator(parse(jsontext.loads(json.dumps(schema).encode())))
    except BadRequest as error:
        raise CannotImport(f"The mapping's event type cannot be created. {error}") from None

    def judge(events: Sequence[Mapping[str, Any]]) -> Response:
        now = dates.now_ms()
        response: Response = {"processed": [], "unprocessedEntities": []}
        for index, event in enumerate(jsontext.loads(json.dumps(events).encode())):
            outcome = check(event, validator, now)
            result: dict[str, Any] = {"originalRequestIndex": index}
            if isinstance(outcome, Refusal):
                result |= {"errorCode": outcome.reason, "errorMessage": outcome.message}
                result |= {"fieldName": outcome.field_name, "isRetryable": outcome.retryable}
                response["unprocessedEntities"].append(result)
            else:
                response["processed"].append(result | {"outcome": VALID})
        return response

    return judge


class _EarlierEvents:
    """The digests of the events of earlier rows, in a temporary file, so that a large import fits the memory."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._database = sqlite3.connect("", isolation_level=None, check_same_thread=False)
        self._database.execute("PRAGMA journal_mode = OFF")
        self._database.execute("CREATE TABLE events (id BLOB PRIMARY KEY, content BLOB) WITHOUT ROWID")
        self._database.execute("BEGIN")

    def add(self, event: Mapping[str, Any]) -> str | None:
        """Notes an event. Returns "duplicate" or "conflict" if an earlier one has its id."""
        row = _digest(event["id"]), _digest(json.dumps(event))
        with self._lock:
            if self._database.execute("INSERT OR IGNORE INTO events VALUES (?, ?)", row).rowcount:
                return None
            earlier = self._database.execute("SELECT content FROM events WHERE id = ?", row[:1]).fetchone()
        return "duplicate" if earlier == row[1:] else CONFLICT


def _without_repeats(judge: Callable[[Sequence[Mapping[str, Any]]], Response]) -> Send:
    """Reports a valid event whose id an earlier row has as a duplicate or a conflict, as an import would."""
    earlier = _EarlierEvents()

    def judge_each(events: Sequence[Mapping[str, Any]]) -> Response:
        response = judge(events)
        refused = list(response["unprocessedEntities"])
        processed = []
        for result in sorted(response["processed"], key=lambda one: int(one["originalRequestIndex"])):
            index = result["originalRequestIndex"]
            repeated = earlier.add(events[index])
            if repeated == CONFLICT:
                refusal = {"errorCode": "event.conflict", "errorMessage": "", "isRetryable": False}
                refused.append(refusal | {"originalRequestIndex": index})
            else:
                processed.append(result | {"outcome": repeated or result["outcome"]})
        return {"processed": processed, "unprocessedEntities": refused}

    return judge_each


def _digest(text: str) -> bytes:
    return hashlib.blake2b(text.encode(), digest_size=16).digest()
