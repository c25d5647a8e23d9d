"""Request bodies: content coding, size, and what the error messages say about invalid fields."""

import gzip
import json
import zlib
from collections.abc import Callable
from enum import StrEnum
from typing import Annotated, Any, Literal

import pytest
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, RootModel, StringConstraints

from journeys.http.body import MAX_BODY, JsonBody, decoded_body
from journeys.http.router import Router
from journeys.registry.clients.model import Client
from journeys.registry.schemas.requests import Presentation, SchemaUpdate
from tests.support.functions import Context, api_event, clients_of

CANARY = "canary-7f3a"
PERMISSION = "journey:customers:view"
ANY_JSON = JsonBody[Any]("Anything", lambda value: value, {})


def send(body: Any, event: dict[str, Any]) -> tuple[int, Any]:
    """Send a request to a route that declares the body, and return the status and the parsed response."""
    client = Client("client", "acme", "A client", frozenset({PERMISSION}))
    router = Router(clients_of(lambda *_: client))
    declare: Callable[..., Any] = router.route(
        "POST", "/api/v2/journey/things", summary="x", tag="x", permission=PERMISSION, body=body, response="X"
    )
    declare(lambda _, body: {"got": body if isinstance(body, dict) else str(body)})
    response = router.handle(event, Context())  # type: ignore[arg-type]
    return response["statusCode"], json.loads(response["body"])


def message(model: type[BaseModel], body: Any) -> str:
    status, error = send(model, api_event("POST", "things", body))
    assert (status, error["code"]) == (400, "invalid.field")
    assert CANARY not in error["message"]
    return str(error["message"])


# -- content coding ----------------------------------------------------------------------------------------------------


def coded(data: bytes, coding: str = "gzip") -> dict[str, Any]:
    return api_event("POST", "things", raw=data, headers={"Content-Encoding": coding})


@pytest.mark.parametrize("coding", ["gzip", "GZIP", "x-gzip"])
def test_a_gzip_body_is_decoded(coding: str) -> None:
    assert send(ANY_JSON, coded(gzip.compress(b'{"a": 1}'), coding)) == (200, {"got": {"a": 1}})


def test_a_body_that_api_gateway_has_decompressed_is_read_as_it_is() -> None:
    assert send(ANY_JSON, coded(b'{"a": 1}')) == (200, {"got": {"a": 1}})


def test_the_identity_coding_changes_nothing() -> None:
    assert send(ANY_JSON, coded(b'{"a": 1}', "identity")) == (200, {"got": {"a": 1}})


@pytest.mark.parametrize("coding", ["br", "deflate", "zstd", "gzip, gzip"])
def test_another_coding_is_415_and_is_named(coding: str) -> None:
    status, error = send(ANY_JSON, coded(b'{"a": 1}', coding))
    assert (status, error["code"]) == (415, "unsupported.media.type")
    assert f'"{coding}"' in error["message"]


def test_a_gzip_body_is_bounded_after_decompression() -> None:
    text = b'"' + b"x" * (MAX_BODY - 2) + b'"'
    assert decoded_body(coded(gzip.compress(text))) == text
    status, error = send(ANY_JSON, coded(gzip.compress(text + b" ")))
    assert (status, error["code"]) == (413, "payload.too.large")


def test_a_gzip_bomb_is_not_decompressed_further_than_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    sizes: list[int] = []
    make = zlib.decompressobj

    class Watched:
        def __init__(self, wbits: int) -> None:
            self._inner = make(wbits=wbits)

        def decompress(self, data: bytes, size: int) -> bytes:
            sizes.append(size)
            return self._inner.decompress(data, size)

    monkeypatch.setattr("journeys.http.body.zlib.decompressobj", Watched)
    assert send(ANY_JSON, coded(gzip.compress(b" " * 50_000_000)))[0] == 413
    assert sizes == [MAX_BODY + 1]


@pytest.mark.parametrize(
    "data",
    [gzip.compress(b"{}")[:-4], gzip.compress(b"{}") + b"more", b"\x1f\x8bnonsense", gzip.compress(b"{}") * 2],
    ids=["truncated", "followed by data", "damaged", "two members"],
)
def test_damaged_gzip_data_is_400(data: bytes) -> None:
    status, error = send(ANY_JSON, coded(data))
    assert (status, error["message"].startswith("The body is not valid gzip data")) == (400, True)


@pytest.mark.parametrize("headers", [{}, {"Content-Type": ""}], ids=str)
def test_an_empty_body_is_reported_as_such(headers: dict[str, str]) -> None:
    status, error = send(ANY_JSON, api_event("POST", "things") | {"headers": headers})
    assert (status, error["message"]) == (400, "The request has no body. Send a JSON object.")


def test_a_missing_body_that_can_be_empty_names_the_empty_object() -> None:
    _, error = send(Presentation, api_event("POST", "things"))
    assert error["message"] == "The request has no body. Send a JSON object. It can be empty: {}."


# -- invalid fields ----------------------------------------------------------------------------------------------------


class Frequency(StrEnum):
    DAILY = "Daily"
    WEEKLY = "Weekly"


def not_blue(text: str) -> str:
    if text == "blue":
        raise ValueError("blue is not available")
    return text


