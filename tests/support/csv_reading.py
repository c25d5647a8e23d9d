"""Reads CSV as `journeys.csvtext` says: RFC 4180, with empty texts and missing values told apart."""

import re

from journeys.csvtext import PROTECTED

_CELL = re.compile(r'(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r\n)')


def read_csv(text: str) -> list[list[str | None]]:
    """The records of a CSV text, with the texts as they were before their protection. Raises ValueError."""
    records: list[list[str | None]] = []
    record: list[str | None] = []
    position = 0
    while position < len(text):
        found = _CELL.match(text, position)
        if found is None:
            raise ValueError(f"not RFC 4180 at character {position}: {text[position : position + 40]!r}")
        quoted, plain, end = found.groups()
        record.append(unprotected(quoted.replace('""', '"')) if quoted is not None else unprotected(plain) or None)
        if end == "\r\n":
            records.append(record)
            record = []
        position = found.end()
    if record:
        raise ValueError("the last record has no line end")
    return records


def unprotected(text: str) -> str:
    """A text without the apostrophe of its protection. Raises ValueError if a spreadsheet could take it for a formula.

    Negative numbers are not texts, and are left unchanged.
    """
    if text.startswith("'"):
        return text[1:]
    if text[:1] and text[0] in PROTECTED and not re.fullmatch(r"-\d+(\.\d+)?([eE][+-]?\d+)?", text):
        raise ValueError(f"a spreadsheet could take {text!r} for a formula")
    return text
