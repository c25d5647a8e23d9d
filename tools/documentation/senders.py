"""The set-up of each sender in docs/webhooks.md, made from the steps that the API returns."""

import textwrap

from journeys.webhooks.senders.registry import SENDERS
from tools.documentation.generated import replaced

WIDTH = 140
"""Columns of a line."""


def to_markdown() -> str:
    """Every sender with its steps, as Markdown."""
    return "\n".join(_section(sender.title, sender.sends, sender.steps) for sender in SENDERS.values())


def _section(title: str, sends: str, steps: tuple[str, ...]) -> str:
    numbered = (
        textwrap.fill(step, WIDTH, initial_indent=f"{number}. ", subsequent_indent="   ", break_on_hyphens=False)
        for number, step in enumerate(steps, start=1)
    )
    return f"**{title}.** {sends}\n\n" + "".join(f"{item}\n" for item in numbered)


def updated(page: str) -> str:
    """The page with the steps replaced. Raises ValueError if its markers are missing."""
    return replaced(page, "steps", to_markdown())
