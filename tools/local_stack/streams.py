"""Lets the local stack retry records of a stream that a function reports as failed, as Lambda does.

The emulator ignores partial batch responses of functions that read a stream. It retries a batch whose function raises.
"""

import io
import zipfile
from pathlib import Path

from tools import template
from tools.paths import ROOT
from tools.stack import Stack

MODULE = "whole_batch"
WRAPPER = '''"""Raises where the function reports records to retry, so that the emulator retries their batch."""

import handler as product


def handler(event, context):
    to_retry = product.handler(event, context)["batchItemFailures"]
    if to_retry:
        raise RuntimeError(f"{len(to_retry)} records must be retried")
'''


def complete(stack: Stack) -> None:
    """Deploys each function that answers for a stream's records with the wrapper as its handler."""
    client = stack.client("lambda")
    for logical_id, folder in _stream_functions():
        name = stack.physical_id(logical_id)
        client.update_function_code(FunctionName=name, ZipFile=_wrapped(folder))
        client.update_function_configuration(FunctionName=name, Handler=f"{MODULE}.handler")


def _stream_functions() -> list[tuple[str, Path]]:
    """The logical id and the folder of each function that reads a stream and names the records to retry."""
    return [
        (logical_id, ROOT / resource["Properties"]["CodeUri"])
        for logical_id, resource in template.read(template.TEMPLATE)["Resources"].items()
        if resource["Type"] == "AWS::Serverless::Function"
        for event in resource["Properties"].get("Events", {}).values()
        if event["Type"] == "DynamoDB" and "FunctionResponseTypes" in event["Properties"]
    ]


def _wrapped(folder: Path) -> bytes:
    """The archive of a function's code with the wrapper."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as content:
        for file in sorted(folder.rglob("*.py")):
            content.write(file, file.relative_to(folder))
        content.writestr(f"{MODULE}.py", WRAPPER)
    return archive.getvalue()
