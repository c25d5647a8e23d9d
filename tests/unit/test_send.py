"""`journeys send`, `show` and `deliver`, with a fake API."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support.cli import run_journeys
from tools.api import ApiError
from tools.commands import options
from tools.errors import SetupError
from tools.importer import events_file
from tools.importer.deliver import signing_secret
from tools.importer.errors import CannotImport
from tools.stack import Stack

SCHEMA = {
    "title": "Visit",
    "properties": {
        "pages": {"allOf": [{"$ref": "#/definitions/integer"}]},
        "paid": {"type": "boolean"},
        "topics": {"allOf": [{"$ref": "#/definitions/tag"}]},
    },
}
CSV = "id,dateCreated,externalSourceId,value,pages,paid,topics\n1,2026-01-02T03:04:05Z,crm,C-1,3,yes,a|b\n"
EVENT = {
    "id": "1",
    "dateCreated": "2026-01-02T03:04:05Z",
    "identifiers": {"externalIds": [{"externalSourceId": "crm", "value": "C-1"}]},
    "attributes": {"pages": 3, "paid": True, "topics": ["a", "b"]},
}
CONFIGURATIONS = [
    {"id": "c1", "name": "Visits", "schemaId": "s1"},
    {"id": "c2", "name": "Twice", "schemaId": "s1"},
    {"id": "c3", "name": "twice", "schemaId": "s1"},
]
ENDPOINTS = [
    {"id": "e1", "name": "Web shop", "sender": "shopify", "url": "https://api.example/webhooks/e1", "options": {}}
]


class FakeApi:
    """A fake API: refuses events without an id, and knows one customer."""

    def __init__(self) -> None:
        self.requests: list[tuple[str, list[Any]]] = []

    def entities(self, path: str) -> list[dict[str, Any]]:
        listings: dict[str, list[dict[str, Any]]] = {"externalevents/configurations": CONFIGURATIONS, "views": []}
        return (listings | {"webhooks/endpoints": ENDPOINTS})[path]

    def call(self, method: str, path: str, body: Any = None, **_: Any) -> Any:
        if (method, path) == ("GET", "externalevents/schemas/s1"):
            return {"jsonSchema": SCHEMA}
        if path.endswith("/events/validate"):
            return self._respond("validate", body["entities"], "valid")
        raise ApiError(404, {"message": "There is nothing here."})

    def send(self, configuration_id: str, events: list[Any]) -> dict[str, Any]:
        return self._respond(configuration_id, events, "created")

    def _respond(self, request: str, events: list[Any], outcome: str) -> dict[str, Any]:
        self.requests.append((request, events))
        response: dict[str, Any] = {"processed": [], "unprocessedEntities": []}
        for index, event in enumerate(events):
            result = {"originalRequestIndex": index, "isRetryable": False}
            if "id" in event:
                response["processed"].append(result | {"outcome": outcome})
            else:
                refusal = {"errorCode": "missing.id", "errorMessage": "The event has no id."}
                response["unprocessedEntities"].append(result | refusal)
        return response


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> FakeApi:
    api, stack = FakeApi(), Stack("journeys", "http://127.0.0.1:9")
    vars(stack)["outputs"] = {"ApiId": "a", "StageName": "local"}
    monkeypatch.setattr(options, "connect", lambda *_: options.Connection(stack, api))  # type: ignore[arg-type]
    return api


# -- reading events ----------------------------------------------------------------------------------------------------


def schema() -> Mapping[str, Any]:
    return SCHEMA


@pytest.mark.parametrize(
    ("text", "name", "form"),
    [
        (json.dumps([EVENT]), "events.json", None),
        (json.dumps({"entities": [EVENT]}), "", None),
        (json.dumps(EVENT), "", None),
        (json.dumps(EVENT) + "\n\n", "", "json"),
        (CSV, "events.csv", None),
        (CSV, "", None),
        (CSV, "events.json", "csv"),
    ],
)
def test_events_are_read_from_each_form(text: str, name: str, form: str | None) -> None:
    assert events_file.read_events(text, name, form, schema) == [EVENT]


def test_json_can_have_one_event_per_line() -> None:
    assert events_file.read_events(f"{json.dumps(EVENT)}\n{json.dumps(EVENT)}\n", "", None, schema) == [EVENT, EVENT]


def test_an_empty_cell_is_left_out_and_an_unknown_column_is_text() -> None:
    text = CSV.replace("topics", "other").replace("a|b", "a|b").replace(",3,", ",,")
    (event,) = events_file.read_events(text, "", None, schema)
    assert event["attributes"] == {"paid": True, "other": "a|b"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "There are no events"),
        ("[]", "There are no events"),
        ("[1]", "The JSON must be a list of events"),
        ("{", "not valid JSON"),
        ("id,value\n1,2\n", "has no column dateCreated, externalSourceId"),
        (CSV.replace(",3,", ",three,"), 'Row 2 of the CSV: the column "pages" is not a valid integer'),
        (CSV.replace(",a|b", ""), "Row 2 of the CSV has more or fewer cells than the header"),
        (CSV.replace("a|b", "a,b"), "Row 2 of the CSV has more or fewer cells than the header"),
    ],
)
def test_an_invalid_file_is_an_error_that_says_where(text: str, message: str) -> None:
    with pytest.raises(CannotImport, match=message) as caught:
        events_file.read_events(text, "", None, schema)
    assert "C-1" not in caught.value.message


# -- send --------------------------------------------------------------------------------------------------------------


def test_send_prints_the_outcomes_and_has_status_0(api: FakeApi, tmp_path: Path) -> None:
    file = tmp_path / "events.csv"
    file.write_text(CSV)
    result = run_journeys("send", file, "--configuration", "visits")
    assert (result.exit_code, result.stdout) == (0, "1 events: 1 created, 0 refused.\n")
    assert api.requests == [("c1", [EVENT])]


def test_send_refuses_a_file_that_is_not_utf8_and_says_how_to_save_it(api: FakeApi, tmp_path: Path) -> None:
    file = tmp_path / "events.csv"
    file.write_bytes(CSV.replace("C-1", "Zoë").encode("cp1252"))
    result = run_journeys("send", file, "--configuration", "visits")
    assert result.exit_code == 2
    assert "The file is not encoded in UTF-8" in result.stderr
    assert "Save it as UTF-8" in result.stderr
    assert api.requests == []


def test_send_reads_standard_input_and_prints_the_reason_of_every_refusal(api: FakeApi) -> None:
    events = [EVENT] * 150 + [{key: value for key, value in EVENT.items() if key != "id"}]
    result = run_journeys("send", "--configuration", "c1", stdin=json.dumps(events))
    assert result.exit_code == 1
    assert result.stdout.splitlines() == [
        "Event 151 was refused: missing.id. The event has no id.",
        "151 events: 150 created, 1 refused.",
    ]
    assert [len(batch) for _, batch in api.requests] == [100, 51]


def test_validate_only_stores_nothing(api: FakeApi) -> None:
    result = run_journeys("send", "-", "--configuration", "c1", "--validate-only", stdin=json.dumps(EVENT))
    assert (result.exit_code, result.stdout) == (0, "1 events: 1 valid, 0 refused.\n")
    assert api.requests == [("validate", [EVENT])]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["send", "--configuration", "Vists"],
            'no configuration "Vists". The organization\'s configurations: "Visits"',
        ),
        (["send", "--configuration", "twice"], "Use one of these ids: c2, c3."),
        (["show", "customer", "crm", "nobody"], "There is no such customer."),
        (["show", "view", "nothing"], 'There is no view "nothing". The organization\'s views: none.'),
        (["deliver", "shopfy", "e1"], '"shopfy" is not a sender. Use one of: adobe, cloudevents'),
        (
            ["deliver", "shopify", "e2"],
            'no endpoint "e2". The organization\'s endpoints: "Web shop" (shopify).',
        ),
        (["deliver", "stripe", "e1"], 'The endpoint "e1" receives deliveries of shopify, not stripe.'),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
@pytest.mark.usefixtures("api")
def test_what_does_not_exist_is_an_error_with_status_1(arguments: list[str], message: str) -> None:
    result = run_journeys(*arguments, stdin=json.dumps(EVENT))
    assert (result.exit_code, result.stdout) == (1, "")
    assert message in result.stderr


# -- deliver -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("response", "status"),
    [
        (httpx.Response(200, text="ok"), 0),
        (httpx.Response(200, json={"created": 1, "failed": 0}), 0),
        (httpx.Response(200, json={"created": 0, "failed": 1}), 1),
        (httpx.Response(401), 1),
    ],
)
@pytest.mark.usefixtures("api")
def test_deliver_posts_a_signed_payload(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, response: httpx.Response, status: int
) -> None:
    posted: list[Any] = []

    def post(url: str, **request: Any) -> httpx.Response:
        posted.append((url, request))
        return response

    monkeypatch.setattr("tools.importer.deliver.httpx.post", post)
    file = tmp_path / "order.json"
    file.write_text('{"id": 7}')
    result = run_journeys("deliver", "shopify", "web shop", "--file", file, "--secret", "secret")
    assert result.exit_code == status
    assert result.stdout.startswith(str(response.status_code))
    ((url, request),) = posted
    assert url == "https://api.example/webhooks/e1"
    assert request["content"] == b'{"id": 7}'
    assert "X-Shopify-Hmac-SHA256" in request["headers"]


def test_adobe_can_be_imitated_on_the_local_stack_only() -> None:
    with pytest.raises(SetupError, match="only the local stack"):
        signing_secret(Stack("journeys-prod", None), "adobe", "e1", None)
