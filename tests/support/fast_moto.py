"""Makes moto's DynamoDB faster, with the same results: tests/unit/test_fast_moto.py compares them.

For each item of a transaction, moto copies the item's whole table, to restore it if a condition fails. For each query
it sorts the whole table. The simulation of many jobs spent half of its time on these two.

Transactions of several threads are run one after the other, as DynamoDB does. Those of moto alone can mix, so that the
conditions of two transactions hold of which one must fail.
"""

import copy
import threading
from collections.abc import Sequence
from typing import Any

from moto.dynamodb.models import DynamoDBBackend
from moto.dynamodb.models.table import Table

_transact_write_items: Any = DynamoDBBackend.transact_write_items
_query: Any = Table.query
_one_at_a_time = threading.Lock()


def transact_write_items(backend: DynamoDBBackend, transact_items: list[dict[str, Any]]) -> None:
    """Keeps copies of the transaction's items, and restores these if it fails."""
    with _one_at_a_time:
        kept = [_keep(backend, operation) for item in transact_items for operation in item.values()]
        try:
            _transact_write_items(backend, transact_items)
        except Exception:
            for table, key, item, records in filter(None, reversed(kept)):
                _restore(table, key, item, records)
            raise


def _keep(backend: DynamoDBBackend, operation: dict[str, Any]) -> Any:
    """A table, the key of an item, a copy of the item, and the number of the table's stream records.

    None if the operation has no table or no key, which moto refuses.
    """
    table = backend.tables.get(operation.get("TableName", ""))
    given = operation.get("Key") or operation.get("Item") or {}
    if table is None or not {table.hash_key_attr, table.range_key_attr or table.hash_key_attr} <= given.keys():
        return None
    key = backend.get_keys_value(table, given)
    return table, key, copy.deepcopy(table.get_item(*key)), len(table.stream_shard.items if table.stream_shard else ())


def _restore(table: Table, key: tuple[Any, Any], item: Any, records: int) -> None:
    holder: Any = table.items if key[1] is None else table.items[key[0]]
    last = key[0] if key[1] is None else key[1]
    if item is None:
        holder.pop(last, None)
    else:
        holder[last] = item
    if table.stream_shard:
        del table.stream_shard.items[records:]


def do_not_copy(table: Table, _: Any) -> Table:
    """Only transactions and backups copy tables, and no test makes a backup."""
    return table


def query(table: Table, hash_key: Any, *rest: Any, **more: Any) -> Any:
    """A query without an index reads only the items of its partition."""
    index_name = rest[6] if len(rest) > 6 else more.get("index_name")
    if index_name is None:
        items: Any = table.items
        table = copy.copy(table)
        table.items = {hash_key: items[hash_key]} if hash_key in items else {}  # type: ignore[assignment]
    return _query(table, hash_key, *rest, **more)


REPLACED: Sequence[tuple[type, str, Any]] = (
    (DynamoDBBackend, "transact_write_items", transact_write_items),
    (Table, "query", query),
    (Table, "__deepcopy__", do_not_copy),
)
"""The methods that are replaced: class, name and replacement."""
ORIGINALS = [(owner, name, getattr(owner, name, None)) for owner, name, _ in REPLACED]


def install() -> None:
    """Replaces the slow methods in this process."""
    for owner, name, method in REPLACED:
        setattr(owner, name, method)
