"""A client of the journeys API for the tools. It gets access tokens and retries requests."""

import itertools
import json
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import httpx

EVENTS_PER_REQUEST = 100
PAGE_SIZE = 100
MAX_ATTEMPTS = 6
RETRYABLE_STATUSES = (429, 502, 503, 504)


class ApiError(Exception):
    """The API refused a request. `body` is its ErrorBody."""

    def __init__(self, status: int, body: Any) -> None:
        message = body.get("message") if isinstance(body, dict) else None
        super().__init__(f"{status}: {message or body}")
        self.status, self.body = status, body

    @property
    def code(self) -> str:
        return str(self.body.get("code", "")) if isinstance(self.body, dict) else ""


class TokenRefused(Exception):
    """The token address did not accept the client's credentials."""


class ApiClient:
    """Calls the API as one client. May be used by several threads."""

    def __init__(self, api_url: str, token_url: str, client_id: str, client_secret: str) -> None:
        self._http = httpx.Client(base_url=api_url + "/api/v2/journey/", timeout=40)
        self._token_url, self._credentials = token_url, (client_id, client_secret)
        self._token, self._token_expires = "", 0.0

    def call(self, method: str, path: str, body: Any = None, **query: Any) -> Any:
        """Sends a request, retries it while the API is busy, and returns the JSON of the response.

        Args:
            path: what follows /api/v2/journey/.

        Raises:
            ApiError: the API refused the request.
            TokenRefused: the credentials were not accepted.
            httpx.TransportError: the API did not respond to any attempt.
        """
        content = None if body is None else json.dumps(body).encode()
        for attempt in range(MAX_ATTEMPTS):
            try:
                response = self.request(method, path, content, **query)
            except httpx.TransportError:
                if attempt == MAX_ATTEMPTS - 1:
                    raise
            else:
                if response.status_code not in RETRYABLE_STATUSES or attempt == MAX_ATTEMPTS - 1:
                    break
            time.sleep(0.2 * 2**attempt)
        parsed = response.json() if response.content else None
        if response.status_code >= 400:
            raise ApiError(response.status_code, parsed)
        return parsed

    def entities(self, path: str) -> Iterator[dict[str, Any]]:
        """Yields every entity of a listing, page by page. Raises like `call`."""
        for number in itertools.count(1):
            page = self.call("GET", path, pageSize=PAGE_SIZE, pageNumber=number)
            yield from page["entities"]
            if not page.get("nextUri"):
                return

    def request(self, method: str, path: str, body: bytes | None = None, **query: Any) -> httpx.Response:
        """Sends a request once and returns the response, whatever its status. Raises httpx.TransportError."""
        return self._http.request(
            method,
            path,
            content=body,
            params={name: value for name, value in query.items() if value is not None},
            headers={"Authorization": f"Bearer {self.access_token()}", "Content-Type": "application/json"},
        )

    def send(self, configuration_id: str, events: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        """Sends up to 100 events and retries those that the API marks as retryable.

        Returns {processed, unprocessedEntities}; `originalRequestIndex` is the index in `events`.
        """
        path = f"externalevents/configurations/{configuration_id}/events"
        processed: list[dict[str, Any]] = []
        refused: list[dict[str, Any]] = []
        indexes = list(range(len(events)))
        for attempt in range(MAX_ATTEMPTS):
            response = self.call("POST", path, {"entities": [events[index] for index in indexes]})
            to_retry: list[int] = []
            processed += [
                {**result, "originalRequestIndex": indexes[result["originalRequestIndex"]]}
                for result in response["processed"]
            ]
            for result in response["unprocessedEntities"]:
                index = indexes[result["originalRequestIndex"]]
                if result["isRetryable"] and attempt < MAX_ATTEMPTS - 1:
                    to_retry.append(index)
                else:
                    refused.append({**result, "originalRequestIndex": index})
            if not to_retry:
                break
            indexes = to_retry
            time.sleep(0.2 * 2**attempt)
        return {"processed": processed, "unprocessedEntities": refused}

    def ensure_configuration(self, name: str, schema_id: str, source: str) -> str:
        """Creates a configuration if the event type has none for this source. Returns its id. Raises like `call`."""
        try:
            body = {"name": name, "schemaId": schema_id, "source": source}
            return str(self.call("POST", "externalevents/configurations", body)["id"])
        except ApiError as error:
            if error.code != "configuration.exists":
                raise
            return str(error.body["messageParams"]["id"])

    def access_token(self) -> str:
        """An access token that is valid for another minute at least. Raises TokenRefused and httpx.HTTPError."""
        if time.monotonic() > self._token_expires:
            response = httpx.post(
                self._token_url,
                data={"grant_type": "client_credentials", "scope": "journey/api"},
                auth=self._credentials,
                timeout=20,
            )
            if response.is_client_error:
                raise TokenRefused(f"{response.status_code} from the token address")
            response.raise_for_status()
            self._token = response.json()["access_token"]
            self._token_expires = time.monotonic() + response.json()["expires_in"] - 60
        return self._token


def batches(events: Sequence[Any], size: int = EVENTS_PER_REQUEST) -> Iterator[Sequence[Any]]:
    """Splits events into requests."""
    for start in range(0, len(events), size):
        yield events[start : start + size]