class Inner(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid")

    weight: int = Field(default=1, ge=1, le=10)


class Thing(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid")

    name: Annotated[str, StringConstraints(min_length=2, max_length=5, pattern="^[a-z]*$")]
    enabled: bool = True
    frequency: Frequency = Field(default=Frequency.DAILY, strict=False)
    kind: Literal["a", "b"] = "a"
    inner: Inner | None = None
    inners: list[Inner] = Field(default_factory=list, min_length=0, max_length=2)
    options: dict[str, Any] = Field(default_factory=dict)
    color: Annotated[str, AfterValidator(not_blue)] = "red"


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"name": None}, 'The field "name" has the wrong type. Use a string.'),
        ({"name": "x"}, 'The field "name" is too short. Minimum length: 2.'),
        ({"name": "x" * 6}, 'The field "name" is too long. Maximum length: 5.'),
        ({"name": "X1"}, 'The field "name" does not match the pattern ^[a-z]*$.'),
        ({"enabled": CANARY}, 'The field "enabled" has the wrong type. Use true or false.'),
        ({"frequency": CANARY}, 'The field "frequency" has a value that is not allowed. Use one of Daily, Weekly.'),
        ({"kind": CANARY}, 'The field "kind" has a value that is not allowed. Use one of a, b.'),
        ({"inner": CANARY}, 'The field "inner" has the wrong type. Use an object.'),
        ({"inner": {"weight": 0}}, 'The field "inner.weight" is out of range. Use at least 1.'),
        ({"inner": {"weight": 11}}, 'The field "inner.weight" is out of range. Use at most 10.'),
        ({"inner": {"weight": 1.5}}, 'The field "inner.weight" has the wrong type. Use a whole number.'),
        ({"inner": {"wieght": 1}}, 'The field "inner.wieght" is unknown. Did you mean "weight"?'),
        ({"inners": [{}, {"wight": 1}]}, 'The field "inners[1].wight" is unknown. Did you mean "weight"?'),
        ({"inners": CANARY}, 'The field "inners" has the wrong type. Use an array.'),
        ({"inners": [{}, {}, {}]}, 'The field "inners" has too many items. Use at most 2.'),
        ({"options": CANARY}, 'The field "options" has the wrong type. Use an object.'),
        ({"naem": "x"}, 'The field "naem" is unknown. Did you mean "name"?'),
        ({"zzz": CANARY}, 'The field "zzz" is unknown.'),
        ({"color": "blue"}, 'The field "color" is invalid: blue is not available.'),
        ({"x" * 5000: 1}, f'The field "{"x" * 100}…" is unknown.'),
    ],
    ids=lambda value: str(value)[:40],
)
def test_an_invalid_field_is_named_with_what_is_allowed(changes: dict[str, Any], expected: str) -> None:
    assert message(Thing, {"name": "abc"} | changes) == expected


def test_a_missing_field_is_named() -> None:
    assert message(Thing, {}) == 'The field "name" is missing.'


def test_up_to_ten_problems_are_listed_and_the_rest_is_counted() -> None:
    text = message(Thing, {"name": "abc"} | {f"zz{number:03}": 1 for number in range(150)})
    assert text.count("is unknown.") == 10
    assert text.endswith(" (and 140 more)")
    _, error = send(Thing, api_event("POST", "things", {f"zz{number:03}": 1 for number in range(150)}))
    assert len(error["details"]) == 100


def test_a_body_that_is_not_an_object_is_reported() -> None:
    status, error = send(Thing, api_event("POST", "things", [1]))
    assert (status, error["message"]) == (400, "The body is not a JSON object. Send a JSON object.")


class Things(RootModel[list[Inner]]):
    root: list[Inner] = Field(max_length=1)


def test_problems_of_a_whole_body_name_the_body() -> None:
    assert message(Things, [{}, {}]) == "The body has too many items. Use at most 1."


@pytest.mark.parametrize("body", [{"title": "Order", "properties": {}}, {"properties": {}}], ids=str)
def test_a_schema_without_its_envelope_is_explained(body: dict[str, Any]) -> None:
    assert message(SchemaUpdate, body) == (
        "The body is a schema without its envelope. Send"
        ' {"version": <the current version>, "jsonSchema": <the schema>}.'
    )
    _, error = send(SchemaUpdate, api_event("POST", "things", body))
    assert error["details"] == [{"errorCode": "missing.field", "fieldName": "jsonSchema"}]


def test_a_body_that_should_be_gzip_and_is_neither_gzip_nor_json_says_so() -> None:
    damaged = gzip.compress(b'{"a": 1}').decode(
        "utf-8", "replace"
    )  # as an intermediary does that passes bodies as text
    event = coded(b"") | {"body": damaged, "isBase64Encoded": False}
    status, error = send(ANY_JSON, event)
    assert (status, error["code"]) == (400, "bad.request")
    assert "The body is neither gzip nor JSON" in error["message"]


def test_codes_of_invalid_fields_are_the_apis_own() -> None:
    changes = {"enabled": CANARY, "kind": CANARY, "inner": {"weight": 0}, "zzz": 1, "color": "blue"}
    _, error = send(Thing, api_event("POST", "things", changes))
    codes = {detail["fieldName"]: detail["errorCode"] for detail in error["details"]}
    assert codes == {
        "name": "missing.field",
        "enabled": "wrong.type",
        "kind": "not.allowed",
        "inner.weight": "out.of.range",
        "zzz": "unknown.field",
        "color": "invalid.value",
    }
