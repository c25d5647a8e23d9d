"""How soon changes of an endpoint take effect, and that none is lost when they are made at the same time.

The schedules run the product's code in threads, on moto. Only one thread runs at a time, and before every call to AWS a
seeded random choice decides which one runs next.
"""

import json
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from random import Random
from threading import local
from typing import Any

import pytest
from botocore.exceptions import ConnectionClosedError

from journeys import aws
from journeys.cache import RecentlyUsed
from journeys.errors import NotFound, ServiceUnavailable, Unauthenticated
from journeys.webhooks import store
from journeys.webhooks.model import Endpoint
from journeys.webhooks.service import EndpointService
from journeys.webhooks.store import SecretNotFound
from tests.conftest import ORGANIZATION
from tests.support.client_events import handling
from tests.support.inbox import CASES, Inbox, make_inbox, sample
from tests.support.schedules import Turns
from tests.support.tables import Tables

SCHEDULES = 20
FIRST, SECOND, THIRD = "the first secret", "the second secret", "the third secret"


@pytest.fixture
def inbox(tables: Tables, monkeypatch: pytest.MonkeyPatch) -> Inbox:
    return make_inbox(tables, monkeypatch)


class Clock:
    """The clock of a receiver's caches, which only the test moves."""

    def __init__(self, inbox: Inbox) -> None:
        self.now = 0.0
        for part in (inbox.receiver, inbox.receiver._endpoints, inbox.receiver._secrets):
            part._clock = lambda: self.now


def service_of(inbox: Inbox) -> EndpointService:
    return EndpointService(inbox.endpoints, inbox.secrets, inbox.new_bindings())


def valid_secrets(inbox: Inbox, endpoint_id: str) -> tuple[str, ...]:
    while True:
        endpoint = inbox.endpoints.get(ORGANIZATION, endpoint_id)
        try:
            return inbox.secrets.get(endpoint_id, endpoint.secret_version)
        except SecretNotFound:
            if inbox.endpoints.get(ORGANIZATION, endpoint_id).secret_version == endpoint.secret_version:
                raise  # Otherwise a rotation replaced them.


def stored_secrets(endpoint_id: str) -> list[str]:
    """Return the names of an endpoint's secrets in Secrets Manager."""
    pages = aws.secretsmanager().get_paginator("list_secrets").paginate()
    return [one["Name"] for page in pages for one in page["SecretList"] if f"/{endpoint_id}" in one["Name"]]


# -- how soon a change takes effect ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "outcome"),
    [
        ({"mapping": {"customer": "`null`"}}, {"created": 0, "duplicate": 0, "failed": 1}),
        ({"enabled": False}, None),
    ],
    ids=str,
)
def test_a_change_takes_effect_one_second_later(inbox: Inbox, changes: dict[str, Any], outcome: Any) -> None:
    clock = Clock(inbox)
    assert inbox.send("segment")["created"] == 1
    service_of(inbox).update(ORGANIZATION, "segment", **changes)
    clock.now += 1
    if outcome is None:
        with pytest.raises(NotFound):
            inbox.send("segment")
    else:
        assert inbox.send("segment") == outcome


def test_a_retired_secret_is_refused_one_second_later(inbox: Inbox) -> None:
    clock, case = Clock(inbox), CASES["segment"]
    service_of(inbox).rotate_secret(ORGANIZATION, "segment", secret=case.secret)
    assert inbox.send("segment")["created"] == 1
    service_of(inbox).rotate_secret(ORGANIZATION, "segment", secret=case.other_secret, keep_previous=False)
    clock.now += 1
    with pytest.raises(Unauthenticated) as refused:
        inbox.send("segment")
    assert refused.value.code == "not.proven"


def test_a_new_secret_and_new_options_are_valid_immediately(inbox: Inbox) -> None:
    Clock(inbox)
    assert inbox.send("hmac")["created"] == 1
    case, service = CASES["hmac"], service_of(inbox)
    service.rotate_secret(ORGANIZATION, "hmac", secret=case.other_secret)
    service.update(ORGANIZATION, "hmac", options={**case.options, "header": "x-new"})
    sent = sample("hmac", secret=case.other_secret)
    signature = sent.headers[case.options["header"]]
    response = inbox.receive("hmac", sent._replace(headers={"x-new": signature}))
    assert json.loads(response.body)["duplicate"] == 1


