"""The OpenAPI document: complete, current, valid examples, and served without a token."""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

from journeys.http.response import status_of
from journeys.http.router import Route
from tests.support.description import Described, described, document, served
from tests.support.functions import Context, api_event, load
from tests.support.template import ROOT, resources
from tools.documentation import components, openapi
from tools.documentation.routes import declared_routes, template

DECLARED = [operation for operation in described() if operation.wants_token]
TYPESCRIPT = ROOT / "tests" / "typescript"
TOKEN_URL = "https://auth.test/oauth2/token"


def test_the_document_is_up_to_date() -> None:
    """If this fails, run `make openapi`."""
    assert openapi.DOCUMENT.read_text() == openapi.text()


# -- completeness ------------------------------------------------------------------------------------------------------


def success(operation: Described) -> dict[str, Any]:
    """Return the operation's 2xx response that has a body if any has one."""
    found: dict[str, Any] = next(value for status, value in operation.says["responses"].items() if status[0] == "2")
    return found


def defects(operation: Described) -> Iterator[str]:
    """Return what an operation lacks."""
    if not operation.says.get("summary"):
        yield "no summary"
    if not set(operation.says.get("tags", ())) & openapi.TAGS.keys():
        yield "no tag"
    if not re.fullmatch("[a-z]+[A-Za-z]+", operation.says.get("operationId", "")):
        yield "no readable operationId"
    contents = list(success(operation).get("content", {}).values())
    if not contents and "204" not in operation.says["responses"]:
        yield "no typed response"
    if operation.has_body:
        contents += operation.says["requestBody"]["content"].values()
    for content in contents:
        if content["schema"] == {"type": "object"}:
            yield "an untyped body"
        if "example" not in content:
            yield "no example"
    for parameter in operation.says["parameters"]:
        if parameter["in"] == "path" and "example" not in parameter:
            yield f"no example of {parameter['name']}"


def test_every_operation_has_a_type_an_example_a_tag_and_a_summary() -> None:
    """Record missing examples with `python -m tests.support.examples`, and then run `make openapi`."""
    assert {operation.name: found for operation in described() if (found := list(defects(operation)))} == {}


def test_an_incomplete_operation_is_found() -> None:
    says = {"responses": {"200": {"content": {"application/json": {"schema": {"type": "object"}}}}}, "parameters": []}
    found = list(defects(Described("GET", "/things", says)))
    assert found == ["no summary", "no tag", "no readable operationId", "an untyped body", "no example"]


def test_operation_ids_are_unique_and_tags_are_described_and_used() -> None:
    ids = [operation.says["operationId"] for operation in described()]
    assert len(ids) == len(set(ids))
    assert {tag for operation in described() for tag in operation.says["tags"]} == openapi.TAGS.keys()
    assert [tag["name"] for tag in document()["tags"]] == list(openapi.TAGS)


def test_every_error_that_a_route_declares_is_documented() -> None:
    known = {(operation.method, operation.path): operation for operation in described()}
    for route in declared_routes():
        responses = known[route.method, template(route.path)].says["responses"].keys()
        assert {str(status_of(error)) for error in route.errors} <= responses
        assert {"400", "401", "403", "429", "500", "503", "504"} <= responses
        assert ("413" in responses) == ("415" in responses) == (route.body is not None)


def test_senders_and_permissions_are_enumerations() -> None:
    schemas = document()["components"]["schemas"]
    assert "shopify" in schemas["EndpointCreate"]["properties"]["sender"]["enum"]
    assert "shopify" in schemas["Endpoint"]["properties"]["sender"]["enum"]
    required = {operation.name: operation.says.get("x-permission") for operation in DECLARED}
    assert [name for name, permission in required.items() if permission is None] == ["GET me"]
    assert set(schemas["Permission"]["enum"]) >= set(required.values()) - {None}


def test_both_ways_to_authenticate_are_documented() -> None:
    schemes = document()["components"]["securitySchemes"]
    flow = schemes["oauth2"]["flows"]["clientCredentials"]
    assert (flow["tokenUrl"], list(flow["scopes"])) == (openapi.TOKEN_URL, ["journey/api"])
    assert schemes["token"]["scheme"] == "bearer"
    for operation in DECLARED:
        assert operation.says["security"] == [{"oauth2": ["journey/api"]}, {"token": []}]
    public = {operation.name for operation in described() if not operation.wants_token}
    webhooks = {"GET /webhooks/{endpointId}", "POST /webhooks/{endpointId}"}
    assert public == {"GET /openapi.json", "GET openapi.json"} | webhooks
    for operation in described():
        if not operation.wants_token:
            assert "takes no access token" in operation.says["description"]


