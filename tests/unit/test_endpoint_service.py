"""The order of the steps in EndpointService. The API's tests cover its results."""

from types import SimpleNamespace
from typing import Any

import pytest

from journeys.errors import NotFound, ServiceUnavailable
from journeys.webhooks.model import Endpoint
from journeys.webhooks.service import EndpointService

ENDPOINT = Endpoint("endpoint-1", "acme", "Shop", "shopify", "configuration-1", True, 0, 0)


class Calls:
    """Stands in for the stores and the bindings, records the calls, and fails at one of them."""

    def __init__(self, fails_at: str | None = None, error: Exception | None = None) -> None:
        self.made: list[str] = []
        self._fails_at, self._error = fails_at, error or ServiceUnavailable("The store is unavailable.")

    def service(self) -> EndpointService:
        endpoints: Any = self._store("endpoints", get=ENDPOINT)
        secrets: Any = self._store("secrets", get=("first", "zeroth"))
        bindings: Any = self._store("bindings")
        return EndpointService(endpoints, secrets, bindings)

    def _store(self, store: str, **results: Any) -> SimpleNamespace:
        def method(name: str) -> Any:
            def call(*arguments: Any, **_: Any) -> Any:
                self.made.append(f"{store}.{name}")
                if self.made[-1] == self._fails_at:
                    raise self._error
                return results.get(name)

            return call

        return SimpleNamespace(**{name: method(name) for name in ("get", "create", "update", "put", "delete", "fresh")})


def create(service: EndpointService) -> Any:
    return service.create(
        "acme", name="Shop", sender="shopify", configuration_id="configuration-1", options={}, mapping={}
    )


def test_the_secret_is_stored_before_the_endpoint() -> None:
    calls = Calls()
    created = create(calls.service())
    assert calls.made == ["bindings.fresh", "secrets.create", "endpoints.create"]
    assert created.secret.startswith("whsec_")


def test_the_secret_is_deleted_if_the_endpoint_cannot_be_stored() -> None:
    calls = Calls(fails_at="endpoints.create")
    with pytest.raises(ServiceUnavailable):
        create(calls.service())
    assert calls.made == ["bindings.fresh", "secrets.create", "endpoints.create", "secrets.delete"]


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
