"""The interface of a sender, and what senders have in common."""

import math
import re
import sys
import unicodedata
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar
from urllib.parse import parse_qsl

import jiter

from journeys import jsontext
from journeys.errors import BadRequest, Detail
from journeys.messages import shorten, use_one_of
from journeys.webhooks.delivery import Delivery, DeliveryResponse, InvalidPayload
from journeys.webhooks.model import new_secret
from journeys.webhooks.problems import Problems

FORM = "application/x-www-form-urlencoded"
MAX_OPTION = 100
"""Characters of an option of an endpoint."""
MAX_FORM_FIELDS = 100
EVENT_DEPTH = 2
"""How many levels deeper a value can be nested in an event than in the delivery."""

_HEADER_NAME = re.compile(r"[A-Za-z0-9_-]{1,100}", re.ASCII)
_INVISIBLE = frozenset({"Cc", "Cf", "Zs", "Zl", "Zp"})
"""Unicode's categories of control and format characters, such as a byte order mark, and of white space."""

Options = Mapping[str, Any]
Secrets = Sequence[str]
"""The current secret, followed by the previous one if it is still valid."""


@dataclass(frozen=True, slots=True)
class SecretGuide:
    """What integrators must know about the secret of a sender, in sentences that never contain one."""

    source: str
    """Where the secret comes from."""
    form: str = "Any text."
    """What the secret looks like."""


class Sender(ABC):
    """One kind of tool that delivers webhooks. To add one, write its module and list it in `registry.py`."""

    name: ClassVar[str]
    title: ClassVar[str]
    """The name that people know."""

    sends: ClassVar[str]
    """What the sender delivers, in one sentence for integrators."""

    steps: ClassVar[tuple[str, ...]]
    """What to do in the tool, in this order, as its documentation describes it. The last step causes a delivery."""

    documentation: ClassVar[str | None] = None
    """The address of the sender's own documentation of its webhooks; None if it depends on the tool."""

    presets: ClassVar[Mapping[int, Mapping[str, Any]]]
    """The sender's default mappings by version; see `mapping.py`.

    A version never changes, because the ids of stored events depend on it. An endpoint names the version that it uses.
    """

    delivery_id_headers: ClassVar[Sequence[str]] = ()
    """Headers with an id that is the same for every attempt of a delivery. The first one in a delivery counts."""

    accepts_forms: ClassVar[bool] = False
    """Whether a payload can be a form, as well as JSON."""

    options: ClassVar[Mapping[str, Sequence[str] | None]] = {}
    """The options of an endpoint: the values that each allows, or None if it allows any text."""

    required_options: ClassVar[frozenset[str]] = frozenset()

    needs_secret: ClassVar[bool] = True
    """Whether deliveries are verified with a secret of the endpoint."""

    owns_secret: ClassVar[bool] = False
    """Whether the sender generates the secret, so that an endpoint can exist before its secret is known.

    The secret of any other sender can be chosen by either side, or generated here.
    """

    secret_guide: ClassVar[SecretGuide]

    @property
    def latest_preset(self) -> int:
        """The version of the preset that new endpoints use."""
        return max(self.presets)

    def new_secret(self) -> str:
        """Return a random secret that this sender can use."""
        return new_secret()

    def can_be_secret(self, secret: str) -> bool:
        """Whether a secret of this form can verify deliveries. False only if it certainly cannot."""
        return True

    def validate_secret(self, secret: str) -> None:
        """Raise BadRequest if no delivery can be verified with such a secret. The message does not repeat it."""
        if any(unicodedata.category(character) in _INVISIBLE for character in (secret[0], secret[-1])):
            message = "The secret begins or ends with white space or an invisible character. Remove this character."
        elif not self.can_be_secret(secret):
            message = f"The secret has a form that the sender {self.name} does not use. {self.secret_guide.form}"
        else:
            return
        raise BadRequest(message, code="invalid.secret", details=[Detail("invalid.secret", "secret")])

    def delivery_id(self, headers: Mapping[str, str]) -> str | None:
        """Return the sender's own id of a delivery with these headers (lower-case names); None if it has none."""
        return next((headers[name] for name in self.delivery_id_headers if headers.get(name)), None)

    def unsigned_handshake(self, delivery: Delivery) -> DeliveryResponse | None:
        """Return the response to a handshake that the sender does not sign, or None for any other request."""
        return None

    @abstractmethod
    def verify(self, delivery: Delivery, secrets: Secrets, options: Options) -> None:
        """Raise SignatureInvalid unless the delivery is signed with one of the secrets."""

    def signed_handshake(self, delivery: Delivery) -> DeliveryResponse | None:
        """Return the response to a verified request that carries no event, such as a ping; None for any other."""
        return None

    def extract_payloads(self, delivery: Delivery) -> list[Any]:
        """Return the payloads of a verified delivery; each is mapped on its own. Raises InvalidPayload."""
        is_form = self.accepts_forms and delivery.media_type == FORM
        return _as_list(read_form(delivery.body) if is_form else read_json(delivery.body))

    def sample_payloads(self, sample: Delivery) -> list[Any]:
        """Return the payloads of a sample in JSON. Raises InvalidPayload.

        A sender whose deliveries are no JSON overrides it: its sample is what is inside of a delivery.
        """
        return _as_list(read_json(sample.body)) if self.accepts_forms else self.extract_payloads(sample)

    def success_response(self, delivery: Delivery) -> DeliveryResponse | None:
        """Return the response that the sender requires after success; None for the standard response."""
        return None

    def validate_options(self, options: Options) -> None:
        """Raise BadRequest with every option that is unknown, invalid or missing."""
        problems = Problems("invalid.options")
        allowed = use_one_of(list(self.options)) if self.options else "This sender has no options."
        for name, value in options.items():
            if name not in self.options:
                sentence = f'The option "{shorten(name)}" is unknown to the sender {self.name}. {allowed}'
                problems.add("unknown.option", f"options.{shorten(name)}", sentence)
                continue
            choices = self.options[name]
            if not isinstance(value, str) or not 0 < len(value) <= MAX_OPTION or value not in (choices or (value,)):
                expected = f"one of {', '.join(choices)}" if choices else f"a string of 1 to {MAX_OPTION} characters"
                problems.add("invalid.option", f"options.{name}", f"options.{name} is invalid. Use {expected}.")
            elif name == "header" and not _HEADER_NAME.fullmatch(value):
                sentence = "options.header is not the name of a header. Use letters, digits and hyphens."
                problems.add("invalid.option", "options.header", sentence)
        for name in sorted(self.required_options - options.keys()):
            problems.add("missing.option", f"options.{name}", f"The sender {self.name} requires options.{name}.")
        problems.raise_if_any()


