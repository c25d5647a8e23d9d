"""The order of the steps in EndpointService. The API's tests cover its results."""

from types import SimpleNamespace
from typing import Any

import pytest

from journeys.errors import Conflict, NotFound, ServiceUnavailable
from journeys.webhooks.model import Endpoint
from journeys.webhooks.service import EndpointService
from journeys.webhooks.store import MAX_ATTEMPTS

ENDPOINT = Endpoint("endpoint-1", "acme", "Shop", "segment", "configuration-1", True, 0, 0)


class Calls:
    """Stands in for the stores and the bindings, records the calls, and fails at one of them."""

    def __init__(self, fails_at: str | None = None, error: Exception | None = None, *, updated: bool = True) -> None:
        self.made: list[str] = []
        self.deleted: list[str | None] = []  # the versions of secrets that were deleted
        self._updated = updated
        self._fails_at, self._error = fails_at, error or ServiceUnavailable("The store is unavailable.")

    def service(self) -> EndpointService:
        endpoints: Any = self._store("endpoints", get=ENDPOINT, update=self._updated)
        secrets: Any = self._store("secrets", create="version-1")
        bindings: Any = self._store("bindings")
        return EndpointService(endpoints, secrets, bindings)

    def _store(self, store: str, **results: Any) -> SimpleNamespace:
        def method(name: str) -> Any:
            def call(*arguments: Any, **_: Any) -> Any:
                self._call(f"{store}.{name}")
                if (store, name) == ("secrets", "delete"):
                    self.deleted.append(arguments[1])
                return results.get(name)

            return call

        return SimpleNamespace(
            **{name: method(name) for name in ("get", "find", "create", "update", "delete", "fresh")}
        )

    def _call(self, name: str) -> None:
        self.made.append(name)
        if name == self._fails_at:
            raise self._error


def create(service: EndpointService) -> Any:
    return service.create(
        "acme", name="Shop", sender="segment", configuration_id="configuration-1", options={}, mapping={}
    )


def test_the_secret_is_stored_before_the_endpoint() -> None:
    calls = Calls()
    created = create(calls.service())
    assert calls.made == ["bindings.fresh", "secrets.create", "endpoints.create"]
    assert created.secret.startswith("whsec_")
    assert created.endpoint.secret_version == "version-1"


def test_the_secret_is_deleted_if_the_endpoint_cannot_be_stored() -> None:
    calls = Calls(fails_at="endpoints.create")
    with pytest.raises(ServiceUnavailable):
        create(calls.service())
    assert calls.made == ["bindings.fresh", "secrets.create", "endpoints.create", "endpoints.find", "secrets.delete"]


def test_nothing_is_stored_for_an_unknown_configuration() -> None:
    calls = Calls(fails_at="bindings.fresh", error=NotFound("The configuration does not exist."))
    with pytest.raises(NotFound):
        create(calls.service())
    assert calls.made == ["bindings.fresh"]


def test_the_endpoint_is_kept_if_its_secrets_cannot_be_deleted() -> None:
    calls = Calls(fails_at="secrets.delete")
    with pytest.raises(ServiceUnavailable):
        calls.service().delete("acme", "endpoint-1")
    assert calls.made == ["endpoints.get", "secrets.delete"]


def test_a_rotation_stores_the_new_secret_first_and_deletes_the_one_before_last() -> None:
    calls = Calls()
    rotated = calls.service().rotate_secret("acme", "endpoint-1", secret="the new secret", keep_previous=False)
    steps = ["endpoints.get", "endpoints.get", "secrets.create", "endpoints.update", "secrets.delete"]
    assert (calls.made, calls.deleted) == (steps, [None])
    assert rotated.endpoint.secret_version == "version-1"


def test_a_rotation_that_loses_every_time_deletes_what_it_stored() -> None:
    calls = Calls(updated=False)
    with pytest.raises(Conflict):
        calls.service().rotate_secret("acme", "endpoint-1", secret="the new secret", keep_previous=False)
    assert (calls.made.count("secrets.create"), calls.deleted) == (MAX_ATTEMPTS, ["version-1"] * MAX_ATTEMPTS)


def test_the_secrets_of_an_unknown_endpoint_are_never_deleted() -> None:
    calls = Calls(fails_at="endpoints.get", error=NotFound("The endpoint does not exist."))
    with pytest.raises(NotFound):
        calls.service().rotate_secret("another organization", "endpoint-1")
    assert calls.made == ["endpoints.get"]
