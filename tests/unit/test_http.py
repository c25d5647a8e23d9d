"""The HTTP layer: requests, callers, routes and error responses."""

import base64
import importlib
import inspect
import io
import json
import pkgutil
import re
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

import botocore.exceptions
import pytest
from botocore.exceptions import ClientError
from PureCloudPlatformClientV2 import models

import journeys
from journeys.aws import THROTTLES, error_code
from journeys.errors import (
    BadRequest,
    Conflict,
    Detail,
    JourneysError,
    LimitReached,
    MethodNotAllowed,
    NotFound,
    PayloadTooLarge,
    PermissionMissing,
    ServerError,
    ServiceUnavailable,
    TooManyRequests,
    TooManyWaiting,
    Unauthenticated,
    UnsupportedMediaType,
)
from journeys.http.body import MAX_BODY, JsonBody
from journeys.http.parameters import PAGE_SIZE, Parameter, choice, moment, required_text
from journeys.http.request import Request
from journeys.http.response import status_of
from journeys.http.router import Router
from journeys.registry.clients.model import PERMISSIONS, Client
from journeys.registry.clients.store import ClientStore
from tests.support.aws_errors import client_error
from tests.support.client_events import handling
from tests.support.functions import Context, api_event, clients_of, load
from tests.support.tables import Tables
from tests.support.template import ROOT, resources

CANARY = "canary-7f3a"
PERMISSION = "journey:customers:view"


def client(*permissions: str) -> Client:
    return Client("client", "acme", "A client", frozenset(permissions))


def everybody(*_: Any) -> Client:
    return client(PERMISSION)


ANY_JSON = JsonBody[Any]("Anything", lambda value: value, {})


def declare(router: Router, method: str, path: str, **declared: Any) -> Callable[..., Any]:
    """Return the decorator of a route whose other declarations do not matter."""
    declared = {"summary": "x", "tag": "x", "permission": PERMISSION, "response": "X"} | declared
    return router.route(method, f"/api/v2/journey/{path}", **declared)


def router_with(handler: Callable[..., dict[str, Any] | None], *, method: str = "POST", **declared: Any) -> Router:
    """Return a router with one route, `things`."""
    router = Router(clients_of(everybody))
    declare(router, method, "things", **declared)(handler)
    return router


def answer(router: Router, event: dict[str, Any]) -> tuple[int, Any, dict[str, str]]:
    """Return the status, the parsed body and the headers of a response."""
    response = router.handle(event, Context())  # type: ignore[arg-type]
    return response["statusCode"], json.loads(response["body"]) if response["body"] else None, response["headers"]


def echo() -> Router:
    return router_with(lambda _, body: {"got": body}, body=ANY_JSON)


def reads(parameter: Parameter[Any]) -> Router:
    """Return a router whose route responds with the value of a query parameter."""
    return router_with(lambda request: {"value": request.get(parameter)}, method="GET", query=(parameter,))


