"""Journey views, their versions, and the versions of their charts, in the registry table."""

import time
import uuid
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from journeys import dates, jsontext, keys
from journeys.aws import (
    ConditionsFailed,
    backoff,
    delete_all,
    from_item,
    get_all,
    query_all,
    to_item,
    to_value,
    transact,
)
from journeys.errors import NotFound
from journeys.registry.limits import JOB_RETENTION_DAYS, VIEW_EDITS, VIEW_VERSIONS, VIEWS
from journeys.registry.quotas.store import QuotaStore
from journeys.views.model import Chart, View, ViewDefinition

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


DAY_SECONDS = 86_400
EXISTS = "attribute_exists(pk) AND attribute_not_exists(deleted)"
"""The condition that a view exists, for its head item."""


@dataclass(frozen=True, slots=True)
class ViewSummary:
    """The head item of a view: its latest version's number and name, without the definition.

    `date_created` is in milliseconds since 1970.
    """

    view_id: str
    version: int
    name: str
    created_by: str
    date_created: int

    def to_values(self) -> dict[str, Any]:
        """The attributes of the head item, without its key."""
        return {
            "viewId": self.view_id,
            "version": self.version,
            "name": self.name,
            "createdBy": self.created_by,
            "dateCreated": dates.text(self.date_created),
        }

    @classmethod
    def from_values(cls, values: Mapping[str, Any]) -> "ViewSummary":
        return cls(
            view_id=values["viewId"],
            version=values["version"],
            name=values["name"],
            created_by=values["createdBy"],
            date_created=dates.parse(values["dateCreated"]),
        )


