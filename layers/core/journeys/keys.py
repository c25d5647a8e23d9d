"""The keys of all tables and the access patterns that they serve.

| table      | partition key                      | sort key                | read by |
| ---------- | ---------------------------------- | ----------------------- | ---------------------------------------- |
| events     | {org}#{config}#{event}             | | one event |
| journeys   | {org}#{external source}#{customer} | SUMMARY                 | one customer's summary |
|            |                                    | {date}#{config}#{event} | steps in order, from either end, by time |
|            | ... #{generation}                  | {date}#{config}#{event} | the same for a rebuilt journey |
| links      | {org}#{external source}#{customer} | LINK#{other}            | an identifier's links to others |
|            |                                    | DECISION#{other}        | the decisions about its links |
|            | {org}#SOURCES                      | {external source}       | the sources of identifiers |
|            | {org}#DECISIONS                    | {digest}                | all decisions about links |
|            |                                    | COUNT                   | the number of decisions |
| failures   | {org}#{failure}                    | | one failure |
| byTime     | {org}#{bucket}#{status}            | {date}#{failure}        | an organization's failures by time |
| deliveries | {org}#{endpoint}                   | {time}{random}          | an endpoint's deliveries, newest first |
| registry   | CLIENT#{client}                    | CLIENT                  | the client of a caller |
|            | ORG#{org}#CLIENTS                  | {client}                | an organization's clients |
|            | PERSON#{person}                    | PERSON                  | the person of a caller |
|            | ORG#{org}#PEOPLE                   | {person}                | an organization's people |
|            | ORG#{org}#ADMINISTRATORS           | ADMINISTRATORS          | the ids of active administrators |
|            | ORG#{org}                          | ORG                     | an organization |
|            | ORG#{org}                          | EVENT_TYPES             | the counter of event types |
|            | ORG#{org}#QUOTAS                   | {quota}                 | a quota's value and use, one or all |
|            | ORG#{org}#REPEATS                  | {digest}                | an idempotency key, for a day |
|            | ORG#{org}#IDENTITY                 | SETTINGS                | which identifier sources may link |
|            | ORG#{org}#SCHEMAS                  | {schema}                | schemas, one or all |
|            | ORG#{org}#SCHEMA#{schema}          | {version}               | versions of a schema |
|            | ORG#{org}#TITLES                   | {title}                 | whether a title is in use |
|            | ORG#{org}#CONFIGURATIONS           | {configuration}         | configurations, one or all |
|            | WEBHOOK#{endpoint}                 | WEBHOOK                 | one webhook endpoint |
|            | ORG#{org}#WEBHOOKS                 | {endpoint}              | an organization's webhook endpoints |
|            | NATIVE#{source}                    | NATIVE                  | the organization of a native source |
|            | ORG#{org}#VIEWS                    | {view}                  | journey views, one or all |
|            | ORG#{org}#VIEW#{view}              | VERSION#{version}       | a view's versions |
|            |                                    | CHART#{chart}#{version} | a chart's versions |
|            |                                    | REVISION#{version}#{n}  | what a version was before an edit |
|            |                                    | JOB#{version}#{job}     | jobs of a version, newest last |
|            | ORG#{org}#JOBS                     | {job}                   | jobs by the time of their acceptance |
|            | ORG#{org}#PATHS                    | {job}                   | the definition of a job's paths |
|            | SHARES                             | {org}                   | an organization's unfinished jobs |
|            | SCHEDULES                          | {org}#{view}            | schedules, an organization's or all |
|            | ARCHIVES                           | {org}                   | an archive's manifest and its figures |

What one request reads, in rows. Rows of the registry have up to about 1 KB, views, schemas and endpoints more. A
consistent read of 4 KB costs one read unit, and one of `byTime` half of that. Only the timer reads more if there are
more organizations.

| access                               | rows read                                                                |
| ------------------------------------ | ------------------------------------------------------------------------ |
| event, failure, client, job, ...     | 1, and for a part of a view also the view's own                          |
| customer's summary                   | 1 per identifier, 20 steps with their events, and up to 10,000 steps     |
|                                      | where several identifiers overlap in time                                |
| customer's events, one page          | the page + 1, and the page's events; of several identifiers about twice  |
|                                      | the page                                                                 |
| ... of an event type                 | up to 1,000 steps; none if the customer never had the type               |
| person behind an identifier          | the links of each identifier that a link names, 1,001 rows of each       |
| sources of identifiers               | up to 100                                                                |
| decisions about links                | up to 10,001                                                             |
| failures, one page                   | the page + 1 per bucket, of 4 buckets per status                         |
| ... with a filter other than status  | up to 250 per bucket                                                     |
| summary of failures                  | up to 20,001                                                             |
| deliveries, one page                 | the page + 1; of an outcome up to 1,000                                  |
| jobs, one page                       | the page + 1; with a filter up to 1,000                                  |
| latest job of a version              | 2                                                                        |
| schemas, event definitions           | all of the organization: at most 20                                      |
| native event                         | 1 per source and minute                                                  |
| versions of a schema                 | up to 200                                                                |
| endpoints, configurations            | all of the organization, also deleted configurations; quotas bound them  |
| views, schedules                     | all of the organization, bounded by a quota, and the versions of a page  |
| quotas                               | one, or one per limit                                                    |
| usage, range of the data             | 1, and the landed files since the last compaction                        |
| schedules that are due, for a timer  | all schedules of all organizations, every 5 minutes                      |

`{other}` is the source and the value of the other identifier.
A new link costs two write units, and a delivery record costs one.

Parts are percent-encoded, so no part can contain the separator. DynamoDB orders keys by their bytes, and so does all
code that orders steps.
"""