def raises(error: Exception) -> Router:
    def handler(_: Request) -> dict[str, Any]:
        raise error

    return router_with(handler, method="GET")


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Set the variables that the fixture `tables` does not set."""
    monkeypatch.setenv("SECRETS_PREFIX", "stack/webhooks/")
    monkeypatch.setenv("TOKEN_URL", "https://auth.example.com/oauth2/token")


# -- errors ------------------------------------------------------------------------------------------------------------

ERRORS: list[tuple[JourneysError, int, str]] = [
    (BadRequest("x"), 400, "bad.request"),
    (Unauthenticated("x"), 401, "authentication.required"),
    (PermissionMissing("x"), 403, "missing.permissions"),
    (NotFound("x"), 404, "not.found"),
    (MethodNotAllowed("PUT", ["GET"]), 405, "method.not.allowed"),
    (Conflict("x"), 409, "conflict"),
    (LimitReached("x", namespace="n", key="k", value=20, count=20), 409, "limit.reached"),
    (TooManyWaiting("x", namespace="n", key="k", value=20, count=20), 429, "limit.reached"),
    (PayloadTooLarge("x"), 413, "payload.too.large"),
    (UnsupportedMediaType("x"), 415, "unsupported.media.type"),
    (TooManyRequests("x"), 429, "too.many.requests"),
    (ServiceUnavailable("x"), 503, "service.unavailable"),
    (ServerError("x"), 500, "internal.error"),
]


@pytest.mark.parametrize(("error", "status", "code"), ERRORS, ids=lambda value: type(value).__name__)
def test_each_error_has_a_status_and_a_code(error: JourneysError, status: int, code: str) -> None:
    answered, body, _ = answer(raises(error), api_event("GET", "things"))
    assert (answered, body["status"], body["code"]) == (status, status, code)


def test_every_error_class_has_a_status() -> None:
    for module in pkgutil.walk_packages(journeys.__path__, "journeys."):
        importlib.import_module(module.name)

    class OwnError(NotFound):
        """An error that the response module does not name."""

    def kinds(of: type[JourneysError]) -> Iterator[type[JourneysError]]:
        yield of
        for kind in of.__subclasses__():
            yield from kinds(kind)

    statuses = {type(error): status for error, status, _ in ERRORS} | {JourneysError: 500, OwnError: 404}
    for kind in kinds(JourneysError):
        nearest = next(base for base in kind.__mro__ if base in statuses)
        assert status_of(kind) == statuses[nearest], kind
    status, body, _ = answer(raises(OwnError("x")), api_event("GET", "things"))
    assert (status, body["status"]) == (404, 404)


def test_an_error_body_has_the_fields_of_the_contract_and_the_request_id() -> None:
    error = LimitReached("Too many.", namespace="n", key="k", value=20, count=19)
    event = api_event("GET", "things")
    _, body, headers = answer(raises(error), event)
    assert body == {
        "message": "Too many.",
        "code": "limit.reached",
        "status": 409,
        "contextId": event["requestContext"]["requestId"],
        "details": [],
        "errors": [],
        "messageParams": {"limit": "20", "count": "19"},
        "limit": {"namespace": "n", "key": "k", "value": 20},
    }
    assert body.keys() <= set(models.ErrorBody().attribute_map.values())
    assert body["limit"].keys() == set(models.Limit().attribute_map.values())
    assert headers["Content-Type"] == "application/json"


def test_details_have_the_field_names_of_the_contract() -> None:
    _, body, _ = answer(raises(BadRequest("x", details=[Detail("c", "f")])), api_event("GET", "things"))
    assert body["details"] == [{"errorCode": "c", "fieldName": "f"}]
    assert body["details"][0].keys() <= set(models.Detail().attribute_map.values())


@pytest.mark.parametrize(("error", "status", "code"), ERRORS, ids=lambda value: type(value).__name__)
def test_only_errors_that_can_be_retried_have_a_retry_after_header(
    error: JourneysError, status: int, code: str
) -> None:
    _, _, headers = answer(raises(error), api_event("GET", "things"))
    assert ("Retry-After" in headers) == (status in (429, 503))
    assert int(headers.get("Retry-After", 1)) >= 1


def name_of(error: Exception) -> str:
    """Return the name of an error in the name of a test."""
    return error_code(error) if isinstance(error, ClientError) else type(error).__name__


@pytest.mark.parametrize("code", sorted(THROTTLES))
def test_a_throttled_store_is_429(code: str) -> None:
    status, body, headers = answer(raises(client_error(code)), api_event("GET", "things"))
    assert (status, body["code"]) == (429, "too.many.requests")
    assert "Retry-After" in headers


@pytest.mark.parametrize(
    "error",
    [
        client_error("InternalServerError", 500),
        client_error("ServiceUnavailable", 503),
        client_error("RequestTimeout"),
        botocore.exceptions.ConnectTimeoutError(endpoint_url=CANARY),
        botocore.exceptions.ReadTimeoutError(endpoint_url=CANARY),
        botocore.exceptions.EndpointConnectionError(endpoint_url=CANARY),
    ],
    ids=name_of,
)
def test_an_unavailable_store_is_503_and_its_message_is_not_repeated(error: Exception, logged: io.StringIO) -> None:
    status, body, headers = answer(raises(error), api_event("GET", "things"))
    assert (status, body["code"]) == (503, "service.unavailable")
    assert "Retry-After" in headers
    assert "a request failed" in logged.getvalue()
    assert CANARY not in logged.getvalue() + json.dumps(body)


@pytest.mark.parametrize(
    "error",
    [
        client_error("AccessDeniedException"),
        client_error("ResourceNotFoundException"),
        client_error("ValidationException"),
        client_error("AccessDenied", 403),
        client_error("NoSuchKey", 404),
        botocore.exceptions.NoCredentialsError(),
        botocore.exceptions.ParamValidationError(report=CANARY),
    ],
    ids=name_of,
)
def test_an_error_that_no_retry_solves_is_500_and_counted_as_a_defect(error: Exception, logged: io.StringIO) -> None:
    status, body, headers = answer(raises(error), api_event("GET", "things"))
    assert (status, body["code"]) == (500, "internal.error")
    assert "Retry-After" not in headers
    assert not re.search("again|retry", body["message"], re.IGNORECASE)
    failed, completed = map(json.loads, logged.getvalue().splitlines())
    assert failed["error_type"] == type(error).__name__
    assert "test_http.py" in failed["frames"][0]
    assert (completed["Defects"], completed["status"]) == (1, 500)
    assert CANARY not in logged.getvalue() + json.dumps(body)


def test_a_store_that_fails_while_the_caller_is_authorized_has_the_same_response() -> None:
    def failing(*_: Any) -> Client:
        raise client_error("ThrottlingException")

    router = Router(clients_of(failing))
    declare(router, "GET", "things")(lambda _: {})
    status, body, _ = answer(router, api_event("GET", "things"))
    assert (status, body["code"]) == (429, "too.many.requests")


def test_a_defect_is_500_and_is_logged_under_the_request_id_without_its_message(logged: io.StringIO) -> None:
    event = api_event("GET", "things")
    status, body, _ = answer(raises(KeyError(CANARY)), event)
    assert (status, body["code"]) == (500, "internal.error")
    assert body["contextId"] == event["requestContext"]["requestId"]
    failed = json.loads(logged.getvalue().splitlines()[0])
    assert (failed["message"], failed["error_type"]) == ("a request failed", "KeyError")
    assert failed["correlation_id"] == body["contextId"]
    assert CANARY not in logged.getvalue() + json.dumps(body)


@pytest.mark.parametrize(("method", "path"), [("GET", "nothing"), ("DELETE", "thing"), ("GET", "things/1")])
def test_an_unknown_path_is_404_with_an_error_body(method: str, path: str) -> None:
    status, body, _ = answer(raises(Conflict("x")), api_event(method, path))
    assert (status, body["code"], body["details"]) == (404, "not.found", [])
    assert body["contextId"]


def test_responses_tell_browsers_not_to_cache_or_sniff_them() -> None:
    for event in (api_event("POST", "things", {}), api_event("POST", "things", raw=b"{")):
        _, _, headers = answer(echo(), event)
        assert headers["Cache-Control"] == "no-store"
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert "max-age=" in headers["Strict-Transport-Security"]


def test_a_handler_without_a_result_responds_with_204_and_no_body() -> None:
    status, body, _ = answer(router_with(lambda _: None), api_event("POST", "things"))
    assert (status, body) == (204, None)


# -- the body ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "body",
    {
        "NaN": b'{"a": NaN}',
        "Infinity": b'{"a": -Infinity}',
        "a name twice": b'{"a": 1, "a": 1}',
        "nesting": b"[" * 33 + b"]" * 33,
        "nesting without end": b"[" * 200_000,
        "a lone surrogate": b'{"a": "\\ud800"}',
        "not UTF-8": b'{"a": "\xff"}',
        "a byte order mark": b"\xef\xbb\xbf{}",
        "an exponent beyond all bounds": b'{"a": 1e99999999999999999999}',
        "not JSON": b"canary-7f3a",
        "two values": b"{}{}",
    }.items(),
    ids=lambda item: item[0],
)
def test_a_body_that_is_not_strict_json_is_400_and_is_not_repeated(body: tuple[str, bytes]) -> None:
    status, error, _ = answer(echo(), api_event("POST", "things", raw=body[1]))
    assert (status, error["code"]) == (400, "bad.request")
    assert error["message"].startswith("The body is not valid JSON: ")
    assert CANARY not in error["message"]


def test_a_body_is_read_the_same_as_text_and_in_base64() -> None:
    text = '{"name": "Zoë 😀", "digits": 0.10}'
    plain = api_event("POST", "things", raw=text.encode())
    plain |= {"body": text, "isBase64Encoded": False}
    coded = api_event("POST", "things", raw=text.encode())
    assert coded["isBase64Encoded"]
    assert answer(echo(), plain)[:2] == answer(echo(), coded)[:2] == (200, {"got": json.loads(text)})


def test_a_plain_body_with_a_lone_surrogate_is_400() -> None:
    event = api_event("POST", "things") | {"body": '{"a": "\ud800"}', "isBase64Encoded": False}
    assert answer(echo(), event)[0] == 400


@pytest.mark.parametrize("coded", [True, False])
def test_a_body_of_1_mib_is_accepted_and_one_byte_more_is_413(coded: bool) -> None:
    for size, status in ((MAX_BODY, 200), (MAX_BODY + 1, 413)):
        text = b'"' + b"x" * (size - 2) + b'"'
        body = base64.b64encode(text).decode() if coded else text.decode()
        event = api_event("POST", "things") | {"body": body, "isBase64Encoded": coded}
        assert answer(router_with(lambda _, body: {"size": len(body)}, body=ANY_JSON), event)[0] == status
    assert MAX_BODY == 1_048_576


def test_the_size_of_a_body_is_counted_in_bytes() -> None:
    text = '"' + "é" * 600_000 + '"'
    event = api_event("POST", "things") | {"body": text, "isBase64Encoded": False}
    assert answer(echo(), event)[0] == 413


@pytest.mark.parametrize("name", ["content-type", "Content-Type", "CONTENT-TYPE", "cOnTeNt-TyPe"])
@pytest.mark.parametrize("value", ["application/json", "application/json; charset=utf-8", "Application/JSON"])
def test_the_content_type_header_is_read_in_any_case(name: str, value: str) -> None:
    event = api_event("POST", "things", {}) | {"headers": {"Accept": "*/*", name: value}}
    assert answer(echo(), event)[0] == 200


@pytest.mark.parametrize(
    "headers",
    [
        None,
        {},
        {"Content-Type": ""},
        {"Content-Type": "text/plain"},
        {"Content-Type": "application/jsonp"},
        {"Content-Type": "application/x-www-form-urlencoded"},
        {"X-Content-Type": "application/json"},
    ],
    ids=str,
)
def test_a_body_of_another_media_type_is_415(headers: dict[str, str] | None) -> None:
    event = api_event("POST", "things", {}) | {"headers": headers}
    status, body, _ = answer(echo(), event)
    assert (status, body["code"]) == (415, "unsupported.media.type")


# -- the query ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "value", ["0", "101", "-1", "1.5", "a", "1e1", " 5", "٣", "99999999999999999999", "canary-7f3a"]
)
def test_an_invalid_page_size_is_400_and_is_not_repeated(value: str) -> None:
    status, body, _ = answer(reads(PAGE_SIZE), api_event("GET", "things", query={"pageSize": value}))
    assert (status, body["details"]) == (400, [{"errorCode": "invalid.parameter", "fieldName": "pageSize"}])
    assert CANARY not in json.dumps(body)


def test_the_default_page_size_is_25() -> None:
    queries: list[dict[str, str] | None] = [None, {"pageSize": "100"}]
    sizes = [answer(reads(PAGE_SIZE), api_event("GET", "things", query=query))[1]["value"] for query in queries]
    assert sizes == [25, 100]


@pytest.mark.parametrize(
    "parameter", [moment("from", "x"), choice("from", "x", ("asc", "desc"))], ids=["moment", "choice"]
)
def test_an_invalid_parameter_is_400_and_its_value_is_not_repeated(parameter: Parameter[Any]) -> None:
    status, body, _ = answer(reads(parameter), api_event("GET", "things", query={"from": CANARY}))
    assert (status, body["details"][0]["fieldName"]) == (400, "from")
    assert body["message"].startswith('The query parameter "from" is invalid. Use ')
    assert CANARY not in json.dumps(body)


def test_a_date_before_the_year_1_is_400() -> None:
    assert (
        answer(reads(moment("from", "x")), api_event("GET", "things", query={"from": "0001-01-01T00:00:00+01:00"}))[0]
        == 400
    )


@pytest.mark.parametrize("query", [None, {}, {"value": ""}], ids=str)
def test_a_missing_required_parameter_is_400_and_is_named(query: dict[str, str] | None) -> None:
    _, body, _ = answer(reads(required_text("value", "x")), api_event("GET", "things", query=query))
    assert body["details"] == [{"errorCode": "missing.parameter", "fieldName": "value"}]
    assert body["message"] == 'The query parameter "value" is missing: x'


def test_an_unknown_parameter_is_400_and_is_named_with_the_known_ones() -> None:
    router = router_with(lambda _: {}, method="GET", query=(PAGE_SIZE, required_text("value", "x")))
    status, body, _ = answer(router, api_event("GET", "things", query={"value": "x", "pagesize": CANARY}))
    assert (status, body["details"]) == (400, [{"errorCode": "unknown.parameter", "fieldName": "pagesize"}])
    assert body["message"] == 'The query parameter "pagesize" is unknown. Use one of pageSize, value.'


def test_an_operation_without_parameters_says_so() -> None:
    _, body, _ = answer(router_with(lambda _: {}), api_event("POST", "things", query={"x" * 200: "1"}))
    expected = f'The query parameter "{"x" * 100}…" is unknown. This operation has no query parameters.'
    assert body["message"] == expected


def test_all_wrong_parameters_are_reported_up_to_ten() -> None:
    query = {f"p{number:02}": "1" for number in range(12)} | {"pageSize": "0"}
    _, body, _ = answer(reads(PAGE_SIZE), api_event("GET", "things", query=query))
    assert body["message"].startswith('The query parameter "pageSize" is invalid. Use a whole number from 1 to 100.')
    assert body["message"].endswith(" (and 3 more)")
    assert len(body["details"]) == 10


def test_a_handler_cannot_read_a_parameter_that_its_route_does_not_declare(logged: io.StringIO) -> None:
    router = router_with(lambda request: {"value": request.get(PAGE_SIZE)}, method="GET")
    assert answer(router, api_event("GET", "things"))[0] == 500
    assert "KeyError" in logged.getvalue()


# -- methods and paths -------------------------------------------------------------------------------------------------


def test_a_wrong_method_is_405_and_the_response_lists_the_right_ones() -> None:
    router = router_with(lambda _: {})
    declare(router, "GET", "things")(lambda _: {})
    declare(router, "GET", "things/<thing_id>")(lambda _, thing_id: {"id": thing_id})
    status, body, headers = answer(router, api_event("DELETE", "things"))
    assert (status, body["code"], headers["Allow"]) == (405, "method.not.allowed", "GET, POST")
    assert body["message"] == "The method DELETE is not allowed for this path. Use one of GET, POST."
    assert answer(router, api_event("DELETE", "things/1"))[2]["Allow"] == "GET"


def test_a_path_that_does_not_exist_has_the_same_message_as_at_the_gateway() -> None:
    status, body, _ = answer(router_with(lambda _: {}), api_event("GET", "nothing"))
    gateway = resources("AWS::Serverless::Api")["Api"]["Properties"]["GatewayResponses"]["MISSING_AUTHENTICATION_TOKEN"]
    assert status == 404
    assert f'"message":"{body["message"]}"' in gateway["ResponseTemplates"]["application/json"]


def test_a_response_lists_at_most_100_details() -> None:
    error = BadRequest("x", details=[Detail("x", str(number)) for number in range(150)])
    assert len(answer(raises(error), api_event("GET", "things"))[1]["details"]) == 100


def test_a_path_without_variables_is_matched_before_one_with_variables() -> None:
    router = Router(clients_of(everybody))
    declare(router, "GET", "things/<thing_id>")(lambda _, thing_id: {"id": thing_id})
    declare(router, "GET", "things/all")(lambda _: {"id": "every one"})
    assert answer(router, api_event("GET", "things/all"))[1] == {"id": "every one"}
    assert answer(router, api_event("GET", "things/1"))[1] == {"id": "1"}


@pytest.mark.parametrize(
    ("text", "status"),
    [("1", 200), ("99999999", 200), ("100000000", 404), ("-1", 404), ("1.0", 404), ("\u0663", 404), ("x", 404)],
)
def test_a_number_in_a_path_has_one_to_eight_digits(text: str, status: int) -> None:
    router = Router(clients_of(everybody))
    declare(router, "GET", "things/<int:version>")(lambda _, version: {"version": version})
    answered, body, _ = answer(router, api_event("GET", f"things/{text}"))
    assert (answered, body.get("version")) == (status, int(text) if status == 200 else None)


# -- callers -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("authorizer", [None, {}, {"claims": None}, {"claims": {}}, {"claims": {"client_id": ""}},
                                        {"claims": {"client_id": 5}}], ids=str)  # fmt: skip
def test_a_token_that_names_no_client_is_401(authorizer: Any) -> None:
    event = api_event("POST", "things", {})
    event["requestContext"]["authorizer"] = authorizer
    status, body, _ = answer(echo(), event)
    assert (status, body["code"]) == (401, "authentication.required")


def test_a_client_that_is_not_registered_is_403() -> None:
    api = Router(clients_of(lambda *_: None))
    declare(api, "GET", "things")(lambda _: {})
    assert answer(api, api_event("GET", "things", client_id=CANARY))[0] == 403
    assert CANARY not in json.dumps(answer(api, api_event("GET", "things", client_id=CANARY))[1])


def test_a_missing_permission_is_403_and_is_named() -> None:
    api = Router(clients_of(lambda *_: client("journey:views:view")))
    declare(api, "GET", "things")(lambda _: {})
    status, body, _ = answer(api, api_event("GET", "things"))
    assert (status, body["code"]) == (403, "missing.permissions")
    assert body["messageParams"] == {"permission": PERMISSION}
    assert PERMISSION in body["message"]


class Registry:
    """A client whose permissions a test can change, with a clock that the test sets. Counts the reads."""

    def __init__(self) -> None:
        self.permissions: list[str] = []
        self.reads: list[bool] = []
        self.now = 1000.0
        self.router = Router(clients_of(self._load, clock=lambda: self.now))
        declare(self.router, "GET", "things")(lambda _: {})

    def _load(self, _client_id: str, consistent: bool) -> Client:
        self.reads.append(consistent)
        return client(*self.permissions)

    def status(self) -> int:
        return answer(self.router, api_event("GET", "things"))[0]


def test_a_new_permission_applies_to_the_next_request() -> None:
    registry = Registry()
    assert registry.status() == 403
    registry.permissions = [PERMISSION]
    registry.now += 1
    assert registry.status() == 200


def test_a_refusal_follows_a_consistent_read_which_happens_at_most_once_a_second() -> None:
    registry = Registry()
    assert {registry.status() for _ in range(50)} == {403}
    assert registry.reads == [False, True]
    registry.now += 1
    assert {registry.status() for _ in range(50)} == {403}
    assert registry.reads == [False, True, True]


def test_a_removed_permission_stops_working_within_a_minute() -> None:
    registry = Registry()
    registry.permissions = [PERMISSION]
    assert registry.status() == 200
    registry.permissions = []
    registry.now += 60
    assert registry.status() == 403


def test_an_authorized_caller_costs_one_read_a_minute() -> None:
    registry = Registry()
    registry.permissions = [PERMISSION]
    for _ in range(50):
        registry.status()
        registry.now += 1
    assert registry.reads == [False]


# -- every route of every function -------------------------------------------------------------------------------------

FUNCTIONS = (
    "schemas", "configurations", "definitions", "ingest", "failures", "customers", "endpoints", "views", "jobs",
    "usage", "people",
)  # fmt: skip

SCHEMA = "journey:externalEventsSchema"
CONFIGURATION = "journey:externalEventsConfiguration"
CONTRACT = {
    "GET externalevents/configurations": f"{CONFIGURATION}:view",
    "POST externalevents/configurations": f"{CONFIGURATION}:add",
    "GET externalevents/configurations/{}": f"{CONFIGURATION}:view",
    "PATCH externalevents/configurations/{}": f"{CONFIGURATION}:edit",
    "DELETE externalevents/configurations/{}": f"{CONFIGURATION}:delete",
    "POST externalevents/configurations/{}/events": "journey:externalEventsEvent:add",
    "GET externalevents/schemas": f"{SCHEMA}:view",
    "POST externalevents/schemas": f"{SCHEMA}:add",
    "GET externalevents/schemas/coretypes": f"{SCHEMA}:view",
    "GET externalevents/schemas/coretypes/{}": f"{SCHEMA}:view",
    "GET externalevents/schemas/limits": f"{SCHEMA}:view",
    "GET externalevents/schemas/{}": f"{SCHEMA}:view",
    "PUT externalevents/schemas/{}": f"{SCHEMA}:edit",
    "DELETE externalevents/schemas/{}": f"{SCHEMA}:delete",
    "GET externalevents/schemas/{}/versions": f"{SCHEMA}:view",
    "GET externalevents/schemas/{}/versions/{}": f"{SCHEMA}:view",
    "GET views/eventdefinitions": "journey:eventDefinition:view",
    "GET views/eventdefinitions/{}": "journey:eventDefinition:view",
    "PUT views/eventdefinitions/{}": "journey:externalEvents:edit",
    "PUT views/eventdefinitions/{}/activate": "journey:externalEvents:activate",
    "GET views/eventdefinitions/external": "journey:externalEvents:view",
    "GET views/eventdefinitions/external/changes": "journey:externalEvents:view",
    "GET views": "journey:views:view",
    "POST views": "journey:views:add",
    "GET views/{}": "journey:views:view",
    "DELETE views/{}": "journey:views:delete",
    "POST views/{}/versions": "journey:views:edit",
    "GET views/{}/versions/{}": "journey:views:view",
    "PUT views/{}/versions/{}": "journey:views:edit",
    "GET views/{}/versions/{}/charts/{}": "journey:views:view",
    "GET views/{}/versions/{}/charts/{}/versions/{}": "journey:views:view",
    "GET views/data/details": "journey:views:view",
    "POST views/encodings/validate": "journey:views:view",
    "GET views/schedules": "journey:viewsSchedule:view",
    "GET views/{}/schedules": "journey:viewsSchedule:view",
    "POST views/{}/schedules": "journey:viewsSchedule:add",
    "PUT views/{}/schedules": "journey:viewsSchedule:edit",
    "DELETE views/{}/schedules": "journey:viewsSchedule:delete",
    "GET views/jobs": "journey:viewsJobs:view",
    "GET views/jobs/me": "journey:viewsJobs:view",
    "POST views/{}/versions/{}/jobs": "journey:viewsJobs:add",
    "GET views/{}/versions/{}/jobs/latest": "journey:viewsJobs:view",
    "GET views/{}/versions/{}/jobs/{}": "journey:viewsJobs:view",
    "PATCH views/{}/versions/{}/jobs/{}": "journey:viewsJobs:edit",
    "GET views/{}/versions/{}/jobs/{}/results": "journey:viewsResults:view",
    "GET views/{}/versions/{}/jobs/{}/results/charts/{}": "journey:viewsResults:view",
}
"""The contract's operations that this API serves, and the permission that each requires."""