def test_an_enabled_endpoint_receives_immediately(inbox: Inbox) -> None:
    Clock(inbox)
    inbox.change("segment", enabled=False)
    service_of(inbox).update(ORGANIZATION, "segment", enabled=True)
    assert inbox.send("segment")["created"] == 1


def test_forged_deliveries_read_the_endpoint_twice_a_second_and_the_secrets_once(inbox: Inbox) -> None:
    clock = Clock(inbox)
    service_of(inbox).rotate_secret(ORGANIZATION, "segment", secret=FIRST)
    calls: list[str] = []
    with ExitStack() as stack:
        for client in (inbox.tables.dynamodb, inbox.secrets._client):
            stack.enter_context(handling(client, "before-call.*", lambda model, **_: calls.append(model.name)))
        for second in range(2):
            clock.now = second
            for _ in range(5):
                with pytest.raises(Unauthenticated):
                    inbox.send("segment", secret="a forged secret")
    assert sorted(call for call in calls if call.startswith("Get")) == ["GetItem"] * 4 + ["GetSecretValue"]


# -- waiting for a secret ----------------------------------------------------------------------------------------------


def waiting(inbox: Inbox, sender: str) -> Endpoint:
    created = service_of(inbox).create(
        ORGANIZATION, name="Waits", sender=sender, configuration_id=inbox.configuration_id, options={}, mapping={}
    )
    assert created.secret is None
    return created.endpoint


@pytest.mark.parametrize("sender", ["stripe", "shopify", "hubspot", "slack", "zendesk"])
def test_an_endpoint_without_its_secret_refuses_deliveries_until_it_has_it(inbox: Inbox, sender: str) -> None:
    clock = Clock(inbox)
    endpoint_id, case = waiting(inbox, sender).endpoint_id, CASES[sender]
    sent = case.deliver(url=f"https://api.example.com/prod/webhooks/{endpoint_id}", now=1_800_000_000)
    for forged in (sent, sent._replace(headers={})):
        with pytest.raises(Unauthenticated, match="waits for the sender's secret") as refused:
            inbox.receive(endpoint_id, forged, now=1_800_000_000)
        assert refused.value.code == "waiting.for.secret"
    assert inbox.nothing_written()
    service_of(inbox).rotate_secret(ORGANIZATION, endpoint_id, secret=case.secret)
    clock.now += 1
    assert inbox.receive(endpoint_id, sent, now=1_800_000_000).status == 200


def test_a_secret_that_was_stored_but_not_acknowledged_is_not_valid(inbox: Inbox) -> None:
    endpoint_id, case = waiting(inbox, "shopify").endpoint_id, CASES["shopify"]
    inbox.secrets.create(endpoint_id, case.secret)  # by a request that was interrupted before it changed the endpoint
    with pytest.raises(Unauthenticated) as refused:
        inbox.receive(endpoint_id, sample("shopify"))
    assert refused.value.code == "waiting.for.secret"
    (record,) = inbox.tables.items(inbox.tables.deliveries)
    assert record["reason"]["S"] == "waiting.for.secret"
    service_of(inbox).rotate_secret(ORGANIZATION, endpoint_id, secret=case.secret)
    assert valid_secrets(inbox, endpoint_id) == (case.secret,)


# -- secrets that cannot be read ---------------------------------------------------------------------------------------


def test_a_secret_that_cannot_be_read_is_a_reason_to_deliver_again(inbox: Inbox) -> None:
    """Secrets Manager can need a moment until all of its servers know a new version."""
    inbox.lose_secrets("segment")
    with pytest.raises(ServiceUnavailable, match="secret cannot be read"):
        inbox.send("segment")


def test_a_secret_that_a_rotation_deleted_is_looked_up_again(inbox: Inbox) -> None:
    """The receiver knows the endpoint, but not yet its secrets, when a rotation deletes them."""
    Clock(inbox)
    inbox.receiver._endpoint("segment")
    inbox.rotate("segment", SECOND)
    assert inbox.send("segment", secret=SECOND)["created"] == 1