import re
from collections.abc import Iterable
from typing import Any
from urllib.parse import quote, unquote

SUMMARY = "SUMMARY"
LONGEST_PARTITION_KEY, LONGEST_SORT_KEY = 2048, 1024
"""DynamoDB's limits in bytes. A key made by `join` has one byte per character."""
COUNT = "COUNT"
FAILURE_BUCKETS = "0123"
FAILURES_BY_TIME = "byTime"

_PART = r"[-\w.~%/:@+=, ()!*']+"
"""What `join` makes of a part that is not empty."""
_UNCHANGED = re.compile(r"[-\w.~/:@+=, ()!*']*", re.ASCII).fullmatch
"""Most parts need no encoding, and to see that takes a tenth of the time of `quote`."""
_DATE = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"

STEP = re.compile(f"{_DATE}#{_PART}#{_PART}", re.ASCII)
FAILURE_BY_TIME = re.compile(f"{_DATE}#{_PART}", re.ASCII)
DELIVERY = re.compile("[0-9a-f]{28}", re.ASCII)
"""The forms of the sort keys at which a page can begin."""

Key = dict[str, Any]
"""A key in DynamoDB's JSON: {"pk": {"S": ...}, "sk": {"S": ...}}."""


def join(*parts: str) -> str:
    """Joins the parts of a key."""
    return "#".join([part if _UNCHANGED(part) else quote(part, safe="/:@+=, ()!*'") for part in parts])


def split(key: str) -> list[str]:
    """Splits a key that `join` made into its parts."""
    return [unquote(part) for part in key.split("#")]


def item(pk: str, sk: str | None = None) -> Key:
    """The key of one item."""
    return {"pk": {"S": pk}} if sk is None else {"pk": {"S": pk}, "sk": {"S": sk}}


def event(organization_id: str, configuration_id: str, event_id: str) -> str:
    return join(organization_id, configuration_id, event_id)


def journey(organization_id: str, external_source_id: str, customer: str) -> str:
    return join(organization_id, external_source_id, customer)


def steps(journey_key: str, generation: str) -> str:
    """The partition of a journey's steps. A rebuilt journey has a partition per generation."""
    return f"{journey_key}#{generation}" if generation else journey_key


def journey_and_generation(partition: str) -> tuple[str, str]:
    """The journey key and the generation of a partition of the journeys table."""
    organization, source, customer, *generation = partition.split("#")
    return f"{organization}#{source}#{customer}", generation[0] if generation else ""


def step(date: str, configuration_id: str, event_id: str) -> str:
    """The sort key of a step, which defines the order of events. `date` is a text from `dates.text`."""
    return join(date, configuration_id, event_id)


