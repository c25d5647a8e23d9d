"""The capacity that the links of an event consume in DynamoDB, from the request to journey and links.

The projector is warm: it has seen the sources. Each event is alone in its batch, as in low traffic.
"""

import random
from collections.abc import Sequence

from journeys import dates, keys
from journeys.events.ingest import IngestOutcome
from journeys.journey.projector import Projector
from tests.bench.database import Database
from tests.bench.figures import Figure
from tests.bench.meter import Cost, Meter
from tests.bench.sample import ORGANIZATION, customer_id, event

EVENTS = 40
"""Events per figure."""
SOURCES = ("crm", "web", "email", "genesys")


def run() -> list[Figure]:
    with Database() as database:
        return _Bench(database).figures()


class _Bench:
    def __init__(self, database: Database) -> None:
        self._database, self._chance = database, random.Random(3)
        self._meter = Meter(database.client)
        database.warm(self._chance)
        self._moment = dates.now_ms() - 10**8
        self._projector = self._process()
        self._send([customer_id(self._chance) for _ in SOURCES], self._projector)

    def _process(self) -> Projector:
        return Projector(self._database.journeys, self._database.links, self._database.failures)

    def figures(self) -> list[Figure]:
        customers = [[customer_id(self._chance) for _ in SOURCES] for _ in range(EVENTS)]
        self._measured([names[:1] for names in customers])  # The first event of a customer reads less.
        one = self._measured([names[:1] for names in customers])
        two_new = self._measured([names[:2] for names in customers])
        two_known = self._measured([names[:2] for names in customers])
        four = self._measured(customers)  # six links, of which one is known
        cold = self._measured([names[:2] for names in customers], fresh=True)
        single = one.write_units / EVENTS
        return [
            Figure("links", "write units an event with one identifier", single, target=3.0),
            Figure("links", "write units of a new link", two_new.write_units / EVENTS - single, target=2.0),
            Figure("links", "write units of a known link", two_known.write_units / EVENTS - single, target=0.0),
            Figure(
                "links",
                "write units of a new link, events with four identifiers",
                (four.write_units / EVENTS - single) / 5,
                target=2.0,
            ),
            Figure("links", "read units of a link that the process knows", _reads(two_known, one), target=0.0),
            Figure(
                "links", "write units of a known link in a new process", cold.write_units / EVENTS - single, target=0.0
            ),
        ]

    def _measured(self, customers: Sequence[Sequence[str]], *, fresh: bool = False) -> Cost:
        """The cost of one event for each list of values of identifiers."""
        projector = self._process() if fresh else self._projector
        with self._meter.measured() as cost:
            for values in customers:
                self._send(values, projector)
        return cost

    def _send(self, values: Sequence[str], projector: Projector) -> None:
        kept = self._chance.choice(self._database.types)
        self._moment += 1000
        sent = event(self._chance, values[0], self._moment)
        sent["identifiers"]["externalIds"] = [
            {"externalSourceId": source, "value": value} for source, value in zip(SOURCES, values, strict=False)
        ]
        configuration_id = kept.configuration.configuration_id
        taken = self._database.ingest.ingest(ORGANIZATION, configuration_id, [sent], request_id="bench")
        assert [outcome for _, outcome in taken.processed.values()] == [IngestOutcome.CREATED]
        (stored,) = self._database.log.get_all([keys.event(ORGANIZATION, configuration_id, sent["id"])]).values()
        image = {"eventName": "INSERT", "dynamodb": {"SequenceNumber": "1", "NewImage": stored.to_item()}}
        assert projector.project([image]) == []


def _reads(cost: Cost, without: Cost) -> float:
    return (cost.read_units - without.read_units) / EVENTS
