"""What the events of Genesys Cloud and Amazon Connect become: types, ids, dates, customers and attributes."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from journeys import dates
from journeys.events.attributes import AttributeValidator
from journeys.events.model import Event
from journeys.events.refusals import REASONS, EventProblem, InvalidEvent
from journeys.events.validation import check
from journeys.native import reading
from journeys.native.model import NativeEvent
from journeys.registry.native_types import NATIVE_TYPES
from tools.native_events import BODIES, CONTACT_EVENTS, INSTANCE, connect_event, genesys_event

NOON = dates.parse("2026-03-02T12:00:00Z")
CONVERSATION = "conversation-1"

CASES = {
    **{kind: genesys_event(kind, date_ms=NOON, conversation_id=CONVERSATION) for kind in BODIES},
    **{kind: connect_event(kind, date_ms=NOON, contact_id=CONVERSATION) for kind in CONTACT_EVENTS},
}
"""One event of each kind, as EventBridge delivers it."""

TYPES = {
    "customer.start": "native-customer-start", "customer.end": "native-customer-end", "acd.start": "native-acd-start",
    "acd.end": "native-acd-end", "user.start": "native-user-start", "user.end": "native-user-end",
    "flow.start": "native-flow-start", "flow.end": "native-flow-end", "voicemail.start": "native-voicemail-start",
    "voicemail.end": "native-voicemail-end", "acw": "native-acw", "wrapup": "native-wrapup",
    "outbound": "native-outbound", "contact": "native-contact", "attributes": "native-attributes",
    "flow.outcome": "native-flow-outcome",
    "INITIATED": "native-customer-start", "CONNECTED_TO_SYSTEM": "native-flow-start", "QUEUED": "native-acd-start",
    "CONNECTED_TO_AGENT": "native-user-start", "DISCONNECTED": "native-customer-end", "COMPLETED": "native-acw",
}  # fmt: skip


CALLED: dict[str, Any] = {"conversationId": CONVERSATION, "mediaType": "voice", "direction": "inbound"}
"""What every event of an inbound call says."""


def read(envelope: Any) -> NativeEvent:
    """Return the event of an EventBridge event, which must have one."""
    event = reading.read(envelope)
    assert event is not None
    return event


def customers(envelope: Any) -> list[tuple[str, str]]:
    """Return the identifiers of an event, the customer first."""
    ids = read(envelope).event["identifiers"]["externalIds"]
    return [(one["externalSourceId"], one["value"]) for one in ids]


def attributes(envelope: Any) -> dict[str, Any]:
    return dict(read(envelope).event["attributes"])


def call(kind: str = "customer.start", **body: Any) -> dict[str, Any]:
    return genesys_event(kind, date_ms=NOON, conversation_id=CONVERSATION, **body)


def contact(kind: str = "INITIATED", **detail: Any) -> dict[str, Any]:
    return connect_event(kind, date_ms=NOON, contact_id=CONVERSATION, **detail)


# -- every kind --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", CASES)
def test_every_kind_becomes_a_valid_event_of_its_type(kind: str) -> None:
    native = read(CASES[kind])
    assert native.schema_id == TYPES[kind]
    checked = check(native.event, AttributeValidator(NATIVE_TYPES[native.schema_id].document), NOON)
    assert isinstance(checked, Event), checked
    assert checked.date_created == NOON
    expected = {"attributes": CONVERSATION, "contact": "external-contact-1"}
    assert checked.customer.value == expected.get(kind, "+13175550100")
    assert checked.attributes["conversationId"] == CONVERSATION
    assert checked.attributes["vendor"] == ("amazon-connect" if kind.isupper() else "genesys")


def test_every_native_type_has_a_topic() -> None:
    assert {TYPES[kind] for kind in BODIES} == set(NATIVE_TYPES)


def test_attributes_have_the_values_of_the_vendors_fields() -> None:
    same = CALLED | {"vendor": "genesys", "provider": "Edge"}
    for kind, expected in dict[str, dict[str, Any]]({
        "acd.end": {"queueId": "queue-orders", "agentId": "agent-1", "acdOutcome": "answered",
                    "usedRouting": "STANDARD", "connectedDurationMs": 21_000, "disconnectReason": "TRANSFER"},
        "user.end": {"queueId": "queue-orders", "agentId": "agent-1", "interactingDurationMs": 163_000,
                     "heldDurationMs": 12_000, "alertingDurationMs": 3_000, "disconnectReason": "PEER"},
        "flow.end": {"flowId": "flow-welcome", "flowType": "INBOUNDCALL", "flowVersion": "7.0",
                     "exitReason": "TRANSFER", "transferType": "ACD", "connectedDurationMs": 14_000,
                     "disconnectReason": "TRANSFER"},
        "acw": {"queueId": "queue-orders", "agentId": "agent-1", "wrapUpCode": "code-refund",
                "wrapUpDurationMs": 30_000, "hasNotes": True},
        "flow.outcome": {"flowId": "flow-welcome", "flowType": "INBOUNDCALL", "flowVersion": "7.0",
                         "flowOutcomeId": "outcome-order-found", "flowOutcomeValue": "success", "durationMs": 9_000},
    }).items():  # fmt: skip
        group = kind.partition(".")[0]
        own = {"participantId": f"participant-{group}", "sessionId": f"session-{group}"}
        assert attributes(CASES[kind]) == same | own | expected, kind


def test_a_contact_event_has_the_attributes_of_the_same_step() -> None:
    same = CALLED | {"vendor": "amazon-connect", "sessionId": CONVERSATION}
    for kind, expected in dict[str, dict[str, Any]]({
        "INITIATED": {"initiationMethod": "INBOUND", "transferred": False},
        "CONNECTED_TO_SYSTEM": {},
        "QUEUED": {"queueId": "queue-orders"},
        "CONNECTED_TO_AGENT": {"queueId": "queue-orders", "agentId": "agent-1"},
        "DISCONNECTED": {"queueId": "queue-orders", "agentId": "agent-1", "disconnectReason": "CUSTOMER_DISCONNECT",
                         "interactingDurationMs": 10_000},
        "COMPLETED": {"queueId": "queue-orders", "agentId": "agent-1", "wrapUpDurationMs": 10_000},
    }).items():  # fmt: skip
        assert attributes(CASES[kind]) == same | expected, kind


def test_free_text_is_not_stored() -> None:
    for kind in BODIES:
        event = json.dumps(read(call(kind, subject="secret-subject", wrapupNotes="secret-notes")).event)
        assert "secret" not in event
    stored = read(call("attributes", attributes={"question": "secret-question"}))
    assert "secret" not in json.dumps(stored.event)
    assert stored.event["attributes"]["attributeCount"] == 1


def test_values_that_a_vendor_adds_later_are_other() -> None:
    found = attributes(call("acd.end", mediaType="HOLOGRAM", acdOutcome="UNKNOWN", messageType="PIGEON"))
    assert (found["mediaType"], found["messageType"]) == ("other", "other")
    assert "acdOutcome" not in found
    assert attributes(contact(channel="Telepathy"))["mediaType"] == "other"


# -- customers ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({}, [("phone", "+13175550100")]),
        ({"externalContactId": "c-1"}, [("genesys", "c-1"), ("phone", "+13175550100")]),
        ({"conversationExternalContactIds": ["c-1"]}, [("genesys", "c-1"), ("phone", "+13175550100")]),
        ({"conversationExternalContactIds": ["c-1", "c-2"]}, [("phone", "+13175550100")]),
        ({"externalContactId": "c-2", "conversationExternalContactIds": ["c-1", "c-2"]},
         [("genesys", "c-2"), ("phone", "+13175550100")]),
        ({"direction": "OUTBOUND"}, [("phone", "+13175550199")]),
        ({"ani": None, "callbackNumbers": ["+13175550111"]}, [("phone", "+13175550111")]),
        ({"ani": None, "addressFrom": "Ana@Example.com", "mediaType": "EMAIL"}, [("email", "ana@example.com")]),
        ({"ani": None, "addressFrom": "webchat-guest-7"}, [("address", "webchat-guest-7")]),
        ({"ani": "sip:ana@10.0.0.1", "externalContactId": "c-1"},
         [("genesys", "c-1"), ("address", "sip:ana@10.0.0.1")]),
        ({"ani": "sip:line@10.0.0.1", "addressFrom": "+13175550122"},
         [("phone", "+13175550122"), ("address", "sip:line@10.0.0.1")]),
        ({"ani": "anonymous"}, [("conversation", CONVERSATION)]),
        ({"ani": "sip:anonymous@anonymous.invalid"}, [("conversation", CONVERSATION)]),
        ({"ani": " ", "externalContactId": "null"}, [("conversation", CONVERSATION)]),
    ],
    ids=str,
)  # fmt: skip
def test_the_customer_of_a_conversation_and_everything_else_that_names_it(
    body: dict[str, Any], expected: list[tuple[str, str]]
) -> None:
    assert customers(call(**body)) == expected


@pytest.mark.parametrize(
    ("detail", "expected"),
    [
        ({}, [("phone", "+13175550100")]),
        ({"customerId": "c-1"}, [("amazon-connect", "c-1"), ("phone", "+13175550100")]),
        ({"customerEndpoint": {"type": "EMAIL_ADDRESS", "address": "Ana@Example.com"}}, [("email", "ana@example.com")]),
        ({"customerEndpoint": None}, [("conversation", CONVERSATION)]),
        ({"customerEndpoint": None, "customerId": "c-1"}, [("amazon-connect", "c-1")]),
    ],
    ids=str,
)
def test_the_customer_of_a_contact(detail: dict[str, Any], expected: list[tuple[str, str]]) -> None:
    assert customers(contact(**detail)) == expected


def test_a_transferred_contact_belongs_to_the_first_contacts_conversation() -> None:
    moved = contact(contactId="second", initialContactId="first", initiationMethod="TRANSFER")
    assert attributes(moved).items() >= {"conversationId": "first", "sessionId": "second", "transferred": True}.items()


# -- ids and dates -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", CASES)
def test_a_redelivery_has_the_same_id_and_content(kind: str) -> None:
    first = CASES[kind]
    again = json.loads(json.dumps(first, sort_keys=True)) | {"id": "another", "time": "2026-03-02T12:00:09Z"}
    again["detail"]["metadata"] = {"CorrelationId": "another"}
    assert read(again) == read(first)


@pytest.mark.parametrize(
    "other",
    [call("customer.end"), call(conversationId="another"), call(participantId="another"), call(sessionId="another"),
     call(eventTime=NOON + 1), contact()],
    ids=["kind", "conversation", "participant", "session", "time", "vendor"],
)  # fmt: skip
def test_another_kind_conversation_participant_session_or_time_is_another_event(other: dict[str, Any]) -> None:
    assert read(other).event["id"] != read(call()).event["id"]


def test_outcomes_that_end_at_the_same_time_are_different_events() -> None:
    ids = {read(call("flow.outcome", flowOutcomeId=name)).event["id"] for name in ("first", "second")}
    assert len(ids) == 2


def test_a_contact_event_without_its_own_time_has_that_of_the_envelope() -> None:
    without = contact("QUEUED", queueInfo=None)
    assert read(without).event["dateCreated"] == "2026-03-02T12:00:00.000Z"


@pytest.mark.parametrize("agent", [None, {"agentArn": f"{INSTANCE}/agent/agent-1"}])
def test_a_completed_contact_without_work_after_it_is_ignored(agent: dict[str, Any] | None) -> None:
    assert reading.read(contact("COMPLETED", agentInfo=agent)) is None


def test_names_are_read_without_regard_to_case() -> None:
    """The documentation of Amazon Connect writes both AgentInfo and agentInfo, instanceARN and instanceArn."""
    detail = contact("CONNECTED_TO_AGENT")["detail"]
    detail["AgentInfo"] = {
        "AgentArn" if name == "agentArn" else name: value for name, value in detail.pop("agentInfo").items()
    }
    detail["instanceARN"] = detail.pop("instanceArn")
    envelope = contact("CONNECTED_TO_AGENT") | {"detail": detail}
    assert read(envelope) == read(contact("CONNECTED_TO_AGENT"))
    assert reading.source_of(envelope) == INSTANCE


# -- where an event comes from -----------------------------------------------------------------------------------------


def test_only_amazon_connect_itself_is_known_by_its_instance() -> None:
    assert reading.source_of(contact()) == INSTANCE
    assert reading.source_of(contact(source="somebody.else")) == "somebody.else"
    assert reading.source_of(call(source="aws.partner/genesys.com/cloud/1/x")) == "aws.partner/genesys.com/cloud/1/x"
    assert reading.source_of(contact() | {"detail": {"instanceArn": 5}}) is None
    assert reading.source_of({}) is None


@pytest.mark.parametrize(
    "envelope",
    [call() | {"detail-type": "v2.detail.events.conversation.{id}.hologram.start"},
     call() | {"detail-type": "v2.users.{id}.presence"}, contact(eventType="CONTACT_DATA_UPDATED")],
    ids=["topic", "other", "contact"],
)  # fmt: skip
def test_other_kinds_are_ignored(envelope: dict[str, Any]) -> None:
    assert reading.read(envelope) is None


# -- problems ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("envelope", "reason", "field"),
    [
        (call(eventTime=None), "missing.date", "eventTime"),
        (call(eventTime="noon"), "invalid.date", "eventTime"),
        (call(eventTime=True), "invalid.date", "eventTime"),
        (call(eventTime=10**20), "invalid.date", "eventTime"),
        (call(conversationId=None) , "missing.attribute", "conversationId"),
        (call(conversationId=7), "invalid.event", "conversationId"),
        (call(externalContactId={}), "invalid.event", "externalContactId"),
        (call(conversationExternalContactIds="c-1"), "invalid.event", "conversationExternalContactIds"),
        (call("attributes", attributes=[]), "invalid.event", "attributes"),
        (call() | {"detail": {}}, "invalid.event", "eventBody"),
        (call() | {"detail": "x"}, "invalid.event", "detail"),
        (call() | {"detail-type": None}, "invalid.event", "detail-type"),
        (contact(eventType=None), "invalid.event", "eventType"),
        (contact(contactId=None), "missing.attribute", "contactId"),
        (contact(initiationTimestamp="noon"), "invalid.date", "initiationTimestamp"),
        (contact(initiationTimestamp=None) | {"time": None}, "missing.date", "initiationTimestamp"),
        (contact(customerEndpoint="x"), "invalid.event", "customerendpoint"),
    ],
    ids=lambda value: None if isinstance(value, dict) else str(value),
)  # fmt: skip
def test_a_malformed_event_is_refused_with_the_field(envelope: dict[str, Any], reason: str, field: str) -> None:
    with pytest.raises(InvalidEvent) as caught:
        reading.read(envelope)
    (problem,) = caught.value.problems
    assert (problem.reason, problem.field_name) == (reason, field)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=8,
)


def paths(value: Any, at: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    """Return where every field of an event is, at any depth."""
    if not isinstance(value, dict):
        return []
    return [path for name, inner in value.items() for path in ((*at, name), *paths(inner, (*at, name)))]


@given(st.sampled_from(sorted(CASES)), st.data())
def test_whatever_a_field_holds_or_lacks_the_result_is_an_event_or_a_problem(kind: str, data: st.DataObject) -> None:
    envelope = json.loads(json.dumps(CASES[kind]))
    for path in data.draw(st.lists(st.sampled_from(paths(CASES[kind])), min_size=1, max_size=3)):
        holder = envelope
        for name in path[:-1]:
            holder = holder.get(name) if isinstance(holder, dict) else None
        if isinstance(holder, dict):
            if data.draw(st.booleans()):
                holder.pop(path[-1], None)
            else:
                holder[path[-1]] = data.draw(JSON)
    judge(envelope)


@given(st.dictionaries(st.sampled_from(["detail-type", "source", "detail", "time"]), JSON))
def test_any_json_is_an_event_ignored_or_a_problem(envelope: dict[str, Any]) -> None:
    judge(envelope)


def judge(envelope: Any) -> None:
    """Read an event as the consumer does. It must be ignored, or checked, or a problem with a known reason."""
    reading.source_of(envelope)
    problems: tuple[EventProblem, ...] = ()
    native = None
    try:
        native = reading.read(envelope)
    except InvalidEvent as invalid:
        problems = invalid.problems
    assert {problem.reason for problem in problems} <= REASONS.keys()
    if native is not None:
        check(native.event, AttributeValidator(NATIVE_TYPES[native.schema_id].document), NOON)
