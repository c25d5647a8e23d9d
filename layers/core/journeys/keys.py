"""Every key of every table, and the access patterns they serve.

| table    | partition key                      | sort key                | read by                                  |
| -------- | ---------------------------------- | ----------------------- | ---------------------------------------- |
| events   | {org}#{config}#{event}             |                         | one event, by its full name              |
| journeys | {org}#{external source}#{customer} | SUMMARY                 | one customer's summary                   |
|          |                                    | {date}#{config}#{event} | steps in order, from either end, by time |
|          | ... #{generation}                  | {date}#{config}#{event} | the same, of a journey that was rebuilt  |
| failures | {org}#{failure}                    |                         | one failure                              |
| byTime   | {org}#{bucket}                     | {date}#{failure}        | an organisation's failures by time       |
| registry | CLIENT#{client}                    | CLIENT                  | who calls                                |
|          | ORG#{org}                          | ORG                     | an organisation                          |
|          | ORG#{org}                          | EVENT_TYPES             | the counter of event types               |
|          | ORG#{org}#SCHEMAS                  | {schema}                | schemas, one or all                      |
|          | ORG#{org}#SCHEMA#{schema}          | {version}               | versions of a schema                     |
|          | ORG#{org}#TITLES                   | {title}                 | whether a title is taken                 |
|          | ORG#{org}#CONFIGURATIONS           | {configuration}         | configurations, one or all               |
|          | WEBHOOK#{endpoint}                 | WEBHOOK                 | a webhook endpoint, whoever calls        |
|          | ORG#{org}#WEBHOOKS                 | {endpoint}              | which endpoints there are                |
|          | ORG#{org}#VIEWS                    | {view}                  | journey views, one or all                |
|          | ORG#{org}#VIEW#{view}              | VERSION#{version}       | a view's versions                        |
|          |                                    | CHART#{chart}#{version} | a chart's versions                       |
|          |                                    | JOB#{version}#{job}     | which jobs a version has, newest last    |
|          | ORG#{org}#JOBS                     | {job}                   | jobs, by the time of their acceptance    |
|          | SCHEDULES                          | {org}#{view}            | schedules, an organisation's or all      |
|          | ARCHIVES                           | {org}                   | where an organisation's manifest is      |

Parts are percent-encoded, so that no part can hold the separator; DynamoDB compares keys by their bytes, and so does
everything here that puts steps in order.
"""

from functools import lru_cache
from typing import Any
from urllib.parse import quote, unquote

SUMMARY = "SUMMARY"
LONGEST_PARTITION_KEY, LONGEST_SORT_KEY = 2048, 1024
"""DynamoDB's limits, in bytes; a key made by `join` has one byte for each character."""
FAILURE_BUCKETS = "0123"
FAILURES_BY_TIME = "byTime"

Key = dict[str, Any]
"""A key in the form of the low-level client: {"pk": {"S": ...}, "sk": {"S": ...}}."""


def join(*parts: str) -> str:
    """One key out of its parts."""
    return "#".join([_encoded(part) for part in parts])


@lru_cache(maxsize=1000)  # organisations and configurations come again and again
def _encoded(part: str) -> str:
    return quote(part, safe="/:@+=, ()!*'")


def split(key: str) -> list[str]:
    """The parts of a key that `join` made."""
    return [unquote(part) for part in key.split("#")]


def item(pk: str, sk: str | None = None) -> Key:
    """The key of one item, as DynamoDB wants it."""
    return {"pk": {"S": pk}} if sk is None else {"pk": {"S": pk}, "sk": {"S": sk}}


def event(organization_id: str, configuration_id: str, event_id: str) -> str:
    return join(organization_id, configuration_id, event_id)


def journey(organization_id: str, external_source_id: str, customer: str) -> str:
    return join(organization_id, external_source_id, customer)


def steps(journey_key: str, generation: str) -> str:
    """The partition of a journey's steps: beside its summary, or, once it was rebuilt, one of their own."""
    return f"{journey_key}#{generation}" if generation else journey_key


def journey_and_generation(partition: str) -> tuple[str, str]:
    """Whose steps, or summary, a partition of the journeys' table holds, and of which generation."""
    organization, source, customer, *generation = partition.split("#")
    return f"{organization}#{source}#{customer}", generation[0] if generation else ""


