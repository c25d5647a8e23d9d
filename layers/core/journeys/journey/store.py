"""The journeys table: one summary row per customer, and one row per step."""

import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from botocore.exceptions import ClientError

from journeys import dates, keys
from journeys.aws import (
    FORM_ATTRIBUTE,
    IN_FORM,
    Item,
    delete_all,
    get_all,
    is_condition_failure,
    put_all,
    query_all,
    query_some,
    require_form,
    scan_pages,
)
from journeys.journey.model import Journey, Span, Step, Summary

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_LOWEST, _HIGHEST = "0", "9999-99"
"""No key of a step is below or above these."""


class SummaryConflict(Exception):
    """The stored summary is no longer of the version that was read: a projector or a rebuild wrote it since."""


class StepPage(NamedTuple):
    """Steps in order. `position` is where the next page begins; None after the last step."""

    steps: list[Step]
    position: str | None


class JourneyStore:
    """Reads and writes journeys. `keys.journey` is the partition of a summary, and `keys.steps` that of its steps.

    All reads are strongly consistent, because projection and rebuilds depend on it.
    """

    def __init__(self, dynamodb: "DynamoDBClient", table: str) -> None:
        self._dynamodb, self._table = dynamodb, table

    # -- the summary ---------------------------------------------------------------------------------------------------

    def summary(self, journey_key: str) -> Summary:
        """A customer's summary, or an empty one of version 0 if the customer has none."""
        response = self._dynamodb.get_item(
            TableName=self._table, Key=keys.item(journey_key, keys.SUMMARY), ConsistentRead=True
        )
        return _summary(response.get("Item", {}))

    def summaries(self, journey_keys: Iterable[str]) -> dict[str, Summary]:
        """The summaries of several customers by their journey keys; empty ones for those who have none."""
        item_keys = [keys.item(key, keys.SUMMARY) for key in journey_keys]
        items = get_all(self._dynamodb, self._table, item_keys, consistent=True)
        return {key["pk"]["S"]: Summary() for key in item_keys} | {item["pk"]["S"]: _summary(item) for item in items}

    def put_summary(self, journey_key: str, summary: Summary) -> None:
        """Writes a summary as the next version.

        Raises SummaryConflict if the stored version is not that of `summary`, which is the version that was read.
        """
        condition: dict[str, Any] = {"ConditionExpression": "attribute_not_exists(pk)"}
        if summary.version:
            condition = {
                "ConditionExpression": "version = :version",
                "ExpressionAttributeValues": {":version": {"N": str(summary.version)}},
            }
        try:
            self._dynamodb.put_item(
                TableName=self._table,
                Item=_summary_item(journey_key, summary),
                **condition,
            )
        except ClientError as error:
            if is_condition_failure(error):
                raise SummaryConflict from None
            raise

    # -- the steps -----------------------------------------------------------------------------------------------------

    def existing_rows(self, partition: str, steps: Iterable[Step]) -> frozenset[str]:
        """The keys of those of the steps that have a row."""
        row_keys = [keys.item(partition, key) for key in sorted({step.key for step in steps})]
        items = get_all(self._dynamodb, self._table, row_keys, consistent=True, ProjectionExpression="sk")
        return frozenset(item["sk"]["S"] for item in items)

    def neighbor(self, partition: str, key: str, *, forward: bool) -> Step | None:
        """The first row after the position of a step's key, or the last row before it."""
        condition = "sk > :key" if forward else "sk < :key"
        response = self._dynamodb.query(
            TableName=self._table,
            KeyConditionExpression=f"pk = :pk AND {condition}",
            ExpressionAttributeValues={":pk": {"S": partition}, ":key": {"S": key}},
            ScanIndexForward=forward,
            ConsistentRead=True,
            Limit=1,
        )
        for item in response["Items"]:
            if item["sk"]["S"] != keys.SUMMARY:  # The summary row sorts after every step.
                return _step(item)
        return None

    def put_rows(self, partition: str, steps: Sequence[Step]) -> None:
        """Puts the rows of steps. The summary must count the steps already. Putting a row again changes nothing."""
        put_all(
            self._dynamodb,
            self._table,
            [keys.item(partition, step.key) | {"slot": {"S": step.slot}} | IN_FORM for step in steps],
        )

    def delete_rows(self, partition: str, steps: Sequence[Step]) -> None:
        """Deletes rows of a generation that is not the journey's current one."""
        delete_all(self._dynamodb, self._table, [keys.item(partition, step.key) for step in steps])

    def steps(
        self, partition: str, *, ascending: bool, page: int = 100, low: str = _LOWEST, high: str = _HIGHEST
    ) -> Iterator[Step]:
        """The steps of a partition from one key to another, in order. One call reads `page` rows."""
        return map(_step, query_all(self._dynamodb, **self._query(partition, ascending, low, high), Limit=page))

    def page(
        self,
        partition: str,
        *,
        ascending: bool,
        size: int,
        max_rows: int,
        after: str | None = None,
        since: str | None = None,
        until: str | None = None,
        slots: frozenset[str] | None = None,
    ) -> StepPage:
        """Up to `size` steps of a partition in order, from at most `max_rows` rows.

        `since` (inclusive) and `until` (exclusive) are dates as text. `after` is the position of the previous page.
        `slots` limits the event types; the page can then be short, even empty, and still have a position.
        """
        low, high = since or _LOWEST, until or _HIGHEST
        if after is not None:
            low, high = (max(low, after), high) if ascending else (low, min(high, after))
        if low > high:
            return StepPage([], None)
        query = self._query(partition, ascending, low, high)
        if slots is not None:
            names = {f":s{index}": {"S": slot} for index, slot in enumerate(sorted(slots))}
            query["FilterExpression"] = f"slot IN ({', '.join(names)})"
            query["ExpressionAttributeValues"] |= names
        known = 0 if after is None else 1  # The range includes the step at `after`.
        items, last = query_some(self._dynamodb, size=size + known, max_rows=max_rows, **query)
        found = [_step(item) for item in items if item["sk"]["S"] != after]
        if len(found) > size:
            return StepPage(found[:size], found[size - 1].key)
        return StepPage(found, last["sk"]["S"] if last else None)

    def _query(self, partition: str, ascending: bool, low: str, high: str) -> dict[str, Any]:
        """The query of the rows from one sort key to another."""
        return {
            "TableName": self._table,
            "KeyConditionExpression": "pk = :pk AND sk BETWEEN :low AND :high",
            "ExpressionAttributeValues": {":pk": {"S": partition}, ":low": {"S": low}, ":high": {"S": high}},
            "ScanIndexForward": ascending,
            "ConsistentRead": True,
            "ProjectionExpression": f"sk, slot, {FORM_ATTRIBUTE}",  # The partition key is most of a row's bytes.
        }

    # -- the whole table, for operators --------------------------------------------------------------------------------

    def size(self) -> int:
        """The approximate number of rows. DynamoDB updates it about every six hours."""
        return int(self._dynamodb.describe_table(TableName=self._table)["Table"].get("ItemCount", 0))

    def pages(
        self, segment: int, segments: int, *, organization_id: str | None = None
    ) -> Iterator[tuple[int, list[tuple[str, Step | Summary]]]]:
        """Scans one segment of the table.

        Yields for each page the number of rows that DynamoDB read, and the partition and content of each row found.
        """
        scan: dict[str, Any] = {
            "TableName": self._table,
            "Segment": segment,
            "TotalSegments": segments,
            "ConsistentRead": True,
        }
        if organization_id is not None:
            scan["FilterExpression"] = "begins_with(pk, :organization)"
            scan["ExpressionAttributeValues"] = {":organization": {"S": keys.join(organization_id, "")}}
        for read, items in scan_pages(self._dynamodb, **scan):
            yield (
                read,
                [
                    (item["pk"]["S"], _summary(item) if item["sk"]["S"] == keys.SUMMARY else _step(item))
                    for item in items
                ],
            )


