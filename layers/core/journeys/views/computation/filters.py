"""Translates an element's filter into a SQL condition over the columns of the archive.

User input becomes query parameters; it is never part of the SQL text. Numbers compare exactly: an attribute is stored
as a double in column `n:`, and a number that a double cannot hold has its exact digits in column `x:`. See
`journeys.archive.columns`.
"""

from collections.abc import Iterable, Mapping
from decimal import Context, Decimal, InvalidOperation

from journeys.archive import columns
from journeys.archive.columns import quoted
from journeys.registry.schemas.kinds import AttributeKind
from journeys.views.model import Filter, NumberPredicate, Operator, Predicate, RangeValue, period

NUMBERS = frozenset({AttributeKind.INTEGER, AttributeKind.NUMBER})


class Parameters:
    """The named parameters of a query."""

    def __init__(self) -> None:
        self.values: dict[str, object] = {}

    def add(self, value: str | float) -> str:
        """Add a parameter. Returns its placeholder in SQL, such as `$p0`."""
        name = f"p{len(self.values)}"
        self.values[name] = value
        return f"${name}"


def condition(filter_: Filter, fields: Mapping[str, AttributeKind], parameters: Parameters) -> str | None:
    """SQL that is true for events that satisfy all predicates and false (never NULL) for others.

    `fields` are the kinds of the event type's attributes by name. Returns None if the filter has no predicates.
    """
    conditions = [
        *(_predicate(predicate, fields[predicate.dimension], parameters) for predicate in filter_.predicates),
        *(_number_predicate(predicate, parameters) for predicate in filter_.numberPredicates),
    ]
    return " AND ".join(conditions) or None


def _predicate(predicate: Predicate, kind: AttributeKind, parameters: Parameters) -> str:
    column = quoted(columns.attribute(kind, predicate.dimension))
    has_value = None
    if predicate.values is not None:
        if kind in NUMBERS:
            has_value = _is_one_of(predicate.dimension, predicate.values, parameters)
        elif kind is AttributeKind.BOOLEAN:
            has_value = _in(column, (text for text in ("true", "false") if text in predicate.values))
        else:
            has_value = _in(column, map(parameters.add, dict.fromkeys(predicate.values)))
    return _apply_operator(predicate, column, has_value)


def _number_predicate(predicate: NumberPredicate, parameters: Parameters) -> str:
    column = quoted(columns.attribute(AttributeKind.NUMBER, predicate.dimension))
    in_range = None
    if predicate.range is not None:
        in_range = " AND ".join(
            _COMPARATORS[name].format_map(_below_and_equal(predicate.dimension, _amount(value), parameters))
            for name, value in predicate.range.given()
        )
    return _apply_operator(predicate, column, in_range)


def _apply_operator(predicate: Predicate | NumberPredicate, column: str, matches: str | None) -> str:
    """Combine the condition on an attribute's value with `noValue` and `operator`. The SQL is never NULL.

    An event without the attribute has none of the values, so it fails Matches and passes NotMatches.
    """
    alternatives = [f"({column} IS NOT NULL AND ({matches}))"] if matches else []
    if predicate.noValue:
        alternatives.append(f"{column} IS NULL")
    either = _any(alternatives)
    return f"NOT ({either})" if predicate.operator is Operator.NOT_MATCHES else f"({either})"


def _any(alternatives: Iterable[str]) -> str:
    return " OR ".join(alternatives) or "false"


def _in(column: str, values: Iterable[str]) -> str:
    listed = ", ".join(values)
    return f"{column} IN ({listed})" if listed else "false"


# -- numbers -----------------------------------------------------------------------------------------------------------


def _amount(value: RangeValue) -> Decimal:
    """The number of a comparator; a duration counts in milliseconds."""
    return Decimal(period(value.duration) if value.duration is not None else value.number or 0)


def _below_and_equal(name: str, number: Decimal, parameters: Parameters) -> dict[str, str]:
    """SQL for `attribute < number` ("below") and `attribute = number` ("equal").

    If the doubles differ, they decide. If they are equal and the attribute has exact digits in column `x:`, those
    decide: as texts, they sort by magnitude. If it has none, the attribute is the decimal that its double prints as,
    and how that compares with `number` is known here.
    """
    column, rest = quoted(columns.attribute(AttributeKind.NUMBER, name)), quoted(columns.remainder(name))
    nearest, number_digits = float(number), parameters.add(columns.exact(number))
    shortest = Decimal(repr(nearest))
    double = parameters.add(nearest)
    less = f"coalesce({rest} {'<' if number > 0 else '>'} {number_digits}, {_sql(shortest < number)})"
    same = f"coalesce({rest} = {number_digits}, {_sql(shortest == number)})"
    return {
        "below": f"({column} < {double} OR ({column} = {double} AND {less}))",
        "equal": f"({column} = {double} AND {same})",
    }


_COMPARATORS = {
    "lt": "{below}",
    "lte": "({below} OR {equal})",
    "gt": "NOT ({below} OR {equal})",
    "gte": "NOT {below}",
    "eq": "{equal}",
    "neq": "NOT {equal}",
}


def _is_one_of(name: str, texts: Iterable[str], parameters: Parameters) -> str:
    """SQL for whether an attribute equals one of the numbers. Texts that are not numbers equal nothing.

    The SQL is never NULL for an event that has the attribute, also where column `x:` is NULL.
    """
    column, rest = quoted(columns.attribute(AttributeKind.NUMBER, name)), quoted(columns.remainder(name))
    numbers = {number for text in texts if (number := _number(text)) is not None}
    pairs = [columns.rounded(number) for number in sorted(numbers)]
    doubles = [parameters.add(nearest) for nearest, digits in pairs if digits is None]
    alternatives = [f"({rest} IS NULL AND {_in(column, doubles)})"] if doubles else []
    alternatives += [
        f"({column} = {parameters.add(nearest)} AND {rest} IS NOT DISTINCT FROM {parameters.add(digits)})"
        for nearest, digits in pairs
        if digits is not None
    ]
    return _any(alternatives)


_WIDE = Context(prec=5000)
"""More digits than the text of a predicate's value can have."""


def _number(text: str) -> Decimal | None:
    try:
        number = Decimal(text)
    except InvalidOperation:
        return None
    return _WIDE.normalize(number) if number.is_finite() else None  # Without trailing zeros, equal numbers are alike.


def _sql(truth: bool) -> str:
    return "true" if truth else "false"