def step(date: str, configuration_id: str, event_id: str) -> str:
    """The name of a step; `date` is the text of `dates.text`. The order of these is the order of events, everywhere."""
    return join(date, configuration_id, event_id)


def failure(organization_id: str, failure_id: str) -> str:
    return join(organization_id, failure_id)


def failure_bucket(organization_id: str, failure_id: str) -> str:
    """The index partition of a failure: four an organisation, so that a source gone wrong does not heat one."""
    return join(organization_id, FAILURE_BUCKETS[int(failure_id[0], 16) % len(FAILURE_BUCKETS)])


def client(client_id: str) -> Key:
    return item(join("CLIENT", client_id), "CLIENT")


def organization(organization_id: str) -> Key:
    return item(join("ORG", organization_id), "ORG")


def event_types(organization_id: str) -> Key:
    return item(join("ORG", organization_id), "EVENT_TYPES")


def schemas(organization_id: str) -> str:
    return join("ORG", organization_id, "SCHEMAS")


def schema(organization_id: str, schema_id: str) -> Key:
    return item(schemas(organization_id), schema_id)


def schema_versions(organization_id: str, schema_id: str) -> str:
    return join("ORG", organization_id, "SCHEMA", schema_id)


def schema_version(organization_id: str, schema_id: str, version: int) -> Key:
    return item(schema_versions(organization_id, schema_id), f"{version:08d}")


def title(organization_id: str, text: str) -> Key:
    """Titles that differ in case or in space around them count as the same.

    The title stands alone in its key and is not encoded, since 100 encoded characters can be longer than a key.
    """
    return item(join("ORG", organization_id, "TITLES"), text.strip().casefold())


def webhooks(organization_id: str) -> str:
    return join("ORG", organization_id, "WEBHOOKS")


def webhook(endpoint_id: str) -> Key:
    return item(join("WEBHOOK", endpoint_id), "WEBHOOK")


def configurations(organization_id: str) -> str:
    return join("ORG", organization_id, "CONFIGURATIONS")


def configuration(organization_id: str, configuration_id: str) -> Key:
    return item(configurations(organization_id), configuration_id)


# -- journey views -----------------------------------------------------------------------------------------------------

SCHEDULES = "SCHEDULES"
ARCHIVES = "ARCHIVES"


def views(organization_id: str) -> str:
    return join("ORG", organization_id, "VIEWS")


def view(organization_id: str, view_id: str) -> Key:
    return item(views(organization_id), view_id)


def view_parts(organization_id: str, view_id: str) -> str:
    """The partition of a view's versions, its charts' versions and the names of its jobs."""
    return join("ORG", organization_id, "VIEW", view_id)


def view_version(organization_id: str, view_id: str, version: int) -> Key:
    return item(view_parts(organization_id, view_id), join("VERSION", f"{version:08d}"))


def chart_versions(chart_id: str) -> str:
    """What the names of a chart's versions begin with."""
    return join("CHART", chart_id, "")


def chart_version(organization_id: str, view_id: str, chart_id: str, version: int) -> Key:
    return item(view_parts(organization_id, view_id), chart_versions(chart_id) + f"{version:08d}")


def version_jobs(version: int) -> str:
    """What the names of a version's jobs begin with."""
    return join("JOB", f"{version:08d}", "")


def version_job(organization_id: str, view_id: str, version: int, job_id: str) -> Key:
    return item(view_parts(organization_id, view_id), version_jobs(version) + job_id)


def jobs(organization_id: str) -> str:
    return join("ORG", organization_id, "JOBS")


def job(organization_id: str, job_id: str) -> Key:
    """A job; ids begin with the moment of acceptance, so that they sort by it."""
    return item(jobs(organization_id), job_id)


def schedules(organization_id: str) -> str:
    """What the names of an organisation's schedules begin with."""
    return join(organization_id, "")


def schedule(organization_id: str, view_id: str) -> Key:
    return item(SCHEDULES, schedules(organization_id) + view_id)


def archive(organization_id: str) -> Key:
    return item(ARCHIVES, join(organization_id))