def test_a_rotation_that_needs_a_lost_secret_is_refused_and_one_that_does_not_repairs_the_endpoint(
    inbox: Inbox,
) -> None:
    inbox.lose_secrets("segment")
    service = service_of(inbox)
    with pytest.raises(ServiceUnavailable):
        service.rotate_secret(ORGANIZATION, "segment", secret=FIRST)
    assert stored_secrets("segment") == []
    service.rotate_secret(ORGANIZATION, "segment", secret=FIRST, keep_previous=False)
    assert inbox.send("segment", secret=FIRST)["created"] == 1


def test_the_first_rotation_replaces_a_secret_of_the_first_release(inbox: Inbox) -> None:
    """Its name in Secrets Manager is that of the endpoint, without a version."""
    inbox.lose_secrets("segment")
    inbox.change("segment", secret_version=None)
    aws.secretsmanager().create_secret(Name="journeys/webhooks/segment", SecretString=json.dumps({"current": FIRST}))
    assert inbox.send("segment", secret=FIRST)["created"] == 1
    inbox.rotate("segment", SECOND)
    assert valid_secrets(inbox, "segment") == (SECOND, FIRST)
    assert len(stored_secrets("segment")) == 1
    service_of(inbox).delete(ORGANIZATION, "segment")
    assert stored_secrets("segment") == []


# -- rotations that are interrupted ------------------------------------------------------------------------------------


class Interrupted(BaseException):
    """The process ends."""


@pytest.mark.parametrize(
    ("step", "after", "rotated", "stored"),
    [
        ("CreateSecret", False, False, 1),
        ("CreateSecret", True, False, 2),
        ("TransactWriteItems", False, False, 2),
        ("TransactWriteItems", True, True, 2),
        ("DeleteSecret", False, True, 2),
        ("DeleteSecret", True, True, 1),
    ],
)
def test_an_interrupted_rotation_leaves_a_working_endpoint_and_at_most_one_unused_secret(
    inbox: Inbox, step: str, after: bool, rotated: bool, stored: int
) -> None:
    inbox.rotate("segment", FIRST, keep_previous=False)

    def interrupt(model: Any, **_: Any) -> None:
        if model.name == step:
            raise Interrupted

    with ExitStack() as stack:
        for client in (inbox.tables.dynamodb, inbox.secrets._client):
            stack.enter_context(handling(client, "after-call.*" if after else "before-call.*", interrupt))
        with pytest.raises(Interrupted):
            inbox.rotate("segment", SECOND)
    assert valid_secrets(inbox, "segment") == ((SECOND, FIRST) if rotated else (FIRST,))
    assert len(stored_secrets("segment")) == stored
    assert inbox.send("segment", secret=FIRST)["created"] == 1
    inbox.rotate("segment", THIRD)
    assert inbox.send("segment", secret=THIRD)["duplicate"] == 1


def test_a_rotation_whose_outcome_is_unknown_keeps_the_new_secret(inbox: Inbox) -> None:
    """The connection can fail after DynamoDB stored the change."""

    def fail(model: Any, **_: Any) -> None:
        if model.name == "TransactWriteItems":
            raise ConnectionClosedError(endpoint_url="https://dynamodb.example")

    with (
        handling(inbox.tables.dynamodb, "after-call.*", fail),
        pytest.raises(ConnectionClosedError),
    ):
        inbox.rotate("segment", SECOND)
    assert inbox.send("segment", secret=SECOND)["created"] == 1


def test_a_rotation_succeeds_if_the_secret_before_cannot_be_deleted(inbox: Inbox) -> None:
    """Its caller must get the new secret. A repeated rotation would generate another one."""

    def fail(model: Any, **_: Any) -> None:
        if model.name == "DeleteSecret":
            raise ConnectionClosedError(endpoint_url="https://secretsmanager.example")

    with handling(inbox.secrets._client, "before-call.*", fail):
        rotated = service_of(inbox).rotate_secret(ORGANIZATION, "segment")
    assert inbox.send("segment", secret=rotated.secret)["created"] == 1


# -- changes at the same time ------------------------------------------------------------------------------------------


