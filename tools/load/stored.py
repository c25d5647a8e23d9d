"""What a load run left behind: links, native events, and what the function `native` logged about the others."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

from journeys import keys
from journeys.events.model import ExternalId
from journeys.identity.model import Pair, pair
from journeys.identity.store import link_row
from journeys.registry.native_types import NATIVE
from tools.operator.stores import OperatorStores
from tools.stack import Stack


def links(stores: OperatorStores, organization_id: str) -> set[Pair]:
    """The links of an organization that have both rows."""
    rows: set[tuple[ExternalId, ExternalId]] = set()
    for _, items in stores.links.pages(0, 1, organization_id=organization_id):
        for row in filter(None, map(link_row, items)):
            _, source, value = keys.split(row.identifier_key)
            rows.add((ExternalId(source, value), row.other))
    return {pair(*both) for both in rows if both[::-1] in rows}


def native_events(stores: OperatorStores, organization_id: str) -> int:
    """The number of native events of an organization in the log."""
    prefix = keys.event(organization_id, NATIVE, "")
    pages = stores.log.pages(0, 1, organization_id=organization_id, attributes=("pk",))
    return sum(item["pk"]["S"].startswith(prefix) for _, items in pages for item in items)


def waiting(stack: Stack) -> int:
    """The number of native events in the queue, with those that the function has received."""
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    url = stack.physical_id("NativeQueue")
    attributes = stack.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
    return sum(int(attributes[name]) for name in names)


def logged(stack: Stack, since_ms: int, sources: Iterable[str]) -> Counter[str]:
    """The native events that were duplicates, and those of unknown sources that were dropped, from the function's log.

    Args:
        sources: what the unknown sources begin with. Each event has its own source, so that one that was delivered
            twice counts once.
    """
    duplicates, dropped = 0, set[str]()
    for line in _lines(stack, since_ms):
        duplicates += line.get("EventsTaken", 0) if line.get("outcome") == "duplicate" else 0
        dropped.add(line.get("nativeSource", ""))
    return Counter(duplicate=duplicates, dropped=sum(one.startswith(tuple(sources)) for one in dropped))


def _lines(stack: Stack, since_ms: int) -> Iterator[dict[str, Any]]:
    """The log lines of the function that are documents."""
    pages = stack.client("logs").get_paginator("filter_log_events")
    for page in pages.paginate(logGroupName=f"/journeys/{stack.name}/native", startTime=since_ms):
        for event in page["events"]:
            if event["message"].lstrip().startswith("{"):
                yield json.loads(event["message"])
