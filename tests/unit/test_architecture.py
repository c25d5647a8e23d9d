"""The rules of the layout, checked in the source: which area may import which, and which module may do what."""

import ast
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import PurePosixPath
from typing import NamedTuple

import pytest

from tests.support.template import ROOT

CORE = ROOT / "layers" / "core" / "journeys"
FUNCTIONS = ROOT / "functions"

MAY_IMPORT = {
    "registry": frozenset[str](),
    "events": frozenset({"registry"}),
    "stream": frozenset({"events", "registry"}),
    "identity": frozenset({"stream", "events", "registry"}),
    "journey": frozenset({"identity", "stream", "events", "registry"}),
    "native": frozenset({"events", "registry"}),
    "webhooks": frozenset({"events", "registry"}),
    "views": frozenset({"archive", "identity", "events", "registry"}),
    "archive": frozenset({"identity", "stream", "events", "registry"}),
    "http": frozenset({"registry"}),
    "responses": frozenset({"webhooks", "registry"}),
}
"""The areas, and the other areas that each may import."""

TOUCHES_AWS = ("store.py", "aws.py")
AWS_CALLS = frozenset(
    {
        "batch_get_item", "batch_write_item", "delete_item", "get_item", "get_paginator", "put_item", "query", "scan",
        "transact_get_items", "transact_write_items", "update_item",
        "copy_object", "delete_object", "delete_objects", "get_object", "head_object", "list_objects_v2", "put_object",
        "upload_file", "upload_fileobj", "download_file", "download_fileobj",
        "change_message_visibility", "receive_message", "send_message", "start_execution", "stop_execution",
        "admin_create_user", "admin_delete_user", "admin_disable_user", "admin_enable_user", "admin_get_user",
        "admin_set_user_password", "admin_user_global_sign_out", "create_user_pool_client", "delete_user_pool_client",
        "create_secret", "delete_secret", "get_secret_value", "put_secret_value", "update_secret",
    }
)  # fmt: skip
NO_AWS_CALLS = frozenset({"delivery.query", "route.query"})
"""Attributes with the name of a client's method: the query string of a delivery, and the parameters of a route."""

SMALL_VALUES = frozenset(
    {
        "functions/console/handler.py",  # the files of the console, which the build knows
        "functions/openapi/handler.py",  # the document at the addresses of the stack
        "journeys/dates.py",  # days
        "journeys/http/request.py",  # resources of the template
        "journeys/events/attributes.py",  # names of at most 40 characters
        "journeys/telemetry.py",  # sets of metrics
    }
)
"""The files with an `lru_cache`, whose keys and values have a bounded size."""
EMPTY_CONTAINER = re.compile(
    r"(\{\}|\[\]|(collections\.)?defaultdict\(\w*\)|((collections\.)?(OrderedDict|Counter|deque)|dict|list|set)(\[.*\])?\(\))"
)
NO_PACKAGES = frozenset({"shared", "common", "utils"})
MAX_LINES = 50

Sources = Mapping[PurePosixPath, str]
"""Source texts by path, such as journeys/events/store.py or functions/ingest/handler.py."""


class Breach(NamedTuple):
    """A violation of a rule in a file."""

    path: str
    what: str


def product() -> Sources:
    """Return the sources of the product."""
    return {
        PurePosixPath(prefix) / path.relative_to(folder).as_posix(): path.read_text()
        for prefix, folder in (("journeys", CORE), ("functions", FUNCTIONS))
        for path in sorted(folder.rglob("*.py"))
    }


# -- reading source ----------------------------------------------------------------------------------------------------


