"""The expressions of a mapping: JMESPath with a budget, and with functions that know the delivery.

A short expression can ask for an enormous result: `@|[@,@]|[@,@]|...` doubles with every step. Every evaluation has a
budget for that reason. One unit is charged for every visited node of the expression, for every value that is copied,
compared or passed to a function that reads all of it, and for every 64 bytes of text. A value is charged each time it
occurs, even if one object is shared.

| function | returns |
| --- | --- |
| `header('x-github-event')` | a header of the delivery by its name in any case, or null |
| `received()` | the time at which the delivery was received, as ISO-8601 text in UTC |
| `digest(a, b, ...)` | 32 hexadecimal digits that are the same for the same arguments |
| `lower(text)` | the text in lower case, or null for anything else: e-mail addresses differ in case alone |
| `split(text, separator)` | the parts of a text, or null for anything else: `split(link, '/')[-1]` is the last one |
| `from_unix_ms(value)` | Unix time in milliseconds as ISO-8601 text in UTC, or null for anything else |
| `to_number(value)` | as in JMESPath, for numeric text with surrounding spaces as well; null for anything else |
"""

import hashlib
import json
import math
import re
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any, NamedTuple

import jmespath
from jmespath.exceptions import JMESPathError, ParseError
from jmespath.functions import Functions, signature
from jmespath.parser import ParsedResult
from jmespath.visitor import Options, TreeInterpreter

from journeys import dates, jsontext
from journeys.date_formats import DateFormat, InvalidDate
from journeys.messages import shorten

MAX_EXPRESSION = 1000
"""Characters of an expression."""
MAX_NESTING = 150
"""Steps that follow one another, or levels inside one another. Each takes three levels of Python's recursion."""
EVENT_BUDGET = 20_000
"""Units that the expressions of one event may use together: about 20 milliseconds."""
DELIVERY_BUDGET = 500_000
"""Units that all events of one delivery may use together: half a second, within the time of a response. The presets use
up to 250 units for an event, so 1,000 events need half of it."""
MAX_RESULT_DEPTH = jsontext.MAX_DEPTH - 2
"""Levels of a result. The rest of a stored event's nesting is for what surrounds an attribute in a request."""

MAX_PARTS = 1000
"""Parts that split() returns. A text with more parts becomes null."""

_BYTES_PER_UNIT = 64
_MAX_NUMBER_BITS = 1024
"""Bits of a whole number, like those of the largest fraction. Longer numbers take quadratic time to be written."""
_SHALLOW_FUNCTIONS = frozenset({"length", "type"})
"""Functions that do not look inside of their argument, so that its size does not count: an order can be long."""
_UNIX_MS = DateFormat("unix_ms")
_NUMERIC_TEXT = re.compile(r"[+-]?(?:\d{1,40}(?:\.\d{0,40})?|\.\d{1,40})(?:[eE][+-]?\d{1,3})?", re.ASCII)
_SECRET_HEADERS = re.compile(
    r"auth(?!or)|authoriz|cookie|signature|hmac|secret|token|passw|pwd|credential|session|jwt|(^|[-_])sig([-_]|$)"
    r"|(api|access|private|shared|subscription|client)[-_]?key|^x-amz|^x-forwarded|^cloudfront|^via$|^forwarded$"
)


class InvalidExpression(ValueError):
    """Text that is not an expression of this language. The message continues a sentence that names the expression."""

    def __init__(self, message: str, code: str = "invalid.expression") -> None:
        super().__init__(message)
        self.code = code


class TooExpensive(Exception):
    """An evaluation used up its budget, or its result is nested too deeply."""


def compile_expression(text: object) -> ParsedResult:
    """Parses an expression. Raises InvalidExpression, also for functions that do not exist."""
    if not isinstance(text, str) or not 0 < len(text) <= MAX_EXPRESSION:
        raise InvalidExpression(f"must be a JMESPath expression: a string of 1 to {MAX_EXPRESSION} characters")
    try:
        compiled = jmespath.compile(text)
    except ParseError as error:
        position = f"at character {error.lex_position + 1}"
        raise InvalidExpression(f"is not a valid JMESPath expression {position}") from None
    except (ValueError, RecursionError):
        raise InvalidExpression("is not a valid JMESPath expression") from None
    for node, depth in _nodes(compiled.parsed):
        if depth > MAX_NESTING:
            raise InvalidExpression(f"has more than {MAX_NESTING} steps or levels")
        if node["type"] != "function_expression":
            continue
        name, arguments = node["value"], node["children"]
        if name not in _Functions.FUNCTION_TABLE:
            known = ", ".join(sorted(_Functions.FUNCTION_TABLE))
            raise InvalidExpression(
                f'calls the unknown function "{shorten(name)}". Use one of {known}', "unknown.function"
            )
        if name == "header" and arguments and arguments[0]["type"] == "literal":
            header = arguments[0]["value"]
            if isinstance(header, str) and not is_readable_header(header):
                raise InvalidExpression("reads a header that can carry a secret. Use another header")
    return compiled


