"""CSV text by RFC 4180, safe to open in a spreadsheet.

- Lines end with CRLF. A cell is quoted if it has a comma, a quote or a line break.
- A cell without a value is empty. An empty text is two quotes, so that readers can tell them apart.
- A number has all digits of its JSON text.
- A text that a spreadsheet could take for a formula gets an apostrophe in front, and so does a text that begins with an
  apostrophe. So a reader gets the exact text when it removes one leading apostrophe. Numbers are not changed, also if
  they are texts, as the value of a group is.

The first characters are those of https://owasp.org/www-community/attacks/CSV_Injection.
"""

import re
from collections.abc import Iterable
from decimal import Decimal

from journeys import jsontext

MEDIA_TYPE = "text/csv"
PROTECTED = "=+-@\t\r\n＝＋－＠'"  # noqa: RUF001  (some spreadsheets read full-width signs as the narrow ones)
"""The first characters of a text that gets an apostrophe in front."""
NEGATIVE_NUMBER = r"-[0-9]+(\.[0-9]+)?([Ee][+-]?[0-9]+)?"
"""Negative numbers, which begin with such a character and need no apostrophe."""
LINE_END = "\r\n"

Cell = str | int | Decimal | None

_SPECIAL = re.compile('[",\r\n]')


def line(cells: Iterable[Cell]) -> str:
    """One record, with its line end."""
    return ",".join(map(_cell, cells)) + LINE_END


def protected(text: str) -> str:
    """A text that no spreadsheet takes for a formula."""
    return f"'{text}" if text[:1] and text[0] in PROTECTED and not re.fullmatch(NEGATIVE_NUMBER, text) else text


def _cell(value: Cell) -> str:
    if value is None:
        return ""
    if not isinstance(value, str):
        return jsontext.dumps(value)
    text = protected(value)
    return f'"{text.replace(chr(34), chr(34) * 2)}"' if not text or _SPECIAL.search(text) else text