def imported(path: PurePosixPath, source: str) -> Iterator[str]:
    """Yield the full name of everything that a file imports, at any depth. `from a import b` yields a.b."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            package = list(path.parts[: -node.level]) if node.level else []
            yield from (".".join([*package, *filter(None, [node.module]), alias.name]) for alias in node.names)


def attributes(source: str) -> Iterator[ast.Attribute]:
    """Yield every `something.name` in a source."""
    return (node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Attribute))


def area(path: PurePosixPath) -> str | None:
    """Return the area of a file, or None for a module at the root and for a handler."""
    return path.parts[1] if path.parts[0] == "journeys" and len(path.parts) > 2 else None


# -- the rules ---------------------------------------------------------------------------------------------------------


def areas_import_only_allowed_areas(sources: Sources) -> Iterator[Breach]:
    """Areas import only what MAY_IMPORT lists. Of the modules at the root, only `auth` imports an area.

    Nothing imports a handler, a test or a tool.
    """
    for path, source in sources.items():
        own = area(path)
        if path.parts[0] != "journeys":
            continue
        if own is not None and own not in MAY_IMPORT:
            yield Breach(str(path), f"{own} is not an area")
            continue
        at_root = {"registry"} if path.name == "auth.py" else frozenset[str]()
        allowed = MAY_IMPORT[own] | {own} if own is not None else at_root
        for name in imported(path, source):
            parts = name.split(".")
            if parts[0] in ("functions", "handler", "tests", "tools"):
                yield Breach(str(path), f"imports {name}")
            if parts[0] == "journeys" and parts[1] in MAY_IMPORT and parts[1] not in allowed:
                yield Breach(str(path), f"imports {name}")


def only_stores_touch_aws(sources: Sources) -> Iterator[Breach]:
    """Only store.py and aws.py call methods of AWS clients and import boto3."""
    for path, source in sources.items():
        if path.name in TOUCHES_AWS and path.parts[0] == "journeys":
            continue
        for attribute in attributes(source):
            if attribute.attr in AWS_CALLS and ast.unparse(attribute) not in NO_AWS_CALLS:
                yield Breach(str(path), f"calls {attribute.attr}")
        for name in imported(path, source):
            if name.split(".")[0] == "boto3" and not name.startswith("boto3.dynamodb.types."):
                yield Breach(str(path), f"imports {name}")


def only_settings_reads_the_environment(sources: Sources) -> Iterator[Breach]:
    """Only settings.py reads environment variables."""
    for path, source in sources.items():
        if path == PurePosixPath("journeys/settings.py"):
            continue
        names = set(imported(path, source)) | {
            f"os.{attribute.attr}"
            for attribute in attributes(source)
            if isinstance(attribute.value, ast.Name) and attribute.value.id == "os"
        }
        for name in sorted(names & {"os.environ", "os.environb", "os.getenv", "os.getenvb"}):
            yield Breach(str(path), f"reads {name}")


def functions_are_single_modules(sources: Sources) -> Iterator[Breach]:
    """The folder of a function contains only handler.py. Handlers do not import one another."""
    for path, source in sources.items():
        if path.parts[0] != "functions":
            continue
        if len(path.parts) != 3 or path.name != "handler.py":
            yield Breach(str(path), "is not a handler.py")
        for name in imported(path, source):
            if name.split(".")[0] in ("functions", "handler"):
                yield Breach(str(path), f"imports {name}")


def packages_do_nothing_when_imported(sources: Sources) -> Iterator[Breach]:
    """Every __init__.py is empty."""
    for path, source in sources.items():
        if path.name == "__init__.py" and source:
            yield Breach(str(path), "is not empty")


def the_resource_api_is_not_used(sources: Sources) -> Iterator[Breach]:
    """boto3's resource API is not used, because its import is slow."""
    for path, source in sources.items():
        for attribute in attributes(source):
            if attribute.attr in ("resource", "Table") and ast.unparse(attribute.value).startswith(
                ("boto3", "session")
            ):
                yield Breach(str(path), f"uses {ast.unparse(attribute)}")
        for name in imported(path, source):
            if name.startswith(
                ("boto3.resources", "boto3.resource", "boto3.dynamodb.conditions", "boto3.dynamodb.table")
            ):
                yield Breach(str(path), f"imports {name}")


def names_are_specific(sources: Sources) -> Iterator[Breach]:
    """No package or module has a name that says nothing about its content."""
    for path in sources:
        for part in (*path.parent.parts, path.stem):
            if part in NO_PACKAGES:
                yield Breach(str(path), f"is called {part}")


def handlers_define_no_classes(sources: Sources) -> Iterator[Breach]:
    """Request models and other classes belong to the areas, so handlers define none and do not import pydantic."""
    for path, source in sources.items():
        if path.parts[0] == "functions":
            classes = [node.name for node in ast.walk(ast.parse(source)) if isinstance(node, ast.ClassDef)]
            yield from (Breach(str(path), f"defines {name}") for name in classes)
            if any(name.split(".")[0] == "pydantic" for name in imported(path, source)):
                yield Breach(str(path), "imports pydantic")


def response_types_are_never_imported(sources: Sources) -> Iterator[Breach]:
    """Response types are for the OpenAPI document only, so that they cost nothing when a function starts."""
    for path, source in sources.items():
        if area(path) != "responses" and any(name.startswith("journeys.responses") for name in imported(path, source)):
            yield Breach(str(path), "imports response types")


