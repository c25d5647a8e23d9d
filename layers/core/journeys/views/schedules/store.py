"""Schedules in the registry table. All are in one partition, because the timer reads those of all organizations."""

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
from journeys.views.store import require_view

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


class ScheduleStore:
    """The schedules of views."""

    def __init__(self, dynamodb: "DynamoDBClient", table: str) -> None:
        self._dynamodb, self._table = dynamodb, table

    # -- for the API ---------------------------------------------------------------------------------------------------

    def get(self, organization_id: str, view_id: str) -> Schedule:
        """The schedule of a view. Raises NotFound."""
        response = self._dynamodb.get_item(
            TableName=self._table, Key=keys.schedule(organization_id, view_id), ConsistentRead=True
        )
        if "Item" not in response:
            raise _not_found()
        return Schedule.from_values(from_item(response["Item"]))

    def all(self, organization_id: str) -> list[Schedule]:
        """The schedules of an organization, sorted by view id."""
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
        """Create a view's schedule. Raises NotFound if the view does not exist, and Conflict if it has a schedule."""
        now_ms = dates.now_ms()
        schedule = Schedule(organization_id, view_id, frequency, client_id, now_ms, next_date(frequency, now_ms))
        writes = [
            require_view(self._table, organization_id, view_id),
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
                raise NotFound("There is no view with this id.") from None
            raise Conflict(
                "The view already has a schedule. Update the existing one.", code="schedule.exists"
            ) from None
        return schedule

    def update(self, organization_id: str, view_id: str, frequency: Frequency, client_id: str) -> Schedule:
        """Change the frequency of a schedule. A job that is already due stays due. Raises NotFound."""
        for wait in backoff():
            stored = self.get(organization_id, view_id)
            now_ms = dates.now_ms()
            keeps_date = stored.frequency is frequency or stored.date_next <= now_ms
            schedule = replace(
                stored,
                frequency=frequency,
                client_id=client_id,
                date_modified=now_ms,
                date_next=stored.date_next if keeps_date else next_date(frequency, now_ms),
            )
            if self._replace(stored, schedule):
                return schedule
            time.sleep(wait)
        raise AssertionError("backoff ends by raising")

    def delete(self, organization_id: str, view_id: str) -> Schedule:
        """Delete and return the schedule of a view. Raises NotFound."""
        response = self._dynamodb.delete_item(
            TableName=self._table, Key=keys.schedule(organization_id, view_id), ReturnValues="ALL_OLD"
        )
        if "Attributes" not in response:
            raise _not_found()
        return Schedule.from_values(from_item(response["Attributes"]))

    # -- for the timer -------------------------------------------------------------------------------------------------

    def due(self, now_ms: int) -> Iterator[Schedule]:
        """The schedules of all organizations with a due date at or before `now_ms`, in milliseconds since 1970."""
        rows = query_all(
            self._dynamodb,
            TableName=self._table,
            KeyConditionExpression="pk = :pk",
            FilterExpression="dateNext <= :now",  # dates sort as texts
            ExpressionAttributeValues={":pk": {"S": keys.SCHEDULES}, ":now": {"S": dates.text(now_ms)}},
            ConsistentRead=True,
        )
        return (Schedule.from_values(from_item(row)) for row in rows)

    def advance(self, schedule: Schedule, now_ms: int) -> bool:
        """Move a schedule to its first date after `now_ms`; missed periods are skipped.

        Returns False, without a change, if the schedule was moved, changed or deleted since `due` returned it.
        """
        return self._replace(schedule, replace(schedule, date_next=next_date(schedule.frequency, now_ms)))

    def _replace(self, stored: Schedule, schedule: Schedule) -> bool:
        """Replace a schedule. Returns False, without a change, if it is not equal to `stored` anymore."""
        try:
            self._dynamodb.put_item(TableName=self._table, **_replacement(stored, schedule))
        except ClientError as error:
            if is_condition_failure(error):
                return False
            raise
        return True


def _replacement(stored: Schedule, schedule: Schedule) -> Any:
    return {
        "Item": keys.schedule(schedule.organization_id, schedule.view_id) | to_item(schedule.to_values()),
        "ConditionExpression": "dateNext = :next AND frequency = :frequency AND dateModified = :modified",
        "ExpressionAttributeValues": {
            ":next": to_value(dates.text(stored.date_next)),
            ":frequency": to_value(stored.frequency.value),
            ":modified": to_value(dates.text(stored.date_modified)),
        },
    }


def _not_found() -> NotFound:
    return NotFound("The view has no schedule.")
