"""Finds a journey view and computes its figures."""

import time
from typing import Any

from tools.api import ApiClient, ApiError
from tools.errors import ToolError

WAITING = ("Accepted", "Executing")


def find_view(api: ApiClient, name_or_id: str) -> dict[str, Any]:
    """The newest version of a view. Raises ToolError when there is none, or several with that name."""
    views = list(api.entities("views"))
    matching = [view for view in views if view["id"] == name_or_id] or [
        view for view in views if view["name"].casefold() == name_or_id.casefold()
    ]
    if not matching:
        names = ", ".join(f'"{view["name"]}"' for view in views[:10]) or "none"
        raise ToolError(f'There is no view "{name_or_id}". The organization\'s views: {names}.')
    if len(matching) > 1:
        ids = ", ".join(view["id"] for view in matching)
        raise ToolError(f'Several views are called "{name_or_id}". Use one of these ids: {ids}.')
    return matching[0]


def computed_view(
    api: ApiClient, view_id: str, *, timeout: float, refresh: bool = False
) -> tuple[dict[str, Any], dict[str, Any]]:
    """The newest version of a view, and its figures.

    Args:
        timeout: seconds to wait for the computation.
        refresh: computes the view even if it was computed before.

    Raises:
        ToolError: the computation failed, or did not end in time.
    """
    view = api.call("GET", f"views/{view_id}")
    jobs = f"views/{view_id}/versions/{view['version']}/jobs"
    job = None if refresh else _latest(api, jobs)
    if job is None or job["status"] not in (*WAITING, "Complete"):
        job = api.call("POST", jobs)
    deadline = time.monotonic() + timeout
    while job["status"] in WAITING:
        if time.monotonic() > deadline:
            raise ToolError(f"The view is not computed after {timeout:.0f} seconds. Run the command again later.")
        time.sleep(0.5)
        job = api.call("GET", f"{jobs}/{job['id']}")
    if job["status"] != "Complete":
        raise ToolError(f"The view was not computed: its job is {job['status']}. {job.get('error', '')}".strip())
    return job.get("journeyView", view), api.call("GET", f"{jobs}/{job['id']}/results")


def _latest(api: ApiClient, jobs: str) -> dict[str, Any] | None:
    try:
        job: dict[str, Any] = api.call("GET", f"{jobs}/latest")
    except ApiError as error:
        if error.status != 404:
            raise
        return None
    return job
