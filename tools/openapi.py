"""The description of our API, written from the functions themselves.

    python -m tools.openapi [--check]

Nothing is declared for it: a route says its method, path, permission and status, and what a handler asks of its Request
(a query parameter, a number from 1 to 100, a body of some model) is read from its source. What cannot be read stops the
command. The contract's models and what each operation answers are taken from the vendor's own client.
"""

import argparse
import ast
import contextlib
import importlib.util
import inspect
import json
import os
import re
import sys
import textwrap
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import PureCloudPlatformClientV2 as Vendor
from pydantic import BaseModel

from journeys.errors import JourneysError
from journeys.events.ingest import MAX_ENTITIES, entities_of
from journeys.http import MAX_ID, STATUS, Api, Request, Route
from journeys.registry.schemas.document import parse
from journeys.settings import Settings

ROOT = Path(__file__).resolve().parent.parent
FUNCTIONS = ROOT / "functions"
DOCUMENT = FUNCTIONS / "openapi" / "openapi.json"

Schema = dict[str, Any]

_MODULES = "described_"
"""What the names of the functions' modules begin with here."""


class Unreadable(Exception):
    """A handler asks for something that cannot be told from its source; the message says where."""


# -- the functions -----------------------------------------------------------------------------------------------------


def operations() -> list[Route]:
    """Every operation that a token is asked for, of every function, by path and method."""
    routes = [route for module in _handlers() for route in _routes(module)]
    return sorted(routes, key=lambda route: (template(route.path), route.method))


def _handlers() -> Iterator[ModuleType]:
    """The functions' modules. What they make when they start needs a region and settings, and calls nobody."""
    os.environ.setdefault("AWS_DEFAULT_REGION", "us-east-1")
    read = Settings.__dict__["read"]
    Settings.read = classmethod(  # type: ignore[method-assign, assignment]
        lambda cls: cls(*[""] * len(cls.__dataclass_fields__))
    )
    try:
        for path in sorted(FUNCTIONS.glob("*/handler.py")):
            if path.parent == DOCUMENT.parent:
                continue  # which reads what is made here
            spec = importlib.util.spec_from_file_location(f"{_MODULES}{path.parent.name}", path)
            if spec is None or spec.loader is None:
                raise Unreadable(f"{path} is no module")
            module = importlib.util.module_from_spec(spec)
            sys.modules[spec.name] = module  # where pydantic looks up what a model's fields are of
            spec.loader.exec_module(module)
            yield module
    finally:
        Settings.read = read  # type: ignore[method-assign]


def _routes(module: ModuleType) -> list[Route]:
    api = getattr(module, "api", None)
    return api.routes if isinstance(api, Api) else []


def template(path: str) -> str:
    """A route's path as OpenAPI and API Gateway write it: /views/<view_id> is /views/{viewId}."""
    return re.sub(r"<(\w+)>", lambda found: f"{{{_camel(found[1])}}}", path)


def _camel(name: str) -> str:
    first, *others = name.split("_")
    return first + "".join(map(str.capitalize, others))


# -- what a handler reads of its request -------------------------------------------------------------------------------


@dataclass
class Reading:
    """What a handler asks for: its query parameters by name, and the schema of its body."""

    query: dict[str, Schema] = field(default_factory=dict)
    required: set[str] = field(default_factory=set)
    body: Schema | None = None


_REQUEST = object()
"""Stands for the Request where a handler's source is followed."""

WRITTEN: Mapping[Callable[..., Any], Schema] = {
    entities_of: {
        "type": "object",
        "required": ["entities"],
        "properties": {
            "entities": {
                "type": "array",
                "minItems": 1,
                "maxItems": MAX_ENTITIES,
                "items": {
                    "anyOf": [{"$ref": "#/components/schemas/ExternalEvent"}, {}],
                    "description": "Each is judged alone; one that is not as it should be is answered with its reason.",
                },
            }
        },
    },
    parse: {
        "type": "object",
        "required": ["title"],
        "additionalProperties": False,
        "description": "JSON Schema draft-04, each field of a plain type or of a core type.",
        "properties": {
            "$schema": {"type": ["string", "null"], "enum": ["http://json-schema.org/draft-04/schema#", None]},
            "title": {"type": "string", "minLength": 1},
            "description": {"type": ["string", "null"]},
            "type": {"type": ["string", "null"], "enum": ["object", None]},
            "required": {"type": ["array", "null"], "items": {"type": "string"}},
            "properties": {"type": ["object", "null"], "additionalProperties": {"type": "object"}},
            "additionalProperties": {"enum": [False, None]},
        },
    },
}
"""The bodies that are read by rules of their own and not by a model, by what reads them."""