def run(seed: int, inbox: Inbox, tasks: Sequence[Callable[[], None]]) -> None:
    """Run tasks in threads. Before each call to AWS, a random choice decides which one runs next."""
    random, running = Random(seed), local()
    turns = Turns(len(tasks), lambda _, unfinished: random.choice(unfinished))

    def one(number: int) -> None:
        running.number = number
        try:
            tasks[number]()
        finally:
            del running.number

    def take_turns(**_: Any) -> None:
        number = getattr(running, "number", None)
        if number is not None:
            turns.take(number)

    with ExitStack() as stack:
        for client in (inbox.tables.dynamodb, inbox.secrets._client):
            stack.enter_context(handling(client, "before-call.*", take_turns))
        turns.run(one)


def lost(seed: int, inbox: Inbox) -> set[str]:
    """What a random schedule of two rotations, two changes and deliveries lost."""
    service, id_ = service_of(inbox), "segment"
    # After a rightly refused delivery, the next one could be refused for a second too, and the clock is stopped.
    inbox.receiver._refused = RecentlyUsed(0)
    service.rotate_secret(ORGANIZATION, id_, secret=FIRST, keep_previous=False)
    service.update(ORGANIZATION, id_, name="Before", enabled=True, mapping={})
    problems: set[str] = set()

    def rotate(secret: str) -> None:
        try:
            service.rotate_secret(ORGANIZATION, id_, secret=secret)
        except SecretNotFound:
            problems.add("a secret")

    def deliver() -> None:
        try:
            before = valid_secrets(inbox, id_)
            try:
                deliver_with_retries(inbox, id_, before[0])
            except Unauthenticated:
                if before[0] in valid_secrets(inbox, id_):
                    problems.add("a delivery that was signed with a valid secret")
        except SecretNotFound:
            problems.add("a secret")

    run(
        seed,
        inbox,
        [
            lambda: rotate(SECOND),
            lambda: rotate(THIRD),
            lambda: void(service.update(ORGANIZATION, id_, name="After")),
            lambda: void(service.update(ORGANIZATION, id_, mapping={"attributes": {"page": None}})),
            deliver,
            deliver,
        ],
    )
    endpoint = inbox.endpoints.get(ORGANIZATION, id_)
    try:
        kept = set(valid_secrets(inbox, id_)) == {SECOND, THIRD}
    except SecretNotFound:
        kept = False
    if not kept:
        problems.add("a secret")
    if (endpoint.name, endpoint.mapping) != ("After", {"attributes": {"page": None}}):
        problems.add("a field")
    if len(stored_secrets(id_)) != 1:
        problems.add("track of a secret that is no longer used")
    return problems


def deliver_with_retries(inbox: Inbox, endpoint_id: str, secret: str) -> None:
    """Deliver as a sender does: again, if the endpoint's secrets cannot be read. Each rotation can cause that once."""
    for remaining in (2, 1, 0):
        try:
            inbox.send(endpoint_id, secret=secret)
        except SecretNotFound:
            if not remaining:
                raise
        else:
            return


def void(_: object) -> None:
    """Ignore a result."""


def test_no_change_no_secret_and_no_delivery_is_lost(inbox: Inbox) -> None:
    assert {seed: found for seed in range(SCHEDULES) if (found := lost(seed, inbox))} == {}


def test_the_schedules_detect_changes_without_a_condition(inbox: Inbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "_UNCHANGED", "(attribute_exists(pk) OR revision = :revision)")
    found = {problem for seed in range(SCHEDULES) for problem in lost(seed, inbox)}
    assert {"a secret", "a field"} <= found


def test_a_rotation_during_a_deletion_leaves_no_secret_behind(inbox: Inbox) -> None:
    service = service_of(inbox)
    outcomes = set()

    def rotate(endpoint_id: str) -> None:
        try:
            service.rotate_secret(ORGANIZATION, endpoint_id, secret=SECOND)
            outcomes.add("rotated")
        except (NotFound, ServiceUnavailable) as error:
            outcomes.add(type(error).__name__)

    for seed in range(2 * SCHEDULES):
        id_ = waiting(inbox, "shopify").endpoint_id
        if seed % 2:
            service.rotate_secret(ORGANIZATION, id_, secret=FIRST)
        run(seed, inbox, [lambda id_=id_: rotate(id_), lambda id_=id_: service.delete(ORGANIZATION, id_)])  # type: ignore[misc]
        assert inbox.endpoints.find(id_, consistent=True) is None
        assert stored_secrets(id_) == []
    assert {"rotated", "NotFound"} <= outcomes
