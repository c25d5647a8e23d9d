"""The outcomes of events and deliveries, as responses tell them."""

from collections.abc import Sequence

import httpx

from tools.load.traffic import NO_RESPONSE


def outcomes_of(response: httpx.Response | None, indexes: Sequence[int]) -> tuple[dict[int, str], list[int]]:
    """The outcomes of the events at these indexes, and the indexes of events to retry."""
    if response is None:
        return dict.fromkeys(indexes, NO_RESPONSE), []
    body = response.json()
    if not response.is_success:
        return dict.fromkeys(indexes, str(body["code"])), []
    outcomes = {indexes[result["originalRequestIndex"]]: str(result["outcome"]) for result in body["processed"]}
    to_retry: list[int] = []
    for result in body["unprocessedEntities"]:
        index = indexes[result["originalRequestIndex"]]
        if result["isRetryable"]:
            to_retry.append(index)
        else:
            outcomes[index] = str(result["errorCode"])
    return outcomes, to_retry


def outcome_of(response: httpx.Response | None) -> str:
    """The outcome of a delivery's only event, or of all of its events if it is queued."""
    if response is None:
        return NO_RESPONSE
    body = response.json()
    return next(name for name, number in body.items() if number) if response.is_success else str(body["code"])
