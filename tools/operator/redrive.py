"""Redrives the batches of the log's stream that Lambda discarded after its last retry."""

from collections import Counter
from collections.abc import Mapping

from journeys.stream.batch import Consumer
from journeys.stream.redrive import RedriveOutcome, redrive
from journeys.stream.store import DiscardedStore
from tools.progress import ProgressBars


def redrive_all(
    store: DiscardedStore, consumers: Mapping[str, Consumer], bars: ProgressBars
) -> tuple[Counter[RedriveOutcome], Counter[RedriveOutcome]]:
    """Redrives every discarded batch. Returns the number of batches and of records, by outcome."""
    batches, records = Counter[RedriveOutcome](), Counter[RedriveOutcome]()
    keys = sorted(store.keys())
    with bars.bar("redriving", len(keys)) as bar:
        for key in keys:
            done = redrive(store, key, consumers)
            batches[done.outcome] += 1
            records[done.outcome] += done.records
            bar.advance(1)
    return batches, records
