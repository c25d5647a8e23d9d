"""Request bodies of the operations on links between identifiers, and on which sources may link."""

from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

from journeys.events.validation import MAX_ID_BYTES
from journeys.identity.model import Identifier, Pair, pair
from journeys.identity.settings import MAX_SOURCES, Linking


def _bounded(text: str) -> str:
    if not text.strip() or len(text.encode()) > MAX_ID_BYTES:
        raise ValueError(f"it must have 1 to {MAX_ID_BYTES} bytes in UTF-8, and not only white space")
    return text


Part = Annotated[str, StringConstraints(min_length=1, max_length=MAX_ID_BYTES), AfterValidator(_bounded)]
"""The source or the value of an identifier, within the bounds of those in events."""
# JSON has no enumerations, so texts are converted although the models are strict.
LinkingName = Annotated[Linking, Field(strict=False)]


class IdentifierOfLink(BaseModel):
    """One of the two identifiers of a link."""

    model_config = ConfigDict(strict=True, extra="forbid")

    externalSourceId: Part
    value: Part

    def to_identifier(self) -> Identifier:
        return Identifier(self.externalSourceId, self.value)


class LinkChange(BaseModel):
    """Two identifiers to link or to unlink. Their order does not matter."""

    model_config = ConfigDict(strict=True, extra="forbid")

    one: IdentifierOfLink = Field(alias="from")
    other: IdentifierOfLink = Field(alias="to")

    def to_pair(self) -> Pair:
        return pair(self.one.to_identifier(), self.other.to_identifier())


class IdentitySettingsUpdate(BaseModel):
    """Which sources of identifiers may link: all except `sources`, only `sources`, or none."""

    model_config = ConfigDict(strict=True, extra="forbid")

    linking: LinkingName
    sources: list[Part] = Field(default=[], max_length=MAX_SOURCES)