# -- links between identifiers -----------------------------------------------------------------------------------------

LINK, DECISION = "LINK", "DECISION"


def link(external_source_id: str, customer: str) -> str:
    """The sort key of a link to an identifier. Its partition is the key of the other identifier's journey."""
    return join(LINK, external_source_id, customer)


def decision(external_source_id: str, customer: str) -> str:
    """The sort key of a decision about the link to an identifier, in the same partition as the link."""
    return join(DECISION, external_source_id, customer)


def linked(sort_key: str) -> tuple[str, str, str]:
    """The kind (LINK or DECISION), the source and the value in the sort key of a link or a decision."""
    kind, source, value = split(sort_key)
    return kind, source, value


def is_of_identifier(partition: str) -> bool:
    """Whether a partition of the links table has an identifier's rows, and not an organization's."""
    return partition.count("#") == 2


def identifier_sources(organization_id: str) -> str:
    """The partition of the sources of an organization's identifiers."""
    return join(organization_id, "SOURCES")


def decisions(organization_id: str) -> str:
    """The partition that lists an organization's decisions about links, and their number."""
    return join(organization_id, "DECISIONS")


def identity_settings(organization_id: str) -> Key:
    return item(join("ORG", organization_id, "IDENTITY"), "SETTINGS")


# -- failures and deliveries -------------------------------------------------------------------------------------------


def failure(organization_id: str, failure_id: str) -> str:
    return join(organization_id, failure_id)


def failure_bucket(organization_id: str, failure_id: str, status: str) -> str:
    """The index partition of a failure. Each organization has four per status, to avoid a hot partition."""
    return join(organization_id, FAILURE_BUCKETS[int(failure_id[0], 16) % len(FAILURE_BUCKETS)], status)


def failure_buckets(organization_id: str, statuses: Iterable[str]) -> list[str]:
    """The index partitions of all failures with these statuses.

    Rows of the first release are in partitions without a status until they expire, 30 days after they were written.
    """
    names = [[bucket] for bucket in FAILURE_BUCKETS]
    return [
        join(organization_id, *name)
        for name in (*names, *([*bucket, status] for status in statuses for bucket in names))
    ]


def deliveries(organization_id: str, endpoint_id: str) -> str:
    """The partition of an endpoint's delivery records."""
    return join(organization_id, endpoint_id)


def delivery(organization_id: str, endpoint_id: str, record_id: str) -> Key:
    """The key of a delivery record. Its id begins with the time of receipt, so records are ordered by it."""
    return item(deliveries(organization_id, endpoint_id), record_id)


def client(client_id: str) -> Key:
    return item(join("CLIENT", client_id), "CLIENT")


def clients(organization_id: str) -> str:
    return join("ORG", organization_id, "CLIENTS")


def person(person_id: str) -> Key:
    return item(join("PERSON", person_id), "PERSON")


def people(organization_id: str) -> str:
    return join("ORG", organization_id, "PEOPLE")


def administrators(organization_id: str) -> Key:
    """The key of the ids of an organization's active administrators, of whom the last one must remain."""
    return item(join("ORG", organization_id, "ADMINISTRATORS"), "ADMINISTRATORS")


def organization(organization_id: str) -> Key:
    return item(join("ORG", organization_id), "ORG")


def event_types(organization_id: str) -> Key:
    return item(join("ORG", organization_id), "EVENT_TYPES")


def quotas(organization_id: str) -> str:
    return join("ORG", organization_id, "QUOTAS")


def quota(organization_id: str, key: str) -> Key:
    return item(quotas(organization_id), key)


def repeat(organization_id: str, digest: str) -> Key:
    """The key of an idempotency key. `digest` is the digest of the operation, the client and the key."""
    return item(join("ORG", organization_id, "REPEATS"), digest)


def schemas(organization_id: str) -> str:
    return join("ORG", organization_id, "SCHEMAS")


def schema(organization_id: str, schema_id: str) -> Key:
    return item(schemas(organization_id), schema_id)


def schema_versions(organization_id: str, schema_id: str) -> str:
    return join("ORG", organization_id, "SCHEMA", schema_id)


def schema_version(organization_id: str, schema_id: str, version: int) -> Key:
    return item(schema_versions(organization_id, schema_id), f"{version:08d}")


