"""The customers behind the figures of a result: how their lists are stored, and how one of them is read.

Beside its result, an attempt writes two objects. One has the list of each figure as a JSON text of its own, and the
other, the index, says where each text is. So a page reads the index and the bytes of one list.

The index has, by the ids of the view, an entry per figure: the exact number of customers, how many of them are listed,
and the position and length of the list in bytes. A list has the identifiers of each customer, as keys.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, NamedTuple
from urllib.parse import urlencode

from journeys import jsontext, keys
from journeys.errors import BadRequest, Detail
from journeys.events.model import ExternalId
from journeys.messages import shorten, use_one_of
from journeys.registry.callers import Caller
from journeys.telemetry import Line, emit_count, logger
from journeys.views.jobs.service import JobService
from journeys.views.jobs.work.store import WorkStore


class ElementState(StrEnum):
    """The customers of an element that can be listed: all participants, or those in one state."""

    PARTICIPANTS = "Participants"
    COMPLETED = "Completed"
    FLOW = "Flow"
    ACTIVE = "Active"
    DROPOUT = "Dropout"


CUSTOMERS = "/api/v2/journey/customers"

STATES = tuple(map(str, ElementState))
LINK, GROUP = "Link", "Group"
"""The kinds of the other figures."""


MAX_GROUP_TEXTS = 11
"""Texts of a group: that of the time, and those of at most ten attributes."""


def parse_group(text: str) -> tuple[str | None, ...]:
    """The group of a query parameter. Raises ValueError."""
    group = jsontext.loads(text.encode())
    if not isinstance(group, list) or len(group) > MAX_GROUP_TEXTS:
        raise ValueError
    if not all(one is None or isinstance(one, str) for one in group):
        raise ValueError
    return tuple(group)


def group_name(group: Sequence[str | None]) -> str:
    """The name of a group in the index."""
    return jsontext.dumps(list(group))


@dataclass(frozen=True, slots=True)
class Figure:
    """The figure that a request names: `element` with `state` or `link`, or `chart` with `metric` and `group`."""

    element: str | None = None
    state: str | None = None
    link: str | None = None
    chart: str | None = None
    metric: str | None = None
    group: tuple[str | None, ...] | None = None

    def to_query(self) -> dict[str, str]:
        """The query parameters that name the figure."""
        given = {
            "elementId": self.element,
            "state": self.state,
            "linkId": self.link,
            "chartId": self.chart,
            "metricId": self.metric,
            "group": None if self.group is None else group_name(self.group),
        }
        return {name: str(value) for name, value in given.items() if value is not None}

    @property
    def scope(self) -> list[str]:
        """What distinguishes the figure from all others."""
        return [f"{name}={value}" for name, value in self.to_query().items()]

    @property
    def kind(self) -> str:
        """Which kind of figure it is. Raises BadRequest if it is not clear."""
        element = self.element is not None and (self.state is None) != (self.link is None)
        if element and self.chart is None and self.metric is None and self.group is None:
            return LINK if self.state is None else self.state
        if self.chart is not None and self.metric is not None and self.element is self.state is self.link is None:
            return GROUP
        raise BadRequest(
            "Name one figure: elementId and state, or elementId and linkId, or chartId, metricId and group.",
            code="figure.not.clear",
        )


class Customer(NamedTuple):
    """A listed customer: its identifiers, in a fixed order, and the address of its journey."""

    identifiers: list[ExternalId]
    path: str

    @classmethod
    def of(cls, names: Sequence[str], scope: str) -> "Customer":
        """The customer with these keys. `scope` says whether it is a person or an identifier."""
        identifiers = [ExternalId(*keys.split(key)) for key in names]
        query = {"externalSourceId": identifiers[0].source_id, "value": identifiers[0].value, "scope": scope}
        return cls(identifiers, f"{CUSTOMERS}?{urlencode(query)}")

    def to_wire(self) -> dict[str, Any]:
        identifiers = [{"externalSourceId": one.source_id, "value": one.value} for one in self.identifiers]
        return {"customer": identifiers[0], "identifiers": identifiers, "selfUri": self.path}

    def to_row(self, url: str) -> tuple[str | None, ...]:
        """The cells of COLUMNS. `url` is that of the journey."""
        customer, *others = self.identifiers
        further = "; ".join(f"{one.source_id}: {one.value}" for one in others) or None
        return (customer.source_id, customer.value, further, url)


COLUMNS = ("externalSourceId", "value", "furtherIdentifiers", "journey")
"""The columns of customers as CSV."""


class Customers(NamedTuple):
    """The customers behind a figure, whose exact number is `total`. At most `maximum` of them are listed."""

    total: int
    maximum: int
    listed: list[Customer]


class CustomerLists:
    """Reads who is behind the figures of complete jobs."""

    def __init__(self, jobs: JobService, work: WorkStore) -> None:
        self._jobs, self._work = jobs, work

    def get(self, organization_id: str, view_id: str, version: int, job_id: str, figure: Figure) -> Customers:
        """The customers behind a figure of a job's result.

        Raises BadRequest if the result has no such figure, NotFound if it has expired or has no lists, and Conflict if
        the job is not complete.
        """
        job = self._jobs.get_complete(organization_id, view_id, version, job_id)
        kind, index = figure.kind, self._work.customers_index(job)
        maximum = index["maximum"]
        if kind == GROUP:
            chart = _choose("chartId", figure.chart, index["charts"], "chart", "The view")
            maximum, entry = chart["maximum"], _group_entry(figure, chart)
        elif kind == LINK:
            links = _choose("elementId", figure.element, index["links"], "element", "The view")
            entry = _choose("linkId", figure.link, links, "link to the element", "The element")
        else:
            entry = _choose("elementId", figure.element, index["elements"], "element", "The view")[kind]
        total, listed, start, length = entry
        names = self._work.customers(job, start, length) if listed else []
        return Customers(total, maximum, [Customer.of(one, index["scope"]) for one in names])


def _group_entry(figure: Figure, chart: Mapping[str, Any]) -> Any:
    """The entry of a group of a chart. Raises BadRequest."""
    element = _choose("metricId", figure.metric, chart["metrics"], "metric", "The chart")
    entry = chart["groups"][element].get(group_name(figure.group or ()))
    if entry is None:
        raise _invalid(
            "group",
            "The metric has no such group. Use a JSON array of the texts in groupByAttributes of one of the metric's "
            'values in the result of the chart, such as [] or ["2026-01",null].',
        )
    return entry


def _choose(parameter: str, name: str | None, known: Mapping[str, Any], what: str, owner: str) -> Any:
    """The known thing with this name. Raises BadRequest that names what is allowed."""
    if name is None or name not in known:
        allowed = use_one_of(list(known)) if known else f"{owner} has none."
        raise _invalid(parameter, f'{owner} has no {what} "{shorten(name)}". {allowed}')
    return known[name]


def _invalid(parameter: str, message: str) -> BadRequest:
    return BadRequest(message, code="figure.not.found", details=[Detail("invalid.parameter", parameter)])


def log_listing(caller: Caller, job_id: str, figure: str, customers: int) -> None:
    """Write the line that says who listed customers of which kind of figure, and how many. It names no customer."""
    with Line("customers behind a figure were listed", logger.get_correlation_id()) as line:
        line.add(organization=caller.organization_id, caller=caller.caller_id, job=job_id, figure=figure)
        line.add(customers=customers)
        emit_count("CustomersListed", customers)
