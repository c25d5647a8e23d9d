"""Draws a journey view with its figures as an SVG: elements as boxes, links as arrows between them."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple
from xml.sax.saxutils import escape

from tools.operator import show

BOX_WIDTH, BOX_HEIGHT = 156, 92
GAP_X, GAP_Y = 100, 44
MARGIN, HEADER, FOOTER = 28, 84, 40
BAR_HEIGHT = 8
TITLE_CHARACTERS = 21
"""Characters of an element's name that fit into its box."""

COLORS = ("#1f883d", "#0969da", "#d4a72c", "#cf222e")
OUTCOMES = tuple((field, label, color) for (field, label, *_), color in zip(show.OUTCOMES, COLORS, strict=True))
"""The parts of an element's customers, which add up to its participants: field, label and color."""

STYLE = """
  text { font-family: -apple-system, "Segoe UI", Roboto, Helvetica, Arial, sans-serif; fill: #1f2328; font-size: 13px }
  .title { font-size: 20px; font-weight: 600 }
  .muted { fill: #59636e }
  .name { font-weight: 600 }
  .count { font-size: 24px; font-weight: 600 }
  .share { font-weight: 600 }
  .link { fill: none; stroke: #8c959f; stroke-width: 2 }
"""

SVG = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
    'role="img" aria-label="{label}">'
)
ARROW = (
    '<defs><marker id="arrow" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8" '
    'markerUnits="userSpaceOnUse" orient="auto"><path d="M0 0 L8 4 L0 8 z" fill="#8c959f"/></marker></defs>'
)
BACKGROUND = '<rect x="0.5" y="0.5" width="{width}" height="{height}" rx="10" fill="#ffffff" stroke="#d1d9e0"/>'
"""Opaque, so that the picture is legible on light and dark pages."""


class Cell(NamedTuple):
    """The position of an element in the grid."""

    column: int
    row: int

    @property
    def x(self) -> int:
        return MARGIN + self.column * (BOX_WIDTH + GAP_X)

    @property
    def y(self) -> int:
        return HEADER + self.row * (BOX_HEIGHT + GAP_Y)


def draw(view: Mapping[str, Any], result: Mapping[str, Any]) -> str:
    """Draws a view; both arguments are as the API returns them."""
    cells = _layout(view["elements"])
    metrics = {element["id"]: element["metrics"] for element in result["elements"]}
    width = 2 * MARGIN + BOX_WIDTH + max(cell.column for cell in cells.values()) * (BOX_WIDTH + GAP_X)
    height = HEADER + FOOTER + BOX_HEIGHT + max(cell.row for cell in cells.values()) * (BOX_HEIGHT + GAP_Y)
    label = escape(_summary(view, metrics), {'"': "&quot;"})
    return "\n".join(
        [
            SVG.format(width=width, height=height, label=label),
            f"<style>{STYLE}</style>",
            ARROW,
            BACKGROUND.format(width=width - 1, height=height - 1),
            _text(MARGIN, 38, view["name"], "title"),
            _text(MARGIN, 60, view.get("description", ""), "muted"),
            *_links(view["elements"], result["elements"], cells, metrics),
            *_boxes(view["elements"], cells, metrics),
            *_legend(width, height),
            "</svg>\n",
        ]
    )


def _summary(view: Mapping[str, Any], metrics: Mapping[str, Mapping[str, int]]) -> str:
    """The picture as one sentence, for screen readers."""
    counts = ", ".join(
        f"{element['name']} {metrics[element['id']]['participantCount']}" for element in view["elements"]
    )
    return f"Journey view {view['name']}; customers at each element: {counts}"


def _layout(elements: Iterable[Mapping[str, Any]]) -> dict[str, Cell]:
    """Places the first element that follows to the right of its predecessor, and further ones below it."""
    by_id = {element["id"]: element for element in elements}
    followers = {link["id"] for element in by_id.values() for link in element.get("followedBy", [])}
    cells: dict[str, Cell] = {}

    def place(id_: str, column: int, row: int) -> None:
        if id_ in cells:
            return
        while Cell(column, row) in cells.values():
            row += 1
        cells[id_] = Cell(column, row)
        for number, link in enumerate(by_id[id_].get("followedBy", [])):
            place(link["id"], column + (number == 0), row + (number > 0))

    for id_ in by_id:
        if id_ not in followers:
            place(id_, 0, max((cell.row + 1 for cell in cells.values()), default=0))
    return cells