OURS = {
    "GET views/{}/versions/{}/jobs/{}/results/comparison": "journey:viewsResults:view",
    "POST externalevents/configurations/{}/events/validate": "journey:externalEventsEvent:add",
    "GET externalevents/failures": "journey:externalEventsFailures:view",
    "GET externalevents/failures/summary": "journey:externalEventsFailures:view",
    "GET externalevents/failures/{}": "journey:externalEventsFailures:view",
    "POST externalevents/failures/replay": "journey:externalEventsFailures:edit",
    "POST externalevents/failures/{}/replay": "journey:externalEventsFailures:edit",
    "GET customers": "journey:customers:view",
    "GET customers/events": "journey:customers:view",
    "GET customers/identifiers": "journey:customers:view",
    "GET customers/search": "journey:customers:view",
    "POST customers/links": "journey:customers:edit",
    "POST customers/unlinks": "journey:customers:edit",
    "GET customers/settings": "journey:customers:view",
    "PUT customers/settings": "journey:customers:edit",
    "GET views/{}/versions/{}/jobs/{}/results/customers": "journey:viewsCustomers:view",
    "GET paths/jobs": "journey:viewsJobs:view",
    "POST paths/jobs": "journey:viewsJobs:add",
    "GET paths/jobs/{}": "journey:viewsJobs:view",
    "PATCH paths/jobs/{}": "journey:viewsJobs:edit",
    "GET paths/jobs/{}/results": "journey:viewsResults:view",
    "GET paths/jobs/{}/view": "journey:viewsJobs:view",
    "GET webhooks/endpoints": "journey:webhooks:view",
    "POST webhooks/endpoints": "journey:webhooks:add",
    "GET webhooks/endpoints/{}": "journey:webhooks:view",
    "PATCH webhooks/endpoints/{}": "journey:webhooks:edit",
    "DELETE webhooks/endpoints/{}": "journey:webhooks:delete",
    "POST webhooks/endpoints/{}/secret": "journey:webhooks:edit",
    "POST webhooks/endpoints/{}/test": "journey:webhooks:edit",
    "GET webhooks/endpoints/{}/deliveries": "journey:webhooks:view",
    "GET webhooks/endpoints/{}/deliveries/{}": "journey:webhooks:view",
    "POST webhooks/endpoints/{}/deliveries/{}/replay": "journey:externalEventsFailures:edit",
    "GET webhooks/senders": "journey:webhooks:view",
    "GET usage": "journey:usage:view",
    "GET activity": "journey:usage:view",
    "GET limits": "journey:usage:view",
    "GET me": None,
    "GET people": "journey:people:view",
    "POST people": "journey:people:add",
    "GET people/{}": "journey:people:view",
    "PATCH people/{}": "journey:people:edit",
    "DELETE people/{}": "journey:people:delete",
    "GET clients": "journey:clients:view",
    "POST clients": "journey:clients:add",
    "GET clients/{}": "journey:clients:view",
    "PATCH clients/{}": "journey:clients:edit",
    "POST clients/{}/rotate": "journey:clients:edit",
    "DELETE clients/{}": "journey:clients:delete",
}


