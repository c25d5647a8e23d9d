"""Request bodies: their bytes, their content coding, and the JSON value or model that a route declares."""

import base64
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from pydantic_core import ValidationError

from journeys import jsontext
from journeys.errors import BadRequest, PayloadTooLarge, UnsupportedMediaType

if TYPE_CHECKING:
    from pydantic import BaseModel

T = TypeVar("T")

MAX_BODY = 1024 * 1024
"""Bytes of a body, after decompression."""

JSON = "application/json"
_GZIP = b"\x1f\x8b"


@dataclass(frozen=True)
class JsonBody(Generic[T]):
    """A JSON body that a function reads instead of a model.

    `read` converts the parsed JSON, and raises BadRequest. `name` and `schema` are for the OpenAPI document.
    """

    name: str
    read: Callable[[Any], T]
    schema: Mapping[str, Any]


def read_body(event: Mapping[str, Any], declared: "JsonBody[Any] | type[BaseModel]", *, needed: bool = True) -> Any:
    """Return the request's body as the route declares it. Raises BadRequest, PayloadTooLarge, UnsupportedMediaType.

    If a model is not `needed`, a request without a body counts as one with an empty object, and so does the body null,
    which the vendor's SDK sends for none.
    """
    if isinstance(declared, JsonBody):
        return declared.read(_read_json(event))
    if not needed and body_bytes(event).strip() in (b"", b"null"):
        return declared()
    optional = not any(field.is_required() for field in declared.model_fields.values())
    value = _read_json(event, "Send a JSON object. It can be empty: {}." if optional else "Send a JSON object.")
    kind, name = (list, "array") if declared.__pydantic_root_model__ else (dict, "object")
    if not isinstance(value, kind):
        raise BadRequest(f"The body is not a JSON {name}. Send a JSON {name}.")
    try:
        return declared.model_validate(value)
    except ValidationError as error:
        from journeys.http.problems import invalid_body  # needed for invalid bodies only

        raise invalid_body(declared, error) from None


def _read_json(event: Mapping[str, Any], expected: str = "Send a JSON object.") -> Any:
    body = decoded_body(event)
    if not body:
        raise BadRequest(f"The request has no body. {expected}")
    if len(body) > MAX_BODY:
        raise PayloadTooLarge(f"The body has {len(body)} bytes. Send at most {MAX_BODY} bytes.")
    media_type = header(event, "content-type").split(";")[0].strip().lower()
    if media_type != JSON:
        raise UnsupportedMediaType(f"The body is not declared as JSON. Send the header Content-Type: {JSON}.")
    try:
        return jsontext.loads(body)
    except jsontext.InvalidJson as error:
        if header(event, "content-encoding"):
            raise BadRequest(
                "The body is neither gzip nor JSON, although the header Content-Encoding says gzip. "
                "If it was gzip, something on the way changed its bytes."
            ) from None
        raise BadRequest(f"The body is not valid JSON: {error}.") from None


def body_bytes(event: Mapping[str, Any]) -> bytes:
    """Return the body as it was sent. API Gateway passes it either as text or in base64."""
    body = event.get("body") or ""
    return base64.b64decode(body) if event.get("isBase64Encoded") else body.encode("utf-8", "surrogatepass")


def decoded_body(event: Mapping[str, Any]) -> bytes:
    """Return the body without its content coding.

    Raises UnsupportedMediaType for a coding other than gzip, BadRequest for damaged data, and PayloadTooLarge if the
    decompressed body is over MAX_BODY.
    """
    body = body_bytes(event)
    coding = header(event, "content-encoding").strip().lower()
    if coding in ("", "identity"):
        return body
    if coding not in ("gzip", "x-gzip"):
        raise UnsupportedMediaType(
            f'The content coding "{coding[:100]}" is not supported. Send the body without a coding, or with gzip.'
        )
    # With MinimumCompressionSize, API Gateway decompresses the body itself and leaves the header unchanged.
    return _gunzip(body) if body.startswith(_GZIP) else body


def _gunzip(body: bytes) -> bytes:
    decompressor = zlib.decompressobj(wbits=16 + zlib.MAX_WBITS)
    try:
        data = decompressor.decompress(body, MAX_BODY + 1)
    except zlib.error:
        raise BadRequest("The body is not valid gzip data.") from None
    if len(data) > MAX_BODY:
        raise PayloadTooLarge(f"The decompressed body is too large. Send at most {MAX_BODY} bytes.")
    if not decompressor.eof or decompressor.unused_data:
        raise BadRequest("The body is not valid gzip data: it is incomplete, or followed by other data.")
    return data


def header(event: Mapping[str, Any], name: str) -> str:
    """Return the value of a header, or an empty text. `name` is in lower case."""
    for key, value in (event.get("headers") or {}).items():
        if key.lower() == name:
            return str(value)
    return ""
