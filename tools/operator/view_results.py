"""Finds a journey view and computes its figures, and those of paths."""

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
    job = _ended(api, f"{jobs}/{job['id']}", "view", timeout)
    return job.get("journeyView", view), api.call("GET", f"{jobs}/{job['id']}/results")


def computed_paths(api: ApiClient, job_id: str, *, timeout: float) -> tuple[dict[str, Any], dict[str, Any]]:
    """A job of paths, and its result.

    Args:
        timeout: seconds to wait for the computation.

    Raises:
        ToolError: the computation failed, or did not end in time.
    """
    path = f"paths/jobs/{job_id}"
    return _ended(api, path, "paths", timeout), api.call("GET", f"{path}/results")


def _ended(api: ApiClient, path: str, what: str, timeout: float) -> dict[str, Any]:
    """The job at this path, once it is complete. Raises ToolError."""
    deadline = time.monotonic() + timeout
    while (job := api.call("GET", path))["status"] in WAITING:
        if time.monotonic() > deadline:
            raise ToolError(f"The {what} is not computed after {timeout:.0f} seconds. Run the command again later.")
        time.sleep(0.5)
    if job["status"] != "Complete":
        raise ToolError(f"The {what} was not computed: its job is {job['status']}. {job.get('error', '')}".strip())
    complete: dict[str, Any] = job
    return complete


def _latest(api: ApiClient, jobs: str) -> dict[str, Any] | None:
    try:
        job: dict[str, Any] = api.call("GET", f"{jobs}/latest")
    except ApiError as error:
        if error.status != 404:
            raise
        return None
    return job
