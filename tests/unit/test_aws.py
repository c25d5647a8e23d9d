"""The DynamoDB operations that all stores share."""

from collections.abc import Mapping
from decimal import Decimal
from itertools import islice
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError, NoCredentialsError, ReadTimeoutError
from botocore.retries import standard
from hypothesis import given
from hypothesis import strategies as st

from journeys import aws
from journeys.archive.store import FETCHES
from journeys.errors import TooManyRequests
from tests.support.aws_errors import client_error
from tests.support.functions import load

TEXTS = st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=10)
NUMBERS = st.integers(-(10**38) + 1, 10**38 - 1)
VALUES = st.recursive(
    TEXTS | NUMBERS | st.booleans() | st.none(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=10,
)


@given(
    st.dictionaries(
        TEXTS.filter(lambda name: name != aws.FORM_ATTRIBUTE),
        VALUES.filter(lambda value: value is not None),
        max_size=5,
    )
)
def test_values_are_converted_to_an_item_and_back(values: dict[str, Any]) -> None:
    back = aws.from_item(aws.to_item(values))
    assert back == values
    assert [type(value) for value in back.values()] == [type(value) for value in values.values()]


def test_values_that_are_none_are_left_out_of_an_item() -> None:
    assert aws.to_item({"a": None, "b": ""}) == {"b": {"S": ""}} | aws.IN_FORM


def test_a_boolean_is_not_stored_as_a_number() -> None:
    assert (
        aws.to_item({"a": True, "b": 1, "c": Decimal("1.50")})
        == {
            "a": {"BOOL": True},
            "b": {"N": "1"},
            "c": {"N": "1.50"},
        }
        | aws.IN_FORM
    )


@pytest.mark.parametrize("value", [1.5, object(), b"bytes", {"a": 1.5}], ids=lambda value: type(value).__name__)
def test_floats_and_unsupported_types_are_refused(value: Any) -> None:
    with pytest.raises(TypeError):
        aws.to_value(value)


def test_the_size_of_an_item_counts_names_and_values_in_bytes() -> None:
    assert aws.item_size({"pk": {"S": "é"}}) == 4
    assert aws.item_size({"a": {"BOOL": True}, "b": {"NULL": True}}) == 4
    assert aws.item_size({"a": {"M": {"b": {"S": "cd"}}}}) == 1 + 3 + 1 + 1 + 2
    assert aws.item_size({"a": {"L": [{"S": "cd"}, {"S": "e"}]}}) == 1 + 3 + 2 + 2 + 1
    assert aws.item_size({"a": {"N": "1" * 38}}) == 1 + 21


# -- errors ------------------------------------------------------------------------------------------------------------


def test_what_botocore_retries_is_temporary() -> None:
    throttled: Any = standard.ThrottledRetryableChecker
    transient: Any = standard.TransientRetryableChecker
    # Other services' errors: EC2's, and quotas of control planes. `transact` retries a transaction in progress.
    others = {"EC2ThrottledException", "ThrottledException", "RequestThrottledException", "BandwidthLimitExceeded",
              "LimitExceededException", "TransactionInProgressException"}  # fmt: skip
    for code in {*throttled._THROTTLED_ERROR_CODES, *transient._TRANSIENT_ERROR_CODES} - others:
        assert aws.is_temporary(client_error(code)), code
    for status in transient._TRANSIENT_STATUS_CODES:
        assert aws.is_temporary(client_error("Other", status)), status
    assert aws.is_temporary(ReadTimeoutError(endpoint_url="x"))
    assert aws.is_temporary(EndpointConnectionError(endpoint_url="x"))


@pytest.mark.parametrize("code", ["AccessDeniedException", "ValidationException", "ResourceNotFoundException"])
def test_a_refused_call_is_permanent(code: str) -> None:
    assert not aws.is_temporary(client_error(code))
    assert not aws.is_temporary(NoCredentialsError())
    assert not aws.is_temporary(OSError())


# -- backoff -----------------------------------------------------------------------------------------------------------


def test_waits_double_up_to_a_maximum_and_end_with_429() -> None:
    waits = aws.backoff(attempts=7, first=0.02, most=0.5, random_=lambda: 1.0)
    assert list(islice(waits, 7)) == [0.02, 0.04, 0.08, 0.16, 0.32, 0.5, 0.5]
    with pytest.raises(TooManyRequests):
        next(waits)


def test_waits_have_full_jitter() -> None:
    assert list(islice(aws.backoff(random_=lambda: 0.0), 3)) == [0.0, 0.0, 0.0]


@pytest.fixture
def waits_recorded(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Records the waits instead of waiting."""
    waits: list[float] = []
    monkeypatch.setattr("journeys.aws.time.sleep", waits.append)
    return waits


# -- transactions ------------------------------------------------------------------------------------------------------


def cancelled(*reasons: str) -> ClientError:
    response: Any = {
        "Error": {"Code": "TransactionCanceledException", "Message": "cancelled"},
        "CancellationReasons": [{"Code": reason} for reason in reasons],
    }
    return ClientError(response, "TransactWriteItems")


def failing(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": "x"}}, "TransactWriteItems")


class Scripted:
    """A client with scripted responses. The last one is repeated."""

    def __init__(self, *answers: Any) -> None:
        self.answers, self.calls = list(answers), list[dict[str, Any]]()

    def _next(self, **arguments: Any) -> Any:
        self.calls.append(arguments)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer

    transact_write_items = batch_write_item = batch_get_item = query = _next


def transact(client: Scripted) -> None:
    aws.transact(client, [{"Put": {}}, {"Put": {}}])  # type: ignore[arg-type]


@pytest.mark.parametrize("reason", ["TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"])
def test_a_transaction_in_conflict_is_retried(waits_recorded: list[float], reason: str) -> None:
    client = Scripted(cancelled("None", reason), cancelled(reason, "None"), {})
    transact(client)
    assert len(client.calls) == 3
    assert len(waits_recorded) == 2


def test_a_failed_condition_is_reported_by_its_index_and_not_retried(waits_recorded: list[float]) -> None:
    client = Scripted(cancelled("TransactionConflict", "ConditionalCheckFailed"))
    with pytest.raises(aws.ConditionsFailed) as caught:
        transact(client)
    assert caught.value.failed == {1}
    assert (len(client.calls), waits_recorded) == (1, [])


@pytest.mark.parametrize("error", [cancelled("ValidationError", "None"), failing("ThrottlingException")], ids=str)
def test_other_errors_of_a_transaction_are_raised(waits_recorded: list[float], error: ClientError) -> None:
    with pytest.raises(ClientError) as caught:
        transact(Scripted(error))
    assert caught.value is error
    assert waits_recorded == []


def test_a_transaction_that_never_succeeds_ends_with_429(waits_recorded: list[float]) -> None:
    with pytest.raises(TooManyRequests):
        transact(Scripted(cancelled("TransactionConflict")))
    assert sum(waits_recorded) <= 30


def test_a_running_transaction_is_retried_with_the_same_token(waits_recorded: list[float]) -> None:
    """With a new token, the transaction would fail because of its own writes."""
    client = Scripted(failing("TransactionInProgressException"), failing("TransactionInProgressException"), {})
    transact(client)
    assert len({call["ClientRequestToken"] for call in client.calls}) == 1


def test_a_cancelled_transaction_is_retried_with_a_new_token(waits_recorded: list[float]) -> None:
    client = Scripted(cancelled("TransactionConflict"), {})
    transact(client)
    assert len({call["ClientRequestToken"] for call in client.calls}) == 2


# -- batches and pages -------------------------------------------------------------------------------------------------


def key(number: int) -> dict[str, Any]:
    return {"pk": {"S": str(number)}}


def test_unprocessed_keys_are_read_again(waits_recorded: list[float]) -> None:
    first = {"Responses": {"t": [key(1)]}, "UnprocessedKeys": {"t": {"Keys": [key(2)]}}}
    client = Scripted(first, {"Responses": {"t": [key(2)]}})
    found = aws.get_all(client, "t", [key(1), key(2)], consistent=True)  # type: ignore[arg-type]
    assert found == [key(1), key(2)]
    assert client.calls[1]["RequestItems"] == {"t": {"Keys": [key(2)]}}
    assert client.calls[0]["RequestItems"]["t"]["ConsistentRead"] is True


def test_reads_and_writes_are_split_into_batches() -> None:
    reader, writer = Scripted({"Responses": {}}), Scripted({})
    aws.get_all(reader, "t", [key(number) for number in range(250)], consistent=False)  # type: ignore[arg-type]
    aws.put_all(writer, "t", [key(number) for number in range(60)])  # type: ignore[arg-type]
    assert [len(call["RequestItems"]["t"]["Keys"]) for call in reader.calls] == [100, 100, 50]
    assert [len(call["RequestItems"]["t"]) for call in writer.calls] == [25, 25, 10]


def test_unprocessed_items_are_written_again(waits_recorded: list[float]) -> None:
    left: Mapping[str, Any] = {"t": [{"PutRequest": {"Item": key(2)}}]}
    client = Scripted({"UnprocessedItems": left}, {})
    aws.put_all(client, "t", [key(1), key(2)])  # type: ignore[arg-type]
    assert client.calls[1]["RequestItems"] == left
    assert len(waits_recorded) == 1


def test_a_store_that_never_processes_any_item_ends_with_429(waits_recorded: list[float]) -> None:
    with pytest.raises(TooManyRequests):
        aws.put_all(Scripted({"UnprocessedItems": {"t": [{}]}}), "t", [key(1)])  # type: ignore[arg-type]


def test_a_query_reads_all_pages() -> None:
    client = Scripted({"Items": [key(1)], "LastEvaluatedKey": key(1)}, {"Items": [], "LastEvaluatedKey": key(2)},
                      {"Items": [key(3)]})  # fmt: skip
    assert list(aws.query_all(client, TableName="t")) == [key(1), key(3)]  # type: ignore[arg-type]
    assert [call.get("ExclusiveStartKey") for call in client.calls] == [None, key(1), key(2)]


def test_the_client_times_out_before_the_request_does() -> None:
    config: Any = aws.dynamodb().meta.config
    assert (config.connect_timeout, config.read_timeout, config.retries["total_max_attempts"]) == (1, 2, 3)


# -- clients -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("function", ["compaction", "compute", "part", "merge"])
@pytest.mark.usefixtures("tables")
def test_functions_that_run_for_minutes_use_only_the_batch_client(function: str) -> None:
    loaded = load(function)
    assert loaded.batch_s3 is aws.batch_s3
    assert not hasattr(loaded, "s3")


@pytest.mark.usefixtures("tables")
def test_the_batch_client_has_longer_timeouts_and_enough_connections() -> None:
    config: Any = aws.batch_s3().meta.config
    assert (config.connect_timeout, config.read_timeout, config.retries["total_max_attempts"]) == (5, 60, 5)
    assert config.max_pool_connections > FETCHES
