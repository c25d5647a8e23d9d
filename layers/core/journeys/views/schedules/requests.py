"""Request bodies of the operations on schedules."""

from pydantic import BaseModel, ConfigDict, Field

from journeys.views.model import ReadOnly
from journeys.views.schedules.model import Frequency


class ScheduleRequest(BaseModel):
    """The contract's `JourneyViewSchedule` as a request. Fields that only the platform sets are ignored."""

    model_config = ConfigDict(strict=True, extra="forbid")

    frequency: Frequency = Field(strict=False)
    id: ReadOnly
    dateModified: ReadOnly
    dateNext: ReadOnly
    user: ReadOnly
    selfUri: ReadOnly
