"""Request bodies of the operations on failures."""

from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from journeys import dates


def _moment(text: str) -> str:
    """Return the text if it is a date and time. Raises ValueError."""
    try:
        dates.parse(text)
    except ValueError:
        raise ValueError("it is not an ISO-8601 date and time with a time zone, such as 2026-01-31T09:30:00Z") from None
    return text


Moment = Annotated[str, AfterValidator(_moment)]


class ReplayFilter(BaseModel):
    """Selects the open failures to replay: those that match every given field."""

    model_config = ConfigDict(strict=True, extra="forbid")

    configurationId: str | None = None
    endpointId: str | None = None
    reason: str | None = None
    since: Moment | None = Field(default=None, alias="from")
    until: Moment | None = Field(default=None, alias="to")
    cursor: str | None = Field(default=None, max_length=1000)

    def scope(self) -> tuple[str, ...]:
        """Return what distinguishes this filter from others, for its cursors."""
        return tuple(
            str(value) for value in (self.configurationId, self.endpointId, self.reason, self.since, self.until)
        )

    def since_ms(self) -> int | None:
        """Return `from` in milliseconds."""
        return dates.parse(self.since) if self.since is not None else None

    def until_ms(self) -> int | None:
        """Return `to` in milliseconds."""
        return dates.parse(self.until) if self.until is not None else None
