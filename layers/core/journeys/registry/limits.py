"""The limits of event types and their schemas, and the quotas of organizations.

Lengths are (minimum, maximum) characters.
"""

from dataclasses import dataclass

from journeys.errors import LimitReached, TooManyWaiting

MAX_EVENT_TYPES = 20
MAX_FIELDS = 50

LIMIT_NAMESPACE = "external.events.data.ingestion"
JOURNEY_NAMESPACE = "journey"

FIELD_NAME = (1, 100)
FIELD_TITLE = (1, 100)
FIELD_DESCRIPTION = (0, 500)
SCHEMA_NAME = (1, 100)
SCHEMA_DESCRIPTION = (0, 500)
SCHEMA_CHARACTERS = 64 * 1024


def to_wire(event_types_in_use: int) -> dict[str, object]:
    """The contract's `SchemaQuantityLimits`, with the additional field `numberOfSchemas`."""
    return {
        "id": "externalevents",
        "name": "External events",
        "minFieldNameCharacters": FIELD_NAME[0],
        "maxFieldNameCharacters": FIELD_NAME[1],
        "minFieldTitleCharacters": FIELD_TITLE[0],
        "maxFieldTitleCharacters": FIELD_TITLE[1],
        "minFieldDescriptionCharacters": FIELD_DESCRIPTION[0],
        "maxFieldDescriptionCharacters": FIELD_DESCRIPTION[1],
        "minSchemaNameCharacters": SCHEMA_NAME[0],
        "maxSchemaNameCharacters": SCHEMA_NAME[1],
        "minSchemaDescriptionCharacters": SCHEMA_DESCRIPTION[0],
        "maxSchemaDescriptionCharacters": SCHEMA_DESCRIPTION[1],
        "maxNumberOfSchemasPerOrg": MAX_EVENT_TYPES,
        "maxNumberOfFieldsPerSchema": MAX_FIELDS,
        "maxNumberOfFieldsPerOrg": MAX_EVENT_TYPES * MAX_FIELDS,
        "numberOfSchemas": event_types_in_use,
        "selfUri": "/api/v2/journey/externalevents/schemas/limits",
    }


# -- quotas ------------------------------------------------------------------------------------------------------------

LARGEST_QUOTA = 100_000
"""The largest value that the operator can set, unless a quota has a smaller one."""
MOST_WAITING_JOBS = 1000
"""The ids of an organization's waiting jobs are in one item, which every job writes. These are 36 KB of its 400 KB."""


@dataclass(frozen=True, slots=True)
class Quota:
    """How many resources of one kind an organization can have. The operator can set another value per organization.

    `namespace` and `key` are those of the contract's `Limit`. `counted` names the resources in messages, and `owner`
    what they belong to. `largest` is the largest value that the operator can set.
    """

    namespace: str
    key: str
    default: int
    counted: str
    owner: str = "organization"
    error: type[LimitReached] = LimitReached
    largest: int = LARGEST_QUOTA

    def reached(self, value: int, count: int) -> LimitReached:
        """The error of a request that would exceed the quota. `value` is the quota, and `count` is the use."""
        return self.error(
            f"The {self.owner} has {count} {self.counted}. At most {value} are allowed.",
            namespace=self.namespace,
            key=self.key,
            value=value,
            count=count,
        )


EVENT_TYPES = Quota(LIMIT_NAMESPACE, "event.types.per.org", MAX_EVENT_TYPES, "event types")
"""This one is fixed, because each event type of an organization has one of 20 letters."""
CONFIGURATIONS = Quota(LIMIT_NAMESPACE, "configurations.per.org", 200, "configurations")
CONFIGURATIONS_EVER = Quota(
    LIMIT_NAMESPACE, "configurations.ever.per.org", 2000, "configurations, including deleted ones, whose events remain"
)
ENDPOINTS = Quota(LIMIT_NAMESPACE, "webhook.endpoints.per.org", 50, "webhook endpoints")
VIEWS = Quota(JOURNEY_NAMESPACE, "views.per.org", 500, "views")
VIEW_VERSIONS = Quota(JOURNEY_NAMESPACE, "versions.per.view", 200, "versions", "view")
WAITING_JOBS = Quota(
    JOURNEY_NAMESPACE, "jobs.waiting.per.org", 20, "waiting jobs", error=TooManyWaiting, largest=MOST_WAITING_JOBS
)

VIEW_EDITS = Quota(JOURNEY_NAMESPACE, "edits.per.version", 1000, "edits", "version of the view")
SCHEMA_VERSIONS = Quota(LIMIT_NAMESPACE, "versions.per.schema", 1000, "versions", "schema")
"""These two are fixed. They bound the items that editing the same view or schema again and again adds."""

PEOPLE = Quota(JOURNEY_NAMESPACE, "people.per.org", 200, "people")
CLIENTS = Quota(JOURNEY_NAMESPACE, "clients.per.org", 50, "API clients")

QUOTAS: tuple[Quota, ...] = (
    CONFIGURATIONS, CONFIGURATIONS_EVER, ENDPOINTS, VIEWS, VIEW_VERSIONS, WAITING_JOBS, PEOPLE, CLIENTS
)  # fmt: skip
"""The quotas that the operator can set."""
JOB_RETENTION_DAYS = 90
"""Days that jobs and their results are kept, unless the parameter JobRetentionDays has another value."""
