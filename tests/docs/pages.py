"""The documentation as data: pages, code blocks, links and headings."""

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

from tests.support.template import ROOT

PAGES = ("README.md", "CONTRIBUTING.md", *sorted(f"docs/{path.name}" for path in (ROOT / "docs").glob("*.md")))
OTHER_PAGES = ("CHANGELOG.md", "SECURITY.md")

_FENCE = re.compile(r"^ *```(.*)$")
_HEADING = re.compile(r"^(#{1,6}) +(.*?) *$")
_LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
_CODE = re.compile(r"(`+)(?!`).+?(?<!`)\1(?!`)")


class Block(NamedTuple):
    """A fenced code block: its page, its line, the words after the fence, and the prose of its section before it."""

    page: str
    line: int
    language: str
    mark: str
    text: str
    section: str

    @property
    def name(self) -> str:
        return f"{self.page}:{self.line}"


@cache
def read(page: str) -> str:
    """The text of a page."""
    return (ROOT / page).read_text(encoding="utf-8")


def blocks(page: str) -> Iterator[Block]:
    """The code blocks of a page, in order. Raises ValueError if a block is not closed."""
    lines: list[str] | None = None
    section: list[str] = []
    start, info = 0, ""
    for number, line in enumerate(read(page).splitlines(), start=1):
        fence = _FENCE.match(line)
        if lines is not None and fence:
            language, _, mark = info.partition(" ")
            yield Block(page, start, language, mark.strip(), "\n".join(lines) + "\n", "\n".join(section))
            lines = None
        elif lines is not None:
            lines.append(line)
        elif fence:
            lines, start, info = [], number, fence[1].strip()
        else:
            section = [line] if _HEADING.match(line) else [*section, line]
    if lines is not None:
        raise ValueError(f"The code block at {page}:{start} is not closed.")


def prose(page: str) -> Iterator[str]:
    """The lines of a page that are not in a code block."""
    inside = False
    for line in read(page).splitlines():
        if _FENCE.match(line):
            inside = not inside
        elif not inside:
            yield line


def links(page: str) -> Iterator[str]:
    """The targets of the links and pictures of a page."""
    for line in prose(page):
        yield from _LINK.findall(_CODE.sub("", line))


def anchors(page: str) -> set[str]:
    """The anchors that GitHub gives to the headings of a page."""
    return {slug(match[2]) for line in prose(page) if (match := _HEADING.match(line))}


def slug(heading: str) -> str:
    """The anchor of a heading: lower case, without punctuation, and with hyphens for spaces."""
    return re.sub(r"[^\w\- ]", "", heading.replace("`", "").lower()).replace(" ", "-")


def folder(page: str) -> Path:
    """The folder that relative links of a page start from."""
    return (ROOT / page).parent
