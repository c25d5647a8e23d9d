"""What every listing with numbered pages has beside its entities."""

from typing import NotRequired

from typing_extensions import TypedDict


class Page(TypedDict):
    """The position of a page, and the paths of other pages."""

    pageSize: int
    pageNumber: int
    total: int
    pageCount: int
    selfUri: str
    firstUri: str
    lastUri: str
    nextUri: NotRequired[str]
    previousUri: NotRequired[str]
