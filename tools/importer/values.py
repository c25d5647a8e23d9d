"""Reads the cells of a CSV as numbers and booleans, and says in words what a cell may contain."""

import re
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cached_property
from typing import Any

TRUE_WORDS = ("true", "t", "yes", "y", "on", "1", "1.0")
FALSE_WORDS = ("false", "f", "no", "n", "off", "0", "0.0")
_BOOLEANS = dict.fromkeys(TRUE_WORDS, True) | dict.fromkeys(FALSE_WORDS, False)

DECIMALS = (".", ",")
THOUSANDS = ("", ".", ",", " ", "'")
_VARIANTS = {" ": "[ \u00a0\u202f]", "'": "['\u2019]"}
"""Separators that have several characters: spaces that do not break, and the typographic apostrophe."""
MAX_DIGITS = 38
"""Digits of a number that the API stores."""
SAFE_DIGITS = 15
"""Digits of a number with decimals that a double always carries. Numbers with 16 or 17 digits may fit, too."""
_MAX_TEXT = 100
_PLAIN_INTEGER = re.compile(rf"[+-]?\d{{1,{MAX_DIGITS}}}", re.ASCII)


@dataclass(frozen=True)
class NumberFormat:
    """The decimal sign and the thousands separator of numbers. An empty `thousands` allows no separator."""

    decimal: str = "."
    thousands: str = ""

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        whole, sign = r"\d+", re.escape(self.decimal)
        if self.thousands:
            whole = rf"(?:\d{{1,3}}(?:{self._separator}\d{{3}})+|\d+)"
        return re.compile(rf"[+-]?(?:{whole}(?:{sign}\d*)?|{sign}\d+)(?:[eE][+-]?\d{{1,3}})?", re.ASCII)

    @property
    def _separator(self) -> str:
        return _VARIANTS.get(self.thousands, re.escape(self.thousands))

    @property
    def example(self) -> str:
        """A number in this format."""
        return f"1{self.thousands}234{self.decimal}5"

    def normalized(self, text: str) -> str:
        """The text with a decimal point and without separators. Raises ValueError if it is not a number."""
        if len(text) > _MAX_TEXT or not self._pattern.fullmatch(text):
            raise ValueError("not a number")
        if self.thousands:
            text = re.sub(self._separator, "", text)
        return text.replace(self.decimal, ".")

    def integer(self, text: str) -> int:
        """A whole number. `7.0` and `1e3` are whole numbers. Raises ValueError."""
        number = Decimal(self.normalized(text))
        if number.adjusted() >= MAX_DIGITS or number != number.to_integral_value():
            raise ValueError("not a whole number")
        return int(number)

    def number(self, text: str) -> int | float:
        """A number. Raises ValueError, also if it has more digits than a double carries.

        Systems write a double with its shortest digits or with 17: 0.1 or 0.10000000000000001.
        """
        normal = self.normalized(text)
        if _PLAIN_INTEGER.fullmatch(normal):
            return int(normal)
        exact, double = Decimal(normal), float(normal)
        if exact in (Decimal(repr(double)), Decimal(f"{double:.17g}")):
            return double
        return self.integer(text)


POINT = NumberFormat()


def parse_text(text: str, kind: str, numbers: NumberFormat = POINT) -> Any:
    """The value of a cell whose attribute is of that kind. Raises ValueError or KeyError."""
    match kind:
        case "integer":
            return numbers.integer(text)
        case "number":
            return numbers.number(text)
        case "boolean":
            return _BOOLEANS[text.lower()]
        case "date":
            return date.fromisoformat(text).isoformat()
    return text


def allowed(kind: str, numbers: NumberFormat) -> str:
    """What a cell of that kind may contain. Completes the sentence 'The column "x" must contain ...'."""
    match kind:
        case "integer":
            return f"a whole number of at most {MAX_DIGITS} digits, such as 1{numbers.thousands}234"
        case "number":
            return (
                f"a number such as {numbers.example} or 1e-5 (see decimal and thousands), without currency, unit or "
                f"per cent sign, of at most {SAFE_DIGITS} digits if it has decimals"
            )
        case "boolean":
            return f"one of {', '.join(TRUE_WORDS)}, {', '.join(FALSE_WORDS)}, in upper or lower case"
    return f"a {kind}"