class _Reader:
    """Follows a handler's source, and whatever it passes its Request on to."""

    def __init__(self, components: dict[str, Schema]) -> None:
        self.found = Reading()
        self._components = components

    def follow(self, function: Callable[..., Any], known: Mapping[str, Any]) -> None:
        """Reads a function's source; `known` are its arguments, as far as they can be told."""
        try:
            (definition,) = ast.parse(textwrap.dedent(inspect.getsource(function))).body
        except (OSError, TypeError):
            raise Unreadable(f"{function} has no source") from None
        if not isinstance(definition, ast.FunctionDef):
            raise Unreadable(f"{function} is not written as a function")
        names = {**function.__globals__, **inspect.getclosurevars(function).nonlocals, **known}
        for statement in definition.body:
            self._visit(statement, names)

    def _visit(self, node: ast.AST, names: Mapping[str, Any]) -> None:
        if isinstance(node, ast.DictComp | ast.ListComp | ast.SetComp | ast.GeneratorExp):
            for turn in self._turns(node.generators[0], names):
                for inner in ast.iter_child_nodes(node):
                    self._visit(inner, turn)
            return
        if isinstance(node, ast.Call):
            self._call(node, names)
        for inner in ast.iter_child_nodes(node):
            if self._is_request(inner, names) and not isinstance(node, ast.Attribute | ast.Call | ast.keyword):
                raise Unreadable(f"the request goes by another name: {ast.unparse(node)}")
            self._visit(inner, names)

    def _turns(self, loop: ast.comprehension, names: Mapping[str, Any]) -> list[Mapping[str, Any]]:
        """The names in each turn of a loop over something that is known; else as if there were one."""
        if isinstance(loop.target, ast.Name):
            with contextlib.suppress(Unreadable, TypeError):
                return [{**names, loop.target.id: value} for value in self._value(loop.iter, names)]
        return [names]

    def _call(self, node: ast.Call, names: Mapping[str, Any]) -> None:
        if isinstance(node.func, ast.Attribute) and self._is_request(node.func.value, names):
            asked: Callable[..., Any] = getattr(Request, node.func.attr)
            arguments = self._arguments(asked, [node.func.value, *node.args], node.keywords, names)
            self._asked(asked, arguments, node)
            return
        passed = [*node.args, *(keyword.value for keyword in node.keywords)]
        for one in passed:
            if isinstance(one, ast.Call) and self._is_json(one, names):
                self._written(self._value(node.func, names))
        if any(self._is_request(one, names) for one in passed):
            function = inspect.unwrap(self._value(node.func, names))
            self.follow(function, self._arguments(function, node.args, node.keywords, names))

    def _asked(self, asked: Callable[..., Any], arguments: dict[str, Any], node: ast.Call) -> None:
        """One thing that the Request is asked for; what its other methods read is in their source."""
        name = arguments.get("name")
        if asked is Request.json:
            return  # what reads it says what it must be
        if asked is Request.model:
            model = arguments.get("model")
            if not (isinstance(model, type) and issubclass(model, BaseModel)):
                raise Unreadable(f"the model of {ast.unparse(node)}")
            self.found.body = self._model(model)
            return
        if asked is Request.text:
            if not isinstance(name, str):
                raise Unreadable(f"the name in {ast.unparse(node)}")
            self.found.query.setdefault(name, {"type": "string"})
            return
        self.follow(asked, arguments)
        if not isinstance(name, str):
            return
        if asked is Request.required:
            self.found.required.add(name)
            self.found.query[name] = {"type": "string", "minLength": 1}
        elif asked is Request.choice:
            choices = list(arguments["choices"])
            self.found.query[name] = {"type": "string", "enum": choices, "default": choices[0]}
        elif asked is Request.integer:
            bounds = {"minimum": arguments["low"], "maximum": arguments["high"], "default": arguments["default"]}
            self.found.query[name] = {"type": "integer", **bounds}
        elif asked is Request.moment:
            self.found.query[name] = {"type": "string", "format": "date-time"}

    def _written(self, reader: Any) -> None:
        if reader not in WRITTEN:
            raise Unreadable(f"what {getattr(reader, '__name__', reader)} reads of a body: say it in WRITTEN")
        self.found.body = WRITTEN[reader]

    def _model(self, model: type[BaseModel]) -> Schema:
        schema = model.model_json_schema(ref_template="#/components/schemas/{model}")
        for name, inner in schema.pop("$defs", {}).items():
            _add(self._components, name, _plain(inner))
        _add(self._components, model.__name__, _plain(schema))
        return {"$ref": f"#/components/schemas/{model.__name__}"}

    def _arguments(
        self,
        function: Callable[..., Any],
        positional: Sequence[ast.expr],
        keywords: Sequence[ast.keyword],
        names: Mapping[str, Any],
    ) -> dict[str, Any]:
        """The arguments of a call that can be told from its source, those included that it leaves as they are."""
        try:
            parameters = inspect.signature(function).parameters
        except (ValueError, TypeError):
            raise Unreadable(f"{function} has no source") from None
        given = [*zip(parameters, positional, strict=False), *((one.arg, one.value) for one in keywords)]
        told = {name: one.default for name, one in parameters.items() if one.default is not one.empty}
        for name, expression in given:
            told.pop(str(name), None)
            with contextlib.suppress(Unreadable):
                told[str(name)] = _REQUEST if self._is_request(expression, names) else self._value(expression, names)
        return told

    @staticmethod
    def _is_request(node: ast.AST, names: Mapping[str, Any]) -> bool:
        return isinstance(node, ast.Name) and names.get(node.id) is _REQUEST

    def _is_json(self, node: ast.Call, names: Mapping[str, Any]) -> bool:
        return (
            isinstance(node.func, ast.Attribute)
            and node.func.attr == "json"
            and self._is_request(node.func.value, names)
        )

    @staticmethod
    def _value(node: ast.expr, names: Mapping[str, Any]) -> Any:
        """What an expression of known names and literals is: the source is ours, and was imported already."""
        try:
            return eval(compile(ast.Expression(node), "<source>", "eval"), dict(names))  # noqa: S307
        except Exception:
            raise Unreadable(ast.unparse(node)) from None