# -- the declarations --------------------------------------------------------------------------------------------------


def test_a_route_with_an_unknown_response_or_tag_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    def route(**declared: Any) -> Route:
        values: dict[str, Any] = {"method": "GET", "path": "/x", "handler": described, "summary": "x", "tag": "Usage"}
        values |= {"permission": "p", "query": (), "body": None, "response": "Usage", "status": 200, "errors": ()}
        return Route(**values | declared)

    for wrong in (route(response="Nothing"), route(tag="Nothing")):
        monkeypatch.setattr(openapi, "declared_routes", lambda wrong=wrong: [wrong])
        with pytest.raises(components.Undocumented, match="Nothing"):
            openapi.document()


def test_declared_parameters_bodies_and_responses_are_in_the_document() -> None:
    known = {operation.name: operation for operation in described()}
    events = known["GET customers/events"]
    assert {name for name, parameter in events.query.items() if parameter["required"]} == {"externalSourceId", "value"}
    assert events.query["pageSize"]["schema"] == {"type": "integer", "minimum": 1, "maximum": 100, "default": 25}
    assert events.query["order"]["schema"] == {"type": "string", "enum": ["asc", "desc"], "default": "asc"}
    assert events.query["from"]["schema"] == {"type": "string", "format": "date-time"}
    body = known["POST externalevents/configurations"].says["requestBody"]["content"]["application/json"]["schema"]
    assert body == {"$ref": "#/components/schemas/ConfigurationCreate"}
    assert "204" in known["DELETE externalevents/schemas/{schemaId}"].says["responses"]
    answer = known["GET views/{viewId}"].says["responses"]["200"]["content"]["application/json"]["schema"]
    assert answer == {"$ref": "#/components/schemas/JourneyView"}
    job = document()["components"]["schemas"]["ViewJob"]["properties"]
    assert {"error", "dateDataUntil", "journeyView"} <= job.keys()


def test_every_reference_leads_somewhere_and_every_component_is_used() -> None:
    text = json.dumps(document())
    for kind, found in document()["components"].items():
        for name in found:
            if kind != "securitySchemes":
                assert f'"#/components/{kind}/{name}"' in text, (kind, name)
    for reference in {part.split('"')[0] for part in text.split('"$ref": "#/')[1:]} - {"definitions/identifier"}:
        target: Any = document()
        for part in reference.split("/"):
            target = target[part]


# -- examples ----------------------------------------------------------------------------------------------------------

ARBITRARY = {"JourneyJsonSchemaDocument", "JsonSchemaDocument", "ExternalEvent"}
"""Components whose objects can have any field."""


def strict(schema: Any) -> Any:
    """Return a schema that allows no field that is not declared."""
    if isinstance(schema, list):
        return [strict(inner) for inner in schema]
    if not isinstance(schema, dict):
        return schema
    closed = {name: strict(inner) for name, inner in schema.items()}
    if isinstance(closed.get("properties"), dict) and closed.get("type") == "object":
        closed.setdefault("additionalProperties", False)
    return closed


def bodies(operation: Described) -> Iterator[dict[str, Any]]:
    yield from success(operation).get("content", {}).values()
    yield from operation.says.get("requestBody", {}).get("content", {}).values()


@pytest.mark.parametrize("operation", described(), ids=lambda operation: operation.name)
def test_examples_are_valid_and_have_no_undeclared_field(operation: Described) -> None:
    schemas = document()["components"]["schemas"]
    closed = {name: schema if name in ARBITRARY else strict(schema) for name, schema in schemas.items()}
    for content in bodies(operation):
        validator = jsonschema_rs.Draft202012Validator(
            {**strict(content["schema"]), "components": {"schemas": closed}}, validate_formats=True
        )
        assert [f"{error.instance_path}: {error.message}" for error in validator.iter_errors(content["example"])] == []


def test_examples_of_errors_are_valid() -> None:
    schemas = {name: strict(schema) for name, schema in document()["components"]["schemas"].items()}
    schema = {"$ref": "#/components/schemas/ErrorBody", "components": {"schemas": schemas}}
    validator = jsonschema_rs.Draft202012Validator(schema)
    found = {
        (status, code, example["value"]["status"], example["value"]["code"])
        for status, response in document()["components"]["responses"].items()
        for code, example in response["content"]["application/json"].get("examples", {}).items()
        if validator.is_valid(example["value"])
    }
    assert found == {
        ("409", "limit.reached", 409, "limit.reached"),
        ("409", "idempotency.key.reused", 409, "idempotency.key.reused"),
        ("429", "limit.reached", 429, "limit.reached"),
    }


