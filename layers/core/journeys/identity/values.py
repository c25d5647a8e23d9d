"""Which identifiers may link by their value. Values that many customers share would make one person of all of them.

Ingest refuses events whose identifier is a placeholder (`events.validation.PLACEHOLDERS`). Here are values that can be
a customer's, so that their events are stored, but that nobody should be linked by. They come from:

- Mixpanel's values that it rejects: https://docs.mixpanel.com/troubleshooting/errors/server-side-events-without-a-user
- PostHog's values that never identify anybody: https://posthog.com/docs/data/identify
- Segment's recommended blocked values, which are zeros and dashes, names for nobody, and what developers write into the
  code: https://www.twilio.com/docs/segment/unify/identity-resolution/identity-resolution-onboarding
"""

import unicodedata
from collections.abc import Sequence

from journeys import keys
from journeys.events.model import ExternalId
from journeys.events.validation import PLACEHOLDERS

MAX_EVENT_IDENTIFIERS = 10
"""The most identifiers of one event that link each other. An event with more of them links nothing."""

MAX_KEY = 1000
"""The most characters of an identifier's encoded source and value, so that the key of a link fits into DynamoDB's."""

FROM_MIXPANEL = frozenset({"-1", "0", "anon", "<nil>", "na", "true", "false", "[]", "{}", "lmy47d"})
"""`lmy47d` is the build number of a version of Android, which apps send as the id of the device."""

FROM_POSTHOG = frozenset({"guest", "distinctid", "distinct_id", "id", "not_authenticated", "email"})

FROM_SEGMENT = frozenset({"void", "abc123", "test", "default"})
"""What developers write into the code until there is a value."""

REFUSED = PLACEHOLDERS | FROM_MIXPANEL | FROM_POSTHOG | FROM_SEGMENT


def may_link(identifier: ExternalId) -> bool:
    """Whether an identifier can stand for one customer, by its value. How the value is written does not matter: its
    case and width, invisible characters, and white space, quotation marks and brackets around it.

    A value of zeros and punctuation only, such as a UUID without content, stands for nobody.
    """
    value = _bare(identifier.value)
    if value in _REFUSED or not value.translate(_NOTHING):
        return False
    return len(keys.join(identifier.source_id, identifier.value)) <= MAX_KEY


def _bare(value: str) -> str:
    """A value without what does not matter."""
    text = unicodedata.normalize("NFKC", value)
    if not (text.isascii() and text.isprintable()):
        text = "".join(char for char in text if unicodedata.category(char) not in _INVISIBLE)
    return text.strip(_AROUND).casefold()


_INVISIBLE = frozenset({"Cc", "Cf"})
"""Control characters, and those without width. https://www.unicode.org/reports/tr44/#General_Category_Values"""
_AROUND = "\"'`<>" + "".join(
    char
    for char in map(chr, range(0x3020))  # Brackets in common use; the normal form has no wide ones.
    if char.isspace() or unicodedata.category(char) in {"Ps", "Pe", "Pi", "Pf"}
)
"""White space, quotation marks and brackets."""
_NOTHING = dict.fromkeys(map(ord, "0-_.:/+ "))
_REFUSED = frozenset(map(_bare, REFUSED))


def linking(external_ids: Sequence[ExternalId]) -> tuple[ExternalId, ...]:
    """The different identifiers of an event that link each other, in their order; none if there are too many or one."""
    if len(external_ids) < 2:  # Most events have one.
        return ()
    able = tuple(dict.fromkeys(one for one in external_ids if may_link(one)))
    return able if 2 <= len(able) <= MAX_EVENT_IDENTIFIERS else ()


def too_many(external_ids: Sequence[ExternalId]) -> bool:
    """Whether an event links nothing because it has too many identifiers."""
    return (
        len(external_ids) > MAX_EVENT_IDENTIFIERS
        and len({one for one in external_ids if may_link(one)}) > MAX_EVENT_IDENTIFIERS
    )
