"""The links table: a row per link in the partition of each of its identifiers, decisions about links, and sources."""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any, NamedTuple

from botocore.exceptions import ClientError

from journeys import dates, keys
from journeys.aws import (
    FORM_VALUE,
    IN_FORM,
    SET_FORM,
    ConditionsFailed,
    Item,
    delete_all,
    from_item,
    get_all,
    is_condition_failure,
    put_all,
    query_all,
    scan_pages,
    to_item,
    to_value,
    transact,
)
from journeys.errors import Conflict, LimitReached
from journeys.identity import model
from journeys.identity.model import Decision, DecisionState, Evidence, Identifier, Links, Pair
from journeys.identity.resolve import MAX_ROWS
from journeys.identity.settings import IdentitySettings
from journeys.registry.limits import JOURNEY_NAMESPACE

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

MAX_SOURCES = 100
"""The most identifier sources of an organization that are listed, for search and settings."""
MAX_DECISIONS = 10_000
"""The most links of an organization about which somebody can decide."""
MAX_ATTEMPTS = 10
"""How often a decision is written again because another one about the same link was written at the same time."""


class LinkRow(NamedTuple):
    """A row of the partition of an identifier: its link to another one."""

    identifier_key: str
    other: Identifier
    evidence: Evidence


class LinkStore:
    """Stores links between identifiers and what people decided about them.

    A link has a row in the partition of each of its identifiers. The two rows are separate writes; a link counts when
    both are there.
    """

    def __init__(self, dynamodb: "DynamoDBClient", table: str) -> None:
        self._dynamodb, self._table = dynamodb, table

    # -- links that events made ----------------------------------------------------------------------------------------

    def links(self, organization_id: str, identifier: Identifier) -> Links:
        """The rows of an identifier, MAX_ROWS at most."""
        key = model.key(organization_id, identifier)
        if len(key) > keys.LONGEST_PARTITION_KEY:
            return Links(identifier)
        rows = list(islice(self.rows(key), MAX_ROWS + 1))
        return _links(identifier, rows[:MAX_ROWS], complete=len(rows) <= MAX_ROWS)

    def rows(self, identifier_key: str) -> Iterator[Item]:
        """All rows of an identifier."""
        return query_all(self._dynamodb, **self._query(identifier_key), Limit=MAX_ROWS + 1)

    def reader(self, organization_id: str) -> Callable[[Identifier], Links]:
        """The function that reads the rows of an identifier of an organization, for `resolve.person`."""
        return lambda identifier: self.links(organization_id, identifier)

    def existing(self, organization_id: str, pairs: Iterable[Pair]) -> frozenset[Pair]:
        """Those of the pairs that have both rows.

        The read is eventually consistent. If it misses a new row, the row is written once more.
        """
        both = {pair: _row_keys(organization_id, pair) for pair in pairs}
        row_keys = [key for two in both.values() for key in two]
        items = get_all(self._dynamodb, self._table, row_keys, consistent=False, ProjectionExpression="pk, sk")
        found = {(item["pk"]["S"], item["sk"]["S"]) for item in items}
        return frozenset(
            pair for pair, two in both.items() if all((key["pk"]["S"], key["sk"]["S"]) in found for key in two)
        )

    def put(self, organization_id: str, links: Mapping[Pair, Evidence]) -> None:
        """Puts both rows of each link. Putting a row again changes at most the event that it names."""
        items = [
            key | _evidence(evidence) for pair, evidence in links.items() for key in _row_keys(organization_id, pair)
        ]
        put_all(self._dynamodb, self._table, items)

    def delete(self, organization_id: str, pairs: Iterable[Pair]) -> None:
        """Deletes both rows of links that no event of the log made."""
        delete_all(self._dynamodb, self._table, [key for one in pairs for key in _row_keys(organization_id, one)])

    def pages(
        self, segment: int, segments: int, *, organization_id: str | None = None
    ) -> Iterator[tuple[int, list[Item]]]:
        """Scans one segment of the table, for operators. Yields, per page, the number of scanned rows and the items."""
        scan: dict[str, Any] = {
            "TableName": self._table,
            "Segment": segment,
            "TotalSegments": segments,
            "ConsistentRead": True,
        }
        if organization_id is not None:
            scan["FilterExpression"] = "begins_with(pk, :organization)"
            scan["ExpressionAttributeValues"] = {":organization": {"S": keys.join(organization_id, "")}}
        return scan_pages(self._dynamodb, **scan)

    def size(self) -> int:
        """The approximate number of rows. DynamoDB updates it about every six hours."""
        return int(self._dynamodb.describe_table(TableName=self._table)["Table"].get("ItemCount", 0))

    # -- decisions -----------------------------------------------------------------------------------------------------

    def decide(self, organization_id: str, pair: Pair, state: DecisionState, *, by: str, now_ms: int) -> Decision:
        """Links or unlinks two identifiers by hand. `by` is the id of the caller.

        Deciding the same again changes nothing. Returns the decision that holds. Raises LimitReached, and Conflict if
        others keep deciding about the same link.
        """
        for _ in range(MAX_ATTEMPTS):
            before = self.decision(organization_id, pair)
            if before is not None and before.state is state:
                return before
            new = Decision(state, by, now_ms, before.revision + 1 if before is not None else 1)
            if self.put_decision(organization_id, pair, new):
                return new
        raise Conflict("Others are changing the same link. Read it, and send the request again.")

    def put_decision(self, organization_id: str, pair: Pair, new: Decision) -> bool:
        """Writes a decision as the next revision, in one transaction.

        Returns False if another decision was written since the one before was read. Raises LimitReached.
        """
        try:
            transact(self._dynamodb, self._writes(organization_id, pair, new))
        except ConditionsFailed as failed:
            if failed.failed == {_COUNT_WRITE}:
                raise _too_many() from None
            return False
        return True

    def decision(self, organization_id: str, pair: Pair) -> Decision | None:
        """The decision about a link, or None."""
        key, _ = _row_keys(organization_id, pair, keys.decision)
        response = self._dynamodb.get_item(TableName=self._table, Key=key, ConsistentRead=True)
        return _decision(from_item(response["Item"])) if "Item" in response else None

    def decisions(self, organization_id: str) -> dict[Pair, Decision]:
        """All decisions of an organization; at most MAX_DECISIONS."""
        rows = map(from_item, query_all(self._dynamodb, **self._query(keys.decisions(organization_id))))
        return {_pair_of(row): _decision(row) for row in rows if row["sk"] != keys.COUNT}

    def _writes(self, organization_id: str, pair: Pair, new: Decision) -> list[dict[str, Any]]:
        """The writes of a decision: a row in each partition, one in the organization's list, and their number."""
        condition: dict[str, Any] = {"ConditionExpression": "attribute_not_exists(pk)"}
        if new.revision > 1:
            condition = {
                "ConditionExpression": "revision = :revision",
                "ExpressionAttributeValues": {":revision": to_value(new.revision - 1)},
            }
        values = to_item(_decision_values(new))
        listed = keys.item(keys.decisions(organization_id), _digest(pair)) | values | to_item(_pair_values(pair))
        puts = [*(key | values for key in _row_keys(organization_id, pair, keys.decision)), listed]
        writes: list[dict[str, Any]] = [{"Put": {"TableName": self._table, "Item": put} | condition} for put in puts]
        if new.revision == 1:
            writes.append({"Update": self._count(organization_id)})
        return writes

    def _count(self, organization_id: str) -> dict[str, Any]:
        return {
            "TableName": self._table,
            "Key": keys.item(keys.decisions(organization_id), keys.COUNT),
            "UpdateExpression": f"{SET_FORM} ADD decided :one",
            "ConditionExpression": "attribute_not_exists(decided) OR decided < :most",
            "ExpressionAttributeValues": {":form": FORM_VALUE, ":one": {"N": "1"}, ":most": to_value(MAX_DECISIONS)},
        }

    # -- sources -------------------------------------------------------------------------------------------------------

    def sources(self, organization_id: str) -> list[str]:
        """The sources of an organization's identifiers, sorted; at most MAX_SOURCES."""
        query = self._query(keys.identifier_sources(organization_id))
        rows = self._dynamodb.query(**query, Limit=MAX_SOURCES)["Items"]
        return sorted(keys.split(row["sk"]["S"])[0] for row in rows)

    def missing_sources(self, organization_id: str, sources: Iterable[str]) -> list[str]:
        """Those of the sources that are not listed, as many as can be."""
        listed = set(self.sources(organization_id))
        return sorted(set(sources) - listed)[: MAX_SOURCES - len(listed)]

    def add_sources(self, organization_id: str, sources: Iterable[str], *, now_ms: int) -> None:
        """Lists sources. Only the first MAX_SOURCES of an organization are listed."""
        partition = keys.identifier_sources(organization_id)
        new = self.missing_sources(organization_id, sources)
        seen = {"dateFirstSeen": {"S": dates.text(now_ms)}} | IN_FORM
        put_all(self._dynamodb, self._table, [keys.item(partition, keys.join(source)) | seen for source in new])

    def _query(self, partition: str) -> dict[str, Any]:
        return {
            "TableName": self._table,
            "KeyConditionExpression": "pk = :pk",
            "ExpressionAttributeValues": {":pk": {"S": partition}},
            "ConsistentRead": True,
        }


