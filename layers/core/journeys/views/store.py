"""Journey views, their versions and their charts' versions, in the registry table."""

import time
import uuid
from collections.abc import Iterable, Mapping
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
from journeys.views.model import Chart, View, ViewDefinition

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


@dataclass(frozen=True, slots=True)
class Head:
    """What there is to know of a view without its definition; `version` is the latest."""

    view_id: str
    version: int
    name: str
    created_by: str
    date_created: int

    def to_values(self) -> dict[str, Any]:
        """What a row holds, beside its key."""
        return {
            "viewId": self.view_id,
            "version": self.version,
            "name": self.name,
            "createdBy": self.created_by,
            "dateCreated": dates.text(self.date_created),
        }

    @classmethod
    def from_values(cls, values: Mapping[str, Any]) -> "Head":
        return cls(
            view_id=values["viewId"],
            version=values["version"],
            name=values["name"],
            created_by=values["createdBy"],
            date_created=dates.parse(values["dateCreated"]),
        )


class ViewStore:
    """An organisation's views. A view whose head is gone is gone, whatever else of it there still may be."""

    def __init__(self, dynamodb: "DynamoDBClient", table: str) -> None:
        self._dynamodb, self._table = dynamodb, table

    # -- reading -------------------------------------------------------------------------------------------------------

    def get(self, organization_id: str, view_id: str) -> View:
        """The latest version of a view. Raises NotFound."""
        return self.get_version(organization_id, view_id, self._head(organization_id, view_id).version)

    def get_version(self, organization_id: str, view_id: str, version: int) -> View:
        """One version of a view. Raises NotFound."""
        view = self._find(organization_id, view_id, keys.view_version(organization_id, view_id, version))
        if view is None:
            raise NotFound("There is no such version of a view.")
        return View.from_values(view)

    def all(self, organization_id: str) -> list[Head]:
        """Every view of the organisation, by name."""
        rows = query_all(
            self._dynamodb,
            TableName=self._table,
            KeyConditionExpression="pk = :pk",
            ExpressionAttributeValues={":pk": {"S": keys.views(organization_id)}},
            ConsistentRead=True,
        )
        found = (Head.from_values(from_item(row)) for row in rows)
        return sorted(found, key=lambda head: (head.name.casefold(), head.view_id))

    def latest(self, organization_id: str, heads: Iterable[Head]) -> list[View]:
        """The versions that the heads name, in their order; one deleted meanwhile is left out."""
        wanted = [keys.view_version(organization_id, head.view_id, head.version) for head in heads]
        items = get_all(self._dynamodb, self._table, wanted, consistent=True)
        found = {(item["pk"]["S"], item["sk"]["S"]): View.from_values(from_item(item)) for item in items}
        places = [(key["pk"]["S"], key["sk"]["S"]) for key in wanted]
        return [found[place] for place in places if place in found]

    def chart(self, organization_id: str, view_id: str, chart_id: str, version: int) -> Chart:
        """A chart as one of its versions was. Raises NotFound."""
        found = self._find(organization_id, view_id, keys.chart_version(organization_id, view_id, chart_id, version))
        if found is None:
            raise NotFound("There is no such version of a chart.")
        return Chart.model_validate(jsontext.loads(found["definition"].encode()))

    def _head(self, organization_id: str, view_id: str) -> Head:
        answer = self._dynamodb.get_item(
            TableName=self._table, Key=keys.view(organization_id, view_id), ConsistentRead=True
        )
        if "Item" not in answer:
            raise NotFound("There is no such view.")
        return Head.from_values(from_item(answer["Item"]))

    def _find(self, organization_id: str, view_id: str, key: keys.Key) -> dict[str, Any] | None:
        """A row that belongs to a view. Raises NotFound where there is no such view."""
        head = keys.view(organization_id, view_id)
        found = {item["sk"]["S"]: item for item in get_all(self._dynamodb, self._table, [head, key], consistent=True)}
        if head["sk"]["S"] not in found:
            raise NotFound("There is no such view.")
        row = found.get(key["sk"]["S"])
        return None if row is None else from_item(row)

    def _newest_chart(self, organization_id: str, view_id: str, chart_id: str) -> int:
        """The newest version of a chart, also of one that no view's version has any more; 0 where there is none."""
        answer = self._dynamodb.query(
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
        return int(answer["Items"][0]["version"]["N"]) if answer["Items"] else 0

    # -- writing -------------------------------------------------------------------------------------------------------

    def create(
        self, organization_id: str, definition: ViewDefinition, client_id: str, view_id: str | None = None
    ) -> View:
        """Saves a new view as its version 1, under an id of its own where none is given."""
        now_ms = dates.now_ms()
        charts = [_numbered(chart, 1) for chart in definition.charts]
        view = View(
            view_id=view_id or str(uuid.uuid4()),
            version=1,
            definition=_with_charts(definition, charts),
            created_by=client_id,
            modified_by=client_id,
            date_created=now_ms,
            date_modified=now_ms,
        )
        head = Head(view.view_id, 1, definition.name, client_id, now_ms)
        transact(
            self._dynamodb,
            [
                self._put(keys.view(organization_id, view.view_id), head.to_values()),
                self._put(keys.view_version(organization_id, view.view_id, 1), view.to_values()),
                *self._put_charts(organization_id, view.view_id, charts),
            ],
        )
        return view

    def add_version(self, organization_id: str, view_id: str, definition: ViewDefinition, client_id: str) -> View:
        """Saves the version after the latest; of two that come at once, each gets its own. Raises NotFound."""
        for wait in backoff(attempts=60):
            base = self.get(organization_id, view_id)
            charts, changed = self._next_charts(organization_id, base, definition)
            view = replace(
                base,
                version=base.version + 1,
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
                time.sleep(wait)  # another version or chart came first, or the view is gone: look again
        raise AssertionError("backoff ends by raising")

    def edit_version(
        self, organization_id: str, view_id: str, version: int, definition: ViewDefinition, client_id: str
    ) -> View:
        """Saves a version over itself; of two that come at once, the later stays, whole. Raises NotFound."""
        for wait in backoff(attempts=60):
            base = self.get_version(organization_id, view_id, version)
            is_latest = self._head(organization_id, view_id).version == version
            charts, changed = self._next_charts(organization_id, base, definition)
            view = replace(
                base,
                definition=_with_charts(definition, charts),
                modified_by=client_id,
                date_modified=dates.now_ms(),
            )
            head_write = (
                self._move_head(organization_id, view, version)
                if is_latest
                else self._require_head(organization_id, view_id)
            )
            writes = [
                head_write,
                {
                    "Put": {
                        "TableName": self._table,
                        "Item": keys.view_version(organization_id, view_id, version) | to_item(view.to_values()),
                    }
                },
                *self._put_charts(organization_id, view_id, changed),
            ]
            try:
                transact(self._dynamodb, writes)
                return view
            except ConditionsFailed:
                time.sleep(wait)  # another version or chart came first, or the view is gone: look again
        raise AssertionError("backoff ends by raising")

    def delete(self, organization_id: str, view_id: str) -> None:
        """Deletes a view with its schedule, and then its versions and the names of its jobs. Raises NotFound.

        The head and the schedule go in one transaction; after it nothing of the view can be read or added, and the
        rest is only cleaned up. Ids are never given again.
        """
        writes = [
            {
                "Delete": {
                    "TableName": self._table,
                    "Key": keys.view(organization_id, view_id),
                    "ConditionExpression": "attribute_exists(pk)",
                }
            },
            {"Delete": {"TableName": self._table, "Key": keys.schedule(organization_id, view_id)}},
        ]
        try:
            transact(self._dynamodb, writes)
        except ConditionsFailed:
            raise NotFound("There is no such view.") from None
        rows = query_all(
            self._dynamodb,
            TableName=self._table,
            KeyConditionExpression="pk = :pk",
            ExpressionAttributeValues={":pk": {"S": keys.view_parts(organization_id, view_id)}},
            ProjectionExpression="pk, sk",
            ConsistentRead=True,
        )
        delete_all(self._dynamodb, self._table, list(rows))

    # -- the parts of transactions -------------------------------------------------------------------------------------

    def _next_charts(
        self, organization_id: str, base: View, definition: ViewDefinition
    ) -> tuple[list[Chart], list[Chart]]:
        """The charts of a definition with ids and versions, and those of them that are new versions.

        A chart that is as it was in `base` keeps its version; any other gets the one after its newest.
        """
        were = {chart.id: chart for chart in base.definition.charts}
        charts, changed = [], []
        for chart in definition.charts:
            was = were.get(chart.id) if chart.id else None
            if was is not None and _numbered(chart, was.version) == was:
                charts.append(was)
                continue
            newest = self._newest_chart(organization_id, base.view_id, chart.id) if chart.id else 0
            changed.append(_numbered(chart, newest + 1))
            charts.append(changed[-1])
        return charts, changed

    def _move_head(self, organization_id: str, view: View, was: int) -> dict[str, Any]:
        """Makes the version the view's latest, where the latest is still `was`."""
        values = {":version": view.version, ":name": view.definition.name, ":was": was}
        return {
            "Update": {
                "TableName": self._table,
                "Key": keys.view(organization_id, view.view_id),
                "UpdateExpression": "SET version = :version, #name = :name",
                "ConditionExpression": "version = :was",
                "ExpressionAttributeNames": {"#name": "name"},
                "ExpressionAttributeValues": {name: to_value(value) for name, value in values.items()},
            }
        }

    def _require_head(self, organization_id: str, view_id: str) -> dict[str, Any]:
        return {
            "ConditionCheck": {
                "TableName": self._table,
                "Key": keys.view(organization_id, view_id),
                "ConditionExpression": "attribute_exists(pk)",
            }
        }

    def _put(self, key: keys.Key, values: dict[str, Any]) -> dict[str, Any]:
        return {
            "Put": {
                "TableName": self._table,
                "Item": key | to_item(values),
                "ConditionExpression": "attribute_not_exists(pk)",
            }
        }

    def _put_charts(self, organization_id: str, view_id: str, charts: Iterable[Chart]) -> list[dict[str, Any]]:
        return [
            self._put(
                keys.chart_version(organization_id, view_id, str(chart.id), chart.version or 0),
                {"version": chart.version, "definition": jsontext.dumps(chart.to_values())},
            )
            for chart in charts
        ]


def _numbered(chart: Chart, version: int | None) -> Chart:
    """The chart under a version, and under an id of its own where it came without."""
    return chart.model_copy(update={"id": chart.id or str(uuid.uuid4()), "version": version})


def _with_charts(definition: ViewDefinition, charts: list[Chart]) -> ViewDefinition:
    return definition.model_copy(update={"charts": charts})