def is_readable_header(name: str) -> bool:
    """Whether mappings may read a header, and failures may store it. Headers that can carry a secret are excluded."""
    return not _SECRET_HEADERS.search(name.lower())


class Evaluator:
    """Evaluates expressions within a budget: those of one delivery, or those of one of its events."""

    def __init__(self, functions: "_Functions", budget: "_Budget") -> None:
        self._functions, self._budget = functions, budget

    @classmethod
    def of_delivery(cls, headers: Mapping[str, str], received_ms: int) -> "Evaluator":
        """The evaluator of a delivery with these headers (lower-case names), received at that time in milliseconds.

        A replay passes the headers and the time of the original delivery, so that it makes the same events.
        """
        return cls(_Functions(headers, received_ms), _Budget(DELIVERY_BUDGET))

    def for_event(self) -> "Evaluator":
        """An evaluator for the expressions of one event. What it uses counts for the delivery as well."""
        return Evaluator(self._functions, _Budget(EVENT_BUDGET, self._budget))

    def search(self, expression: ParsedResult, payload: Any) -> Any:
        """The result of an expression as it is; None where it does not apply. Raises TooExpensive."""
        return self._evaluate(expression, payload, _Meter(self._budget))

    def value(self, expression: ParsedResult, payload: Any) -> Any:
        """The result of an expression in the form in which events hold values; None where it does not apply.

        Raises TooExpensive, also for a result that is nested deeper than MAX_RESULT_DEPTH.
        """
        meter = _Meter(self._budget)
        result = self._evaluate(expression, payload, meter)
        size = meter.size(result)
        if size.depth > MAX_RESULT_DEPTH:
            raise TooExpensive
        meter.charge(size)
        return _exact(result)

    def _evaluate(self, expression: ParsedResult, payload: Any, meter: "_Meter") -> Any:
        try:
            return _Interpreter(meter, self._functions).visit(expression.parsed, payload)
        except RecursionError:
            raise TooExpensive from None
        except (JMESPathError, ArithmeticError, ValueError, TypeError, AttributeError, LookupError):
            return None


# -- the budget --------------------------------------------------------------------------------------------------------


class _Budget:
    """Units that may be used; what is used counts for the parent too."""

    def __init__(self, units: int, parent: "_Budget | None" = None) -> None:
        self._left, self._parent = units, parent

    def spend(self, units: int) -> None:
        """Raises TooExpensive when more is spent than there is."""
        self._left -= units
        if self._left < 0:
            raise TooExpensive
        if self._parent is not None:
            self._parent.spend(units)


class _Size(NamedTuple):
    """A value's size with every repetition of a shared object counted: units of budget, and levels of nesting."""

    units: int
    depth: int


