"""Schemas, their versions, and the counter of event types in the registry table."""

import random
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from itertools import islice
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from journeys import dates, keys
from journeys.aws import (
    FORM_VALUE,
    SET_FORM,
    ConditionsFailed,
    Item,
    backoff,
    delete_all,
    from_item,
    is_condition_failure,
    query_all,
    to_item,
    to_value,
    transact,
)
from journeys.errors import Conflict, NotFound
from journeys.registry import limits
from journeys.registry.schemas.document import Document
from journeys.registry.schemas.model import SLOTS, Activation, Schema, check_evolution
from journeys.telemetry import emit_count

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


MAX_VERSIONS_LISTED = 200
"""Versions of a schema in one listing. Each can also be read by its number."""


class SchemaStore:
    """Stores event types. An organization has at most 20, and each has its own slot."""

    def __init__(self, dynamodb: "DynamoDBClient", table: str) -> None:
        self._dynamodb, self._table = dynamodb, table

    # -- reading -------------------------------------------------------------------------------------------------------

    def get(self, organization_id: str, schema_id: str, *, consistent: bool = True) -> Schema:
        """The current version of a schema. Raises NotFound."""
        return self._read(keys.schema(organization_id, schema_id), consistent)

    def all(self, organization_id: str) -> list[Schema]:
        """All schemas of an organization, ordered by title."""
        rows = self._rows(keys.schemas(organization_id))
        schemas = [Schema.from_values(from_item(item)) for item in rows if "deleted" not in item]
        return sorted(schemas, key=lambda schema: schema.title.casefold())

    def version(self, organization_id: str, schema_id: str, version: int) -> Schema:
        """One version of a schema. Raises NotFound."""
        self.get(organization_id, schema_id)  # The versions of a schema that is being deleted can still exist.
        return self._read(keys.schema_version(organization_id, schema_id, version), consistent=True)

    def versions(self, organization_id: str, schema_id: str) -> list[Schema]:
        """The newest MAX_VERSIONS_LISTED versions of a schema, newest first. Raises NotFound."""
        self.get(organization_id, schema_id)
        rows = self._rows(
            keys.schema_versions(organization_id, schema_id), ScanIndexForward=False, Limit=MAX_VERSIONS_LISTED
        )
        return [Schema.from_values(from_item(item)) for item in islice(rows, MAX_VERSIONS_LISTED)]

    def count(self, organization_id: str) -> int:
        """The number of event types in use, from the counter item."""
        return self._counter(organization_id)[0]

    def _read(self, key: keys.Key, consistent: bool) -> Schema:
        response = self._dynamodb.get_item(TableName=self._table, Key=key, ConsistentRead=consistent)
        if "Item" not in response or "deleted" in response["Item"]:
            raise _not_found()
        return Schema.from_values(from_item(response["Item"]))

    def _rows(self, partition: str, **options: Any) -> Iterator[Item]:
        return query_all(
            self._dynamodb,
            **options,
            TableName=self._table,
            KeyConditionExpression="pk = :pk",
            ExpressionAttributeValues={":pk": {"S": partition}},
            ConsistentRead=True,
        )

    def _counter(self, organization_id: str) -> tuple[int, frozenset[str]]:
        """The number of event types in use, and their slots."""
        response = self._dynamodb.get_item(
            TableName=self._table, Key=keys.event_types(organization_id), ConsistentRead=True
        )
        counter = from_item(response.get("Item", {}))
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
        """Creates a schema and reserves its slot and title, in one transaction.

        Raises LimitReached, and Conflict if the title or the id is in use.
        """
        for wait in backoff(attempts=60):
            used, slots = self._counter(organization_id)
            schema = _new_schema(schema_id, _free_slot(used, slots), document, created_by)
            try:
                transact(
                    self._dynamodb,
                    [
                        self._claim_slot(organization_id, schema.slot),
                        self._put(keys.schema(organization_id, schema.schema_id), schema),
                        self._claim_title(organization_id, schema),
                        self._put(keys.schema_version(organization_id, schema.schema_id, 1), schema),
                    ],
                )
                emit_count("EventTypesInUse", used + 1)
                return schema
            except ConditionsFailed as failed:
                if 2 in failed.failed:
                    raise _title_in_use(document.title) from None
                if 1 in failed.failed:
                    raise Conflict("A schema with this id already exists.") from None
            time.sleep(wait)  # Another creation claimed the same slot.
        raise AssertionError("backoff raises after the last attempt")

    def delete(self, organization_id: str, schema_id: str) -> None:
        """Deletes a schema and releases its slot, or continues a deletion that was interrupted.

        The schema is marked first: from then on no request finds it. Its own item is deleted last. Raises NotFound, and
        Conflict if a configuration was ever created for it.
        """
        schema = self._mark_as_deleted(organization_id, schema_id)
        versions = self._rows(keys.schema_versions(organization_id, schema_id), ProjectionExpression="pk, sk")
        delete_all(self._dynamodb, self._table, list(versions))
        delete = {
            "TableName": self._table,
            "Key": keys.schema(organization_id, schema_id),
            "ConditionExpression": "attribute_exists(deleted)",
        }
        with suppress(ConditionsFailed):  # Another request has finished the deletion.
            transact(self._dynamodb, [self._release_slot(organization_id, schema.slot), {"Delete": delete}])
        emit_count("EventTypesInUse", self.count(organization_id))

    def _mark_as_deleted(self, organization_id: str, schema_id: str) -> Schema:
        """Marks a schema as deleted and releases its title. Raises NotFound and Conflict."""
        for wait in backoff():
            response = self._dynamodb.get_item(
                TableName=self._table, Key=keys.schema(organization_id, schema_id), ConsistentRead=True
            )
            if "Item" not in response:
                raise _not_found()
            schema = Schema.from_values(from_item(response["Item"]))
            if "deleted" in response["Item"]:
                return schema
            if schema.used:
                raise Conflict(
                    "A configuration was created for this event type, so it can have events. Disable it instead.",
                    code="schema.in.use",
                )
            mark = {
                "TableName": self._table,
                "Key": keys.schema(organization_id, schema_id),
                "UpdateExpression": "SET deleted = :yes, enabled = :no",  # A deleted one cannot be configured.
                "ConditionExpression": "used = :no AND version = :version",
                "ExpressionAttributeValues": {
                    ":yes": to_value(True), ":no": to_value(False), ":version": to_value(schema.version),
                },
            }  # fmt: skip
            writes = [{"Update": mark}]
            if schema.enabled:
                writes.append(self._release_title(organization_id, schema))
            try:
                transact(self._dynamodb, writes)
                return schema
            except ConditionsFailed:
                time.sleep(wait)
        raise AssertionError("backoff raises after the last attempt")

    # -- changing ------------------------------------------------------------------------------------------------------

    def update(
        self, organization_id: str, schema_id: str, *, version: int, enabled: bool | None, document: Document | None
    ) -> Schema:
        """Writes the next version. None means no change.

        Raises NotFound, BadRequest for incompatible changes, Conflict if `version` is not the current version or the
        title is in use, and LimitReached, except for a schema that is only disabled.
        """
        old = self.get(organization_id, schema_id)
        if old.version != version:
            raise _version_conflict(old.version)
        if old.version >= limits.SCHEMA_VERSIONS.default and (document is not None or enabled):
            raise limits.SCHEMA_VERSIONS.reached(limits.SCHEMA_VERSIONS.default, old.version)
        if document is not None:
            check_evolution(old.document, document)
        new = replace(
            old,
            version=old.version + 1,
            enabled=old.enabled if enabled is None else enabled,
            raw=old.raw if document is None else document.raw,
            date_modified=dates.now_ms(),
        )
        claims, releases = self._title_changes(organization_id, old, new)
        writes = [
            self._set_version(organization_id, new, version),
            self._put(keys.schema_version(organization_id, schema_id, new.version), new),
            *claims,
            *releases,
        ]
        try:
            transact(self._dynamodb, writes)
        except ConditionsFailed as failed:
            if claims and failed.failed == {2}:
                raise _title_in_use(new.title) from None
            raise _version_conflict(self.get(organization_id, schema_id).version) from None
        return new

    def _title_changes(
        self, organization_id: str, old: Schema, new: Schema
    ) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
        """The writes that claim the new title and that release the old one. Only enabled schemas hold their title."""
        old_key = keys.title(organization_id, old.title) if old.enabled else None
        new_key = keys.title(organization_id, new.title) if new.enabled else None
        if old_key == new_key:
            return [], []
        return (
            [self._claim_title(organization_id, new)] if new_key is not None else [],
            [self._release_title(organization_id, old)] if old_key is not None else [],
        )

    def activate(self, organization_id: str, schema_id: str, display_name: str | None, rank: int | None) -> Schema:
        """Activates an event type for journey views, or acknowledges its newest version.

        Raises NotFound, and Conflict if the event type is disabled.
        """
        schema = self.get(organization_id, schema_id)
        if not schema.enabled:
            raise Conflict("This event type is disabled. Enable its schema first.", code="schema.disabled")
        now = dates.now_ms()
        current = schema.activation
        return self._set_activation(
            organization_id,
            schema,
            Activation(
                display_name=display_name or (current.display_name if current else schema.title),
                rank=rank if rank is not None else (current.rank if current else 0),
                version=schema.version,
                date_first_activated=current.date_first_activated if current else now,
                date_modified=now,
            ),
        )

    def update_activation(
        self, organization_id: str, schema_id: str, display_name: str | None, rank: int | None
    ) -> Schema:
        """Changes how journey views show an event type.

        Raises NotFound, and Conflict if it was never activated.
        """
        schema = self.get(organization_id, schema_id)
        current = schema.activation
        if current is None:
            raise Conflict("This event type was never activated. Activate it first.", code="event.not.activated")
        return self._set_activation(
            organization_id,
            schema,
            replace(
                current,
                display_name=display_name or current.display_name,
                rank=current.rank if rank is None else rank,
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
                ConditionExpression="version = :version AND attribute_not_exists(deleted)",
                ExpressionAttributeValues={
                    ":activation": to_value(new.to_values()["activation"]),
                    ":version": to_value(schema.version),
                },
            )
        except ClientError as error:
            if is_condition_failure(error):
                raise Conflict(
                    "The event type was changed at the same time. Read it again and repeat the request."
                ) from None
            raise
        return new

    # -- writes of transactions ----------------------------------------------------------------------------------------

    def _put(self, key: keys.Key, schema: Schema) -> dict[str, Any]:
        return {
            "Put": {
                "TableName": self._table,
                "Item": key | to_item(schema.to_values()),
                "ConditionExpression": "attribute_not_exists(pk)",
            }
        }

    def _set_version(self, organization_id: str, new: Schema, version: int) -> dict[str, Any]:
        """Replaces the current version, if it is still `version`."""
        return {
            "Update": {
                "TableName": self._table,
                "Key": keys.schema(organization_id, new.schema_id),
                "UpdateExpression": "SET version = :next, enabled = :enabled, jsonSchema = :schema, "
                "dateModified = :now",
                "ConditionExpression": "version = :version AND attribute_not_exists(deleted)",
                "ExpressionAttributeValues": {
                    ":version": to_value(version),
                    ":next": to_value(new.version),
                    ":enabled": to_value(new.enabled),
                    ":schema": to_value(new.to_values()["jsonSchema"]),
                    ":now": to_value(dates.text(new.date_modified)),
                },
            }
        }

    def _claim_slot(self, organization_id: str, slot: str) -> dict[str, Any]:
        return {
            "Update": {
                "TableName": self._table,
                "Key": keys.event_types(organization_id),
                "UpdateExpression": f"{SET_FORM} ADD used :one, slots :slots",
                "ConditionExpression": "(attribute_not_exists(used) OR used < :most) "
                "AND (attribute_not_exists(slots) OR NOT contains(slots, :slot))",
                "ExpressionAttributeValues": {
                    ":form": FORM_VALUE,
                    ":one": to_value(1),
                    ":most": to_value(limits.MAX_EVENT_TYPES),
                    ":slot": to_value(slot),
                    ":slots": to_value({slot}),
                },
            }
        }

    def _release_slot(self, organization_id: str, slot: str) -> dict[str, Any]:
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

    def _claim_title(self, organization_id: str, schema: Schema) -> dict[str, Any]:
        return {
            "Put": {
                "TableName": self._table,
                "Item": keys.title(organization_id, schema.title) | to_item({"schemaId": schema.schema_id}),
                "ConditionExpression": "attribute_not_exists(pk)",
            }
        }

    def _release_title(self, organization_id: str, schema: Schema) -> dict[str, Any]:
        return {
            "Delete": {
                "TableName": self._table,
                "Key": keys.title(organization_id, schema.title),
                "ConditionExpression": "schemaId = :schema",
                "ExpressionAttributeValues": {":schema": to_value(schema.schema_id)},
            }
        }


def _free_slot(used: int, slots: frozenset[str]) -> str:
    """A random free slot, so that concurrent creations rarely choose the same one. Raises LimitReached."""
    free = [slot for slot in SLOTS if slot not in slots]
    if used >= limits.MAX_EVENT_TYPES or not free:
        raise limits.EVENT_TYPES.reached(limits.MAX_EVENT_TYPES, used)
    return random.choice(free)  # noqa: S311  # not used for security


def _new_schema(schema_id: str | None, slot: str, document: Document, created_by: Mapping[str, str]) -> Schema:
    now = dates.now_ms()
    return Schema(
        schema_id=schema_id or str(uuid.uuid4()),
        version=1,
        enabled=True,
        slot=slot,
        used=False,
        date_created=now,
        date_modified=now,
        created_by=created_by,
        raw=document.raw,
    )


def _not_found() -> NotFound:
    return NotFound("There is no such schema.")


def _title_in_use(title: str) -> Conflict:
    return Conflict(
        "Another enabled event type has this title. Choose another title, or disable the other event type.",
        code="title.in.use",
        params={"title": title},
    )


def _version_conflict(current: int) -> Conflict:
    return Conflict(
        f"The current version of the schema is {current}. Read the schema and repeat the change with this version.",
        code="version.conflict",
        params={"version": str(current)},
    )