def _boxes(
    elements: Iterable[Mapping[str, Any]], cells: Mapping[str, Cell], metrics: Mapping[str, Mapping[str, int]]
) -> Iterator[str]:
    for element in elements:
        yield from _box(element["name"], cells[element["id"]], metrics[element["id"]])


def _box(name: str, cell: Cell, metrics: Mapping[str, int]) -> Iterator[str]:
    """An element: its name, its customers, and a bar with what became of them."""
    yield (
        f'<rect x="{cell.x}" y="{cell.y}" width="{BOX_WIDTH}" height="{BOX_HEIGHT}" rx="8" '
        'fill="#f6f8fa" stroke="#d1d9e0"/>'
    )
    short = name if len(name) <= TITLE_CHARACTERS else name[: TITLE_CHARACTERS - 1] + "…"
    yield _text(cell.x + 12, cell.y + 24, short, "name")
    yield (
        f'<text x="{cell.x + 12}" y="{cell.y + 58}"><tspan class="count">{metrics["participantCount"]:,}</tspan>'
        '<tspan class="muted" dx="6">customers</tspan></text>'
    )
    x, length = float(cell.x + 12), BOX_WIDTH - 24
    for field, _, color in OUTCOMES:
        part = length * metrics[field] / (metrics["participantCount"] or 1)
        if part:
            yield (
                f'<rect x="{x:.1f}" y="{cell.y + BOX_HEIGHT - 20}" width="{part:.1f}" height="{BAR_HEIGHT}" '
                f'fill="{color}"/>'
            )
        x += part


def _links(
    elements: Iterable[Mapping[str, Any]],
    results: Iterable[Mapping[str, Any]],
    cells: Mapping[str, Cell],
    metrics: Mapping[str, Mapping[str, int]],
) -> Iterator[str]:
    counts = {
        (element["id"], link["id"]): link["connectionCount"] for element in results for link in element["followedBy"]
    }
    for element in elements:
        for link in element.get("followedBy", []):
            count = counts[element["id"], link["id"]]
            share = count / (metrics[element["id"]]["participantCount"] or 1)
            yield from _link(cells[element["id"]], cells[link["id"]], f"{count:,} ({share:.0%})", _window(link))


def _link(start: Cell, end: Cell, customers: str, window: str) -> Iterator[str]:
    """An arrow to the right, or down within a column, with its customers and time limit beside it."""
    if start.column == end.column:
        x, top, bottom = start.x + BOX_WIDTH // 2, start.y + BOX_HEIGHT, end.y
        yield f'<path class="link" marker-end="url(#arrow)" d="M{x} {top} V{bottom - 1}"/>'
        yield _text(x + 12, (top + bottom) // 2 + 4, customers, "share")
        yield _text(x + 24 + 7 * len(customers), (top + bottom) // 2 + 4, window, "muted")
        return
    left, right, y, y_end = start.x + BOX_WIDTH, end.x, start.y + BOX_HEIGHT // 2, end.y + BOX_HEIGHT // 2
    bend = (right - left) // 2
    yield (
        f'<path class="link" marker-end="url(#arrow)" '
        f'd="M{left} {y} C{left + bend} {y} {right - bend} {y_end} {right - 1} {y_end}"/>'
    )
    middle, height = (left + right) // 2, (y + y_end) // 2
    yield _text(middle, height - 8, customers, "share", anchor="middle")
    yield _text(middle, height + 20, window, "muted", anchor="middle")


def _window(link: Mapping[str, Any]) -> str:
    """The time limit of a link, such as "in 7 days"."""
    within = link.get("constraintWithin")
    if not within:
        return ""
    unit = within["unit"].lower()
    return f"in {within['value']} {unit[:-1] if within['value'] == 1 else unit}"


def _legend(width: int, height: int) -> Iterator[str]:
    x, y = MARGIN, height - 18
    for _, label, color in OUTCOMES:
        yield f'<rect x="{x}" y="{y - 9}" width="10" height="10" rx="2" fill="{color}"/>'
        yield _text(x + 16, y, label, "muted")
        x += 36 + 7 * len(label)
    yield _text(width - MARGIN, y, "customers who went on along the link", "muted", anchor="end")


def _text(x: int, y: int, content: str, style: str, anchor: str = "start") -> str:
    return f'<text x="{x}" y="{y}" class="{style}" text-anchor="{anchor}">{escape(content)}</text>'
