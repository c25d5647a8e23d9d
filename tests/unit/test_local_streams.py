"""On the local stack, a batch of stream records with records to retry is retried whole."""

import io
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest

from tools.local_stack import streams
from tools.stack import Stack


class Lambda:
    """A fake client that records what is deployed."""

    def __init__(self) -> None:
        self.code: dict[str, bytes] = {}
        self.handlers: dict[str, str] = {}

    def update_function_code(self, *, FunctionName: str, ZipFile: bytes) -> None:  # noqa: N803
        self.code[FunctionName] = ZipFile

    def update_function_configuration(self, *, FunctionName: str, Handler: str) -> None:  # noqa: N803
        self.handlers[FunctionName] = Handler


@pytest.fixture
def deployed(monkeypatch: pytest.MonkeyPatch) -> Lambda:
    client = Lambda()
    monkeypatch.setattr(Stack, "client", lambda *_: client)
    monkeypatch.setattr(Stack, "physical_id", lambda _, logical_id: f"stack-{logical_id}")
    streams.complete(Stack("stack", "http://127.0.0.1:1"))
    return client


def test_the_functions_that_name_records_to_retry_are_wrapped(deployed: Lambda) -> None:
    wrapped = {"stack-ProjectorFunction", "stack-LandingFunction"}
    assert deployed.code.keys() == deployed.handlers.keys() == wrapped
    for name, code in deployed.code.items():
        module, _, function = deployed.handlers[name].partition(".")
        assert function == "handler"
        assert {"handler.py", f"{module}.py"} <= set(zipfile.ZipFile(io.BytesIO(code)).namelist())


def test_the_wrapper_raises_only_if_records_must_be_retried(
    deployed: Lambda, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    zipfile.ZipFile(io.BytesIO(deployed.code["stack-ProjectorFunction"])).extractall(tmp_path)
    (tmp_path / "handler.py").write_text("def handler(event, context):\n    return {'batchItemFailures': event}\n")
    monkeypatch.syspath_prepend(tmp_path)
    for module in ("handler", streams.MODULE):
        monkeypatch.delitem(sys.modules, module, raising=False)
    import whole_batch  # type: ignore[import-not-found]

    def call(to_retry: list[Any]) -> None:
        whole_batch.handler(to_retry, None)

    call([])
    with pytest.raises(RuntimeError, match="1 records"):
        call([{"itemIdentifier": "7"}])
    for module in ("handler", streams.MODULE):
        sys.modules.pop(module, None)