def routes(module: ModuleType) -> dict[str, str | None]:
    """Return the permission of each route. A route is written as "METHOD path", with {} for a variable."""
    router: Router = module.router
    return {
        f"{route.method} {re.sub('<.*?>', '{}', route.path.removeprefix('/api/v2/journey/'))}": route.permission
        for route in router.routes
    }


def test_every_operation_requires_its_permission(tables: Tables) -> None:
    found: dict[str, str | None] = {}
    for function in FUNCTIONS:
        found |= routes(load(function))
    assert {operation: found.get(operation) for operation in CONTRACT} == CONTRACT
    assert {operation: permission for operation, permission in found.items() if operation not in CONTRACT} == OURS


def test_the_contracts_operations_are_those_of_the_vendors_sdk() -> None:
    sdk = importlib.import_module("PureCloudPlatformClientV2.apis.journey_api")
    source = inspect.getsource(sdk)
    paths = set(re.findall(r"resource_path = '/api/v2/journey/(.*?)'", source))
    theirs = {re.sub(r"\{.*?\}", "{}", path) for path in paths}
    assert {operation.split()[1] for operation in CONTRACT} == {
        path for path in theirs if path.startswith(("externalevents/", "views"))
    }


def test_every_query_parameter_of_the_vendors_sdk_is_declared(tables: Tables) -> None:
    """Otherwise the SDK's requests would be refused for an unknown parameter."""
    source = inspect.getsource(importlib.import_module("PureCloudPlatformClientV2.apis.journey_api"))
    declared = {
        f"{route.method} {re.sub('<.*?>', '{}', route.path)}": {parameter.name for parameter in route.query}
        for function in FUNCTIONS
        for route in load(function).router.routes
    }
    found = 0
    for path, block, method in re.findall(
        r"resource_path = '(.*?)'(.*?)call_api\(resource_path, '(\w+)'", source, re.DOTALL
    ):
        operation = f"{method} {re.sub(r'{.*?}', '{}', path)}"
        if operation in declared:
            sent = set(re.findall(r"query_params\['(\w+)'\]", block))
            assert sent <= declared[operation], operation
            found += len(sent)
    assert found >= 15


