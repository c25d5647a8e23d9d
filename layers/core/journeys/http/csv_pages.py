"""Tables as CSV, in pages that fit into a response of Lambda.

A response has as many whole rows as fit. If rows are left, the header Link names the address of the next ones
(RFC 8288, rel="next"). Only the first page has the line of column names, so the pages in order are one CSV file.
"""

from collections.abc import Iterable, Sequence
from itertools import islice
from urllib.parse import urlencode

from journeys import csvtext, cursors
from journeys.csvtext import Cell
from journeys.errors import BadRequest, Detail
from journeys.http.list_pages import POSITION
from journeys.http.parameters import CURSOR, Parameter, choice
from journeys.http.request import Request
from journeys.http.response import TextBody
from journeys.response_size import LARGEST_PAGE, text_size

JSON_FORMAT, CSV_FORMAT = "json", "csv"
FORMAT = choice(
    "format",
    "The form of the response. CSV has the same figures as JSON, one table per request.",
    (JSON_FORMAT, CSV_FORMAT),
)


def wants_csv(request: Request, *only_csv: Parameter[str | None]) -> bool:
    """Return whether the request asks for CSV. Raises BadRequest if it asks for JSON with a parameter of CSV."""
    if request.get(FORMAT) == CSV_FORMAT:
        return True
    given = [parameter.name for parameter in (*only_csv, CURSOR) if request.get(parameter) is not None]
    if given:
        raise BadRequest(
            f'The query parameter "{given[0]}" is for CSV only. Add format={CSV_FORMAT}, or leave it out.',
            details=[Detail("invalid.parameter", name) for name in given],
        )
    return False


def csv_page(
    request: Request, path: str, name: str, columns: Sequence[str], rows: Iterable[Sequence[Cell]], **query: str
) -> TextBody:
    """Return the page of a table that the request's cursor names.

    `query` are the parameters that choose the table, which the address of the next page repeats. Raises BadRequest for
    a cursor of another table.
    """
    scope, cursor = ("csv", path, *query.values()), request.get(CURSOR)
    start = 0 if cursor is None else int(cursors.decode(cursor, POSITION, *scope))
    lines = [] if cursor else [csvtext.line(columns)]
    end, left = start, LARGEST_PAGE
    headers = {"Content-Disposition": f'attachment; filename="{name}.csv"'}
    for row in islice(rows, start, None):
        text = csvtext.line(row)
        left -= text_size(text)
        if left < 0 and end > start:
            following = {FORMAT.name: CSV_FORMAT, **query, CURSOR.name: cursors.encode(str(end), *scope)}
            headers["Link"] = f'<{request.url(path)}?{urlencode(following)}>; rel="next"'
            break
        lines.append(text)
        end += 1
    header = "absent" if cursor else "present"
    return TextBody(f"{csvtext.MEDIA_TYPE}; charset=utf-8; header={header}", "".join(lines), headers, rows=end - start)
