"""Which identifier sources of an organization may link."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

MAX_SOURCES = 100
"""The most sources that the settings can name."""

NOT_LINKING = ("address", "conversation", "hubspot-company", "phone", "salesforce-account", "servicenow-account")
"""The sources that do not link unless the organization says otherwise: what households, offices and companies share."""


class Linking(StrEnum):
    """Which sources may link: all except the named ones, only the named ones, or none."""

    ALL_EXCEPT = "AllExcept"
    ONLY = "Only"
    NONE = "None"


def comparable(source_id: str) -> str:
    """A source as it is compared."""
    return source_id.strip().casefold()


@dataclass(frozen=True, slots=True)
class IdentitySettings:
    """The settings of an organization. `revision` is 0 if the organization has not set any."""

    linking: Linking = Linking.ALL_EXCEPT
    sources: tuple[str, ...] = NOT_LINKING
    revision: int = 0

    def may_link(self, source_id: str) -> bool:
        """Whether identifiers of a source may link. Case and white space around a source do not matter."""
        if self.linking is Linking.NONE:
            return False
        named = comparable(source_id) in map(comparable, self.sources)
        return named is (self.linking is Linking.ONLY)

    def to_values(self) -> dict[str, Any]:
        """The attributes of the item without its key, and the form in which a job keeps them."""
        return {"linking": self.linking.value, "sources": list(self.sources), "revision": self.revision}

    @classmethod
    def from_values(cls, values: Mapping[str, Any]) -> "IdentitySettings":
        return cls(Linking(values["linking"]), tuple(values["sources"]), int(values["revision"]))