def read_json(body: bytes) -> Any:
    """Parse a sender's JSON, with fractions as floats because JMESPath requires them. Raises InvalidPayload.

    The parser refuses a whole number of more than 4,300 digits before it becomes an integer.
    """
    try:
        value = jiter.from_json(body, allow_inf_nan=False, float_mode="float")
    except ValueError as error:
        raise InvalidPayload(f"The payload is not valid JSON: {error}.") from None
    if not _is_storable(value, jsontext.MAX_DEPTH - EVENT_DEPTH):
        levels = jsontext.MAX_DEPTH - EVENT_DEPTH
        raise InvalidPayload(f"The payload has more than {levels} levels, or a number outside the range of a double.")
    return value


def read_form(body: bytes) -> Any:
    """Parse a form: its field `payload` as JSON, or else the object of its fields. Raises InvalidPayload."""
    try:
        text = body.decode("ascii")
        fields = dict(parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=MAX_FORM_FIELDS))
    except ValueError:
        raise InvalidPayload(f"The payload is not a form in UTF-8 of at most {MAX_FORM_FIELDS} fields.") from None
    return read_json(fields["payload"].encode()) if "payload" in fields else fields


def _as_list(payload: Any) -> list[Any]:
    return payload if isinstance(payload, list) else [payload]


def _is_storable(value: Any, depth: int) -> bool:
    """Whether a value can be written as JSON and read again, as stored failures must be."""
    if isinstance(value, float):
        return math.isfinite(value)  # The parser reads 1e999 as infinity.
    if isinstance(value, int):
        return value.bit_length() <= sys.float_info.max_exp
    if isinstance(value, dict | list):
        return depth > 0 and all(
            _is_storable(item, depth - 1) for item in (value.values() if isinstance(value, dict) else value)
        )
    return True


def bearer(secret: str) -> str:
    """Return the value of the header Authorization that carries a token."""
    return f"Bearer {secret}"