class IdentitySettingsStore:
    """The settings of organizations, in the registry table."""

    def __init__(self, dynamodb: "DynamoDBClient", table: str) -> None:
        self._dynamodb, self._table = dynamodb, table

    def get(self, organization_id: str) -> IdentitySettings:
        """The settings of an organization; the defaults if it has not set any."""
        response = self._dynamodb.get_item(
            TableName=self._table, Key=keys.identity_settings(organization_id), ConsistentRead=True
        )
        return IdentitySettings.from_values(from_item(response["Item"])) if "Item" in response else IdentitySettings()

    def put(self, organization_id: str, settings: IdentitySettings) -> None:
        """Stores settings. Raises Conflict if those that are stored are not of the revision before."""
        condition: dict[str, Any] = {"ConditionExpression": "attribute_not_exists(pk)"}
        if settings.revision > 1:
            condition = {
                "ConditionExpression": "revision = :revision",
                "ExpressionAttributeValues": {":revision": to_value(settings.revision - 1)},
            }
        try:
            self._dynamodb.put_item(
                TableName=self._table,
                Item=keys.identity_settings(organization_id) | to_item(settings.to_values()),
                **condition,
            )
        except ClientError as error:
            if is_condition_failure(error):
                raise Conflict("The settings have changed. Read them, and send the request again.") from None
            raise


