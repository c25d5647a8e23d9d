"""Links and persons under projectors, decisions and repairs whose store calls are interleaved, and with crashes.

Every schedule must end in the persons of a rebuild from the log. To prove that the schedules would find an error, they
also run two other designs and parts of the product with one deliberate error each, and must detect them.
`python -m tests.support.link_schedules` runs 20,000 schedules of each design.
"""

from collections.abc import Callable, Iterable, Sequence

import pytest

from journeys.events.model import StoredEvent
from journeys.identity.linker import Linker
from journeys.identity.model import Pair
from journeys.identity.repair import LinkRepair
from tests.support import link_schedules
from tests.support.link_schedules import (
    ORGANIZATION,
    Design,
    GuardsAtArrival,
    Pointers,
    Product,
    ScheduledLinks,
    failures,
    random_schedule,
)

SCHEDULES = 1_200
ENOUGH = 1_000
"""Each deliberate error must be detected within this number of schedules."""


def test_every_schedule_ends_in_the_persons_of_a_rebuild() -> None:
    assert failures(Product(), range(SCHEDULES)) == {}


def _is_detected(design: Design) -> bool:
    return any(random_schedule(seed, design) for seed in range(ENOUGH))


@pytest.mark.parametrize("design", [Pointers, GuardsAtArrival])
def test_the_schedules_detect_designs_that_depend_on_the_order(design: Callable[[], Design]) -> None:
    assert _is_detected(design())


def test_the_schedules_detect_pointers_in_a_circle() -> None:
    pointers = Pointers()
    failures(pointers, range(ENOUGH // 2))
    assert pointers.cycles


# -- the product with a deliberate error -------------------------------------------------------------------------------


class RemembersBeforeItStores(Linker):
    """A call that fails leaves a link without rows that the process believes to be stored."""

    def _unknown(self, named: dict[bytes, Pair]) -> dict[bytes, Pair]:  # type: ignore[override]
        unknown = super()._unknown(named)
        self._remember(unknown)
        return unknown


class OneRowIsEnough(ScheduledLinks):
    """After a crash between the two rows, the link keeps one row."""

    def existing(self, organization_id: str, pairs: Iterable[Pair]) -> frozenset[Pair]:
        wanted = list(pairs)
        found = super().existing(organization_id, wanted)
        return found | {one for one in wanted if one in self.memory.rows or one[::-1] in self.memory.rows}


@pytest.mark.parametrize(
    ("make", "wraps"),
    [(RemembersBeforeItStores, ScheduledLinks), (Linker, OneRowIsEnough)],
    ids=["remembers before it stores", "one row is enough"],
)
def test_the_schedules_detect_a_projector_with_an_error(
    make: type[Linker], wraps: type[ScheduledLinks], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Broken(Product):
        def process(
            self, store: ScheduledLinks, clock: Callable[[], float]
        ) -> Callable[[Sequence[StoredEvent]], object]:
            linker = make(store, clock=clock)
            return lambda events: linker.link(ORGANIZATION, events)

    monkeypatch.setattr(link_schedules, "ScheduledLinks", wraps)
    assert _is_detected(Broken())


def test_the_schedules_detect_a_repair_that_does_not_scan_the_log_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(LinkRepair, "complete", lambda *_: 0)
    assert _is_detected(Product())


def test_the_schedules_detect_a_repair_that_removes_no_links(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ScheduledLinks, "delete", lambda *_: None)
    assert _is_detected(Product())


def test_the_schedules_detect_a_resolution_that_follows_identifiers_with_too_many_links(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("journeys.identity.resolve.has_stopped", lambda *_: False)
    assert _is_detected(Product())
