"""The schemas of the OpenAPI document: request models, response types, and the contract's models they refer to."""

import importlib
import pkgutil
from collections.abc import Iterator
from functools import cache
from typing import Any

from pydantic import BaseModel, TypeAdapter
from typing_extensions import is_typeddict

from journeys import responses
from journeys.http.body import JsonBody
from tools.documentation.contract import Schema, contract_schema, is_contract_model

REFERENCE = "#/components/schemas/{model}"


class Undocumented(Exception):
    """A route's declaration cannot be documented. The message says why."""


class Components:
    """Collects the schemas that the document's operations refer to."""

    def __init__(self) -> None:
        self.contract: dict[str, Schema] = {}
        self._own: dict[str, Schema] = {}

    def add(self, name: str, schema: Schema) -> None:
        """Add a schema of our own. Raises Undocumented if another one has its name."""
        if self._own.setdefault(name, schema) != schema:
            raise Undocumented(f"two schemas are called {name}")

    def body(self, body: JsonBody[Any] | type[BaseModel]) -> Schema:
        """Return a reference to a request's body."""
        if isinstance(body, JsonBody):
            self.add(body.name, dict(body.schema))
            return {"$ref": REFERENCE.format(model=body.name)}
        return self._generated(body.__name__, body.model_json_schema(ref_template=REFERENCE))

    def response(self, name: str) -> Schema:
        """Return a reference to a response: one of our own types, or the contract's model of that name."""
        if name in response_types():
            schema = TypeAdapter(response_types()[name]).json_schema(ref_template=REFERENCE, mode="serialization")
            return self._generated(name, schema)
        if not is_contract_model(name):
            raise Undocumented(f"{name} is neither a type in journeys/responses nor a model of the contract")
        return contract_schema(name, self.contract)

    def complete(self) -> dict[str, Schema]:
        """Return all schemas by name, with the contract's models that our own types refer to."""
        for name in set(_references(self._own)) - self._own.keys():
            contract_schema(name, self.contract)
        if both := self._own.keys() & self.contract.keys():
            raise Undocumented(f"own schemas have the names of the contract's models: {', '.join(sorted(both))}")
        return dict(sorted((self._own | self.contract).items()))

    def _generated(self, name: str, schema: Schema) -> Schema:
        for inner_name, inner in schema.pop("$defs", {}).items():
            self.add(inner_name, _plain(inner))
        if schema != {"$ref": REFERENCE.format(model=name)}:
            self.add(name, _plain(schema))
        return {"$ref": REFERENCE.format(model=name)}


@cache
def response_types() -> dict[str, Any]:
    """Return the types in journeys/responses by name."""
    types: dict[str, Any] = {}
    for info in pkgutil.iter_modules(responses.__path__):
        module = importlib.import_module(f"journeys.responses.{info.name}")
        types |= {name: value for name, value in vars(module).items() if is_typeddict(value)}
    return types


def _references(schema: Any) -> Iterator[str]:
    if isinstance(schema, dict):
        if isinstance(schema.get("$ref"), str):
            yield schema["$ref"].rpartition("/")[2]
        for inner in schema.values():
            yield from _references(inner)
    elif isinstance(schema, list):
        for inner in schema:
            yield from _references(inner)


def _plain(schema: Any) -> Any:
    """Remove the titles that pydantic derives from names, and refer to the contract's models."""
    if isinstance(schema, dict):
        if "x-contract" in schema:
            return {"$ref": REFERENCE.format(model=schema["x-contract"])}
        return {
            name: {key: _plain(inner) for key, inner in value.items()} if name == "properties" else _plain(value)
            for name, value in schema.items()
            if name != "title"
        }
    return [_plain(inner) for inner in schema] if isinstance(schema, list) else schema
