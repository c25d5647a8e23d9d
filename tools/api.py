"""A small client of our own API, for the tools: fetches tokens, tries again what may be tried again."""

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import httpx

EVENTS_A_REQUEST = 100
MAX_TRIES = 6


class ApiError(Exception):
    """The API refused a request; `body` is its ErrorBody."""

    def __init__(self, status: int, body: Any) -> None:
        message = body.get("message") if isinstance(body, dict) else None
        super().__init__(f"{status}: {message or body}")
        self.status, self.body = status, body

    @property
    def code(self) -> str:
        return str(self.body.get("code", "")) if isinstance(self.body, dict) else ""


class ApiClient:
    """Calls as one client. May be used by several threads."""

    def __init__(self, api_url: str, token_url: str, client_id: str, client_secret: str) -> None:
        self._http = httpx.Client(base_url=api_url + "/api/v2/journey/", timeout=40)
        self._token_url, self._credentials = token_url, (client_id, client_secret)
        self._token, self._token_ends = "", 0.0

    def call(self, method: str, path: str, body: Any = None, **query: Any) -> Any:
        """One request; answers the JSON. `path` comes after /api/v2/journey/. Raises ApiError."""
        for attempt in range(MAX_TRIES):
            try:
                answer = self.ask(method, path, None if body is None else json.dumps(body).encode(), **query)
            except httpx.TransportError:
                if attempt == MAX_TRIES - 1:
                    raise
            else:
                if answer.status_code not in (429, 502, 503, 504) or attempt == MAX_TRIES - 1:
                    break
            time.sleep(0.2 * 2**attempt)
        parsed = answer.json() if answer.content else None
        if answer.status_code >= 400:
            raise ApiError(answer.status_code, parsed)
        return parsed

    def ask(self, method: str, path: str, body: bytes | None = None, **query: Any) -> httpx.Response:
        """One try at a request; answers whatever came back. Raises httpx.TransportError where nothing did."""
        return self._http.request(
            method,
            path,
            content=body,
            params={name: value for name, value in query.items() if value is not None},
            headers={"Authorization": f"Bearer {self._access_token()}", "Content-Type": "application/json"},
        )

    def send(self, configuration_id: str, events: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        """Up to 100 events; those that may be tried again are. Answers {processed, unprocessedEntities}, by place."""
        path = f"externalevents/configurations/{configuration_id}/events"
        processed: list[dict[str, Any]] = []
        refused: list[dict[str, Any]] = []
        places = list(range(len(events)))
        for attempt in range(MAX_TRIES):
            answer = self.call("POST", path, {"entities": [events[place] for place in places]})
            again: list[int] = []
            processed += [
                {**one, "originalRequestIndex": places[one["originalRequestIndex"]]} for one in answer["processed"]
            ]
            for one in answer["unprocessedEntities"]:
                place = places[one["originalRequestIndex"]]
                if one["isRetryable"] and attempt < MAX_TRIES - 1:
                    again.append(place)
                else:
                    refused.append({**one, "originalRequestIndex": place})
            if not again:
                break
            places = again
            time.sleep(0.2 * 2**attempt)
        return {"processed": processed, "unprocessedEntities": refused}

    def _access_token(self) -> str:
        if time.monotonic() > self._token_ends:
            answer = httpx.post(
                self._token_url,
                data={"grant_type": "client_credentials", "scope": "journey/api"},
                auth=self._credentials,
                timeout=20,
            )
            answer.raise_for_status()
            self._token = answer.json()["access_token"]
            self._token_ends = time.monotonic() + answer.json()["expires_in"] - 60
        return self._token


def batches(events: Sequence[Any], size: int = EVENTS_A_REQUEST) -> Iterator[Sequence[Any]]:
    """The events in requests."""
    for start in range(0, len(events), size):
        yield events[start : start + size]
