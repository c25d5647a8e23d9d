"""The comparison for the CPU time of the ingest handler: a plain function for one event type, with its rules by hand.

It applies the handler's rules, builds the same items, puts them one after another, returns the same response, and
writes one log line and one line of metrics. It leaves out everything else: routes, permissions, strict JSON parsing,
threads and refused events.
"""

import base64
import json
import re
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from urllib.parse import quote

from tests.bench.sample import CHANNELS, ORGANIZATION, EventType

_DATE = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d(:\d\d([.,]\d{1,9})?)?([Zz]|[+-]\d\d(:?\d\d)?)", re.ASCII)
_PLACEHOLDERS = frozenset({"null", "none", "nil", "nan", "n/a", "undefined", "unknown", "anonymous", "(not set)", "-"})
_FIELDS = frozenset({"id", "dateCreated", "identifiers", "attributes"})
_ATTRIBUTES = frozenset({"orderId", "page", "channel", "items", "amount", "member", "campaign"})
_CHANNELS = frozenset(CHANNELS)
_MAX_BYTES = 300 * 1024


class Wrong(Exception):
    """An event that violates a rule."""


def take(client: Any, table: str, kept: EventType, request: Mapping[str, Any], *, logs: bool = True) -> dict[str, Any]:
    """Ingests the events of a request, and writes its lines with `logs`."""
    began = time.monotonic()
    body = base64.b64decode(request["body"])
    if len(body) > 1024 * 1024:
        raise Wrong("body")
    entities = json.loads(body, parse_float=Decimal)["entities"]
    if not 1 <= len(entities) <= 100:
        raise Wrong("entities")
    now = time.time()
    received = _text(now)
    receipt = request["requestContext"]["requestId"]
    processed = []
    for place, entity in enumerate(entities):
        item = _item(entity, kept, now, received, f"{receipt}#{place}")
        if len(body) > _MAX_BYTES // 2 and len(json.dumps(item)) > _MAX_BYTES:
            raise Wrong("size")
        client.put_item(
            TableName=table,
            Item=item,
            ConditionExpression="attribute_not_exists(pk)",
            ReturnValuesOnConditionCheckFailure="ALL_OLD",
        )
        processed.append({"originalRequestIndex": place, "id": entity["id"], "outcome": "created"})
    if logs:
        _write_lines(kept, request, len(processed), began)
    answer = {"unprocessedEntities": [], "processed": processed}
    return {"statusCode": 200, "headers": {"Content-Type": "application/json"}, "body": json.dumps(answer)}


def _write_lines(kept: EventType, request: Mapping[str, Any], stored: int, began: float) -> None:
    """Writes a log line and a line of metrics."""
    line = {
        "level": "INFO",
        "message": "ingested",
        "timestamp": _text(time.time()),
        "correlation_id": request["requestContext"]["requestId"],
        "route": f"{request['httpMethod']} {request['resource']}",
        "status": 200,
        "milliseconds": round((time.monotonic() - began) * 1000, 1),
        "configuration": kept.configuration.configuration_id,
        "stored": stored,
    }
    print(json.dumps(line, separators=(",", ":")))
    directive = {
        "Namespace": "Journeys",
        "Dimensions": [[], ["outcome"]],
        "Metrics": [{"Name": "EventsTaken", "Unit": "Count"}],
    }
    metrics = {
        "_aws": {"Timestamp": int(time.time() * 1000), "CloudWatchMetrics": [directive]},
        "EventsTaken": stored,
        "outcome": "created",
    }
    print(json.dumps(metrics, separators=(",", ":")))


def _item(entity: Any, kept: EventType, now: float, received: str, receipt: str) -> dict[str, Any]:
    if type(entity) is not dict or not entity.keys() <= _FIELDS:
        raise Wrong("event")
    created = entity.get("dateCreated")
    if type(created) is not str or not _DATE.fullmatch(created):
        raise Wrong("dateCreated")
    moment = datetime.fromisoformat(created).timestamp()
    if not 0 <= moment <= now + 3600:
        raise Wrong("dateCreated")
    external_ids = []
    for one in entity["identifiers"]["externalIds"]:
        source_id, value = one.get("externalSourceId"), one.get("value")
        if not _identifier(source_id) or not _identifier(value) or value.strip().lower() in _PLACEHOLDERS:
            raise Wrong("externalIds")
        external_ids.append({"M": {"externalSourceId": {"S": source_id}, "value": {"S": value}}})
    if not external_ids:
        raise Wrong("externalIds")
    event_id: Any = entity.get("id")
    if not _identifier(event_id):
        raise Wrong("id")
    return {
        "pk": {"S": f"{ORGANIZATION}#{kept.configuration.configuration_id}#{quote(event_id)}"},
        "dateCreated": {"S": _text(moment)},
        "dateReceived": {"S": received},
        "externalIds": {"L": external_ids},
        "attributes": {"M": _attributes(entity.get("attributes", {}))},
        "schemaId": {"S": kept.schema.schema_id},
        "schemaVersion": {"N": str(kept.schema.version)},
        "slot": {"S": kept.schema.slot},
        "eventName": {"S": kept.schema.title},
        "source": {"S": kept.configuration.source},
        "receipt": {"S": receipt},
    }


def _identifier(value: Any) -> bool:
    return type(value) is str and bool(value.strip()) and len(value.encode()) <= 255


def _attributes(given: Any) -> dict[str, Any]:
    if type(given) is not dict or len(given) > 50 or not given.keys() <= _ATTRIBUTES:
        raise Wrong("attributes")
    stored: dict[str, Any] = {}
    order_id = given.get("orderId")
    if type(order_id) is not str or not 1 <= len(order_id) <= 64:
        raise Wrong("orderId")
    stored["orderId"] = {"S": order_id}
    channel = given.get("channel")
    if type(channel) is not str or channel not in _CHANNELS:
        raise Wrong("channel")
    stored["channel"] = {"S": channel}
    for name, longest in (("page", 1000), ("campaign", 100)):
        if name in given:
            if type(given[name]) is not str or len(given[name]) > longest:
                raise Wrong(name)
            stored[name] = {"S": given[name]}
    if "items" in given:
        if type(given["items"]) is not int or not 0 <= given["items"] <= 1000:
            raise Wrong("items")
        stored["items"] = {"N": str(given["items"])}
    if "amount" in given:
        if type(given["amount"]) not in (int, Decimal) or not 0 <= given["amount"] <= 1_000_000:
            raise Wrong("amount")
        if type(given["amount"]) is Decimal and len(given["amount"].as_tuple().digits) > 38:
            raise Wrong("amount")
        stored["amount"] = {"N": str(given["amount"])}
    if "member" in given:
        if type(given["member"]) is not bool:
            raise Wrong("member")
        stored["member"] = {"BOOL": given["member"]}
    return stored


def _text(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