# -- rows --------------------------------------------------------------------------------------------------------------

_COUNT_WRITE = 3
"""The index of the write that counts decisions."""


def _row_keys(
    organization_id: str, pair: Pair, sort_key: Callable[[str, str], str] = keys.link
) -> tuple[keys.Key, keys.Key]:
    """The keys of the two rows of a link, or of a decision: one in the partition of each identifier."""
    first, second = pair
    return (
        keys.item(model.key(organization_id, first), sort_key(second.source_id, second.value)),
        keys.item(model.key(organization_id, second), sort_key(first.source_id, first.value)),
    )


def _evidence(evidence: Evidence) -> Item:
    return {
        "date": {"S": dates.text(evidence.date)},
        "configurationId": {"S": evidence.configuration_id},
        "eventId": {"S": evidence.event_id},
        "dateReceived": {"S": dates.text(evidence.received)},
    } | IN_FORM


def link_row(item: Mapping[str, Any]) -> LinkRow | None:
    """The link in an item of the table, or None if the item is something else."""
    if not keys.is_of_identifier(item["pk"]["S"]):
        return None
    kind, source, value = keys.linked(item["sk"]["S"])
    return LinkRow(item["pk"]["S"], Identifier(source, value), _evidence_of(item)) if kind == keys.LINK else None


def _evidence_of(item: Mapping[str, Any]) -> Evidence:
    values = from_item(item)
    return Evidence(
        dates.parse(values["date"]),
        values["configurationId"],
        values["eventId"],
        dates.parse(values["dateReceived"]),
    )


def _links(identifier: Identifier, rows: Sequence[Item], *, complete: bool) -> Links:
    evidence: dict[Identifier, Evidence] = {}
    decisions: dict[Identifier, Decision] = {}
    for row in rows:
        kind, source, value = keys.linked(row["sk"]["S"])
        if kind == keys.LINK:
            evidence[Identifier(source, value)] = _evidence_of(row)
        else:
            decisions[Identifier(source, value)] = _decision(from_item(row))
    return Links(identifier, evidence, decisions, complete)


def _decision_values(decision: Decision) -> dict[str, Any]:
    return {
        "state": decision.state.value,
        "by": decision.by,
        "date": dates.text(decision.date),
        "revision": decision.revision,
    }


def _decision(values: Mapping[str, Any]) -> Decision:
    return Decision(DecisionState(values["state"]), values["by"], dates.parse(values["date"]), values["revision"])


def _pair_values(pair: Pair) -> dict[str, Any]:
    return {
        name: {"externalSourceId": identifier.source_id, "value": identifier.value}
        for name, identifier in (("from", pair.first), ("to", pair.second))
    }


def _pair_of(values: Mapping[str, Any]) -> Pair:
    first, second = (Identifier(values[name]["externalSourceId"], values[name]["value"]) for name in ("from", "to"))
    return model.pair(first, second)


def _digest(pair: Pair) -> str:
    """The name of a link in the list of decisions. The two identifiers together can be longer than a sort key."""
    return hashlib.sha256(
        keys.join(*(part for one in pair for part in (one.source_id, one.value))).encode()
    ).hexdigest()


def _too_many() -> LimitReached:
    return LimitReached(
        f"The organization has decided about {MAX_DECISIONS:,} links, which is the most that is allowed.",
        namespace=JOURNEY_NAMESPACE,
        key="decisions.per.org",
        value=MAX_DECISIONS,
        count=MAX_DECISIONS,
    )