class _Meter:
    """Measures the values of one evaluation and charges its budget for them."""

    def __init__(self, budget: _Budget) -> None:
        self._budget = budget
        self._sizes: dict[int, tuple[Any, _Size]] = {}  # by id; the value is held so that its id stays its own

    def charge(self, used: _Size | int) -> None:
        self._budget.spend(used if isinstance(used, int) else used.units)

    def size(self, value: Any) -> _Size:
        """The size of a value. Measuring an object for the first time is charged as well."""
        if isinstance(value, str):
            return _Size(1 + len(value) // _BYTES_PER_UNIT, 0)
        if not isinstance(value, list | dict):
            if isinstance(value, int) and value.bit_length() > _MAX_NUMBER_BITS:
                raise TooExpensive
            return _Size(1, 0)
        known = self._sizes.get(id(value))
        if known is not None:
            return known[1]
        self.charge(1 + len(value))
        units, depth = 1, 0
        if isinstance(value, dict):
            units += sum(len(name) // _BYTES_PER_UNIT for name in value)
        for child in value.values() if isinstance(value, dict) else value:
            size = self.size(child)
            units, depth = units + size.units, max(depth, size.depth)
        measured = _Size(units, depth + 1)
        self._sizes[id(value)] = (value, measured)
        return measured


class _Interpreter(TreeInterpreter):
    """JMESPath's interpreter, charging for every node it visits and for every value it copies or compares."""

    def __init__(self, meter: _Meter, functions: "_Functions") -> None:
        super().__init__(Options(custom_functions=functions))
        self._meter, self._called = meter, functions

    def visit(self, node: Any, *args: Any, **kwargs: Any) -> Any:
        self._meter.charge(1)
        return super().visit(node, *args, **kwargs)

    def visit_comparator(self, node: Any, value: Any) -> Any:
        left, right = (self.visit(child, value) for child in node["children"])
        for side in (left, right):
            self._meter.charge(self._meter.size(side))
        literals: list[Any] = [{"type": "literal", "value": side, "children": []} for side in (left, right)]
        return super().visit_comparator({"type": "comparator", "value": node["value"], "children": literals}, value)

    def visit_flatten(self, node: Any, value: Any) -> Any:
        merged = super().visit_flatten(node, value)
        if merged is not None:
            self._meter.charge(len(merged))
        return merged

    def visit_slice(self, node: Any, value: Any) -> Any:
        part = super().visit_slice(node, value)
        if part is not None:
            self._meter.charge(len(part))
        return part

    def visit_multi_select_list(self, node: Any, value: Any) -> Any:
        return self._measured(super().visit_multi_select_list(node, value))

    def visit_multi_select_dict(self, node: Any, value: Any) -> Any:
        return self._measured(super().visit_multi_select_dict(node, value))

    def visit_function_expression(self, node: Any, value: Any) -> Any:
        arguments = [self.visit(child, value) for child in node["children"]]
        if node["value"] not in _SHALLOW_FUNCTIONS:
            for argument in arguments:
                self._meter.charge(self._meter.size(argument))
        result = self._called.call_function(node["value"], arguments)
        if isinstance(result, str):
            self._meter.charge(self._meter.size(result))
        return self._measured(result)

    def _measured(self, value: Any) -> Any:
        """A value that was made here. One that no result can hold ends the evaluation before it grows further."""
        if self._meter.size(value).units > EVENT_BUDGET:
            raise TooExpensive
        return value


# -- the functions -----------------------------------------------------------------------------------------------------


class _Functions(Functions):
    """JMESPath's functions and ours."""

    def __init__(self, headers: Mapping[str, str], received_ms: int) -> None:
        self._headers, self._received = headers, dates.text(received_ms)

    @signature({"types": ["string"]})
    def _func_header(self, name: str) -> str | None:
        return self._headers.get(name.lower()) if is_readable_header(name) else None

    @signature()
    def _func_received(self) -> str:
        return self._received

    @signature({"types": ["string"]}, {"types": ["array-string"]})
    def _func_join(self, glue: str, texts: list[str]) -> str:
        characters = len(glue) * len(texts) + sum(map(len, texts))
        if characters > EVENT_BUDGET * _BYTES_PER_UNIT:  # A long glue can make far more of texts than their size.
            raise TooExpensive
        return glue.join(texts)

    @signature({"types": [], "variadic": True})
    def _func_digest(self, *arguments: Any) -> str:
        text = json.dumps(arguments, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
        return hashlib.sha256(text.encode()).hexdigest()[:32]

    @signature({"types": []})
    def _func_lower(self, value: Any) -> str | None:
        return value.lower() if isinstance(value, str) else None

    @signature({"types": []}, {"types": []})
    def _func_split(self, text: Any, separator: Any) -> list[str] | None:
        if not isinstance(text, str) or not isinstance(separator, str) or not separator:
            return None
        return text.split(separator) if text.count(separator) < MAX_PARTS else None

    @signature({"types": []})
    def _func_from_unix_ms(self, value: Any) -> str | None:
        try:
            return dates.text(_UNIX_MS.milliseconds(value))
        except (InvalidDate, OverflowError):
            return None

    @signature({"types": []})
    def _func_to_string(self, value: Any) -> str | None:
        # JMESPath would turn a reference to an expression, such as `&name`, into text with an address in memory.
        return None if type(value).__name__ == "_Expression" else super()._func_to_string(value)  # type: ignore[misc]  # The library has no types.

    @signature({"types": []})
    def _func_to_number(self, value: Any) -> int | float | None:
        if isinstance(value, int | float) and not isinstance(value, bool):
            return value
        if not isinstance(value, str) or not _NUMERIC_TEXT.fullmatch(value.strip()):
            return None
        return int(value) if value.strip().lstrip("+-").isdigit() else float(value)


def _nodes(parsed: Mapping[str, Any]) -> Iterator[tuple[Mapping[str, Any], int]]:
    """The nodes of a parsed expression in the order of the text, each with its depth."""
    left = [(parsed, 1)]
    while left:
        node, depth = left.pop()
        yield node, depth
        left += [(child, depth + 1) for child in reversed(node["children"]) if isinstance(child, dict)]


def _exact(value: Any) -> Any:
    """A value in the form in which JSON holds it, with a float as the decimal that was written.

    Expressions can make three things that JSON does not have. Infinity and half a character become text, which no
    schema accepts for a number; a reference to an expression becomes null.
    """
    if isinstance(value, float):
        return Decimal(repr(value)) if math.isfinite(value) else repr(value)
    if isinstance(value, str):
        return value if value.isascii() else value.encode("utf-8", "replace").decode()
    if isinstance(value, list):
        return [_exact(item) for item in value]
    if isinstance(value, dict):
        return {_exact(name): _exact(item) for name, item in value.items()}
    return value if isinstance(value, int) else None
