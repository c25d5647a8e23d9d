"""`journeys import` on the deployed stack, with rows in the form of ServiceNow's audit log."""

import csv
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from tests.conftest import Caller
from tests.support.cli import run_journeys
from tools.api import ApiError
from tools.importer.columns import MAPPINGS
from tools.importer.import_run import PERMISSIONS
from tools.importer.mapping_file import read_plan
from tools.stack import Stack

CHANGES = (
    {"number": "INC1", "sys_mod_count": "0", "incident_state": "New", "sys_updated_at": "01-03-2024 09:00"},
    {"number": "INC1", "sys_mod_count": "2", "incident_state": "Resolved", "sys_updated_at": "02-03-2024 10:30"},
    {"number": "INC1", "sys_mod_count": "1", "incident_state": "Active", "sys_updated_at": "01-03-2024 09:45"},
    {"number": "INC1", "sys_mod_count": "2", "incident_state": "Closed", "sys_updated_at": "03-03-2024 10:30"},
    {"number": "INC1", "sys_mod_count": "4", "incident_state": "Closed", "sys_updated_at": "2024-03-04"},
    {"number": "INC1", "sys_mod_count": "5", "incident_state": "Closed", "sys_updated_at": "?"},
)
CUSTOMER = "Caller A/1"


@pytest.fixture
def incidents(tmp_path: Path) -> Path:
    columns = read_plan(MAPPINGS / "servicenow_incidents.toml").columns
    rows = [{"caller_id": CUSTOMER, "priority": "2 - High", "made_sla": "TRUE"} | change for change in CHANGES]
    path = tmp_path / "incidents.csv"
    path.write_text("\n".join([",".join(columns), *(",".join(row.get(name, "?") for name in columns) for row in rows)]))
    return path


def test_an_import_makes_journeys_and_can_be_repeated(
    stack: Stack, caller: Callable[..., Caller], incidents: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other, own = caller(), caller(permissions=sorted(PERMISSIONS | {"journey:customers:view"}))
    monkeypatch.setenv("JOURNEYS_STACK", stack.name)
    monkeypatch.setenv("AWS_ENDPOINT_URL", str(stack.endpoint_url))
    monkeypatch.setenv("JOURNEYS_CLIENT_ID", own.client_id)
    monkeypatch.setenv("JOURNEYS_CLIENT_SECRET", own.client_secret)

    first = counts(run_journeys("import", incidents))
    second = counts(run_journeys("import", incidents))
    third = counts(run_journeys("import", incidents, "--dry-run"))

    refused = {"conflict": 1, "rejected": 2, "total": 6}
    assert first == {"created": 3, "duplicate": 0} | refused
    assert second == {"created": 0, "duplicate": 3} | refused
    assert third == {"valid": 3, "duplicate": 0} | refused
    assert rejected_reasons(incidents) == ["event.conflict", "invalid.date", "missing.date"]

    (schema,) = own.api.call("GET", "externalevents/schemas")["entities"]
    assert schema["jsonSchema"]["title"] == "Incident Updated"
    assert other.api.call("GET", "externalevents/schemas")["entities"] == []

    events = journey(own, 3)
    assert [event["attributes"]["state"] for event in events] == ["New", "Active", "Resolved"]
    assert events[0] == events[0] | {
        "id": "INC1-0",
        "source": "ServiceNow",
        "dateCreated": "2024-03-01T09:00:00.000Z",
        "attributes": {"incident": "INC1", "change": 0, "state": "New", "priority": "2 - High", "madeSla": True},
    }


def counts(result: Result) -> dict[str, int]:
    """The rows of the table by outcome."""
    assert result.exit_code == 1
    found: dict[str, int] = {}
    for line in result.stdout.splitlines():
        cells = [cell.strip() for cell in line.split("│")]
        if len(cells) > 3 and cells[2].replace(",", "").isdigit():
            found[cells[1]] = found.get(cells[1], 0) + int(cells[2].replace(",", ""))
    return found


def rejected_reasons(path: Path) -> list[str]:
    """The reasons in the file of rejected rows."""
    with path.with_name("incidents.rejected.csv").open(newline="") as file:
        return [row["rejected_reason"].split(":")[0] for row in csv.DictReader(file)]


def journey(caller: Caller, length: int) -> list[Any]:
    """The customer's events in order, when they have arrived in the journey."""
    for _ in range(600):  # all tests share one stream
        try:
            found = caller.api.call("GET", "customers/events", externalSourceId="servicenow", value=CUSTOMER)
        except ApiError as error:
            if error.status != 404:  # until the first event has arrived
                raise
            found = {"entities": []}
        if len(found["entities"]) == length:
            return list(found["entities"])
        time.sleep(0.2)
    raise AssertionError(f"the journey has {len(found['entities'])} events after two minutes, not {length}")