def test_every_function_with_routes_is_tested(tables: Tables) -> None:
    """FUNCTIONS lists every function that has a router."""
    others = {path.parent.name for path in (ROOT / "functions").glob("*/handler.py")} - set(FUNCTIONS)
    assert not [name for name in sorted(others) if hasattr(load(name), "router")]


@pytest.mark.parametrize("function", FUNCTIONS)
def test_every_route_refuses_a_client_that_has_all_other_permissions(function: str, tables: Tables) -> None:
    module = load(function)
    assert module.handler == module.router.handle
    for operation, permission in routes(module).items():
        if permission is None:
            continue
        assert permission in PERMISSIONS
        method, path = operation.format(*("x", "1") * 2).split()
        event = api_event(method, path, {}, client_id=f"all-but-{permission}")
        ClientStore(tables.dynamodb, tables.registry).put(
            Client(f"all-but-{permission}", "acme", "Nearly all", PERMISSIONS - {permission})
        )
        status, body, _ = answer(module.router, event)
        assert (operation, status, body["messageParams"]) == (operation, 403, {"permission": permission})
        assert answer(module.router, api_event(method, path, {}, client_id=None))[0] == 401


def refuse_long_keys(params: Any, **_: Any) -> None:
    """Refuse empty keys and keys over 2,048 and 1,024 bytes, as DynamoDB does and moto does not."""
    if isinstance(params, dict) and isinstance(params.get("pk"), dict):
        for name, most in (("pk", 2048), ("sk", 1024)):
            if not 0 < len(params.get(name, {"S": "none"})["S"].encode()) <= most:
                raise client_error("ValidationException")
    for inner in params.values() if isinstance(params, dict) else params if isinstance(params, list) else ():
        refuse_long_keys(inner)


