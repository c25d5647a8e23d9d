"""The table of bounds in docs/webhooks.md, made from the constants that the product uses."""

import sys
from collections.abc import Sequence
from typing import NamedTuple

from journeys import aws, cache, date_formats, jsontext, keys
from journeys.events import bindings
from journeys.events.failures import model, replay, store
from journeys.http.body import MAX_BODY
from journeys.webhooks import adobe_keys, delivery, expressions, mapper, mapping, processing, receive, signatures
from journeys.webhooks.deliveries import recorder
from journeys.webhooks.senders import base, salesforce
from tools.documentation.generated import replaced
from tools.paths import ROOT

PAGE = ROOT / "docs" / "webhooks.md"

_LEVELS = jsontext.MAX_DEPTH - base.EVENT_DEPTH
_DAY = 24 * 60 * 60
_FAILURE = "the delivery is a failure"
_INVALID = "400 when the endpoint is saved"
_OTHER_EVENTS = "the event is refused, and the other events of the delivery are stored"


class Bound(NamedTuple):
    """A bound, its value with the unit, and what happens at it."""

    name: str
    value: str
    effect: str


def bounds() -> list[Bound]:
    """Every bound of deliveries, mappings, failures and caches."""
    return [*_of_deliveries(), *_of_mappings(), *_of_failures(), *_of_caches()]


def _of_deliveries() -> list[Bound]:
    return [
        Bound("size of a delivery, decompressed", f"{MAX_BODY // 1024**2} MiB", "413; nothing is stored"),
        Bound("payloads of a delivery, and its events", f"{mapper.MAX_EVENTS:,}", _FAILURE),
        Bound("events stored before the response", f"{receive.MAX_EVENTS_AT_ONCE}", "the delivery is queued"),
        Bound(
            "time until the response",
            f"{receive.MAX_RESPONSE_SECONDS} s",
            f"after {receive.INGEST_SECONDS} s the delivery is queued; 503 if that is impossible",
        ),
        Bound("levels of a payload", f"{_LEVELS}", _FAILURE),
        Bound("digits of a whole number in a payload", f"{sys.float_info.max_10_exp}", _FAILURE),
        Bound("fields of a form", f"{base.MAX_FORM_FIELDS}", _FAILURE),
        Bound("notifications in a message of Salesforce", f"{salesforce.MAX_NOTIFICATIONS}", _FAILURE),
        Bound("age of a signed timestamp", f"{signatures.TOLERANCE_SECONDS // 60} minutes", "401; nothing is stored"),
        Bound(
            "recorded deliveries without a valid signature",
            f"{recorder.MAX_UNPROVEN} per minute, endpoint and process",
            "401 all the same, but not in the list",
        ),
        Bound("deliveries read for one filtered page", f"{aws.MAX_ROWS_READ:,}", "the page ends, with a cursor"),
    ]


def _of_mappings() -> list[Bound]:
    return [
        Bound("size of a mapping", f"{mapping.MAX_MAPPING:,} bytes", _INVALID),
        Bound("length of an expression", f"{expressions.MAX_EXPRESSION:,} characters", _INVALID),
        Bound("steps or levels of an expression", f"{expressions.MAX_NESTING}", _INVALID),
        Bound("values of a routing, and their size", f"{mapper.MAX_ROUTES}, {mapper.MAX_ROUTING:,} bytes", _INVALID),
        Bound("length of an option", f"{base.MAX_OPTION} characters", _INVALID),
        Bound("work of one event's expressions", f"{expressions.EVENT_BUDGET:,} units", _OTHER_EVENTS),
        Bound("work of a delivery's expressions", f"{expressions.DELIVERY_BUDGET:,} units", _OTHER_EVENTS),
        Bound("levels of a result", f"{expressions.MAX_RESULT_DEPTH}", _OTHER_EVENTS),
        Bound("parts of `split()`", f"{expressions.MAX_PARTS:,}", "null"),
        Bound("length of a date", f"{date_formats.MAX_TEXT} characters", _OTHER_EVENTS),
    ]


def _of_failures() -> list[Bound]:
    return [
        Bound(
            "refused events that a failure shows",
            f"{processing.MAX_SHOWN_EVENTS}, of {processing.MAX_SHOWN_BYTES // 1000} KB together",
            "the others are counted; the delivery itself is kept whole",
        ),
        Bound(
            "size of a body as text in a response",
            f"{delivery.MAX_TEXT_BODY // 1024**2} MiB",
            "it is in base64 instead",
        ),
        Bound(
            "failures read for one filtered page",
            f"{len(keys.FAILURE_BUCKETS) * store.MAX_ROWS_READ:,} of each status",
            "the page ends, with a cursor",
        ),
        Bound("time of one bulk replay", f"{replay.REPLAY_SECONDS} s", "the response has a cursor to continue with"),
        Bound("retention of failures", f"{model.RETENTION_SECONDS // _DAY} days", "they are deleted"),
    ]


def _of_caches() -> list[Bound]:
    last_used = "those that were not used for the longest time are read again"
    fetches = f"{adobe_keys.MAX_FETCHES} per {adobe_keys.FETCHES_SECONDS} s"
    return [
        Bound(
            "endpoints, secrets and configurations in a process",
            f"{cache.MAX_BYTES // 1024**2} MiB each, {bindings.MAX_CACHED_BYTES // 1024**2} MiB of configurations",
            last_used,
        ),
        Bound(
            "unknown identifiers in a process",
            f"{cache.MAX_MISSING_BYTES // 1024**2} MiB",
            f"{last_used}; no existing one is",
        ),
        Bound("compiled mappings in a process", f"{mapping.MAX_CACHED_BYTES // 1024**2} MiB", last_used),
        Bound("keys of Adobe in a process", f"{adobe_keys.MAX_CACHED_BYTES // 1024} KiB", last_used),
        Bound("size of a key of Adobe", f"{adobe_keys.MAX_KEY_BYTES // 1024} KiB", "401"),
        Bound("time to fetch a key of Adobe", f"{adobe_keys.FETCH_SECONDS} s", "503; Adobe delivers again"),
        Bound("fetches of keys of Adobe in a process", fetches, "429; Adobe delivers again"),
    ]


def to_markdown(listed: Sequence[Bound]) -> str:
    """Bounds as a Markdown table."""
    header = ("bound", "value", "what happens at it")
    rows = [header, ("---",) * 3, *listed]
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def updated(page: str) -> str:
    """The page with the table replaced. Raises ValueError if its markers are missing."""
    return replaced(page, "bounds", to_markdown(bounds()))
