"""Reads files of recorded EventBridge events, as Amazon Data Firehose and other targets of a rule write them.

An event is a JSON object without line breaks. Events are on lines of their own or not: by default, Firehose writes one
after the other (https://docs.aws.amazon.com/firehose/latest/dev/basic-deliver.html). gzip is read as well.
"""

import gzip
import io
import json
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

from tools.importer.errors import CannotImport

MAX_EVENT = 1_048_576
"""Characters of an event. Those of EventBridge have at most as many bytes:
https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-putevents.html."""
READ_CHARACTERS = 65_536
"""Characters that are read at once."""
_GZIP = b"\x1f\x8b"
_DECODER = json.JSONDecoder()


def read_messages(path: Path) -> Iterator[str]:
    """The text of each event of a file.

    A text that is no JSON object counts as one event, up to the end of its line. Raises CannotImport if the file
    cannot be read, is not UTF-8, or is a JSON array.
    """
    try:
        with path.open("rb") as file:
            is_compressed = file.read(len(_GZIP)) == _GZIP
            file.seek(0)
            content = gzip.GzipFile(fileobj=file) if is_compressed else file
            yield from _messages(io.TextIOWrapper(content, encoding="utf-8-sig"), path)
    except (EOFError, gzip.BadGzipFile, zlib.error):
        raise CannotImport(f"{path} is compressed, and damaged or incomplete. Download it again.") from None
    except UnicodeDecodeError:
        raise CannotImport(f"{path} is not encoded in UTF-8. Use a file of EventBridge events as JSON.") from None
    except OSError as error:
        raise CannotImport(f"{path} cannot be read: {error.strerror or error}.") from None


def _messages(text: TextIO, path: Path) -> Iterator[str]:
    rest, is_first = "", True
    while piece := text.readline(READ_CHARACTERS):
        if is_first and piece.strip():
            if piece.lstrip().startswith("["):
                raise CannotImport(f"{path} is a JSON array. Write one event per line, such as with jq -c '.[]'.")
            is_first = False
        messages, rest = _split(rest + piece)
        yield from messages
        is_complete = piece.endswith("\n")
        if rest and (is_complete or len(rest) > MAX_EVENT):
            yield rest
            rest = ""
            while not is_complete and (piece := text.readline(READ_CHARACTERS)):
                is_complete = piece.endswith("\n")
    if rest:
        yield rest


def _split(text: str) -> tuple[list[str], str]:
    """The JSON objects that a text begins with, and the rest of it."""
    messages: list[str] = []
    text = text.strip()
    start = 0
    while start < len(text) and text[start] == "{":
        try:
            _, end = _DECODER.raw_decode(text, start)
        except (ValueError, RecursionError):
            break
        messages.append(text[start:end])
        start = end + len(text[end:]) - len(text[end:].lstrip())
    return messages, text[start:]