@pytest.mark.parametrize("function", FUNCTIONS)
def test_long_and_unusual_ids_are_not_a_server_error(function: str, tables: Tables) -> None:
    module = load(function)
    with handling(tables.dynamodb, "provide-client-params.dynamodb", refuse_long_keys):
        for operation in routes(module):
            method, path = operation.split()
            for odd in ("x" * 3000, "é" * 600, "😀" * 100, "%23" * 30, "a#b", "..", " "):
                event = api_event(method, path.format(*[odd] * 4), {}, query={"externalSourceId": odd, "value": odd})
                status, _, _ = answer(module.router, event)
                assert (operation, odd, status < 500) == (operation, odd, True)


@pytest.mark.parametrize("function", FUNCTIONS)
def test_no_error_and_no_log_line_repeats_sent_values(
    function: str, tables: Tables, logged: io.StringIO, capfd: pytest.CaptureFixture[str]
) -> None:
    """This covers ids in the path, values in the query, and values in the body."""
    module = load(function)
    query = dict.fromkeys(("pageSize", "pageNumber", "cursor", "from", "to", "order", "status"), CANARY)
    bodies: list[Any] = [
        {"entities": [{"id": CANARY, "attributes": {"name": CANARY}}]},
        {"name": {"x": CANARY}, "schemaId": CANARY, "source": CANARY},
        {"version": CANARY, "enabled": CANARY, "displayName": [CANARY], "rank": CANARY},
        {"configurationId": [CANARY], "reason": CANARY, "from": CANARY},
        CANARY,
        [CANARY],
    ]
    told = json.dumps(answer(module.router, api_event("GET", CANARY))[1])
    for operation in routes(module):
        method, path = operation.format(*[CANARY] * 4).split()
        for body in bodies:
            for asked in (query, {}):
                status, answered, _ = answer(module.router, api_event(method, path, body, query=asked))
                if status >= 400:
                    told += answered["message"] + json.dumps(answered)
    assert "contextId" in told
    assert "request completed" in logged.getvalue()
    printed = capfd.readouterr()
    assert CANARY not in told + logged.getvalue() + printed.out + printed.err


