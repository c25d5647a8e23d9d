"""Generated parts of a page, which stand between two markers."""


def replaced(page: str, name: str, content: str) -> str:
    """The page with the generated part of that name replaced. Raises ValueError if its markers are missing."""
    start, end = f"<!-- generated: {name} -->\n", f"<!-- end: {name} -->\n"
    before, marker, rest = page.partition(start)
    _, other, after = rest.partition(end)
    if not (marker and other):
        raise ValueError(f'The page lacks the markers "generated: {name}" and "end: {name}".')
    return f"{before}{start}{content}{end}{after}"
