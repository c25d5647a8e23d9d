"""Events per second of the projector, compared with one transaction per event."""

import random
import statistics
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from journeys import dates, keys
from journeys.aws import Item
from journeys.events.model import StoredEvent
from journeys.journey.fold import add
from journeys.journey.model import Journey, step
from journeys.journey.projector import CUSTOMERS_AT_ONCE, Projector
from journeys.journey.store import _summary, _summary_item
from journeys.stream.records import Record
from tests.bench.database import Database, journey_key_of
from tests.bench.figures import AT_LEAST, Figure
from tests.bench.sample import ORGANIZATION, SOURCE_ID, customer_id, event

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

ROUNDS = 5
BATCH = 100
BATCHES = 4
CUSTOMERS = 20


def run() -> list[Figure]:
    with Database() as database:
        return _run(database)


def _run(database: Database) -> list[Figure]:
    chance = random.Random(5)
    projector = Projector(database.journeys, database.links, database.failures)
    plain = PerEvent(database.client, database.tables.journeys)
    ours: list[float] = []
    one_by_one: list[float] = []
    on_threads: list[float] = []
    for _ in range(ROUNDS):
        ours.append(_rate(lambda batch: _projected(projector, batch), _batches(database, chance)))
        one_by_one.append(_rate(plain.project, _batches(database, chance)))
        on_threads.append(_rate(plain.project_on_threads, _batches(database, chance)))
    figures = []
    for name, rates, target in (
        ("one transaction an event", one_by_one, 3.0),
        (f"the same with {CUSTOMERS_AT_ONCE} customers at once", on_threads, None),
    ):
        parameters = {
            "projector": f"{statistics.median(ours):.0f} events/s",
            "baseline": f"{statistics.median(rates):.0f} events/s",
            "batches of": BATCH,
            "customers": CUSTOMERS,
            "measure": f"wall time, medians of {ROUNDS} rounds of {BATCHES} batches, in turns",
        }
        ratio = statistics.median(ours) / statistics.median(rates)
        figures.append(Figure("projector", f"events/s, projector / {name}", ratio, "", target, AT_LEAST, parameters))
    return figures


def _projected(projector: Projector, batch: Sequence[Record]) -> None:
    assert projector.project(batch) == []


def _rate(project: Callable[[Sequence[Record]], None], batches: Sequence[Sequence[Record]]) -> float:
    """Returns events per second."""
    began = time.perf_counter()
    for batch in batches:
        project(batch)
    return sum(map(len, batches)) / (time.perf_counter() - began)


def _batches(database: Database, chance: random.Random) -> list[list[Record]]:
    """Stream batches. Their customers are new, and occur in every batch."""
    customers = [customer_id(chance) for _ in range(CUSTOMERS)]
    now = dates.now_ms()
    batches: list[list[Record]] = []
    for batch in range(BATCHES):
        records: list[Record] = []
        for place in range(BATCH):
            sent = event(chance, customers[place % CUSTOMERS], now - 10**8 + (batch * BATCH + place) * 1000)
            records.append(_record(database, chance, sent))
        batches.append(records)
    return batches


def _record(database: Database, chance: random.Random, sent: dict[str, Any]) -> Record:
    kept = chance.choice(database.types)
    customer = sent["identifiers"]["externalIds"][0]["value"]
    image: Item = {
        "pk": {"S": keys.event(ORGANIZATION, kept.configuration.configuration_id, sent["id"])},
        "dateCreated": {"S": sent["dateCreated"]},
        "dateReceived": {"S": sent["dateCreated"]},
        "externalIds": {"L": [{"M": {"externalSourceId": {"S": SOURCE_ID}, "value": {"S": customer}}}]},
        "attributes": {"M": {name: {"S": str(value)} for name, value in sent["attributes"].items()}},
        "schemaId": {"S": kept.schema.schema_id},
        "schemaVersion": {"N": "1"},
        "slot": {"S": kept.schema.slot},
        "eventName": {"S": kept.schema.title},
        "source": {"S": kept.configuration.source},
        "receipt": {"S": "bench#0"},
    }
    return {"eventName": "INSERT", "dynamodb": {"SequenceNumber": sent["id"], "NewImage": image}}


class PerEvent:
    """The projector that one would write first: for each event, the summary is read, and then in one transaction the
    step's row is put, unless it is there, and the summary replaced, unless somebody else did."""

    def __init__(self, client: "DynamoDBClient", table: str) -> None:
        self._client, self._table = client, table

    def project(self, records: Sequence[Record]) -> None:
        for record in records:
            self._count(record)

    def project_on_threads(self, records: Sequence[Record]) -> None:
        by_customer: dict[str, list[Record]] = {}
        for record in records:
            customer = record["dynamodb"]["NewImage"]["externalIds"]["L"][0]["M"]["value"]["S"]
            by_customer.setdefault(customer, []).append(record)
        with ThreadPoolExecutor(CUSTOMERS_AT_ONCE) as threads:
            list(threads.map(self.project, by_customer.values()))

    def _count(self, record: Record) -> None:
        stored = StoredEvent.from_item(record["dynamodb"]["NewImage"])
        new = step(stored.event.date_created, stored.configuration_id, stored.event.event_id, stored.slot)
        journey_key = journey_key_of(stored.event.customer.value)
        while True:
            key = keys.item(journey_key, keys.SUMMARY)
            item = self._client.get_item(TableName=self._table, Key=key, ConsistentRead=True).get("Item", {})
            summary = _summary(item)
            grown: Journey = add(summary.journey, new, summary.journey.last, None)  # the batches come in order
            replaced: Any = {
                "TableName": self._table,
                "Item": _summary_item(journey_key, type(summary)(grown, summary.version)),
                "ConditionExpression": "attribute_not_exists(pk)",
            }
            if summary.version:
                replaced["ConditionExpression"] = "version = :version"
                replaced["ExpressionAttributeValues"] = {":version": {"N": str(summary.version)}}
            row: Any = {
                "TableName": self._table,
                "Item": keys.item(journey_key, new.key) | {"slot": {"S": new.slot}},
                "ConditionExpression": "attribute_not_exists(pk)",
            }
            try:
                self._client.transact_write_items(TransactItems=[{"Put": row}, {"Put": replaced}])
                return
            except ClientError as error:
                reasons: Any = error.response.get("CancellationReasons")
                if not reasons:
                    raise
                if reasons[0]["Code"] == "ConditionalCheckFailed":
                    return  # the row is there: it is counted
