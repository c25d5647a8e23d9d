"""Requests that schemathesis generates from the OpenAPI document, and the document as the local stack serves it.

The generated requests are sent in this process. No response may be a server error or undocumented, and no invalid
request may succeed.
"""

import contextlib
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import httpx
import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import Case, GenerationMode, Response
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import FailureGroup
from schemathesis.core.parameters import ParameterLocation
from schemathesis.specs.openapi import checks

from tests.e2e import test_isolation
from tests.e2e.test_isolation import NOBODYS, InProcess
from tests.support.description import PREFIX, Described, described, document, served
from tests.support.functions import Context, api_event
from tools.stack import Stack

in_process = test_isolation.in_process  # a fixture

SCHEMA = schemathesis.openapi.from_dict(document())
OPERATIONS = [one for one in described() if one.wants_token]
MODES = (GenerationMode.POSITIVE, GenerationMode.NEGATIVE)
CHECKS = [
    not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_schema_conformance,
    checks.negative_data_rejection,
]


def operation_of(one: Described) -> Any:
    return SCHEMA[one.path][one.method]


def cases(one: Described, mode: GenerationMode, examples: int, check: Any) -> list[str]:
    """Send generated requests to an operation, and return the failed checks. The requests are the same on every run."""
    wrong: list[str] = []

    @seed(7)
    @settings(
        max_examples=examples,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation_of(one).as_strategy(generation_mode=mode))
    def ask(case: Case[Any]) -> None:
        try:
            check(case)
        except FailureGroup as failed:
            wrong.extend(f"{one.name} {mode.value}: {found}" for found in failed.exceptions)

    with contextlib.suppress(Unsatisfiable):  # an operation without input has no invalid requests
        ask()
    return wrong


def is_bad(case: Case[Any], place: ParameterLocation) -> bool:
    """Return whether this part of the request was generated to be invalid."""
    part = case.meta.components.get(place) if case.meta else None
    return part is not None and part.mode.is_negative


def with_ids(case: Case[Any], one: Described, ids: dict[str, str]) -> Case[Any]:
    """Return the case with ids that exist, unless its path is invalid or it would delete something."""
    if one.method != "DELETE" and not is_bad(case, ParameterLocation.PATH):
        known = NOBODYS | ids
        case.path_parameters = {**case.path_parameters, **{name: known[name] for name in one.variables}}
    return case


# -- in process --------------------------------------------------------------------------------------------------------


def answer(world: InProcess, one: Described, case: Case[Any]) -> Response:
    """Return the response of the operation's function, in the form of a response over the network."""
    request = requests.Request(**case.as_transport_kwargs(base_url="http://api.example")).prepare()
    url = urlsplit(str(request.url))
    body = request.body.encode() if isinstance(request.body, str) else request.body
    event = api_event(
        one.method,
        unquote(url.path).removeprefix(PREFIX),
        client_id=None if is_bad(case, ParameterLocation.HEADER) else world.owner.proof,
        query=dict(parse_qsl(url.query, keep_blank_values=True)) or None,
        raw=body,  # type: ignore[arg-type]  # always bytes: nothing here streams
    )
    event["headers"] = dict(request.headers)
    answered = world._modules[one.method, one.path].handler(event, Context())
    return Response(
        status_code=answered["statusCode"],
        headers={name.lower(): [value] for name, value in answered["headers"].items()},
        content=answered["body"].encode(),
        request=request,
        elapsed=0.0,
        verify=False,
    )


@pytest.mark.parametrize("mode", MODES, ids=lambda mode: mode.value)
def test_every_operation_conforms_to_the_document(in_process: InProcess, mode: GenerationMode) -> None:
    wrong: list[str] = []
    answers: dict[str, set[int]] = {}
    for one in OPERATIONS:

        def check(case: Case[Any], one: Described = one) -> None:
            response = answer(in_process, one, with_ids(case, one, in_process.ids))
            answers.setdefault(one.name, set()).add(response.status_code)
            case.validate_response(response, checks=CHECKS)

        wrong += cases(one, mode, 8, check)
    assert not wrong, f"{len(wrong)}\n" + "\n".join(wrong[:20])
    statuses = set[int]().union(*answers.values())
    assert statuses >= ({200, 201, 400, 404} if mode is GenerationMode.POSITIVE else {400, 401, 404})


# -- on the local stack ------------------------------------------------------------------------------------------------


def test_no_operation_can_be_called_without_a_token(stack: Stack) -> None:
    answers: dict[str, set[int]] = {}
    for one in OPERATIONS:
        if served(one):
            for headers in ({}, {"Authorization": "Bearer x"}, {"Authorization": ""}):
                answer = httpx.request(one.method, f"{stack.api_url}{one.path.replace('{', '').replace('}', '')}",
                                       headers=headers, timeout=40)  # fmt: skip
                answers.setdefault(one.name, set()).add(answer.status_code)
    assert answers
    assert set.union(*answers.values()) == {401}, answers


@pytest.mark.parametrize("path", ["/openapi.json", f"{PREFIX}openapi.json"])
def test_the_document_is_served_without_a_token_and_with_the_token_address(stack: Stack, path: str) -> None:
    response = httpx.get(f"{stack.api_url}{path}", timeout=40)
    served_document = response.json()
    flow = served_document["components"]["securitySchemes"]["oauth2"]["flows"]["clientCredentials"]
    assert (response.status_code, served_document["paths"]) == (200, document()["paths"])
    assert flow["tokenUrl"] == stack.token_url
