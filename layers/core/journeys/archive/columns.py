"""The columns of an archived event: those of every event, and one for each attribute, by its kind.

| column      | type      | what it is                                                                           |
| ----------- | --------- | ------------------------------------------------------------------------------------ |
| `event`     | VARCHAR   | the event's key in the log                                                           |
| `customer`  | VARCHAR   | the customer's key among the journeys                                                |
| `hash`      | BIGINT    | the customer in 64 bits; two of ten million share one with a probability of 0.000003 |
| `date`      | BIGINT    | when it happened, in milliseconds                                                    |
| `received`  | BIGINT    | when it came in, in milliseconds                                                     |
| `type`      | UTINYINT  | the event type by its slot, 0 for a                                                  |
| `version`   | UINTEGER  | the version of the schema that it was judged by                                      |
| `name`      | VARCHAR   | the event type's name                                                                |
| `source`    | VARCHAR   | where it came from                                                                   |
| `s:{name}`  | VARCHAR   | a text                                                                               |
| `n:{name}`  | DOUBLE    | a number, rounded                                                                    |
| `x:{name}`  | VARCHAR   | what `n` lacks of a number of more digits than a double holds; see `exact`           |
| `b:{name}`  | BOOLEAN   | true or false                                                                        |
| `l:{name}`  | VARCHAR[] | a list of texts                                                                      |

An attribute never changes its kind, so a column holds one kind for ever. DuckDB knows no case in the names of columns,
so capitals are escaped, as the bytes of their UTF-8: `s:%4eame`.
"""

import hashlib
from decimal import Decimal

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
}
"""The columns that every event has."""

TYPES = {"s": "VARCHAR", "n": "DOUBLE", "x": "VARCHAR", "b": "BOOLEAN", "l": "VARCHAR[]"}
"""The types of attributes' columns, by their first letter."""

BUCKETS = 16

_LETTERS = {AttributeKind.INTEGER: "n", AttributeKind.NUMBER: "n", AttributeKind.BOOLEAN: "b", AttributeKind.TAG: "l"}


def attribute(kind: AttributeKind, name: str) -> str:
    """The column of an attribute of that kind."""
    return f"{_LETTERS.get(kind, 's')}:{_escaped(name)}"


def remainder(name: str) -> str:
    """The column beside a number's, for what a double cannot hold."""
    return f"x:{_escaped(name)}"


def quoted(column: str) -> str:
    """A column's name in SQL."""
    return '"' + column.replace('"', '""') + '"'


def type_of(column: str) -> str:
    """The type of a column. Raises KeyError for what is none."""
    return BASE.get(column) or TYPES[column[0]]


def _escaped(name: str) -> str:
    return "".join(_hexadecimal(char) if char != char.lower() or char == "%" else char for char in name)


def _hexadecimal(char: str) -> str:
    return "".join(f"%{byte:02x}" for byte in char.encode())


def customer_hash(customer: str) -> int:
    """A customer's key among the journeys in 64 bits, signed."""
    return int.from_bytes(hashlib.blake2b(customer.encode(), digest_size=8).digest(), "big", signed=True)


def bucket(customer: int) -> int:
    """The bucket, 0 to 15, of a customer's hash; buckets are in the order of hashes."""
    return (customer >> 60) + 8


def bounds(first: int, last: int) -> tuple[int, int]:
    """The least and the greatest hash of the buckets from first to last."""
    return (first - 8) << 60, ((last - 7) << 60) - 1


# -- numbers -----------------------------------------------------------------------------------------------------------


def rounded(number: Decimal | int) -> tuple[float, str | None]:
    """A number for the columns `n` and `x`: the nearest double, and `exact` where that is another number."""
    nearest = float(number)
    return nearest, (None if Decimal(repr(nearest)) == number else exact(Decimal(number)))


def exact(number: Decimal) -> str:
    """A number's magnitude as a text; among numbers that share a double, and so a sign, texts sort as magnitudes do."""
    digits = "".join(map(str, number.as_tuple().digits)).lstrip("0")
    return f"{number.adjusted() + 500:03d}{digits:0<38}"


def restored(nearest: float, rest: str | None) -> Decimal:
    """The number that `rounded` took apart."""
    if rest is None:
        return Decimal(repr(nearest))
    digits = tuple(map(int, rest[3:]))
    return Decimal((int(nearest < 0), digits, int(rest[:3]) - 500 - len(digits) + 1))
