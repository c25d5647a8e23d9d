"""The columns of an archived event: the base columns of every event, and the columns of its attributes.

| column      | type      | content                                                                                |
| ----------- | --------- | -------------------------------------------------------------------------------------- |
| `event`     | VARCHAR   | the event's key in the log                                                             |
| `customer`  | VARCHAR   | the customer's journey key                                                             |
| `hash`      | BIGINT    | the journey key as a 64-bit hash; in 10 million, a collision has a chance of 0.000003  |
| `date`      | BIGINT    | the date of the event, in milliseconds                                                 |
| `received`  | BIGINT    | the date of receipt, in milliseconds                                                   |
| `type`      | UTINYINT  | the event type's slot as a number, 0 for a                                             |
| `version`   | UINTEGER  | the version of the schema that the event was validated against                         |
| `name`      | VARCHAR   | the event type's name                                                                  |
| `source`    | VARCHAR   | the source of the event                                                                |
| `linked`    | VARCHAR[] | the identifiers that the event links with each other, NULL if none; see `linked_keys`  |
| `s:{name}`  | VARCHAR   | a string attribute                                                                     |
| `n:{name}`  | DOUBLE    | a number attribute, rounded to a double                                                |
| `x:{name}`  | VARCHAR   | the exact number, if it has more digits than a double can hold; see `exact`            |
| `b:{name}`  | BOOLEAN   | a boolean attribute                                                                    |
| `l:{name}`  | VARCHAR[] | a list of strings                                                                      |

The kind of an attribute never changes, so a column holds values of one kind. DuckDB ignores the case of column names,
so capital letters are escaped as their UTF-8 bytes: the attribute `Name` has the column `s:%4eame`.
"""

import hashlib
from collections.abc import Sequence
from decimal import Decimal

from journeys import keys
from journeys.events.model import ExternalId
from journeys.identity.values import linking
from journeys.registry.schemas.kinds import AttributeKind

BASE = {
    "event": "VARCHAR",
    "customer": "VARCHAR",
    "hash": "BIGINT",
    "date": "BIGINT",
    "received": "BIGINT",
    "type": "UTINYINT",
    "version": "UINTEGER",
    "name": "VARCHAR",
    "source": "VARCHAR",
    "linked": "VARCHAR[]",
}
"""The base columns and their types."""

TYPES = {"s": "VARCHAR", "n": "DOUBLE", "x": "VARCHAR", "b": "BOOLEAN", "l": "VARCHAR[]"}
"""The types of the attributes' columns, by the first letter of the column."""

BUCKET_BITS = 4
BUCKETS = 1 << BUCKET_BITS
"""Customers are divided into buckets by the highest bits of their hash."""

_LETTERS = {AttributeKind.INTEGER: "n", AttributeKind.NUMBER: "n", AttributeKind.BOOLEAN: "b", AttributeKind.TAG: "l"}


def attribute(kind: AttributeKind, name: str) -> str:
    """The column of an attribute of this kind."""
    return f"{_LETTERS.get(kind, 's')}:{_escaped(name)}"


def remainder(name: str) -> str:
    """The column that holds the exact value of a number attribute, where a double cannot."""
    return f"x:{_escaped(name)}"


def quoted(column: str) -> str:
    """A column name, quoted for SQL."""
    return '"' + column.replace('"', '""') + '"'


def type_of(column: str) -> str:
    """The type of a column. Raises KeyError if the name is not that of a column."""
    return BASE.get(column) or TYPES[column[0]]


def _escaped(name: str) -> str:
    return "".join(_hexadecimal(char) if char != char.lower() or char == "%" else char for char in name)


def _hexadecimal(char: str) -> str:
    return "".join(f"%{byte:02x}" for byte in char.encode())


def customer_hash(customer: str) -> int:
    """A journey key as a signed 64-bit hash."""
    return int.from_bytes(hashlib.blake2b(customer.encode(), digest_size=8).digest(), "big", signed=True)


def linked_keys(external_ids: Sequence[ExternalId]) -> list[str] | None:
    """The identifiers that an event links with each other, as their journey keys without the organization.

    The customer is among them if it may link by its value. Files that an earlier version wrote do not have the column.
    """
    return [keys.join(one.source_id, one.value) for one in linking(external_ids)] or None


def bucket(customer: int) -> int:
    """The bucket of a customer's hash, 0 to 15. Higher hashes are in higher buckets."""
    return (customer >> 60) + 8


def bounds(first: int, last: int) -> tuple[int, int]:
    """The lowest and the highest hash in the buckets from `first` to `last`, inclusive."""
    return (first - 8) << 60, ((last - 7) << 60) - 1


# -- numbers -----------------------------------------------------------------------------------------------------------


def rounded(number: Decimal | int) -> tuple[float, str | None]:
    """A number as the columns `n` and `x` hold it: the nearest double, and `exact` if the double is not equal to it."""
    nearest = float(number)
    return nearest, (None if Decimal(repr(nearest)) == number else exact(Decimal(number)))


def exact(number: Decimal) -> str:
    """The magnitude of a number as text. The texts of numbers with the same nearest double sort by magnitude."""
    digits = "".join(map(str, number.as_tuple().digits)).lstrip("0")
    return f"{number.adjusted() + 500:03d}{digits:0<38}"


def restored(nearest: float, rest: str | None) -> Decimal:
    """The number that `rounded` returned as these two values."""
    if rest is None:
        return Decimal(repr(nearest))
    digits = tuple(map(int, rest[3:]))
    return Decimal((int(nearest < 0), digits, int(rest[:3]) - 500 - len(digits) + 1))