def reading(route: Route, components: dict[str, Schema]) -> Reading:
    """What a route's handler reads. Raises Unreadable."""
    reader = _Reader(components)
    (request, *_) = inspect.signature(route.handler).parameters
    try:
        reader.follow(route.handler, {request: _REQUEST})
    except Unreadable as unreadable:
        raise Unreadable(f"{route.method} {route.path} ({route.handler.__name__}): {unreadable}") from None
    return reader.found


def _plain(schema: Any) -> Any:
    """A model's schema without the titles that pydantic makes of names."""
    if isinstance(schema, dict):
        return {
            name: {key: _plain(one) for key, one in value.items()} if name == "properties" else _plain(value)
            for name, value in schema.items()
            if name != "title"
        }
    return [_plain(one) for one in schema] if isinstance(schema, list) else schema


def _add(components: dict[str, Schema], name: str, schema: Schema) -> None:
    if components.setdefault(name, schema) != schema:
        raise Unreadable(f"two models are called {name}")


# -- what the contract says --------------------------------------------------------------------------------------------


@cache
def _answers() -> dict[tuple[str, str], str | None]:
    """The model of every operation's answer, by method and path with its variables unnamed, from the SDK's source."""
    source = inspect.getsource(Vendor.JourneyApi)
    found = re.findall(
        r"resource_path = '([^']+)'.*?call_api\(resource_path, '([A-Z]+)'.*?response_type=(?:'([^']+)'|None)",
        source,
        re.DOTALL,
    )
    return {(method, _unnamed(path)): model or None for path, method, model in found}


def _unnamed(path: str) -> str:
    return re.sub(r"\{\w+\}", "{}", path)


OTHERWISE: Mapping[tuple[str, str], Schema] = {
    ("UnprocessedExternalEvent", "event"): {"description": "The event as it was sent, whatever it was."},
}
"""Fields that are not what the contract's models make of them."""