def ingest_imports_no_models(sources: Sources) -> Iterator[Breach]:
    """The HTTP layer does not import pydantic at run time, since ingest needs no models."""
    for path, source in sources.items():
        if area(path) == "http" and re.search(r"^(import|from) pydantic\b", source, re.MULTILINE):
            yield Breach(str(path), "imports pydantic")


def functions_are_short(sources: Sources) -> Iterator[Breach]:
    """No function has more than 50 lines."""
    for path, source in sources.items():
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.FunctionDef) and (node.end_lineno or 0) - node.lineno >= MAX_LINES:
                yield Breach(str(path), f"{node.name} has more than {MAX_LINES} lines")


def caches_are_bounded(sources: Sources) -> Iterator[Breach]:
    """A cache is a RecentlyUsed or a Cache, which are bounded by bytes.

    `functools.cache` is for functions without arguments. `lru_cache` is bounded by a number, so only the files of
    SMALL_VALUES use it. An empty container at the level of a module would be filled without a bound.
    """
    for path, source in sources.items():
        tree = ast.parse(source)
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef):
                arguments = node.args
                takes = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
                if takes and any(ast.unparse(one) in ("cache", "functools.cache") for one in node.decorator_list):
                    yield Breach(str(path), f"{node.name} has an unbounded cache")
            if isinstance(node, ast.Call) and ast.unparse(node.func) in ("cache", "functools.cache"):
                yield Breach(str(path), "makes an unbounded cache")
        if any(name == "functools.lru_cache" for name in imported(path, source)) and str(path) not in SMALL_VALUES:
            yield Breach(str(path), "uses lru_cache, which no number of bytes bounds")
        if re.search(r"maxsize\s*=\s*None|functools\.lru_cache|@lru_cache\n", source):
            yield Breach(str(path), "uses lru_cache without its import or without a number")
        for statement in tree.body:
            value = statement.value if isinstance(statement, ast.Assign | ast.AnnAssign) else None
            if value is not None and EMPTY_CONTAINER.fullmatch(ast.unparse(value)):
                yield Breach(str(path), f"fills {ast.unparse(statement)}")


