"""Request bodies of the operations on links between identifiers, and on which sources may link."""

from typing import Annotated, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, model_validator

from journeys.events.validation import MAX_ID_BYTES
from journeys.identity.model import Identifier, Pair, pair
from journeys.identity.settings import MAX_SOURCES, NOT_LINKING, Linking
from journeys.identity.values import MAX_KEY, may_link


def _bounded(text: str) -> str:
    if not text.strip() or len(text.encode()) > MAX_ID_BYTES:
        raise ValueError(f"it must have 1 to {MAX_ID_BYTES} bytes in UTF-8, and not only white space")
    return text


def _stripped(text: str) -> str:
    return text.strip()


Part = Annotated[str, StringConstraints(min_length=1, max_length=MAX_ID_BYTES), AfterValidator(_bounded)]
"""The source or the value of an identifier, within the bounds of those in events."""
SourceName = Annotated[Part, AfterValidator(_stripped)]
"""A source in the settings, without the white space around it."""
# JSON has no enumerations, so texts are converted although the models are strict.
LinkingName = Annotated[Linking, Field(strict=False)]


class IdentifierOfLink(BaseModel):
    """One of the two identifiers of a link."""

    model_config = ConfigDict(strict=True, extra="forbid")

    externalSourceId: Part
    value: Part

    def to_identifier(self) -> Identifier:
        return Identifier(self.externalSourceId, self.value)

    @model_validator(mode="after")
    def _may_link(self) -> Self:
        if not may_link(self.to_identifier()):
            raise ValueError(
                "its value is a placeholder such as guest or 0, or its source and value are together longer than "
                f"{MAX_KEY:,} characters when they are encoded. Such identifiers cannot be linked"
            )
        return self


class LinkChange(BaseModel):
    """Two identifiers to link or to unlink. Their order does not matter."""

    model_config = ConfigDict(strict=True, extra="forbid")

    one: IdentifierOfLink = Field(alias="from")
    other: IdentifierOfLink = Field(alias="to")

    def to_pair(self) -> Pair:
        return pair(self.one.to_identifier(), self.other.to_identifier())

    @model_validator(mode="after")
    def _different(self) -> Self:
        if self.one == self.other:
            raise ValueError("from and to are the same identifier. Name two different ones")
        return self


class IdentitySettingsUpdate(BaseModel):
    """Which sources of identifiers may link: all except `sources`, only `sources`, or none.

    `sources` is required for `AllExcept` and `Only`, and can be empty. With `None` it is kept, and has no effect. If it
    is missing there, it is that of the default.
    """

    model_config = ConfigDict(strict=True, extra="forbid")

    linking: LinkingName
    sources: list[SourceName] = Field(default_factory=lambda: list(NOT_LINKING), max_length=MAX_SOURCES)

    @model_validator(mode="after")
    def _sources_given(self) -> Self:
        if self.linking is not Linking.NONE and "sources" not in self.model_fields_set:
            raise ValueError(
                f"sources is missing. {Linking.ALL_EXCEPT} and {Linking.ONLY} need it: a list of up to {MAX_SOURCES} "
                "sources, which can be empty"
            )
        return self