def title(organization_id: str, text: str) -> Key:
    """The key that reserves a title. Titles that differ only in case or surrounding white space are equal.

    The title is not encoded, because 100 encoded characters can exceed the length limit of a key.
    """
    return item(join("ORG", organization_id, "TITLES"), text.strip().casefold())


def webhooks(organization_id: str) -> str:
    return join("ORG", organization_id, "WEBHOOKS")


def webhook(endpoint_id: str) -> Key:
    return item(join("WEBHOOK", endpoint_id), "WEBHOOK")


def native_source(source: str) -> Key:
    return item(join("NATIVE", source), "NATIVE")


def configurations(organization_id: str) -> str:
    return join("ORG", organization_id, "CONFIGURATIONS")


def configuration(organization_id: str, configuration_id: str) -> Key:
    return item(configurations(organization_id), configuration_id)


# -- journey views -----------------------------------------------------------------------------------------------------

SCHEDULES, SHARES = "SCHEDULES", "SHARES"
ARCHIVES = "ARCHIVES"
JOB, JOB_WITH_OPTIONS = "JOB", "OPTIONS"


def views(organization_id: str) -> str:
    return join("ORG", organization_id, "VIEWS")


def view(organization_id: str, view_id: str) -> Key:
    return item(views(organization_id), view_id)


def view_parts(organization_id: str, view_id: str) -> str:
    """The partition of a view's versions, their revisions, its charts' versions, and the references to its jobs."""
    return join("ORG", organization_id, "VIEW", view_id)


def view_version(organization_id: str, view_id: str, version: int) -> Key:
    return item(view_parts(organization_id, view_id), join("VERSION", f"{version:08d}"))


def view_revision(organization_id: str, view_id: str, version: int, revision: int) -> Key:
    """The key of what a version was before an edit."""
    return item(view_parts(organization_id, view_id), join("REVISION", f"{version:08d}", f"{revision:08d}"))


def chart_versions(chart_id: str) -> str:
    """The sort key prefix of a chart's versions."""
    return join("CHART", chart_id, "")


def chart_version(organization_id: str, view_id: str, chart_id: str, version: int) -> Key:
    return item(view_parts(organization_id, view_id), chart_versions(chart_id) + f"{version:08d}")


def version_jobs(version: int) -> str:
    """The sort key prefix of a version's jobs without options."""
    return join(JOB, f"{version:08d}", "")


def job_of_version(sort_key: str) -> str | None:
    """The id of the job that an item of a view refers to, or None if the item is no reference to a job."""
    kind, *parts = split(sort_key)
    return parts[-1] if kind in (JOB, JOB_WITH_OPTIONS) else None


def version_job(organization_id: str, view_id: str, version: int, job_id: str) -> Key:
    return item(view_parts(organization_id, view_id), version_jobs(version) + job_id)


def version_job_with_options(organization_id: str, view_id: str, version: int, job_id: str) -> Key:
    """The key of the reference to a job with options. It is not one of `version_jobs`, so it is never the latest."""
    return item(view_parts(organization_id, view_id), join(JOB_WITH_OPTIONS, f"{version:08d}", job_id))


def jobs(organization_id: str) -> str:
    return join("ORG", organization_id, "JOBS")


def job(organization_id: str, job_id: str) -> Key:
    """The key of a job. Job ids begin with the time of acceptance, so jobs are ordered by it."""
    return item(jobs(organization_id), job_id)


def paths(organization_id: str, job_id: str) -> Key:
    """The key of the definition of a job's paths."""
    return item(join("ORG", organization_id, "PATHS"), job_id)


def share(organization_id: str) -> Key:
    """The key of an organization's waiting and computed jobs."""
    return item(SHARES, join(organization_id))


def organization_of_share(sort_key: str) -> str:
    return split(sort_key)[0]


def schedules(organization_id: str) -> str:
    """The sort key prefix of an organization's schedules."""
    return join(organization_id, "")


def schedule(organization_id: str, view_id: str) -> Key:
    return item(SCHEDULES, schedules(organization_id) + view_id)


def archive(organization_id: str) -> Key:
    return item(ARCHIVES, join(organization_id))
