"""Items of the registry that are found by their id alone, or in the list of their organization."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

from journeys import keys
from journeys.aws import IN_FORM, from_item, get_all, query_all
from journeys.errors import NotFound

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


class Owned(Protocol):
    """What an organization has under a name."""

    @property
    def organization_id(self) -> str:
        """The id of the organization."""

    @property
    def name(self) -> str:
        """The name, by which lists are sorted."""


T = TypeVar("T", bound=Owned)


class OwnedItems(Generic[T]):
    """Reads the items of one kind, for stores that write them and the entries of the organizations' lists.

    `key` is the key of an item by its id, and `list_key` the partition of an organization's list. `read` turns values
    into an object. `unknown` is the message for an id that the organization does not have.
    """

    def __init__(
        self,
        dynamodb: "DynamoDBClient",
        table: str,
        key: Callable[[str], keys.Key],
        list_key: Callable[[str], str],
        read: Callable[[Mapping[str, Any]], T],
        unknown: str,
    ) -> None:
        self._dynamodb, self._table = dynamodb, table
        self._key, self._list_key, self._read, self._unknown = key, list_key, read, unknown

    def find(self, id_: str, consistent: bool) -> T | None:
        """The object with this id, of any organization, or None."""
        response = self._dynamodb.get_item(TableName=self._table, Key=self._key(id_), ConsistentRead=consistent)
        return self._read(from_item(response["Item"])) if "Item" in response else None

    def get(self, organization_id: str, id_: str) -> T:
        """The organization's object with this id. Raises NotFound."""
        found = self.find(id_, consistent=True)
        if found is None or found.organization_id != organization_id:
            raise self._not_found()
        return found

    def all(self, organization_id: str) -> list[T]:
        """The organization's objects, sorted by name."""
        listed = query_all(
            self._dynamodb,
            TableName=self._table,
            KeyConditionExpression="pk = :pk",
            ExpressionAttributeValues={":pk": {"S": self._list_key(organization_id)}},
            ConsistentRead=True,
        )
        wanted = [self._key(row["sk"]["S"]) for row in listed]
        found = {
            item["pk"]["S"]: self._read(from_item(item))
            for item in get_all(self._dynamodb, self._table, wanted, consistent=True)
        }
        in_order = [found[key["pk"]["S"]] for key in wanted if key["pk"]["S"] in found]
        return sorted(in_order, key=lambda one: one.name.casefold())  # The list is in the order of ids.

    def _put_entry(self, organization_id: str, id_: str) -> dict[str, Any]:
        """The write that adds an object to the organization's list."""
        key = keys.item(self._list_key(organization_id), id_)
        return {"Put": {"TableName": self._table, "Item": key | IN_FORM}}

    def _delete_entry(self, organization_id: str, id_: str) -> dict[str, Any]:
        """The write that takes an object from the organization's list."""
        key = keys.item(self._list_key(organization_id), id_)
        return {"Delete": {"TableName": self._table, "Key": key}}

    def _not_found(self) -> NotFound:
        """The error for an id that the organization does not have."""
        return NotFound(self._unknown)
