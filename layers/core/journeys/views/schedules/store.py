"""Schedules in the registry table, all of them in one partition, since the timer asks for every organisation's."""

import time
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from journeys import dates, keys
from journeys.aws import (
    ConditionsFailed,
    backoff,
    from_item,
    is_condition_failure,
    query_all,
    to_item,
    to_value,
    transact,
)
from journeys.errors import Conflict, NotFound
from journeys.views.schedules.model import Frequency, Schedule, next_date

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


class ScheduleStore:
    """The schedules of views; `due` and `advance` are the timer's."""

    def __init__(self, dynamodb: "DynamoDBClient", table: str) -> None:
        self._dynamodb, self._table = dynamodb, table

    # -- one view's ----------------------------------------------------------------------------------------------------

    def get(self, organization_id: str, view_id: str) -> Schedule:
        """The schedule of a view. Raises NotFound."""
        answer = self._dynamodb.get_item(
            TableName=self._table, Key=keys.schedule(organization_id, view_id), ConsistentRead=True
        )
        if "Item" not in answer:
            raise _not_found()
        return Schedule.from_values(from_item(answer["Item"]))

    def all(self, organization_id: str) -> list[Schedule]:
        """An organisation's schedules, by the ids of their views."""
        rows = query_all(
            self._dynamodb,
            TableName=self._table,
            KeyConditionExpression="pk = :pk AND begins_with(sk, :organization)",
            ExpressionAttributeValues={
                ":pk": {"S": keys.SCHEDULES},
                ":organization": {"S": keys.schedules(organization_id)},
            },
            ConsistentRead=True,
        )
        return [Schedule.from_values(from_item(row)) for row in rows]

    def create(self, organization_id: str, view_id: str, frequency: Frequency, client_id: str) -> Schedule:
        """Gives a view its schedule. Raises NotFound where there is no such view, and Conflict where it has one."""
        now_ms = dates.now_ms()
        schedule = Schedule(organization_id, view_id, frequency, client_id, now_ms, next_date(frequency, now_ms))
        writes = [
            {
                "ConditionCheck": {
                    "TableName": self._table,
                    "Key": keys.view(organization_id, view_id),
                    "ConditionExpression": "attribute_exists(pk)",
                }
            },
            {
                "Put": {
                    "TableName": self._table,
                    "Item": keys.schedule(organization_id, view_id) | to_item(schedule.to_values()),
                    "ConditionExpression": "attribute_not_exists(pk)",
                }
            },
        ]
        try:
            transact(self._dynamodb, writes)
        except ConditionsFailed as refused:
            if 0 in refused.failed:
                raise NotFound("There is no such view.") from None
            raise Conflict("The view has a schedule; change that one.", code="schedule.exists") from None
        return schedule

    def update(self, organization_id: str, view_id: str, frequency: Frequency, client_id: str) -> Schedule:
        """Changes how often a view is computed; a run that is due, or late, stays so. Raises NotFound."""
        for wait in backoff():
            was = self.get(organization_id, view_id)
            now_ms = dates.now_ms()
            is_late = was.date_next <= now_ms
            stays = was.frequency is frequency or is_late
            schedule = replace(
                was,
                frequency=frequency,
                client_id=client_id,
                date_modified=now_ms,
                date_next=was.date_next if stays else next_date(frequency, now_ms),
            )
            if self._replace(was, schedule):
                return schedule
            time.sleep(wait)
        raise AssertionError("backoff ends by raising")

    def delete(self, organization_id: str, view_id: str) -> Schedule:
        """Takes a view's schedule away, and answers with it. Raises NotFound."""
        answer = self._dynamodb.delete_item(
            TableName=self._table, Key=keys.schedule(organization_id, view_id), ReturnValues="ALL_OLD"
        )
        if "Attributes" not in answer:
            raise _not_found()
        return Schedule.from_values(from_item(answer["Attributes"]))

    # -- the timer's ---------------------------------------------------------------------------------------------------

    def due(self, now_ms: int) -> Iterator[Schedule]:
        """Every organisation's schedules whose date has come, as they are now."""
        rows = query_all(
            self._dynamodb,
            TableName=self._table,
            KeyConditionExpression="pk = :pk",
            FilterExpression="dateNext <= :now",  # texts of dates sort as moments do
            ExpressionAttributeValues={":pk": {"S": keys.SCHEDULES}, ":now": {"S": dates.text(now_ms)}},
            ConsistentRead=True,
        )
        return (Schedule.from_values(from_item(row)) for row in rows)

    def advance(self, schedule: Schedule, now_ms: int) -> bool:
        """Moves a schedule to its next date after now; periods that were missed are not made up for.

        False where the schedule is not any more as `due` gave it: another moved it first, or it was changed or deleted.
        """
        return self._replace(schedule, replace(schedule, date_next=next_date(schedule.frequency, now_ms)))

    def _replace(self, was: Schedule, schedule: Schedule) -> bool:
        """Writes a schedule over itself, if it is still as it was."""
        try:
            self._dynamodb.put_item(TableName=self._table, **_replacement(was, schedule))
        except ClientError as error:
            if is_condition_failure(error):
                return False
            raise
        return True


def _replacement(was: Schedule, schedule: Schedule) -> Any:
    return {
        "Item": keys.schedule(schedule.organization_id, schedule.view_id) | to_item(schedule.to_values()),
        "ConditionExpression": "dateNext = :next AND frequency = :frequency AND dateModified = :modified",
        "ExpressionAttributeValues": {
            ":next": to_value(dates.text(was.date_next)),
            ":frequency": to_value(was.frequency.value),
            ":modified": to_value(dates.text(was.date_modified)),
        },
    }


def _not_found() -> NotFound:
    return NotFound("There is no such schedule.")
