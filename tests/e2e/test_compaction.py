"""The compaction on the local stack: the timer, the queue, and the role of the function."""

import json
from collections.abc import Callable

from journeys.archive.store import ArchiveStore
from tests.conftest import Caller
from tests.e2e.test_pipeline import ORDER, configure, event
from tests.support.waiting import wait_until
from tools.stack import Stack


def test_the_hourly_run_compacts_every_organization_through_the_queue(
    stack: Stack, caller: Callable[..., Caller]
) -> None:
    outputs, s3 = stack.outputs, stack.client("s3")
    store = ArchiveStore(stack.dynamodb, outputs["RegistryTableName"], lambda: s3, outputs["ArchiveBucketName"])
    callers = [caller(), caller()]
    configurations = [configure(own.api, ORDER, "shop") for own in callers]
    for own, configuration_id in zip(callers, configurations, strict=True):
        answer = own.api.send(configuration_id, [event("one", "2026-01-02T00:00:00Z", {}, ("crm", "ada"))])
        assert len(answer["processed"]) == 1
    wait_until(lambda: all(store.snapshot(own.organization_id).files for own in callers))

    answer = stack.client("lambda").invoke(FunctionName=outputs["CompactionFunctionName"], Payload=b"{}")
    assert "archives" in json.loads(answer["Payload"].read())  # The stack's own schedule can have been faster.
    wait_until(lambda: not any(store.snapshot(own.organization_id).landed for own in callers))
    for own, configuration_id in zip(callers, configurations, strict=True):
        manifest = store.manifest(own.organization_id)
        assert [file.rows for file in manifest.compacted] == [1]
        assert list(manifest.sources) == [configuration_id]
        assert "dateExact" in own.api.call("GET", "usage")
