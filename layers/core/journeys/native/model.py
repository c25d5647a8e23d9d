"""What the modules of the vendors have in common: the event that they make, and how they read fields."""

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from journeys import dates, jsontext
from journeys.events.refusals import EventProblem, InvalidEvent
from journeys.events.validation import is_placeholder
from journeys.registry.native_types import NATIVE, NATIVE_TYPES, OTHER

LATEST = 253_402_300_799_999
"""The last millisecond of the year 9999, the end of the dates that ISO-8601 text can express with four digits."""
PHONE, EMAIL, ADDRESS, CONVERSATION = "phone", "email", "address", "conversation"
"""The sources of identifiers that no vendor issues."""

_E164 = re.compile(r"\+[1-9]\d{6,14}", re.ASCII)
"""https://www.itu.int/rec/T-REC-E.164: a plus sign and at most 15 digits."""
_EMAIL = re.compile(r"[^@\s:;]+@[^@\s:;]+\.[^@\s:;.]+")
_WITHHELD = frozenset({"anonymous", "private", "restricted", "unavailable", "withheld", "unknown", "blocked"})
"""What telephone networks send in place of a caller's number."""

Identifier = tuple[str, str]
"""The source and the value of an identifier."""


@dataclass(frozen=True, slots=True)
class NativeEvent:
    """A contact center's event: its type, its vendor, and the event in the form in which senders send events."""

    schema_id: str
    vendor: str
    event: Mapping[str, Any]


def problem(reason: str, message: str, field_name: str) -> InvalidEvent:
    return InvalidEvent(EventProblem(reason, message, field_name))


def mapping(values: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """The object in a field; an empty one if the field is missing. Raises InvalidEvent."""
    value = values.get(name)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise problem("invalid.event", f"{name} must be an object.", name)
    return value


def text(values: Mapping[str, Any], name: str) -> str | None:
    """The text in a field, without white space around it; None if it is missing or blank. Raises InvalidEvent."""
    value = values.get(name)
    if value is None:
        return None
    if not isinstance(value, str):
        raise problem("invalid.event", f"{name} must be a string.", name)
    return value.strip() or None


def texts(values: Mapping[str, Any], name: str) -> list[str]:
    """The texts in a list, without blank ones. Raises InvalidEvent."""
    value = values.get(name)
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise problem("invalid.event", f"{name} must be a list of strings.", name)
    return [one.strip() for one in value if one.strip()]


def moment(value: object, name: str) -> int | None:
    """The milliseconds of a time: a number of milliseconds, or ISO-8601 text. None if missing. Raises InvalidEvent."""
    if value is None:
        return None
    if type(value) is int and 0 <= value <= LATEST:
        return value
    try:
        if isinstance(value, str) and 0 <= (parsed := dates.parse(value)) <= LATEST:
            return parsed
    except ValueError:
        pass
    raise problem("invalid.date", f"{name} must be milliseconds since 1970, or an ISO-8601 date and time.", name)


def choice(schema_id: str, attribute: str, value: str | None) -> str | None:
    """The value of an enum attribute: the vendor's one in lower case, or `other`. None if the vendor knows none."""
    if value is None or value.upper() == "UNKNOWN":
        return None
    lower = value.lower()
    return lower if lower in NATIVE_TYPES[schema_id].document.fields[attribute].enum else OTHER


def contact_identifiers(addresses: Iterable[str | None]) -> list[Identifier]:
    """Identifiers of the telephone numbers and addresses of one customer, telephone numbers first."""
    found: list[Identifier] = []
    for address in addresses:
        value = (address or "").removeprefix("tel:").strip()
        name = value.lower().removeprefix("sip:").partition("@")[0]
        if not value or is_placeholder(value) or name in _WITHHELD:
            continue
        if _E164.fullmatch(value):
            found.append((PHONE, value))
        elif _EMAIL.fullmatch(value):
            found.append((EMAIL, value.lower()))
        else:
            found.append((ADDRESS, value))
    return sorted(dict.fromkeys(found), key=lambda one: (PHONE, EMAIL, ADDRESS).index(one[0]))


def native_event(
    schema_id: str,
    vendor: str,
    *,
    date: int,
    conversation_id: str,
    parts: Iterable[object],
    identifiers: Iterable[Identifier],
    attributes: Mapping[str, Any],
) -> NativeEvent:
    """Puts an event together. The first identifier is the customer.

    The id is a hash of the type, the conversation, the date and `parts`, since vendors send none: so the same event has
    the same id however often it arrives. An event that names nobody gets the conversation as its customer. No other
    event does: conversations would use up the links that an identifier can have.
    """
    known = list(dict.fromkeys(one for one in identifiers if not is_placeholder(one[1])))
    key = jsontext.canonical([vendor, schema_id, conversation_id, date, *parts])
    return NativeEvent(
        schema_id,
        vendor,
        {
            "id": f"{schema_id.removeprefix(f'{NATIVE}-')}-{hashlib.sha256(key.encode()).hexdigest()[:32]}",
            "dateCreated": dates.text(date),
            "identifiers": {
                "externalIds": [
                    {"externalSourceId": source, "value": value}
                    for source, value in known or [(CONVERSATION, conversation_id)]
                ]
            },
            "attributes": jsontext.omit_none({"vendor": vendor, "conversationId": conversation_id, **attributes}),
        },
    )
