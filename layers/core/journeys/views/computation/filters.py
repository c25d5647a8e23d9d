"""An element's filter as SQL over the columns of the archive. What people wrote goes in as parameters alone.

Numbers are compared exactly: those that share a double with the number asked for are told apart by the column beside.
"""

from collections.abc import Iterable, Mapping
from decimal import Context, Decimal, InvalidOperation

from journeys.archive import columns
from journeys.archive.columns import quoted
from journeys.registry.schemas.kinds import AttributeKind
from journeys.views.model import Filter, NumberPredicate, Operator, Predicate, RangeValue, period

NUMBERS = frozenset({AttributeKind.INTEGER, AttributeKind.NUMBER})


class Parameters:
    """The values that a query is run with, by the names that stand for them in its text."""

    def __init__(self) -> None:
        self.values: dict[str, object] = {}

    def add(self, value: str | float) -> str:
        """What stands for the value in SQL."""
        name = f"p{len(self.values)}"
        self.values[name] = value
        return f"${name}"


def condition(filter_: Filter, fields: Mapping[str, AttributeKind], parameters: Parameters) -> str | None:
    """SQL that is true where all predicates hold, and false elsewhere; None where there are none."""
    conditions = [
        *(_predicate(predicate, fields[predicate.dimension], parameters) for predicate in filter_.predicates),
        *(_number_predicate(predicate, parameters) for predicate in filter_.numberPredicates),
    ]
    return " AND ".join(conditions) or None


def _predicate(predicate: Predicate, kind: AttributeKind, parameters: Parameters) -> str:
    column = quoted(columns.attribute(kind, predicate.dimension))
    has = None
    if predicate.values is not None:
        if kind in NUMBERS:
            has = _is_one_of(predicate.dimension, predicate.values, parameters)
        elif kind is AttributeKind.BOOLEAN:
            has = _in(column, (text for text in ("true", "false") if text in predicate.values))
        else:
            has = _in(column, map(parameters.add, dict.fromkeys(predicate.values)))
    return _matches(predicate, column, has)


def _number_predicate(predicate: NumberPredicate, parameters: Parameters) -> str:
    column = quoted(columns.attribute(AttributeKind.NUMBER, predicate.dimension))
    has = None
    if predicate.range is not None:
        has = " AND ".join(
            _COMPARATORS[name].format_map(_below_and_equal(predicate.dimension, _amount(value), parameters))
            for name, value in predicate.range.given()
        )
    return _matches(predicate, column, has)


def _matches(predicate: Predicate | NumberPredicate, column: str, has: str | None) -> str:
    """True or false, never NULL: an event that lacks the attribute has none of its values."""
    ways = [f"({column} IS NOT NULL AND ({has}))"] if has else []
    if predicate.noValue:
        ways.append(f"{column} IS NULL")
    return f"NOT ({_any(ways)})" if predicate.operator is Operator.NOT_MATCHES else f"({_any(ways)})"


def _any(ways: Iterable[str]) -> str:
    return " OR ".join(ways) or "false"


def _in(column: str, values: Iterable[str]) -> str:
    listed = ", ".join(values)
    return f"{column} IN ({listed})" if listed else "false"


# -- numbers -----------------------------------------------------------------------------------------------------------


def _amount(value: RangeValue) -> Decimal:
    return Decimal(period(value.duration) if value.duration is not None else value.number or 0)


def _below_and_equal(name: str, number: Decimal, parameters: Parameters) -> dict[str, str]:
    """SQL for whether an attribute is less than a number, and whether it is that number.

    Where the doubles tie and there is nothing beside the attribute's, it is what its double's shortest text says, and
    how that compares is known here. Otherwise what is beside it sorts as magnitudes do.
    """
    column, rest = quoted(columns.attribute(AttributeKind.NUMBER, name)), quoted(columns.remainder(name))
    nearest, number_rest = float(number), parameters.add(columns.exact(number))
    plain = Decimal(repr(nearest))
    double = parameters.add(nearest)
    less = f"coalesce({rest} {'<' if number > 0 else '>'} {number_rest}, {_sql(plain < number)})"
    same = f"coalesce({rest} = {number_rest}, {_sql(plain == number)})"
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
    """SQL for whether a number is one of those that the texts say; a text that says none is none.

    It is true or false for every number, never NULL, also where there is nothing beside the attribute's.
    """
    column, rest = quoted(columns.attribute(AttributeKind.NUMBER, name)), quoted(columns.remainder(name))
    numbers = {number for text in texts if (number := _number(text)) is not None}
    taken_apart = [columns.rounded(number) for number in sorted(numbers)]
    doubles = [parameters.add(nearest) for nearest, beside in taken_apart if beside is None]
    ways = [f"({rest} IS NULL AND {_in(column, doubles)})"] if doubles else []
    ways += [
        f"({column} = {parameters.add(nearest)} AND {rest} IS NOT DISTINCT FROM {parameters.add(beside)})"
        for nearest, beside in taken_apart
        if beside is not None
    ]
    return _any(ways)


_WIDE = Context(prec=5000)
"""As many digits as a predicate's text can have."""


def _number(text: str) -> Decimal | None:
    try:
        number = Decimal(text)
    except InvalidOperation:
        return None
    return _WIDE.normalize(number) if number.is_finite() else None  # so that no zeros stand at its end


def _sql(truth: bool) -> str:
    return "true" if truth else "false"