# -- the template ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("operation", described(), ids=lambda operation: operation.name)
def test_every_operation_is_a_route_of_the_template(operation: Described) -> None:
    assert served(operation)


def test_every_route_of_the_template_is_documented() -> None:
    """A route with {proxy+} stands for several operations. The console's files are no operations."""
    known = {(operation.method, operation.path) for operation in described()}
    for name, function in resources("AWS::Serverless::Function").items():
        if name == "ConsoleFunction":
            continue
        for event in function["Properties"].get("Events", {}).values():
            if event["Type"] == "Api" and event["Properties"]["Method"] != "OPTIONS":
                method, path = event["Properties"]["Method"], event["Properties"]["Path"]
                before = path.split("{proxy+}")[0]
                same = [
                    operation
                    for operation in known
                    if method in (operation[0], "ANY") and _unnamed(operation[1]).startswith(_unnamed(before))
                ]
                assert same, (name, method, path)
                if before == path:
                    assert _unnamed(path) in {_unnamed(operation[1]) for operation in same}, (name, method, path)


def _unnamed(path: str) -> str:
    return "/".join("{}" if part.startswith("{") else part for part in path.split("/"))


# -- the function ------------------------------------------------------------------------------------------------------


@pytest.fixture
def function(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("TOKEN_URL", TOKEN_URL)
    return load("openapi")


def asked(path: str, stage: str = "/prod", headers: dict[str, str] | None = None) -> dict[str, Any]:
    event = api_event("GET", "", client_id=None, headers=headers) | {"path": path, "resource": path}
    event["requestContext"] |= {"domainName": "api.test", "path": f"{stage}{path}"}
    return event


@pytest.mark.parametrize("path", ["/openapi.json", "/api/v2/journey/openapi.json"])
def test_the_served_document_has_the_real_addresses(function: Any, path: str) -> None:
    answer = function.handler(asked(path), Context())
    answered = json.loads(answer["body"])
    assert (answer["statusCode"], answer["headers"]["Content-Type"]) == (200, "application/json")
    assert "max-age" in answer["headers"]["Cache-Control"]
    assert answered["servers"] == [{"url": "https://api.test/prod"}]
    flow = answered["components"]["securitySchemes"]["oauth2"]["flows"]["clientCredentials"]
    assert flow["tokenUrl"] == TOKEN_URL
    assert answered["paths"] == document()["paths"]


def test_a_document_that_has_not_changed_is_304(function: Any) -> None:
    etag = function.handler(asked("/openapi.json"), Context())["headers"]["ETag"]
    again = function.handler(asked("/openapi.json", headers={"If-None-Match": etag}), Context())
    assert (again["statusCode"], again["body"]) == (304, "")


def test_another_method_is_405_and_a_query_parameter_400(function: Any) -> None:
    posted = function.handler(asked("/openapi.json") | {"httpMethod": "POST"}, Context())
    assert (posted["statusCode"], posted["headers"]["Allow"]) == (405, "GET")
    filtered = function.handler(asked("/openapi.json") | {"queryStringParameters": {"tag": "Usage"}}, Context())
    assert filtered["statusCode"] == 400
    assert json.loads(filtered["body"])["details"][0]["fieldName"] == "tag"


def test_the_document_does_not_contain_where_it_was_made() -> None:
    text = openapi.DOCUMENT.read_text()
    assert str(ROOT) not in text
    assert "amazonaws" not in text


# -- a TypeScript client -----------------------------------------------------------------------------------------------


def test_a_typescript_client_can_be_generated_and_compiles(tmp_path: Path) -> None:
    """`openapi-typescript` makes the types, and `tsc` compiles a client that uses them."""
    npm = shutil.which("npm")
    if npm is None:
        assert os.environ.get("CI") != "true", "CI needs Node"
        pytest.skip("Node is not installed")
    for name in ("package.json", "package-lock.json", ".npmrc", "tsconfig.json", "client.ts"):
        shutil.copy(TYPESCRIPT / name, tmp_path / name)
    commands = (
        [npm, "ci", "--no-audit", "--no-fund"],
        [npm, "run", "generate", "--", str(openapi.DOCUMENT)],
        [npm, "run", "compile"],
    )
    for command in commands:
        done = subprocess.run(command, check=False, cwd=tmp_path, capture_output=True, text=True, timeout=300)
        assert done.returncode == 0, done.stdout + done.stderr