def test_a_request_is_logged_with_its_route_status_and_duration(logged: io.StringIO) -> None:
    event = api_event("POST", f"things?{CANARY}", {"a": CANARY})
    event["path"] = "/api/v2/journey/things"
    answer(echo(), event)
    line = json.loads(logged.getvalue().splitlines()[-1])
    assert (line["message"], line["route"], line["status"]) == ("request completed", "POST /resource-of-a-test", 200)
    assert line["correlation_id"] == event["requestContext"]["requestId"]
    assert line["milliseconds"] >= 0
    assert CANARY not in logged.getvalue()


def test_two_invocations_for_one_request_have_different_request_ids() -> None:
    """A sender that repeats a request id must not look like a retry of the same invocation."""
    seen: list[str] = []

    def handler(request: Request) -> None:
        seen.append(request.request_id)

    api, event = router_with(handler), api_event("POST", "things")
    answer(api, event)
    answer(api, event)
    assert len(set(seen)) == 2
    assert all(one.startswith(event["requestContext"]["requestId"]) for one in seen)


# -- custom domains ----------------------------------------------------------------------------------------------------


def behind(base: str, resource: str, path: str) -> dict[str, Any]:
    """Return a request to a custom domain with a base path, in the form that API Gateway passes to functions.

    Its `path` and the one of its context begin with the base path, `resource` does not: see the event in
    https://github.com/aws-powertools/powertools-lambda-python/issues/576.
    """
    called = f"/api/v2/journey/{path}"
    resource = f"/api/v2/journey/{resource}"
    event = api_event("GET", path) | {"resource": resource, "path": base + called}
    event["requestContext"] |= {
        "resourcePath": resource,
        "path": base + called,
        "domainName": "events.example",
        "stage": "prod",
    }
    return event


