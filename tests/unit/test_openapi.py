"""The description of the API: in step with the code, complete, and served to anybody."""

import ast
import inspect
import json
from collections.abc import Callable
from typing import Any

import pytest
from pydantic import BaseModel

from journeys.http import Request, Route
from tests.support.description import Described, described, document, served
from tests.support.functions import Context, api_event, load
from tests.support.template import ROOT, resources
from tools import openapi
from tools.openapi import Reading, Unreadable, reading, template


def test_the_document_is_what_the_code_says_now() -> None:
    """`make openapi` writes it again."""
    assert openapi.DOCUMENT.read_text() == openapi.text()


def test_every_function_that_answers_requests_is_described() -> None:
    """A function has routes, or is described by hand, or answers nobody."""
    by_hand = {"webhooks", "openapi", "preflight"}
    for path in (ROOT / "functions").glob("*/handler.py"):
        source = path.read_text()
        if path.parent.name not in by_hand and "httpMethod" in source:
            raise AssertionError(f"{path} reads requests by itself")
    described_paths = {one.path for one in described()}
    assert {"/webhooks/{endpointId}", "/openapi.json"} <= described_paths
    assert {template(route.path) for route in openapi.operations()} < described_paths


@pytest.mark.parametrize("operation", described(), ids=lambda one: one.name)
def test_every_operation_is_a_route_of_the_template(operation: Described) -> None:
    assert served(operation)


def test_every_route_of_the_template_is_described() -> None:
    """One with {proxy+} stands for several."""
    known = {(one.method, one.path) for one in described()}
    for name, function in resources("AWS::Serverless::Function").items():
        for event in function["Properties"].get("Events", {}).values():
            if event["Type"] == "Api" and event["Properties"]["Method"] != "OPTIONS":
                method, path = event["Properties"]["Method"], event["Properties"]["Path"]
                before = path.split("{proxy+}")[0]
                same = [one for one in known if one[0] == method and (_unnamed(one[1]).startswith(_unnamed(before)))]
                assert same, (name, method, path)
                if before == path:
                    assert _unnamed(path) in {_unnamed(one[1]) for one in same}, (name, method, path)


def _unnamed(path: str) -> str:
    return "/".join("{}" if part.startswith("{") else part for part in path.split("/"))


def test_operations_have_names_of_their_own_and_only_known_ones_need_no_token() -> None:
    ids = [one.says["operationId"] for one in described()]
    assert len(ids) == len(set(ids))
    assert {one.name for one in described() if not one.wants_token} == {
        "GET /openapi.json",
        "GET openapi.json",
        "GET /webhooks/{endpointId}",
        "POST /webhooks/{endpointId}",
    }
    for one in described():
        if one.wants_token:
            assert one.says["x-permission"] in one.says["description"]
            assert {"401", "403"} <= one.says["responses"].keys()


def test_every_reference_leads_somewhere_and_every_component_is_used() -> None:
    text = json.dumps(document())
    for kind, components in document()["components"].items():
        for name in components:
            if kind != "securitySchemes":
                assert f'"#/components/{kind}/{name}"' in text, (kind, name)
    references = {part.split('"')[0] for part in text.split('"$ref": "')[1:]}
    for reference in references:
        found: Any = document()
        for part in reference.removeprefix("#/").split("/"):
            found = found[part]


def test_what_handlers_declare_is_found_where_it_is_read() -> None:
    """A few of them by name, so that a reader that finds nothing is found out."""
    known = {one.name: one for one in described()}
    events = known["GET customers/events"]
    assert {name for name, one in events.query.items() if one["required"]} == {"externalSourceId", "value"}
    assert events.query["pageSize"]["schema"] == {"type": "integer", "minimum": 1, "maximum": 100, "default": 25}
    assert events.query["order"]["schema"] == {"type": "string", "enum": ["asc", "desc"], "default": "asc"}
    assert events.query["from"]["schema"] == {"type": "string", "format": "date-time"}
    assert known["GET externalevents/failures"].query.keys() == {
        *("configurationId", "cursor", "from", "pageSize", "reason", "status", "to")
    }
    assert known["GET views"].query.keys() == {"expand", "id", "nameOrCreatedBy", "pageNumber", "pageSize"}
    body = known["POST externalevents/configurations"].says["requestBody"]["content"]["application/json"]["schema"]
    assert body == {"$ref": "#/components/schemas/ConfigurationCreate"}
    assert "204" in known["DELETE externalevents/schemas/{schemaId}"].says["responses"]
    answer = known["GET views/{viewId}"].says["responses"]["200"]["content"]["application/json"]["schema"]
    assert answer == {"$ref": "#/components/schemas/JourneyView"}


