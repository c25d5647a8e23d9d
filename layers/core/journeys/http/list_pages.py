"""Pages of a stored list, which never changes: a cursor says how many entities precede the page."""

import re
from collections.abc import Sequence
from typing import Any

from journeys import cursors
from journeys.http.parameters import CURSOR, PAGE_SIZE
from journeys.http.request import Request
from journeys.response_size import count_fitting

POSITION = re.compile(r"[0-9]{1,9}")
"""How many entities or rows precede a page."""


def list_page(request: Request, path: str, entities: Sequence[dict[str, Any]], *scope: str) -> dict[str, Any]:
    """Return the page of a list that the request's cursor names: as many entities as it asks for, if they fit.

    `scope` holds what distinguishes the list from others of the same path. The route declares PAGE_SIZE and CURSOR.
    Raises BadRequest for a cursor of another list.
    """
    scope, cursor = (path, request.organization_id, *scope), request.get(CURSOR)
    start = 0 if cursor is None else int(cursors.decode(cursor, POSITION, *scope))
    page = entities[start : start + request.get(PAGE_SIZE)]
    page = page[: count_fitting(page)]
    end = start + len(page)
    following = cursors.encode(str(end), *scope) if end < len(entities) else None
    return request.page_after(path, page, cursor=cursor, next_cursor=following)