_PLAIN = {
    "str": {"type": "string"},
    "int": {"type": "integer"},
    "float": {"type": "number"},
    "bool": {"type": "boolean"},
    "datetime": {"type": "string", "format": "date-time"},
    "object": {},
    "Number": {"type": "number"},  # the SDK means a number phrase by it, which it is not
}


def _contract(kind: str, components: dict[str, Schema]) -> Schema:
    """The schema of one of the contract's types; a model goes among the components."""
    if found := re.fullmatch(r"list\[(.+)\]", kind):
        return {"type": "array", "items": _contract(found[1], components)}
    if found := re.fullmatch(r"dict\(str, (.+)\)", kind):
        return {"type": "object", "additionalProperties": _contract(found[1], components)}
    if kind in _PLAIN:
        return _PLAIN[kind]
    if kind not in components:
        components[kind] = {}  # so that a model that holds itself comes to an end
        model = getattr(Vendor, kind)
        made = model()
        components[kind] = {
            "type": "object",
            "properties": {
                made.attribute_map[name]: OTHERWISE[kind, name]
                if (kind, name) in OTHERWISE
                else _contract(type_, components) | _values(model, name)
                for name, type_ in sorted(made.swagger_types.items())
            },
        }
    return {"$ref": f"#/components/schemas/{kind}"}


def _values(model: Any, name: str) -> Schema:
    """The enumeration of a field, which the SDK checks when it is set."""
    source = inspect.getsource(getattr(model, name).fset)
    found = re.search(r"allowed_values = (\[.*?\])", source)
    return {"enum": ast.literal_eval(found[1])} if found else {}


# -- the document ------------------------------------------------------------------------------------------------------

ERROR_BODY: Schema = {
    "type": "object",
    "required": ["message", "code", "status", "contextId", "details", "errors"],
    "properties": {
        "message": {"type": "string"},
        "code": {"type": "string"},
        "status": {"type": "integer"},
        "contextId": {"type": "string", "description": "The id of the request, under which it is found in our logs."},
        "details": {"type": "array", "items": {"$ref": "#/components/schemas/Detail"}},
        "errors": {"type": "array", "items": {"$ref": "#/components/schemas/ErrorBody"}},
        "messageParams": {"type": "object", "additionalProperties": {"type": "string"}},
        "limit": {"$ref": "#/components/schemas/Limit"},
    },
}
SAID_OTHERWISE = {504: "The request took too long; send it again.", 500: "Something went wrong here."}


def document() -> dict[str, Any]:
    """The whole document, the same for the same source."""
    schemas: dict[str, Schema] = {"ErrorBody": ERROR_BODY}
    for name in ("Detail", "Limit", "ExternalEvent"):
        _contract(name, schemas)
    paths: dict[str, dict[str, Any]] = {}
    for route in operations():
        paths.setdefault(template(route.path), {})[route.method.lower()] = _operation(route, schemas)
    paths |= WEBHOOK | SELF
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Journeys",
            "version": "2",
            "description": "External events in, customer journeys and journey views out.",
        },
        "servers": [{"url": "."}],
        "paths": dict(sorted(paths.items())),
        "components": {
            "schemas": dict(sorted(schemas.items())),
            "responses": {str(status): _error(status) for status in sorted({*STATUS.values(), *SAID_OTHERWISE})},
            "securitySchemes": {
                "clients": {
                    "type": "http",
                    "scheme": "bearer",
                    "bearerFormat": "JWT",
                    "description": "An access token of the client-credentials grant with the scope journey/api.",
                }
            },
        },
    }