Rule = Callable[[Sources], Iterator[Breach]]
RULES: dict[Rule, list[tuple[str, str]]] = {
    areas_import_only_allowed_areas: [
        ("journeys/registry/clients/store.py", "from journeys.events.model import Event"),
        ("journeys/registry/limits.py", "import journeys.views"),
        ("journeys/registry/limits.py", "from journeys import events"),
        ("journeys/registry/limits.py", "from ..journey import fold"),
        ("journeys/events/failures/store.py", "from journeys.journey.fold import add"),
        ("journeys/events/ingest.py", "def late():\n    from journeys.journey import fold"),
        ("journeys/journey/fold.py", "from journeys.webhooks import signing"),
        ("journeys/events/ingest.py", "from journeys.webhooks.model import Endpoint"),
        ("journeys/webhooks/receive.py", "from journeys.journey import fold"),
        ("journeys/stream/records.py", "from journeys.journey import fold"),
        ("journeys/stream/batch.py", "from journeys.archive import landing"),
        ("journeys/events/ingest.py", "from journeys.stream import records"),
        ("journeys/keys.py", "from journeys.registry import limits"),
        ("journeys/http/router.py", "from journeys.events.model import Event"),
        ("journeys/events/ingest.py", "import handler"),
        ("journeys/events/ingest.py", "from tools.api import ApiClient"),
        ("journeys/things/model.py", ""),
        ("journeys/webhooks/receive.py", "from journeys.http.request import Request"),
    ],
    only_stores_touch_aws: [
        ("journeys/events/ingest.py", "client.put_item(TableName='t')"),
        ("journeys/journey/reading.py", "self._s3().get_object(Bucket='b')"),
        ("functions/ingest/handler.py", "dynamodb().get_item(TableName='t')"),
        ("journeys/webhooks/receive.py", "secretsmanager().get_secret_value(SecretId='s')"),
        ("functions/endpoints/handler.py", "client.create_secret(Name='s')"),
        ("functions/store.py", "read = client.query"),
        ("journeys/registry/people/service.py", "cognito().admin_create_user(Username='x')"),
        ("journeys/webhooks/senders/adobe.py", "delivery.query.get('challenge')\nself._client.query()"),
        ("journeys/http/router.py", "import boto3"),
        ("functions/ingest/handler.py", "from boto3.s3 import transfer"),
    ],
    only_settings_reads_the_environment: [
        ("journeys/telemetry.py", "import os\nos.environ['A']"),
        ("journeys/telemetry.py", "import os\nos.getenv('A')"),
        ("functions/ingest/handler.py", "from os import environ"),
        ("journeys/events/settings.py", "from os import getenv"),
    ],
    functions_are_single_modules: [
        ("functions/ingest/rules.py", ""),
        ("functions/ingest/__init__.py", ""),
        ("functions/ingest/parts/handler.py", ""),
        ("functions/ingest/handler.py", "from functions.schemas import handler"),
    ],
    packages_do_nothing_when_imported: [
        ("journeys/__init__.py", "from journeys import keys"),
        ("journeys/events/__init__.py", '"""Events."""'),
    ],
    the_resource_api_is_not_used: [
        ("journeys/aws.py", "import boto3\nboto3.resource('dynamodb')"),
        ("journeys/aws.py", "import boto3\nboto3.Session().resource('dynamodb')"),
        ("journeys/aws.py", "from boto3.dynamodb.conditions import Key"),
    ],
    names_are_specific: [
        ("journeys/utils/text.py", ""),
        ("journeys/events/common.py", ""),
        ("functions/shared/handler.py", ""),
    ],
    handlers_define_no_classes: [
        ("functions/ingest/handler.py", "class Body: ..."),
        ("functions/ingest/handler.py", "from pydantic import BaseModel"),
    ],
    response_types_are_never_imported: [
        ("journeys/http/router.py", "from journeys import responses"),
        ("functions/usage/handler.py", "def late():\n    from journeys.responses.usage import Usage"),
    ],
    functions_are_short: [
        ("functions/usage/handler.py", "def long():" + "\n    1" * MAX_LINES),
        ("tools/stack.py", "class A:\n    def long(self):" + "\n        1" * MAX_LINES),
    ],
    caches_are_bounded: [
        ("journeys/events/model.py", "from functools import cache\n@cache\ndef parsed(text): ..."),
        ("journeys/events/model.py", "import functools\nclass A:\n    @functools.cache\n    def of(self, *, key): ..."),
        ("journeys/events/model.py", "from functools import cache\nparsed = cache(parse)"),
        ("journeys/events/model.py", "from functools import lru_cache\n@lru_cache(maxsize=9)\ndef parsed(text): ..."),
        ("journeys/events/model.py", "import functools\n@functools.lru_cache(9)\ndef parsed(text): ..."),
        ("journeys/dates.py", "from functools import lru_cache\n@lru_cache(maxsize=None)\ndef day(days): ..."),
        ("journeys/dates.py", "from functools import lru_cache\n@lru_cache\ndef day(days): ..."),
        ("functions/ingest/handler.py", "parsed: dict[str, object] = {}"),
        ("functions/ingest/handler.py", "parsed = collections.defaultdict(list)"),
        ("functions/ingest/handler.py", "parsed = OrderedDict[str, object]()"),
    ],
    ingest_imports_no_models: [("journeys/http/body.py", "from pydantic import BaseModel")],
}  # fmt: skip


def test_the_functions_of_the_tools_are_short() -> None:
    """The other rules are about the product only."""
    tools = {
        PurePosixPath(path.relative_to(ROOT).as_posix()): path.read_text() for path in (ROOT / "tools").rglob("*.py")
    }
    assert list(functions_are_short(tools)) == []


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_the_product_follows_the_rule(rule: Rule) -> None:
    assert list(rule(product())) == []


@pytest.mark.parametrize(
    ("rule", "path", "source"), [(rule, path, source) for rule, cases in RULES.items() for path, source in cases]
)
def test_a_violation_is_found(rule: Rule, path: str, source: str) -> None:
    assert [breach.path for breach in rule({PurePosixPath(path): source})] == [path]


def test_every_function_and_area_is_read() -> None:
    read = {str(path) for path in product()}
    assert {"journeys/aws.py", "journeys/registry/clients/store.py", "functions/ingest/handler.py"} <= read
    assert {path.name for path in FUNCTIONS.iterdir()} == {path.split("/")[1] for path in read if path[0] == "f"}


def test_what_stores_are_allowed_to_do_is_not_a_violation() -> None:
    store = {PurePosixPath("journeys/events/store.py"): "from journeys.registry import limits\nclient.put_item()"}
    assert [list(rule(store)) for rule in RULES] == [[] for _ in RULES]
    secrets = "from journeys.events import ingest\nfrom journeys import cache\nclient.get_secret_value()"
    assert [list(rule({PurePosixPath("journeys/webhooks/store.py"): secrets})) for rule in RULES] == [[] for _ in RULES]
