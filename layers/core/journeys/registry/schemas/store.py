"""Schemas, their versions and the counter of event types, in the registry table."""

import random
import time
import uuid
from collections.abc import Mapping
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
from journeys.errors import Conflict, LimitReached, NotFound
from journeys.registry import limits
from journeys.registry.schemas.document import Document
from journeys.registry.schemas.model import SLOTS, Activation, Schema, check_evolution
from journeys.telemetry import emit_count

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


class SchemaStore:
    """An organisation's event types: at most 20, each with a slot of its own."""

    def __init__(self, dynamodb: "DynamoDBClient", table: str) -> None:
        self._dynamodb, self._table = dynamodb, table

    # -- reading -------------------------------------------------------------------------------------------------------

    def get(self, organization_id: str, schema_id: str, *, consistent: bool = True) -> Schema:
        """The current version. Raises NotFound."""
        return self._read(keys.schema(organization_id, schema_id), consistent)

    def all(self, organization_id: str) -> list[Schema]:
        """Every schema of the organisation, by title."""
        found = [Schema.from_values(from_item(item)) for item in self._rows(keys.schemas(organization_id))]
        return sorted(found, key=lambda schema: schema.title.casefold())

    def version(self, organization_id: str, schema_id: str, version: int) -> Schema:
        """One version. Raises NotFound."""
        return self._read(keys.schema_version(organization_id, schema_id, version), consistent=True)

    def versions(self, organization_id: str, schema_id: str) -> list[Schema]:
        """Every version, the newest first. Raises NotFound where there is no such schema."""
        rows = self._rows(keys.schema_versions(organization_id, schema_id))
        if not rows:
            raise _not_found()
        return [Schema.from_values(from_item(item)) for item in reversed(rows)]

    def count(self, organization_id: str) -> int:
        """How many event types are in use, as the counter says."""
        return self._counter(organization_id)[0]

    def _read(self, key: keys.Key, consistent: bool) -> Schema:
        answer = self._dynamodb.get_item(TableName=self._table, Key=key, ConsistentRead=consistent)
        if "Item" not in answer:
            raise _not_found()
        return Schema.from_values(from_item(answer["Item"]))

    def _rows(self, partition: str) -> list[dict[str, Any]]:
        return list(
            query_all(
                self._dynamodb,
                TableName=self._table,
                KeyConditionExpression="pk = :pk",
                ExpressionAttributeValues={":pk": {"S": partition}},
                ConsistentRead=True,
            )
        )

    def _counter(self, organization_id: str) -> tuple[int, frozenset[str]]:
        """How many slots are taken, and which."""
        answer = self._dynamodb.get_item(
            TableName=self._table, Key=keys.event_types(organization_id), ConsistentRead=True
        )
        counter = from_item(answer.get("Item", {}))
        return counter.get("used", 0), frozenset(counter.get("slots", ()))

    # -- creating and deleting -----------------------------------------------------------------------------------------

    def create(
        self,
        organization_id: str,
        document: Document,
        created_by: Mapping[str, str],
        *,
        schema_id: str | None = None,
    ) -> Schema:
        """Takes a slot and writes the schema, in one go. Raises LimitReached, and Conflict for a title in use."""
        for wait in backoff(attempts=60):
            used, taken = self._counter(organization_id)
            free = [slot for slot in SLOTS if slot not in taken]
            if used >= limits.MAX_EVENT_TYPES or not free:
                raise LimitReached(
                    f"An organisation has {limits.MAX_EVENT_TYPES} event types at most; {used} are in use.",
                    namespace=limits.LIMIT_NAMESPACE,
                    key=limits.EVENT_TYPES_LIMIT,
                    value=limits.MAX_EVENT_TYPES,
                    count=used,
                )
            now = dates.now_ms()
            schema = Schema(
                schema_id=schema_id or str(uuid.uuid4()),
                version=1,
                enabled=True,
                slot=random.choice(free),  # noqa: S311  # so that two who come at once seldom want the same
                used=False,
                date_created=now,
                date_modified=now,
                created_by=created_by,
                raw=document.raw,
            )
            try:
                transact(
                    self._dynamodb,
                    [
                        self._take_slot(organization_id, schema.slot),
                        self._put(keys.schema(organization_id, schema.schema_id), schema),
                        self._take_title(organization_id, schema),
                        self._put(keys.schema_version(organization_id, schema.schema_id, 1), schema),
                    ],
                )
                emit_count("EventTypesInUse", used + 1)
                return schema
            except ConditionsFailed as refused:
                if 2 in refused.failed:
                    raise _title_taken(document.title) from None
                if 1 in refused.failed:
                    raise Conflict("A schema with this id exists already.") from None
            time.sleep(wait)
        raise AssertionError("backoff ends by raising")

    def delete(self, organization_id: str, schema_id: str) -> None:
        """Deletes a schema that no configuration ever used, and gives its slot back. Raises NotFound and Conflict."""
        for wait in backoff():
            schema = self.get(organization_id, schema_id)
            if schema.used:
                raise Conflict(
                    "A configuration used this event type, so events of it may be stored; "
                    "it can be disabled, not deleted.",
                    code="schema.in.use",
                )
            used = self.count(organization_id)
            writes = [
                self._give_slot_back(organization_id, schema.slot),
                {
                    "Delete": {
                        "TableName": self._table,
                        "Key": keys.schema(organization_id, schema_id),
                        "ConditionExpression": "used = :no AND version = :version",
                        "ExpressionAttributeValues": {":no": to_value(False), ":version": to_value(schema.version)},
                    }
                },
            ]
            if schema.enabled:
                writes.append(self._give_title_back(organization_id, schema))
            try:
                transact(self._dynamodb, writes)
                emit_count("EventTypesInUse", used - 1)
                break
            except ConditionsFailed:
                time.sleep(wait)
        for row in self._rows(keys.schema_versions(organization_id, schema_id)):
            self._dynamodb.delete_item(TableName=self._table, Key={"pk": row["pk"], "sk": row["sk"]})

    # -- changing ------------------------------------------------------------------------------------------------------

    def update(
        self, organization_id: str, schema_id: str, *, version: int, enabled: bool | None, document: Document | None
    ) -> Schema:
        """Writes the next version.

        Raises NotFound, BadRequest for what may not change, and Conflict where `version` is not the current one or the
        title is in use.
        """
        old = self.get(organization_id, schema_id)
        if old.version != version:
            raise _version_conflict(old.version)
        if document is not None:
            check_evolution(old.document, document)
        new = replace(
            old,
            version=old.version + 1,
            enabled=old.enabled if enabled is None else enabled,
            raw=old.raw if document is None else document.raw,
            date_modified=dates.now_ms(),
        )
        writes = [
            {
                "Update": {
                    "TableName": self._table,
                    "Key": keys.schema(organization_id, schema_id),
                    "UpdateExpression": "SET version = :next, enabled = :enabled, jsonSchema = :schema, "
                    "dateModified = :now",
                    "ConditionExpression": "version = :version",
                    "ExpressionAttributeValues": {
                        ":version": to_value(version),
                        ":next": to_value(new.version),
                        ":enabled": to_value(new.enabled),
                        ":schema": to_value(new.to_values()["jsonSchema"]),
                        ":now": to_value(dates.text(new.date_modified)),
                    },
                }
            },
            self._put(keys.schema_version(organization_id, schema_id, new.version), new),
        ]
        had = keys.title(organization_id, old.title) if old.enabled else None
        wants = keys.title(organization_id, new.title) if new.enabled else None
        if wants is not None and wants != had:
            writes.append(self._take_title(organization_id, new))
        takes_title = len(writes) == 3
        if had is not None and wants != had:
            writes.append(self._give_title_back(organization_id, old))
        try:
            transact(self._dynamodb, writes)
        except ConditionsFailed as refused:
            if takes_title and refused.failed == {2}:
                raise _title_taken(new.title) from None
            raise _version_conflict(self.get(organization_id, schema_id).version) from None
        return new

    def activate(self, organization_id: str, schema_id: str, display_name: str | None, rank: int | None) -> Schema:
        """Shows an event type in journey views, or acknowledges its newest version. Raises NotFound and Conflict."""
        schema = self.get(organization_id, schema_id)
        if not schema.enabled:
            raise Conflict("This event type is disabled; enable its schema first.", code="schema.disabled")
        now = dates.now_ms()
        was = schema.activation
        return self._set_activation(
            organization_id,
            schema,
            Activation(
                display_name=display_name or (was.display_name if was else schema.title),
                rank=rank if rank is not None else (was.rank if was else 0),
                version=schema.version,
                date_first_activated=was.date_first_activated if was else now,
                date_modified=now,
            ),
        )

    def update_activation(
        self, organization_id: str, schema_id: str, display_name: str | None, rank: int | None
    ) -> Schema:
        """Changes how an event type is shown. Raises NotFound, and Conflict where it was never activated."""
        schema = self.get(organization_id, schema_id)
        was = schema.activation
        if was is None:
            raise Conflict("This event type was never activated; activate it first.", code="event.not.activated")
        return self._set_activation(
            organization_id,
            schema,
            replace(
                was,
                display_name=display_name or was.display_name,
                rank=was.rank if rank is None else rank,
                date_modified=dates.now_ms(),
            ),
        )

    def _set_activation(self, organization_id: str, schema: Schema, activation: Activation) -> Schema:
        new = replace(schema, activation=activation)
        try:
            self._dynamodb.update_item(
                TableName=self._table,
                Key=keys.schema(organization_id, schema.schema_id),
                UpdateExpression="SET activation = :activation",
                ConditionExpression="version = :version",
                ExpressionAttributeValues={
                    ":activation": to_value(new.to_values()["activation"]),
                    ":version": to_value(schema.version),
                },
            )
        except ClientError as error:
            if is_condition_failure(error):
                raise Conflict("The event type changed at the same moment; look at it again.") from None
            raise
        return new

    # -- the parts of transactions -------------------------------------------------------------------------------------

    def _put(self, key: keys.Key, schema: Schema) -> dict[str, Any]:
        return {
            "Put": {
                "TableName": self._table,
                "Item": key | to_item(schema.to_values()),
                "ConditionExpression": "attribute_not_exists(pk)",
            }
        }

    def _take_slot(self, organization_id: str, slot: str) -> dict[str, Any]:
        return {
            "Update": {
                "TableName": self._table,
                "Key": keys.event_types(organization_id),
                "UpdateExpression": "ADD used :one, slots :slots",
                "ConditionExpression": "(attribute_not_exists(used) OR used < :most) "
                "AND (attribute_not_exists(slots) OR NOT contains(slots, :slot))",
                "ExpressionAttributeValues": {
                    ":one": to_value(1),
                    ":most": to_value(limits.MAX_EVENT_TYPES),
                    ":slot": to_value(slot),
                    ":slots": to_value({slot}),
                },
            }
        }

    def _give_slot_back(self, organization_id: str, slot: str) -> dict[str, Any]:
        return {
            "Update": {
                "TableName": self._table,
                "Key": keys.event_types(organization_id),
                "UpdateExpression": "ADD used :minus DELETE slots :slots",
                "ConditionExpression": "contains(slots, :slot)",
                "ExpressionAttributeValues": {
                    ":minus": to_value(-1),
                    ":slot": to_value(slot),
                    ":slots": to_value({slot}),
                },
            }
        }

    def _take_title(self, organization_id: str, schema: Schema) -> dict[str, Any]:
        return {
            "Put": {
                "TableName": self._table,
                "Item": keys.title(organization_id, schema.title) | to_item({"schemaId": schema.schema_id}),
                "ConditionExpression": "attribute_not_exists(pk)",
            }
        }

    def _give_title_back(self, organization_id: str, schema: Schema) -> dict[str, Any]:
        return {
            "Delete": {
                "TableName": self._table,
                "Key": keys.title(organization_id, schema.title),
                "ConditionExpression": "schemaId = :schema",
                "ExpressionAttributeValues": {":schema": to_value(schema.schema_id)},
            }
        }


def _not_found() -> NotFound:
    return NotFound("There is no such schema.")


def _title_taken(title: str) -> Conflict:
    return Conflict("Another enabled event type has this title.", code="title.in.use", params={"title": title})


def _version_conflict(current: int) -> Conflict:
    return Conflict(
        f"The schema is at version {current}; read it again and repeat the change.",
        code="version.conflict",
        params={"version": str(current)},
    )
