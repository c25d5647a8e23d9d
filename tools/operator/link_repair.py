"""Compares the links table with the log, restores missing rows, and removes those that no event made."""

import tempfile
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, Protocol, Self

from journeys import dates, keys
from journeys.events.model import StoredEvent
from journeys.events.store import EventLog
from journeys.identity.model import Identifier, key
from journeys.identity.repair import LinkRepair
from journeys.identity.store import LinkStore
from journeys.identity.survey import LinkSurvey, SurveyedIdentifier, read_identifiers
from journeys.journey.survey import read_event
from journeys.stream.records import UNREADABLE
from tools.operator.report import LINK_MISSING, LINK_ORPHANED, SOURCE_MISSING, RepairReport, RepairScope

Pages = Callable[[int, int], Iterator[tuple[int, list[Any]]]]


class Threads(Protocol):
    """How a command reads tables and works on many customers; see `JourneyRepair`."""

    def scan(self, name: str, size: int, pages: Pages, add: Callable[[list[Any]], None]) -> None: ...

    def in_threads(self, action: Callable[[Any], None], arguments: Iterable[Any]) -> None: ...


class LinkCheck:
    """Compares links with the events of the log, which it is given while the log is read for the journeys.

    Args:
        since: events received from then on, in milliseconds, may lack their links; None if none may.
    """

    def __init__(self, store: LinkStore, log: EventLog, scope: RepairScope, since: int | None) -> None:
        self._store, self._log, self._scope, self._since = store, log, scope, since
        self._repair = LinkRepair(store, log)

    def __enter__(self) -> Self:
        self._folder = tempfile.TemporaryDirectory(prefix="journeys-links-")
        self._survey = LinkSurvey(Path(self._folder.name), self._scope.journey_key)
        return self

    def __exit__(self, *_: object) -> None:
        self._survey.close()
        self._folder.cleanup()

    def add_events(self, items: list[Any]) -> None:
        """Adds a page of the log. Items that no journey can contain are skipped, because the survey reports them."""
        for item in items:
            try:
                read_event(item)
                named = read_identifiers(item)
            except UNREADABLE:
                continue
            self._survey.add_event(named)

    def finish(self, threads: Threads, report: RepairReport, *, repair: bool) -> None:
        """Reads the links table and reports the differences; with `repair`, repairs them."""
        scope = self._scope
        if scope.journey_key is not None:
            self._survey.add_rows(self._store.rows(scope.journey_key))
        else:
            pages = partial(self._store.pages, organization_id=scope.organization_id)
            threads.scan("reading the links", self._store.size(), pages, self._survey.add_rows)
            self._check_sources(report, repair=repair)
        for identifiers in self._survey.parts():
            suspects = [one for one in identifiers if not one.looks_correct()]
            threads.in_threads(partial(self._check, report=report, repair=repair), suspects)
        if self._repair.removed:
            self._restore_removed(threads)

    def _check(self, one: SurveyedIdentifier, report: RepairReport, *, repair: bool) -> None:
        made = {
            other: evidence
            for other, evidence in one.made.items()
            if other in one.stored or self._since is None or evidence.received < self._since
        }
        found = self._repair.compare(one.organization_id, one.identifier, made, one.stored)
        if repair:
            self._repair.repair(found)
        for kind, pairs in ((LINK_MISSING, found.missing), (LINK_ORPHANED, found.orphaned)):
            names = [self._name(one, both[both[0] == one.identifier]) for both in pairs]
            report.add_differences(kind, names)
            report.add_repaired(kind, len(names) * repair)

    def _name(self, one: SurveyedIdentifier, other: Identifier) -> str:
        return f"{key(one.organization_id, one.identifier)} {keys.link(other.source_id, other.value)}"

    def _check_sources(self, report: RepairReport, *, repair: bool) -> None:
        for organization_id, named in self._survey.named_sources.items():
            missing = sorted(self._store.missing_sources(organization_id, named))
            report.add_differences(SOURCE_MISSING, [keys.join(organization_id, source) for source in missing])
            if repair and missing:
                self._store.add_sources(organization_id, missing, now_ms=dates.now_ms())
                report.add_repaired(SOURCE_MISSING, len(missing))

    def _restore_removed(self, threads: Threads) -> None:
        """Restores removed links that an event made meanwhile; see `identity.repair`."""
        of_organization = {organization_id for organization_id, _ in self._repair.removed}

        def restore(items: list[Any]) -> None:
            for item in items:
                if keys.split(item["pk"]["S"])[0] in of_organization:
                    stored = StoredEvent.from_item(item)
                    self._repair.complete(stored.organization_id, [stored])

        pages = partial(self._log.pages, organization_id=self._scope.organization_id)
        threads.scan("reading the log again", self._log.size(), pages, restore)