# -- rows --------------------------------------------------------------------------------------------------------------


def _step(item: Mapping[str, Any]) -> Step:
    require_form(item)
    return Step(item["sk"]["S"], item["slot"]["S"])


def _summary_item(journey_key: str, summary: Summary) -> Item:
    """The item of a summary, in a compact form: it is written for every event, and each kilobyte costs a write unit.

    `types` holds {slot: [count, first, last]}. A step is written as its slot, its date in milliseconds, the index of
    its configuration in `sources`, and its event: "a1767225600000#0#event".
    """
    journey = summary.journey
    sources: dict[str, int] = {}

    def value(step: Step) -> Item:
        date, configuration, event = step.key.split("#")
        index = sources.setdefault(configuration, len(sources))
        return {"S": f"{step.slot}{dates.parse(date)}#{index}#{event}"}

    item: Item = keys.item(journey_key, keys.SUMMARY) | IN_FORM
    item |= {
        "version": {"N": str(summary.version + 1)},
        "count": {"N": str(journey.count)},
        "types": {
            "M": {
                slot: {"L": [{"N": str(span.count)}, {"N": str(span.first)}, {"N": str(span.last)}]}
                for slot, span in journey.types.items()
            }
        },
        "transitions": {"M": {pair: {"N": str(number)} for pair, number in journey.transitions.items()}},
        "pending": {"L": [value(step) for step in summary.pending]},
    }
    if journey.first is not None and journey.last is not None:
        item["first"], item["last"] = value(journey.first), value(journey.last)
    item["sources"] = {"L": [_packed(configuration) for configuration in sources]}
    if summary.generation:
        item["generation"] = {"S": summary.generation}
    return item


def _packed(configuration_id: str) -> Item:
    """A configuration id in 16 bytes instead of 36 characters if it is a UUID, otherwise unchanged."""
    try:
        packed = uuid.UUID(configuration_id)
    except ValueError:
        return {"S": configuration_id}
    return {"B": packed.bytes} if str(packed) == configuration_id else {"S": configuration_id}


def _unpacked(value: Mapping[str, Any]) -> str:
    return str(uuid.UUID(bytes=bytes(value["B"]))) if "B" in value else str(value["S"])


def _summary(item: Mapping[str, Any]) -> Summary:
    if not item:
        return Summary()
    require_form(item)

    sources = [_unpacked(value) for value in item["sources"]["L"]]

    def step(value: Mapping[str, Any]) -> Step:
        date, index, event = value["S"].split("#")
        configuration = sources[int(index)]
        return Step(f"{dates.text(int(date[1:]))}#{configuration}#{event}", date[0])

    return Summary(
        journey=Journey(
            count=int(item["count"]["N"]),
            first=step(item["first"]) if "first" in item else None,
            last=step(item["last"]) if "last" in item else None,
            types={
                slot: Span(*(int(number["N"]) for number in span["L"])) for slot, span in item["types"]["M"].items()
            },
            transitions={pair: int(number["N"]) for pair, number in item["transitions"]["M"].items()},
        ),
        version=int(item["version"]["N"]),
        pending=tuple(step(value) for value in item["pending"]["L"]),
        generation=item["generation"]["S"] if "generation" in item else "",
    )
