"""Journeys in their table: one summary row a customer, and one row a step."""

import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from journeys import dates, keys
from journeys.aws import Item, delete_all, get_all, is_condition_failure, put_all, scan_pages
from journeys.journey.model import Journey, Span, Step, Summary

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


class SummaryConflict(Exception):
    """Somebody else wrote the summary meanwhile."""


class JourneyStore:
    """One customer's summary goes by its partition key, `keys.journey`, and its steps by theirs, `keys.steps`."""

    def __init__(self, dynamodb: "DynamoDBClient", table: str) -> None:
        self._dynamodb, self._table = dynamodb, table

    # -- the summary ---------------------------------------------------------------------------------------------------

    def summary(self, journey_key: str) -> Summary:
        """The summary, read consistently; an empty one where there is none."""
        answer = self._dynamodb.get_item(
            TableName=self._table, Key=keys.item(journey_key, keys.SUMMARY), ConsistentRead=True
        )
        return _summary(answer.get("Item", {}))

    def summaries(self, journey_keys: Iterable[str]) -> dict[str, Summary]:
        """The summaries of several customers, read consistently; empty ones where there are none."""
        wanted = [keys.item(key, keys.SUMMARY) for key in journey_keys]
        found = get_all(self._dynamodb, self._table, wanted, consistent=True)
        return {key["pk"]["S"]: Summary() for key in wanted} | {item["pk"]["S"]: _summary(item) for item in found}

    def put_summary(self, journey_key: str, summary: Summary) -> None:
        """Writes the summary as the next of its version. Raises SummaryConflict where that is not the stored one."""
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

    def with_row(self, partition: str, steps: Iterable[Step]) -> frozenset[str]:
        """The keys of those steps that have a row, read consistently."""
        wanted = [keys.item(partition, key) for key in sorted({step.key for step in steps})]
        found = get_all(self._dynamodb, self._table, wanted, consistent=True, ProjectionExpression="sk")
        return frozenset(item["sk"]["S"] for item in found)

    def neighbour(self, partition: str, key: str, *, forward: bool) -> Step | None:
        """The next row after (or before) a step's place, read consistently."""
        condition = "sk > :key" if forward else "sk < :key"
        answer = self._dynamodb.query(
            TableName=self._table,
            KeyConditionExpression=f"pk = :pk AND {condition}",
            ExpressionAttributeValues={":pk": {"S": partition}, ":key": {"S": key}},
            ScanIndexForward=forward,
            ConsistentRead=True,
            Limit=1,
        )
        for item in answer["Items"]:
            if item["sk"]["S"] != keys.SUMMARY:  # which sorts after every step
                return _step(item)
        return None

    def put_rows(self, partition: str, steps: Sequence[Step]) -> None:
        """Puts the rows of steps that the summary counts; to put one again changes nothing."""
        put_all(
            self._dynamodb,
            self._table,
            [keys.item(partition, step.key) | {"slot": {"S": step.slot}} for step in steps],
        )

    def delete_rows(self, partition: str, steps: Sequence[Step]) -> None:
        """Deletes rows of a generation that is no longer, or never was, the journey's."""
        delete_all(self._dynamodb, self._table, [keys.item(partition, step.key) for step in steps])

    def steps(
        self,
        partition: str,
        *,
        ascending: bool,
        after: str | None = None,
        since: str | None = None,
        until: str | None = None,
        slots: frozenset[str] | None = None,
        page: int = 100,
    ) -> Iterator[Step]:
        """Steps in order, from `since` up to and without `until` (texts of dates), going on behind the key `after`.

        They are read consistently: a generation may have become the journey's a moment ago, and is whole from then on.
        """
        low, high = since or "0", until or "9999-99"
        if after is not None:
            low, high = (after, high) if ascending else (low, after)
        if low > high:
            return
        query: dict[str, Any] = {
            "TableName": self._table,
            "KeyConditionExpression": "pk = :pk AND sk BETWEEN :low AND :high",
            "ExpressionAttributeValues": {":pk": {"S": partition}, ":low": {"S": low}, ":high": {"S": high}},
            "ScanIndexForward": ascending,
            "ConsistentRead": True,
            "Limit": page,
        }
        if slots is not None:
            names = {f":s{place}": {"S": slot} for place, slot in enumerate(sorted(slots))}
            query["FilterExpression"] = f"slot IN ({', '.join(names)})"
            query["ExpressionAttributeValues"] |= names
        while True:
            answer = self._dynamodb.query(**query)
            for item in answer["Items"]:
                if item["sk"]["S"] != after:
                    yield _step(item)
            if "LastEvaluatedKey" not in answer:
                return
            query["ExclusiveStartKey"] = answer["LastEvaluatedKey"]

    # -- the whole table, for operators --------------------------------------------------------------------------------

    def size(self) -> int:
        """About how many rows there are; DynamoDB counts them every six hours."""
        return int(self._dynamodb.describe_table(TableName=self._table)["Table"].get("ItemCount", 0))

    def pages(
        self, segment: int, segments: int, *, organization_id: str | None = None
    ) -> Iterator[tuple[int, list[tuple[str, Step | Summary]]]]:
        """One of the segments of all journeys: how many rows a page passed, and the partition and meaning of each."""
        scan: dict[str, Any] = {
            "TableName": self._table,
            "Segment": segment,
            "TotalSegments": segments,
            "ConsistentRead": True,
        }
        if organization_id is not None:
            scan["FilterExpression"] = "begins_with(pk, :organization)"
            scan["ExpressionAttributeValues"] = {":organization": {"S": keys.join(organization_id, "")}}
        for passed, items in scan_pages(self._dynamodb, **scan):
            yield (
                passed,
                [
                    (item["pk"]["S"], _summary(item) if item["sk"]["S"] == keys.SUMMARY else _step(item))
                    for item in items
                ],
            )


# -- rows --------------------------------------------------------------------------------------------------------------


def _step(item: Mapping[str, Any]) -> Step:
    return Step(item["sk"]["S"], item["slot"]["S"])


def _summary_item(journey_key: str, summary: Summary) -> Item:
    """The row of a summary, short: it is written for every event, and a kilobyte is a write unit.

    `types` holds {slot: [count, first, last]}. A step is written as its slot, its date in milliseconds, the place of
    its configuration in `sources`, and its event: "a1767225600000#0#event".
    """
    journey = summary.journey
    sources: dict[str, int] = {}

    def value(step: Step) -> Item:
        date, configuration, event = step.key.split("#")
        place = sources.setdefault(configuration, len(sources))
        return {"S": f"{step.slot}{dates.parse(date)}#{place}#{event}"}

    item: Item = keys.item(journey_key, keys.SUMMARY) | {
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
    """The id of a configuration, which is a UUID, in 16 bytes instead of 36; any other name as it is."""
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

    sources = [_unpacked(value) for value in item["sources"]["L"]]

    def step(value: Mapping[str, Any]) -> Step:
        date, place, event = value["S"].split("#")
        configuration = sources[int(place)]
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
