"""Jobs of views that count persons: links of the archive, settings and decisions, in one run and in parts."""

from typing import Any

import pytest

from journeys import aws, dates
from journeys.archive.compaction import Compaction
from journeys.archive.store import ArchiveStore
from journeys.events.model import ExternalId
from journeys.identity.model import DecisionState, pair
from journeys.identity.settings import IdentitySettings, Linking
from journeys.identity.store import IdentitySettingsStore, LinkStore
from journeys.views.model import View
from tests.conftest import ORGANIZATION
from tests.support.jobs import HOUR, NOON, JobHarness, harness

__all__ = ["harness"]

VISITS, CALLS = 20, 12
"""Visitors, of whom some signed in. Those who did called under another identifier."""


@pytest.fixture
def view(harness: JobHarness) -> View:
    """From a visit to a call. The link between the identifiers of both was made by an event long before."""
    visited, called = harness.event_type("Visited"), harness.event_type("Called")
    for number in range(CALLS):
        signed_in = (ExternalId("account", account(number)),)
        harness.land(visited, (visitor(number), NOON - 999 * HOUR), received=NOON - 998 * HOUR, also=signed_in)
    harness.land(visited, *((visitor(number), NOON) for number in range(VISITS)), received=NOON + HOUR)
    for number in range(CALLS):
        same_account = (ExternalId("account", account(number)),)
        harness.land(called, (f"caller-{number}", NOON + HOUR), received=NOON + 2 * HOUR, also=same_account)
    return harness.view(
        name="Calls after visits",
        interval=f"{dates.text(NOON - HOUR)}/{dates.text(NOON + 3 * HOUR)}",
        elements=[
            {
                "id": "visited",
                "name": "Visited",
                "attributes": {"id": visited.schema_id},
                "followedBy": [{"id": "called"}],
            },
            {"id": "called", "name": "Called", "attributes": {"id": called.schema_id}},
        ],
    )


def visitor(number: int) -> str:
    return f"visitor-{number}"


def account(number: int) -> str:
    return f"account-{number}"


def figures(harness: JobHarness, path: str) -> tuple[int, int]:
    """The visitors, and those who then called."""
    visited, called = harness.results(path)["elements"]
    assert (called["metrics"]["participantCount"]) == visited["followedBy"][0]["connectionCount"]
    return visited["metrics"]["participantCount"], called["metrics"]["participantCount"]


def compute(harness: JobHarness, view: View) -> tuple[int, int]:
    """The figures of a job, which are the same in one run and in parts."""
    path = harness.accept(view)
    harness.drain()
    whole = figures(harness, path)
    with harness.small_runs(4):
        path = harness.accept(view)
        harness.drain()
        harness.run_machine()
        harness.machine.started.clear()
    assert figures(harness, path) == whole
    return whole


def compact(harness: JobHarness) -> None:
    store = ArchiveStore(harness.tables.dynamodb, harness.tables.registry, aws.s3, "archive")
    list(Compaction(store, memory="200MB").compact(ORGANIZATION))
    assert store.snapshot(ORGANIZATION).landed == ()


def decide(harness: JobHarness, number: int, state: DecisionState) -> None:
    both = pair(ExternalId("crm", visitor(number)), ExternalId("account", account(number)))
    LinkStore(harness.tables.dynamodb, harness.tables.links).decide(ORGANIZATION, both, state, by="ann", now_ms=NOON)


def test_a_job_counts_persons_whether_their_links_have_landed_or_are_compacted(harness: JobHarness, view: View) -> None:
    assert compute(harness, view) == (VISITS, CALLS)
    compact(harness)
    assert compute(harness, view) == (VISITS, CALLS)


def test_a_view_can_count_identifiers(harness: JobHarness, view: View) -> None:
    """No identifier has both events, so none goes from one to the other."""
    identifiers = harness.view(**view.definition.to_values() | {"identity": "Identifier"})
    assert compute(harness, identifiers) == (VISITS, 0)


def test_decisions_and_settings_count(harness: JobHarness, view: View) -> None:
    decide(harness, 0, DecisionState.UNLINKED)
    decide(harness, CALLS, DecisionState.LINKED)
    assert compute(harness, view) == (VISITS, CALLS - 1)
    decide(harness, 0, DecisionState.LINKED)
    assert compute(harness, view) == (VISITS, CALLS)
    store = IdentitySettingsStore(harness.tables.dynamodb, harness.tables.registry)
    store.put(ORGANIZATION, IdentitySettings(Linking.ALL_EXCEPT, ("account",), 1))
    assert compute(harness, view) == (VISITS, 0)


def test_a_decision_during_an_attempt_does_not_change_its_parts(harness: JobHarness, view: View) -> None:
    with harness.small_runs(4):
        path = harness.accept(view)
        harness.drain()
        for number in range(CALLS):
            decide(harness, number, DecisionState.UNLINKED)
        harness.run_machine()
    assert figures(harness, path) == (VISITS, CALLS)


@pytest.mark.parametrize("identity", ["Customer", "person", "", 5])
def test_what_a_view_counts_is_one_of_two_words(harness: JobHarness, view: View, identity: Any) -> None:
    with pytest.raises(ValueError, match="identity"):
        harness.view(**view.definition.to_values() | {"identity": identity})
