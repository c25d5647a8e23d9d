"""The table of bounds and the refused values in docs/identity.md, made from the constants that the product uses."""

from journeys.events.validation import PLACEHOLDERS
from journeys.identity import linker, resolve, settings, store, values
from journeys.journey import identifiers, merging
from tools.documentation.bounds import Bound, to_markdown
from tools.documentation.generated import replaced
from tools.paths import ROOT

PAGE = ROOT / "docs" / "identity.md"

LISTS = {
    "Refused by ingest; an event with such an identifier is a failure": PLACEHOLDERS,
    "Mixpanel": values.FROM_MIXPANEL,
    "PostHog": values.FROM_POSTHOG,
    "Segment's advice about values of development": values.FROM_SEGMENT,
}
"""Where each list of refused values was learned."""


def bounds() -> list[Bound]:
    """Every bound of links and persons."""
    return [
        Bound("identifiers of an event", f"{values.MAX_EVENT_IDENTIFIERS}", "an event with more links none of them"),
        Bound("links of an identifier", f"{resolve.MAX_LINKS}", "an identifier with more links nobody"),
        Bound("identifiers of a person", f"{resolve.MAX_IDENTIFIERS}", "if links join more, each stands alone"),
        Bound("stored links of an identifier that are read", f"{resolve.MAX_ROWS:,}", "with more it links nobody"),
        Bound("length of an encoded identifier", f"{values.MAX_KEY:,} characters", "a longer one links nobody"),
        Bound("decisions of an organization", f"{store.MAX_DECISIONS:,}", "409; a decision can still be changed"),
        Bound("cut links that a response lists", f"{identifiers.MAX_UNLINKED}", "the last ones are listed"),
        Bound(
            "steps that are read to merge transitions",
            f"{merging.MAX_MERGED_STEPS:,}",
            "the summary leaves transitions out, and says so",
        ),
        Bound("sources that are listed, for search", f"{store.MAX_SOURCES}", "further ones are not searched"),
        Bound("sources in the settings", f"{settings.MAX_SOURCES}", "400"),
        Bound(
            "links and sources that a projector remembers",
            f"{linker.KNOWN_BYTES // 1024**2} MiB, {linker.KNOWN_SECONDS:.0f} s",
            "others are looked up",
        ),
    ]


def refused() -> str:
    """The refused values by where they were learned, as a Markdown table."""
    rows = [("learned from", "values"), ("---",) * 2]
    rows += [(name, " ".join(f"`{value}`" for value in sorted(listed))) for name, listed in LISTS.items()]
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def updated(page: str) -> str:
    """The page with both tables replaced. Raises ValueError if their markers are missing."""
    return replaced(replaced(page, "identity bounds", to_markdown(bounds())), "refused values", refused())