# -- the reader --------------------------------------------------------------------------------------------------------


class Given(BaseModel):
    """A body of these tests."""

    name: str


def of_two(request: Request) -> str:
    return f"{request.required('first')} {request.text('second')}"


def several(request: Request, names: tuple[str, ...]) -> dict[str, str | None]:
    return {name: request.text(name) for name in names}


def unknown_body(body: object) -> object:
    return body


def passes_on(request: Request, thing_id: str) -> dict[str, Any]:
    return {"of_two": of_two(request), "several": several(request, ("third", "fourth"))}


def reads_a_model(request: Request) -> dict[str, Any]:
    return {"name": request.model(Given).name, "size": request.integer("size", default=5, low=1, high=9)}


def reads_what_nobody_knows(request: Request) -> dict[str, Any]:
    return {"body": unknown_body(request.json())}


def reads_a_name_that_is_computed(request: Request) -> dict[str, Any]:
    return {"value": request.text(request.organization_id)}


def hides_its_request(request: Request) -> dict[str, Any]:
    another = request
    return {"value": another.text("name")}


def passes_it_to_what_has_no_source(request: Request) -> dict[str, Any]:
    return {"value": str(request)}


def read(handler: Callable[..., dict[str, Any]]) -> Reading:
    return reading(Route("GET", "/things/<thing_id>", "journey:views:view", 200, handler), {})


def test_what_a_handler_passes_its_request_to_is_followed() -> None:
    found = read(passes_on)
    assert found.query.keys() == {"first", "second", "third", "fourth"}
    assert (found.required, found.body) == ({"first"}, None)


def test_a_model_and_the_bounds_of_a_number_are_read() -> None:
    found = read(reads_a_model)
    assert found.body == {"$ref": "#/components/schemas/Given"}
    assert found.query == {"size": {"type": "integer", "minimum": 1, "maximum": 9, "default": 5}}


@pytest.mark.parametrize(
    "handler",
    [
        reads_what_nobody_knows,
        reads_a_name_that_is_computed,
        hides_its_request,
        passes_it_to_what_has_no_source,
    ],
)
def test_what_cannot_be_told_from_the_source_stops_the_command(handler: Callable[..., dict[str, Any]]) -> None:
    with pytest.raises(Unreadable, match=handler.__name__):
        read(handler)


def test_the_request_offers_nothing_that_the_reader_does_not_know() -> None:
    """What reads the query does so by `text`, and a body by `json`: then whatever is added is followed by itself."""
    (source,) = ast.parse(inspect.getsource(Request)).body
    assert isinstance(source, ast.ClassDef)
    for method in source.body:
        if isinstance(method, ast.FunctionDef) and method.name not in ("text", "json", "__init__"):
            text = ast.unparse(method)
            assert "queryStringParameters" not in text, method.name
            assert "body_bytes" not in text, method.name
            assert "multiValue" not in text, method.name


# -- the function ------------------------------------------------------------------------------------------------------


def test_the_document_is_served_to_anybody_and_may_be_kept() -> None:
    function = load("openapi")
    answer = function.handler(api_event("GET", "", client_id=None), Context())
    assert answer["statusCode"] == 200
    assert json.loads(answer["body"]) == document()
    assert answer["headers"]["Content-Type"] == "application/json"
    assert "max-age" in answer["headers"]["Cache-Control"]
    again = api_event("GET", "", client_id=None, headers={"If-None-Match": answer["headers"]["ETag"]})
    assert function.handler(again, Context())["statusCode"] == 304


def test_the_document_tells_nothing_of_where_it_was_made() -> None:
    text = openapi.DOCUMENT.read_text()
    assert str(ROOT) not in text
    assert "amazonaws" not in text
