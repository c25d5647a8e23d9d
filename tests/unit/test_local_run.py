"""What `journeys up` does with a local stack that runs already."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from journeys.registry.clients.model import PERMISSIONS
from tools.local_stack import run
from tools.local_stack.run import CLIENTS, LocalRun


def test_existing_clients_get_the_permissions_of_new_operations(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    granted: dict[str, list[str]] = {}
    monkeypatch.setattr(run, "Admin", lambda _: SimpleNamespace(set_permissions=granted.__setitem__))
    clients = [{"clientId": name, "clientSecret": "s", "permissions": sorted(of)} for name, of in CLIENTS.items()]
    clients[0]["permissions"] = sorted(PERMISSIONS)[1:]
    file = tmp_path / "stack.json"
    file.write_text(json.dumps({"stackName": "journeys", "organizations": [{"id": "acme", "clients": clients}]}))
    local: Any = SimpleNamespace(home=tmp_path, description_file=file)
    stack: Any = SimpleNamespace(describe=lambda: {"stackName": "journeys"})

    described = LocalRun(local)._create_organizations(stack)

    assert granted == {"everything": sorted(PERMISSIONS)}
    assert described["organizations"][0]["clients"][0]["permissions"] == sorted(PERMISSIONS)
    assert json.loads(file.read_text()) == described
    granted.clear()
    assert LocalRun(local)._create_organizations(stack) == described
    assert granted == {}