class ViewStore:
    """The views of organizations.

    A view exists if and only if its head item exists and is not marked as deleted. The marked head item remains until
    all other items are deleted.
    """

    def __init__(self, dynamodb: "DynamoDBClient", table: str, job_retention: int = JOB_RETENTION_DAYS) -> None:
        """`job_retention` is the number of days that jobs are kept, and therefore the revisions that they refer to."""
        self._dynamodb, self._table, self._job_retention = dynamodb, table, job_retention
        self._quotas = QuotaStore(dynamodb, table)

    # -- reading -------------------------------------------------------------------------------------------------------

    def get(self, organization_id: str, view_id: str) -> View:
        """The latest version of a view. Raises NotFound."""
        return self.get_version(organization_id, view_id, self._summary(organization_id, view_id).version)

    def get_version(self, organization_id: str, view_id: str, version: int) -> View:
        """One version of a view. Raises NotFound."""
        values = self._find(organization_id, view_id, keys.view_version(organization_id, view_id, version))
        if values is None:
            raise NotFound("The view has no version with this number.")
        return View.from_values(values)

    def all(self, organization_id: str) -> list[ViewSummary]:
        """All views of an organization, sorted by name, ignoring case."""
        rows = query_all(
            self._dynamodb,
            TableName=self._table,
            KeyConditionExpression="pk = :pk",
            ExpressionAttributeValues={":pk": {"S": keys.views(organization_id)}},
            ConsistentRead=True,
        )
        summaries = (ViewSummary.from_values(from_item(row)) for row in rows if not _is_deleted(row))
        return sorted(summaries, key=lambda summary: (summary.name.casefold(), summary.view_id))

    def latest(self, organization_id: str, summaries: Iterable[ViewSummary]) -> list[View]:
        """The latest versions of these views, in the same order, without views deleted in the meantime."""
        wanted = [keys.view_version(organization_id, summary.view_id, summary.version) for summary in summaries]
        items = get_all(self._dynamodb, self._table, wanted, consistent=True)
        by_key = {(item["pk"]["S"], item["sk"]["S"]): View.from_values(from_item(item)) for item in items}
        ordered = [(key["pk"]["S"], key["sk"]["S"]) for key in wanted]
        return [by_key[key] for key in ordered if key in by_key]

    def chart(self, organization_id: str, view_id: str, chart_id: str, version: int) -> Chart:
        """One version of a chart. Raises NotFound."""
        key = keys.chart_version(organization_id, view_id, chart_id, version)
        values = self._find(organization_id, view_id, key)
        if values is None:
            raise NotFound("The chart has no version with this number.")
        return Chart.model_validate(jsontext.loads(values["definition"].encode()))

    def _summary(self, organization_id: str, view_id: str) -> ViewSummary:
        response = self._dynamodb.get_item(
            TableName=self._table, Key=keys.view(organization_id, view_id), ConsistentRead=True
        )
        if _is_deleted(response.get("Item")):
            raise _not_found()
        return ViewSummary.from_values(from_item(response["Item"]))

    def _find(self, organization_id: str, view_id: str, key: keys.Key) -> dict[str, Any] | None:
        """The attributes of one of a view's items, or None if there is no such item. Raises NotFound for the view.

        Reads the item and the head in one request.
        """
        head = keys.view(organization_id, view_id)
        items = {item["sk"]["S"]: item for item in get_all(self._dynamodb, self._table, [head, key], consistent=True)}
        if _is_deleted(items.get(head["sk"]["S"])):
            raise _not_found()
        item = items.get(key["sk"]["S"])
        return None if item is None else from_item(item)

    def _highest_chart_version(self, organization_id: str, view_id: str, chart_id: str) -> int:
        """The highest version of a chart, even if no version of the view has the chart anymore; 0 if there is none."""
        response = self._dynamodb.query(
            TableName=self._table,
            KeyConditionExpression="pk = :pk AND begins_with(sk, :chart)",
            ExpressionAttributeValues={
                ":pk": {"S": keys.view_parts(organization_id, view_id)},
                ":chart": {"S": keys.chart_versions(chart_id)},
            },
            ProjectionExpression="version",
            ScanIndexForward=False,
            Limit=1,
            ConsistentRead=True,
        )
        return int(response["Items"][0]["version"]["N"]) if response["Items"] else 0

    # -- writing -------------------------------------------------------------------------------------------------------

    def create(
        self, organization_id: str, definition: ViewDefinition, client_id: str, view_id: str | None = None
    ) -> View:
        """Save a new view as version 1. Without `view_id`, the view gets a new id. Raises LimitReached."""
        now_ms = dates.now_ms()
        charts = [_with_version(chart, 1) for chart in definition.charts]
        view = View(
            view_id=view_id or str(uuid.uuid4()),
            version=1,
            definition=_with_charts(definition, charts),
            created_by=client_id,
            modified_by=client_id,
            date_created=now_ms,
            date_modified=now_ms,
        )
        summary = ViewSummary(view.view_id, 1, definition.name, client_id, now_ms)
        writes = [
            self._put(keys.view(organization_id, view.view_id), summary.to_values()),
            self._put(keys.view_version(organization_id, view.view_id, 1), view.to_values()),
            *self._put_charts(organization_id, view.view_id, charts),
        ]
        self._quotas.create(organization_id, (VIEWS,), writes)
        return view

    def add_version(self, organization_id: str, view_id: str, definition: ViewDefinition, client_id: str) -> View:
        """Save a new version after the latest. Concurrent calls get different versions.

        Raises NotFound, and LimitReached if the view has as many versions as are allowed.
        """
        for wait in backoff(attempts=60):
            base = self.get(organization_id, view_id)
            most = self._quotas.get(organization_id, VIEW_VERSIONS).value
            if base.version >= most:
                raise VIEW_VERSIONS.reached(most, base.version)
            charts, changed = self._next_charts(organization_id, base, definition)
            view = replace(
                base,
                version=base.version + 1,
                revision=1,
                definition=_with_charts(definition, charts),
                modified_by=client_id,
                date_modified=dates.now_ms(),
            )
            writes = [
                self._move_head(organization_id, view, base.version),
                self._put(keys.view_version(organization_id, view_id, view.version), view.to_values()),
                *self._put_charts(organization_id, view_id, changed),
            ]
            try:
                transact(self._dynamodb, writes)
                return view
            except ConditionsFailed:
                time.sleep(wait)  # Another version or chart was saved first, or the view was deleted: read again.
        raise AssertionError("backoff ends by raising")

    def edit_version(
        self, organization_id: str, view_id: str, version: int, definition: ViewDefinition, client_id: str
    ) -> View:
        """Replace a version. Of concurrent calls, the last one wins as a whole.

        The version as it was is kept as a revision, for the jobs that refer to it. Raises NotFound, and LimitReached if
        the version was edited as often as is allowed.
        """
        for wait in backoff(attempts=60):
            base = self.get_version(organization_id, view_id, version)
            if base.revision > VIEW_EDITS.default:
                raise VIEW_EDITS.reached(VIEW_EDITS.default, base.revision - 1)
            is_latest = self._summary(organization_id, view_id).version == version
            charts, changed = self._next_charts(organization_id, base, definition)
            view = replace(
                base,
                definition=_with_charts(definition, charts),
                modified_by=client_id,
                date_modified=dates.now_ms(),
                revision=base.revision + 1,
            )
            head_write = (
                self._move_head(organization_id, view, version)
                if is_latest
                else self._require_head(organization_id, view_id)
            )
            writes = [
                head_write,
                self._replace_version(organization_id, view),
                self._put_revision(organization_id, base),
                *self._put_charts(organization_id, view_id, changed),
            ]
            try:
                transact(self._dynamodb, writes)
                return view
            except ConditionsFailed:
                time.sleep(wait)  # Another version or chart was saved first, or the view was deleted: read again.
        raise AssertionError("backoff ends by raising")

    # -- deleting ------------------------------------------------------------------------------------------------------

    def start_deletion(self, organization_id: str, view_id: str) -> None:
        """Mark a view as deleted, and delete its schedule. Raises NotFound if the view's items do not exist."""
        mark = {
            "TableName": self._table,
            "Key": keys.view(organization_id, view_id),
            "UpdateExpression": "SET deleted = :yes",
            "ConditionExpression": "attribute_exists(pk)",
            "ExpressionAttributeValues": {":yes": to_value(True)},
        }
        schedule = {"TableName": self._table, "Key": keys.schedule(organization_id, view_id)}
        try:
            transact(self._dynamodb, [{"Update": mark}, {"Delete": schedule}])
        except ConditionsFailed:
            raise _not_found() from None

    def parts(self, organization_id: str, view_id: str, limit: int) -> list[str]:
        """The sort keys of up to `limit` items of a view: versions, revisions, charts and references to jobs."""
        response = self._dynamodb.query(
            TableName=self._table,
            KeyConditionExpression="pk = :pk",
            ExpressionAttributeValues={":pk": {"S": keys.view_parts(organization_id, view_id)}},
            ProjectionExpression="sk",
            ConsistentRead=True,
            Limit=limit,
        )
        return [row["sk"]["S"] for row in response["Items"]]

    def delete_parts(self, organization_id: str, view_id: str, sort_keys: Iterable[str]) -> None:
        """Delete items of a view that is marked as deleted."""
        partition = keys.view_parts(organization_id, view_id)
        delete_all(self._dynamodb, self._table, [keys.item(partition, sort_key) for sort_key in sort_keys])

    def finish_deletion(self, organization_id: str, view_id: str) -> None:
        """Delete the head item of a view whose other items are deleted."""
        head = {
            "TableName": self._table,
            "Key": keys.view(organization_id, view_id),
            "ConditionExpression": "attribute_exists(deleted)",
        }
        with suppress(ConditionsFailed):  # Another request has finished the deletion.
            self._quotas.delete(organization_id, (VIEWS,), [{"Delete": head}])

    # -- writes of transactions -------------------------------------------------------------------------------------

    def _next_charts(
        self, organization_id: str, base: View, definition: ViewDefinition
    ) -> tuple[list[Chart], list[Chart]]:
        """All charts of a definition with their ids and versions, and of these the new versions.

        A chart that is equal to the one in `base` keeps its version. Any other gets the version after its highest.
        """
        before = {chart.id: chart for chart in base.definition.charts}
        charts, changed = [], []
        for chart in definition.charts:
            previous = before.get(chart.id) if chart.id else None
            if previous is not None and _with_version(chart, previous.version) == previous:
                charts.append(previous)
                continue
            highest = self._highest_chart_version(organization_id, base.view_id, chart.id) if chart.id else 0
            changed.append(_with_version(chart, highest + 1))
            charts.append(changed[-1])
        return charts, changed

    def _move_head(self, organization_id: str, view: View, latest: int) -> dict[str, Any]:
        """Make the version the view's latest, on the condition that `latest` still is."""
        values = {":version": view.version, ":name": view.definition.name, ":latest": latest}
        return {
            "Update": {
                "TableName": self._table,
                "Key": keys.view(organization_id, view.view_id),
                "UpdateExpression": "SET version = :version, #name = :name",
                "ConditionExpression": "version = :latest AND attribute_not_exists(deleted)",
                "ExpressionAttributeNames": {"#name": "name"},
                "ExpressionAttributeValues": {name: to_value(value) for name, value in values.items()},
            }
        }

    def _require_head(self, organization_id: str, view_id: str) -> dict[str, Any]:
        return require_view(self._table, organization_id, view_id)

    def _put(self, key: keys.Key, values: dict[str, Any]) -> dict[str, Any]:
        return {
            "Put": {
                "TableName": self._table,
                "Item": key | to_item(values),
                "ConditionExpression": "attribute_not_exists(pk)",
            }
        }

    def _replace_version(self, organization_id: str, view: View) -> dict[str, Any]:
        """Store a version, on the condition that the stored one has the revision before."""
        return {
            "Put": {
                "TableName": self._table,
                "Item": keys.view_version(organization_id, view.view_id, view.version) | to_item(view.to_values()),
                "ConditionExpression": "attribute_not_exists(revision) OR revision = :before",
                "ExpressionAttributeValues": {":before": to_value(view.revision - 1)},
            }
        }

    def _put_revision(self, organization_id: str, view: View) -> dict[str, Any]:
        """Keep a version that is replaced, until the last job that refers to it has expired."""
        expires = dates.now_ms() // 1000 + (self._job_retention + 1) * DAY_SECONDS
        key = keys.view_revision(organization_id, view.view_id, view.version, view.revision)
        return {"Put": {"TableName": self._table, "Item": key | to_item(view.to_values() | {"expires": expires})}}

    def _put_charts(self, organization_id: str, view_id: str, charts: Iterable[Chart]) -> list[dict[str, Any]]:
        return [
            self._put(
                keys.chart_version(organization_id, view_id, str(chart.id), chart.version or 0),
                {"version": chart.version, "definition": jsontext.dumps(chart.to_values())},
            )
            for chart in charts
        ]


def require_view(table: str, organization_id: str, view_id: str) -> dict[str, Any]:
    """The write of a transaction that fails if the view does not exist."""
    return {
        "ConditionCheck": {
            "TableName": table,
            "Key": keys.view(organization_id, view_id),
            "ConditionExpression": EXISTS,
        }
    }


def _is_deleted(head: Mapping[str, Any] | None) -> bool:
    """Whether a view does not exist, to judge by its head item."""
    return head is None or "deleted" in head


def _not_found() -> NotFound:
    return NotFound("There is no view with this id.")


def _with_version(chart: Chart, version: int | None) -> Chart:
    """The chart with this version, and with a new id if it has none."""
    return chart.model_copy(update={"id": chart.id or str(uuid.uuid4()), "version": version})


def _with_charts(definition: ViewDefinition, charts: list[Chart]) -> ViewDefinition:
    return definition.model_copy(update={"charts": charts})