def _operation(route: Route, schemas: dict[str, Schema]) -> dict[str, Any]:
    read = reading(route, schemas)
    variables = [_camel(name) for name in re.findall(r"<(\w+)>", route.path)]
    nothing = inspect.signature(route.handler).return_annotation is None
    summary = (route.handler.__doc__ or route.handler.__name__.replace("_", " ").capitalize()).split("\n")[0]
    statuses = {401, 403, 404, 429, 500, 503, 504}
    statuses |= {400} if read.query or read.body else set()
    statuses |= {413, 415} if read.body else set()
    statuses |= {409} if variables or route.method != "GET" else set()
    operation: dict[str, Any] = {
        "operationId": f"{route.handler.__module__.removeprefix(_MODULES)}_{route.handler.__name__}",
        "summary": summary,
        "description": f"Needs the permission `{route.permission}`.",
        "x-permission": route.permission,
        "security": [{"clients": []}],
        "parameters": [
            *(
                {"name": name, "in": "path", "required": True, "schema": {"type": "string", "maxLength": MAX_ID}}
                for name in variables
            ),
            *(
                {"name": name, "in": "query", "required": name in read.required, "schema": schema}
                for name, schema in sorted(read.query.items())
            ),
        ],
        "responses": {
            ("204" if nothing else str(route.status)): {"description": "Done."}
            if nothing
            else {"description": "Done.", "content": _json(_answer(route, schemas))},
            **{str(status): {"$ref": f"#/components/responses/{status}"} for status in sorted(statuses)},
        },
    }
    if read.body is not None:
        operation["requestBody"] = {"required": True, "content": _json(read.body)}
    return operation


def _answer(route: Route, schemas: dict[str, Schema]) -> Schema:
    model = _answers().get((route.method, _unnamed(template(route.path))))
    return {"type": "object"} if model is None else _contract(model, schemas)


def _json(schema: Schema) -> dict[str, Any]:
    return {"application/json": {"schema": schema}}


def _error(status: int) -> dict[str, Any]:
    kinds = [kind for kind, answered in STATUS.items() if answered == status and kind is not JourneysError]
    said = SAID_OTHERWISE.get(status) or " ".join((kind.__doc__ or "").split("\n")[0] for kind in kinds)
    return {"description": said, "content": _json({"$ref": "#/components/schemas/ErrorBody"})}


def _refs(*statuses: int) -> dict[str, Any]:
    return {str(status): {"$ref": f"#/components/responses/{status}"} for status in statuses}


WEBHOOK: dict[str, Any] = {
    "/webhooks/{endpointId}": {
        "parameters": [
            {"name": "endpointId", "in": "path", "required": True, "schema": {"type": "string", "maxLength": MAX_ID}}
        ],
        "post": {
            "operationId": "deliver",
            "summary": "A delivery of a SaaS tool",
            "description": "No token: the endpoint names the organisation, and the sender's signature is the proof.",
            "security": [],
            "parameters": [],
            "requestBody": {"content": {"*/*": {"schema": {}}}},
            "responses": {
                "200": {"description": "The delivery is stored, or was before; some senders want an answer of theirs."},
                **_refs(400, 401, 404, 413, 429, 500, 503, 504),
            },
        },
        "get": {
            "operationId": "greet",
            "summary": "A sender's question whether the address is one",
            "security": [],
            "parameters": [],
            "responses": {"200": {"description": "What the sender wants to hear."}, **_refs(401, 404, 429, 500, 503)},
        },
    }
}
"""The one address without a token and without a route: what is delivered there is the sender's own form."""

SELF: dict[str, Any] = {
    path: {
        "get": {
            "operationId": name,
            "summary": "This document",
            "security": [],
            "parameters": [],
            "responses": {
                "200": {"description": "The document.", "content": _json({"type": "object"})},
                "304": {"description": "It is still the one that the request names."},
                **_refs(429, 500),
            },
        }
    }
    for path, name in (
        ("/openapi.json", "get_description"),
        ("/api/v2/journey/openapi.json", "get_description_below_the_base"),
    )
}


def text() -> str:
    """The document as it is kept."""
    return json.dumps(document(), indent=1, ensure_ascii=False) + "\n"


def main(arguments: Sequence[str] | None = None) -> int:
    """Writes the document, or with --check says whether it is as it should be."""
    parser = argparse.ArgumentParser(prog="python -m tools.openapi", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--check", action="store_true", help="write nothing; fail where the file is not up to date")
    given = parser.parse_args(arguments)
    try:
        wanted = text()
    except Unreadable as unreadable:
        sys.exit(f"cannot be described: {unreadable}")
    if given.check:
        return 0 if DOCUMENT.exists() and DOCUMENT.read_text() == wanted else 1
    DOCUMENT.write_text(wanted)
    return 0


if __name__ == "__main__":
    sys.exit(main())
