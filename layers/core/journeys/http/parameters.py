"""Query parameters: a route declares them, and its handler reads their values from the request."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from journeys import dates
from journeys.errors import BadRequest, Detail
from journeys.messages import MAX_PROBLEMS, join_messages, shorten, use_one_of

T = TypeVar("T")

MAX_PAGE_SIZE = 100
LARGEST_INTEGER = 999_999_999


@dataclass(frozen=True, eq=False)
class Parameter(Generic[T]):
    """One query parameter.

    `parse` converts the text, and raises ValueError if it is invalid. `expected` is the sentence that tells the caller
    what is allowed. `schema` is the JSON Schema for the OpenAPI document.
    """

    name: str
    description: str
    parse: Callable[[str], T]
    default: T
    expected: str
    schema: Mapping[str, Any]
    required: bool = False


def text(name: str, description: str) -> Parameter[str | None]:
    """Return an optional parameter whose value is any text. An empty text counts as missing."""
    return Parameter(name, description, lambda value: value or None, None, "Use a text.", {"type": "string"})


def required_text(name: str, description: str) -> Parameter[str]:
    """Return a parameter that every request must have."""
    return Parameter(name, description, str, "", "Use a text.", {"type": "string", "minLength": 1}, required=True)


def choice(name: str, description: str, choices: Sequence[str]) -> Parameter[str]:
    """Return a parameter with a fixed set of values. The first one is the default."""
    schema = {"type": "string", "enum": list(choices), "default": choices[0]}
    return Parameter(name, description, _one_of(choices), choices[0], use_one_of(choices), schema)


def optional_choice(name: str, description: str, choices: Sequence[str]) -> Parameter[str | None]:
    """Return an optional parameter with a fixed set of values."""
    schema = {"type": "string", "enum": list(choices)}
    return Parameter(name, description, _one_of(choices), None, use_one_of(choices), schema)


def _one_of(choices: Sequence[str]) -> Callable[[str], str]:
    def parse(value: str) -> str:
        if value not in choices:
            raise ValueError
        return value

    return parse


def integer(name: str, description: str, *, default: int, low: int, high: int) -> Parameter[int]:
    """Return a parameter whose value is a whole number from `low` to `high`."""

    def parse(value: str) -> int:
        # The length is limited before the conversion, which takes quadratic time.
        if not (value.isascii() and value.isdigit() and len(value) <= 9 and low <= int(value) <= high):
            raise ValueError
        return int(value)

    schema = {"type": "integer", "minimum": low, "maximum": high, "default": default}
    return Parameter(name, description, parse, default, f"Use a whole number from {low} to {high}.", schema)


def moment(name: str, description: str) -> Parameter[int | None]:
    """Return an optional parameter whose value is a date and time, read as milliseconds since 1970."""
    expected = "Use an ISO-8601 date and time with a time zone, such as 2026-01-31T09:30:00Z."
    return Parameter(name, description, dates.parse, None, expected, {"type": "string", "format": "date-time"})


PAGE_SIZE = integer("pageSize", "The number of entities in a page.", default=25, low=1, high=MAX_PAGE_SIZE)
PAGE_NUMBER = integer("pageNumber", "The page to return, from 1.", default=1, low=1, high=LARGEST_INTEGER)
PAGE = (PAGE_SIZE, PAGE_NUMBER)
"""The parameters of every listing that is divided into numbered pages."""

CURSOR = text("cursor", "The `nextCursor` of the previous page, whose other parameters must be the same.")


def read_query(event: Mapping[str, Any], declared: Sequence[Parameter[Any]]) -> dict[str, Any]:
    """Return the value of each declared parameter, by name.

    Raises BadRequest with every parameter that is missing, invalid or unknown.
    """
    given: Mapping[str, str] = event.get("queryStringParameters") or {}
    values: dict[str, Any] = {}
    problems: list[tuple[Detail, str]] = []
    for parameter in declared:
        value = given.get(parameter.name)
        if value is not None and (value or not parameter.required):
            try:
                values[parameter.name] = parameter.parse(value)
            except ValueError:
                sentence = f'The query parameter "{parameter.name}" is invalid. {parameter.expected}'
                problems.append((Detail("invalid.parameter", parameter.name), sentence))
        elif parameter.required:
            sentence = f'The query parameter "{parameter.name}" is missing: {_uncapitalized(parameter.description)}'
            problems.append((Detail("missing.parameter", parameter.name), sentence))
        else:
            values[parameter.name] = parameter.default
    if given:
        problems += _unknown(given, [parameter.name for parameter in declared])
    if problems:
        raise BadRequest(
            join_messages([sentence for _, sentence in problems]),
            details=[detail for detail, _ in problems[:MAX_PROBLEMS]],
        )
    return values


def _unknown(given: Mapping[str, str], names: Sequence[str]) -> list[tuple[Detail, str]]:
    allowed = use_one_of(sorted(names)) if names else "This operation has no query parameters."
    return [
        (
            Detail("unknown.parameter", shorten(name)),
            f'The query parameter "{shorten(name)}" is unknown. {allowed}',
        )
        for name in given
        if name not in names
    ]


def _uncapitalized(text: str) -> str:
    return text[:1].lower() + text[1:]
