"""An identifier that many customers share: over-merging is stopped, reported and undone."""

from collections.abc import Callable
from itertools import pairwise

import pytest
from click.testing import Result

from journeys import aws
from journeys.events.failures.store import FailureStore
from journeys.events.model import ExternalId, StoredEvent
from journeys.identity.model import DecisionState, pair
from journeys.identity.resolve import MAX_LINKS, person
from journeys.identity.settings import NOT_LINKING, IdentitySettings, Linking
from journeys.identity.store import IdentitySettingsStore, LinkStore
from journeys.journey.projector import Projector
from journeys.journey.store import JourneyStore
from journeys.registry.clients.store import ClientStore
from tests.support.cli import run_journeys
from tests.support.identities import identifier, stored_event
from tests.support.tables import Tables
from tools.commands import options
from tools.stack import Stack

KIOSK = identifier("tablet:hall 2")


def _email(number: int) -> ExternalId:
    return ExternalId("email", f"visitor-{number}@example.org")


class Shop:
    """A shop whose customers register at one tablet. Each event names the tablet, an e-mail address and an account."""

    def __init__(self, tables: Tables) -> None:
        self.links = LinkStore(tables.dynamodb, tables.links)
        self.settings = IdentitySettingsStore(tables.dynamodb, tables.registry)
        self._projector = Projector(
            JourneyStore(tables.dynamodb, tables.journeys),
            self.links,
            FailureStore(tables.dynamodb, tables.failures, aws.s3, "archive"),
        )

    def register(self, customers: range) -> None:
        self.project(
            *(stored_event(number, KIOSK, _email(number), ExternalId("crm", f"C-{number}")) for number in customers)
        )

    def project(self, *events: StoredEvent) -> None:
        records = [
            {"eventName": "INSERT", "dynamodb": {"SequenceNumber": str(number), "NewImage": stored.to_item()}}
            for number, stored in enumerate(events)
        ]
        assert self._projector.project(records) == []

    def person(self, one: ExternalId) -> tuple[ExternalId, ...]:
        return person(self.links.reader("acme"), one, self.settings.get("acme")).identifiers


@pytest.fixture
def shop(tables: Tables) -> Shop:
    return Shop(tables)


@pytest.fixture
def run(tables: Tables, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    stack = Stack("test", None)
    vars(stack)["outputs"] = {
        "UserPoolId": "us-east-1_users",
        "PeoplePoolId": "us-east-1_people",
        "ArchiveBucketName": "archive",
        "EventsTableName": tables.events,
        "JourneysTableName": tables.journeys,
        "LinksTableName": tables.links,
        "FailuresTableName": tables.failures,
        "RegistryTableName": tables.registry,
    }
    ClientStore(tables.dynamodb, tables.registry).put_organization("acme", "Acme")
    monkeypatch.setattr(options, "open_stack", lambda _: stack)
    return run_journeys


def test_an_identifier_that_many_customers_share_stops_linking_and_is_reported(
    shop: Shop, run: Callable[..., Result]
) -> None:
    shop.register(range(12))
    for number in range(12):
        assert shop.person(_email(number)) == (ExternalId("crm", f"C-{number}"), _email(number))
    assert shop.person(KIOSK) == (KIOSK,)
    result = run("identities", "--organization", "acme")
    assert result.exit_code == 0
    assert "stopped linking, source tablet: 1" in result.stdout
    assert "12 persons with several identifiers" in result.stdout
    assert "hall 2" not in result.output
    assert "visitor" not in result.output
    shown = run("identities", "--organization", "acme", "--show").stdout
    assert "stopped linking, 24 links: tablet hall 2" in shown


def test_customers_that_a_shared_identifier_joined_are_separated_by_cutting_its_links(shop: Shop) -> None:
    customers = range(MAX_LINKS // 2)
    shop.register(customers)
    assert len(shop.person(_email(0))) == 2 * len(customers) + 1
    for number in customers:
        for other in (_email(number), ExternalId("crm", f"C-{number}")):
            shop.links.decide("acme", pair(KIOSK, other), DecisionState.UNLINKED, by="ann", now_ms=1)
    for number in customers:
        assert shop.person(_email(number)) == (ExternalId("crm", f"C-{number}"), _email(number))
    shop.project(stored_event(50, _email(1), KIOSK))
    assert len(shop.person(_email(1))) == 2, "an event does not overrule a decision"


def test_a_source_of_shared_identifiers_is_excluded_by_the_settings(shop: Shop) -> None:
    shop.register(range(3))
    assert len(shop.person(_email(0))) == 7
    excluded = IdentitySettings(Linking.ALL_EXCEPT, (*NOT_LINKING, "tablet"), revision=1)
    shop.settings.put("acme", excluded)
    assert len(shop.person(_email(0))) == 2


def test_large_persons_and_groups_are_reported_with_what_joins_them(shop: Shop, run: Callable[..., Result]) -> None:
    def chain(name: str, length: int) -> list[StoredEvent]:
        visitors = [ExternalId("web", f"{name}-{number:02}") for number in range(length)]
        return [stored_event(number, *two) for number, two in enumerate(pairwise(visitors))]

    for name, length in (("small", 39), ("near", 40), ("full", 50), ("large", 51)):
        shop.project(*chain(name, length))
    lines = run("identities", "--organization", "acme", "--show").stdout.splitlines()
    assert any("persons of 40 to 50 identifiers" in line and "2 " in line for line in lines)
    named = [line for line in lines if line.startswith(("person of", "group of"))]
    assert [line.split(",")[0] for line in named] == [
        "person of 50 identifiers",
        "person of 40 identifiers",
        "group of 51 identifiers",
    ]
    assert "(2 links)" in named[0]


def test_an_unknown_organization_is_an_error(run: Callable[..., Result]) -> None:
    result = run("identities", "--organization", "nobody")
    assert result.exit_code == 1