@pytest.mark.parametrize("base", ["", "/shop", "/shop/v1", "/api/v2", "/journey", "/api/v2/journey", "/%2B.-_~"])
@pytest.mark.parametrize(
    ("resource", "path"),
    [
        ("things", "things"),
        ("things/{thingId}", "things/journey"),
        ("things/{thingId}", "things/things"),
        ("things/{thingId}", "things/a%20b"),
        ("things/{proxy+}", "things/journey/parts/1"),
        ("things/{thingId}/{proxy+}", "things/journey/parts/1"),
    ],
)
def test_a_custom_domain_with_a_base_path_reaches_the_routes(base: str, resource: str, path: str) -> None:
    router = Router(clients_of(everybody))
    for route in ("things", "things/<thing_id>", "things/<thing_id>/parts/<int:part>"):
        declare(router, "GET", route)(lambda request, **variables: {"url": request.url("/x"), **variables})
    event = behind(base, resource, path)
    status, answered, _ = answer(router, event)
    assert (status, answered["url"]) == (200, f"https://events.example{base}/x")
    event["path"] = f"/api/v2/journey/{path}"  # API Gateway's own domain, whose path names the stage
    event["requestContext"]["path"] = f"/prod/api/v2/journey/{path}"
    status, answered, _ = answer(router, event)
    assert (status, answered["url"]) == (200, "https://events.example/prod/x")


def test_the_links_of_a_listing_are_paths_of_the_api_without_the_base_path(tables: Tables) -> None:
    module = load("configurations")
    event = behind("/shop", "externalevents/configurations", "externalevents/configurations")
    status, listing, _ = answer(module.router, event)
    assert status == 200
    assert listing["selfUri"].startswith("/api/v2/journey/externalevents/configurations?")
