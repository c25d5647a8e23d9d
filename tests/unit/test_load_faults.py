"""The faults of a load run: which calls have one, what the functions' clients see, and what the proxy leaves alone."""

import socket
from collections.abc import Iterator
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import boto3
import httpx
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, ConnectionClosedError

from journeys.aws import is_temporary, is_throttled
from tools.load.fault_proxy import fault_proxy
from tools.load.faults import MAX_DELAY_SECONDS, AwsCall, Fault, FaultKind, FaultPlan
from tools.load.report import fault_checks

PUT, GET = AwsCall("dynamodb", "PutItem"), AwsCall("dynamodb", "GetItem")


def signed(service: str, target: str | None = None) -> Message:
    headers = Message()
    headers["authorization"] = f"AWS4-HMAC-SHA256 Credential=id/20260131/us-east-1/{service}/aws4_request, Signature=0"
    if target is not None:
        headers["x-amz-target"] = target
    return headers


def drawn(plan: FaultPlan, call: AwsCall, number: int) -> list[Fault | None]:
    return [plan.draw(call) for _ in range(number)]


# -- the plan ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "target", "headers", "call"),
    [
        ("POST", "/", signed("dynamodb", "DynamoDB_20120810.PutItem"), PUT),
        ("POST", "/", signed("sqs", "AmazonSQS.SendMessage"), AwsCall("sqs", "SendMessage")),
        ("PUT", "/bucket/a/b", signed("s3"), AwsCall("s3", "PutObject")),
        ("GET", "/bucket/a?x=1", signed("s3"), AwsCall("s3", "GetObject")),
        ("GET", "/bucket?list-type=2&prefix=a%2Fb", signed("s3"), AwsCall("s3", "ListObjectsV2")),
        ("POST", "/bucket?delete", signed("s3"), AwsCall("s3", "DeleteObjects")),
        ("POST", "/oauth2/token", Message(), None),
    ],
)
def test_the_operation_of_a_call(method: str, target: str, headers: Message, call: AwsCall | None) -> None:
    assert AwsCall.of(method, target, headers) == call


def test_the_same_seed_gives_an_operation_the_same_faults() -> None:
    def faults_of(seed: int, *others: AwsCall) -> list[Fault | None]:
        plan = FaultPlan(seed, 0.5)
        plan.begin(60)
        return [fault for _ in range(50) for fault in [plan.draw(PUT), *map(plan.draw, others)][:1]]

    assert faults_of(1) == faults_of(1, GET)
    assert faults_of(1) != faults_of(2)


def test_the_plan_injects_every_kind_at_its_rate_and_counts_it_by_operation() -> None:
    plan = FaultPlan(1, 0.2)
    plan.begin(60)
    faults = [fault for fault in drawn(plan, PUT, 2000) if fault is not None]
    assert 300 < len(faults) < 500
    assert plan.calls == {PUT: 2000}
    assert {kind: plan.injected[PUT, kind] for kind in FaultKind} == {
        kind: sum(fault.kind is kind for fault in faults) for kind in FaultKind
    }
    assert min(plan.injected.values()) > 50
    delays = [fault.seconds for fault in faults if fault.seconds is not None]
    assert 0 <= min(delays) < 0.5 < 2 < max(delays) <= MAX_DELAY_SECONDS


def test_only_writes_lose_their_answers() -> None:
    plan = FaultPlan(1, 1)
    plan.begin(60)
    assert {fault.kind for fault in drawn(plan, GET, 200) if fault} == set(FaultKind) - {FaultKind.LOST}


def test_faults_end_after_their_time_and_do_not_begin_by_themselves(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1000.0
    monkeypatch.setattr("time.monotonic", lambda: now)
    plan = FaultPlan(1, 1)
    assert plan.draw(PUT) is None
    plan.begin(10)
    now = 1009.9
    plan.begin(10)
    assert plan.draw(PUT) is not None
    now = 1010.0
    assert plan.draw(PUT) is None
    assert plan.calls == {PUT: 1}


def test_a_run_in_which_a_kind_was_not_injected_fails() -> None:
    plan = FaultPlan(1, 0.5)
    assert [check.passed for check in fault_checks(plan)] == [False]
    for kind in FaultKind:
        assert not fault_checks(plan)[0].passed
        plan.injected[PUT, kind] += 1
    assert fault_checks(plan)[0].passed
    assert fault_checks(FaultPlan(1, 0)) == []


# -- the proxy ---------------------------------------------------------------------------------------------------------


class Emulator(ThreadingHTTPServer):
    """Records requests and answers each with an empty JSON object."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Recorder)
        self.requests: list[tuple[str, str, dict[str, str], bytes]] = []


class _Recorder(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def _answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.server.requests.append((self.command, self.path, dict(self.headers.items()), body))  # type: ignore[attr-defined]
        self.send_response(200)
        self.send_header("X-Of-The-Emulator", "yes")
        self.send_header("Content-Length", "2")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(b"{}")

    do_GET = do_PUT = do_POST = do_HEAD = _answer

    def log_message(self, *_: Any) -> None:
        """Writes no log."""


@pytest.fixture
def emulator() -> Iterator[Emulator]:
    with Emulator() as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture
def plan() -> FaultPlan:
    """A plan without faults. A test replaces `draw`."""
    return FaultPlan(1, 0)


@pytest.fixture
def proxy_url(emulator: Emulator, plan: FaultPlan) -> Iterator[str]:
    with fault_proxy(plan) as proxy:
        yield proxy.between(f"http://127.0.0.1:{emulator.server_port}")


def client(service: str, proxy_url: str) -> Any:
    config = Config(retries={"total_max_attempts": 1}, parameter_validation=False)
    return boto3.client(service, endpoint_url=proxy_url, config=config)  # type: ignore[call-overload]


def put_item(proxy_url: str) -> Any:
    return client("dynamodb", proxy_url).put_item(TableName="log", Item={"pk": {"S": "1"}})


def with_fault(plan: FaultPlan, monkeypatch: pytest.MonkeyPatch, kind: FaultKind) -> None:
    """Gives every call a fault of this kind."""
    monkeypatch.setattr(AwsCall, "kinds", (kind,))
    plan.rate = 1
    plan.begin(60)


def test_requests_and_responses_pass_as_they_are(proxy_url: str, emulator: Emulator) -> None:
    response = httpx.post(f"{proxy_url}/a%2Fb?c=%20", content=b"\x00body", headers={"X-Own": "1"})
    assert (response.status_code, response.text, response.headers["X-Of-The-Emulator"]) == (200, "{}", "yes")
    ((method, path, headers, body),) = emulator.requests
    assert (method, path, headers["X-Own"], body) == ("POST", "/a%2Fb?c=%20", "1", b"\x00body")
    assert headers["Host"] == proxy_url.removeprefix("http://"), "the signature covers the host"
    assert httpx.head(f"{proxy_url}/bucket/key").headers["Content-Length"] == "2"


def test_a_request_without_a_signature_never_has_a_fault(
    proxy_url: str, plan: FaultPlan, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_fault(plan, monkeypatch, FaultKind.FAILED)
    assert httpx.get(proxy_url).status_code == 200
    assert not plan.calls


@pytest.mark.parametrize(
    ("service", "operation", "arguments", "status", "codes"),
    [
        ("dynamodb", "put_item", {"TableName": "log", "Item": {}}, 400,
         {"ProvisionedThroughputExceededException", "ThrottlingException"}),
        ("s3", "put_object", {"Bucket": "archive", "Key": "a", "Body": b"x" * 10}, 503, {"SlowDown"}),
        ("sqs", "send_message", {"QueueUrl": "http://queue.example/1/q", "MessageBody": "x"}, 400,
         {"RequestThrottled"}),
        ("secretsmanager", "get_secret_value", {"SecretId": "a"}, 400, {"ThrottlingException"}),
    ],
)  # fmt: skip
def test_clients_see_a_throttle(
    proxy_url: str, emulator: Emulator, plan: FaultPlan, monkeypatch: pytest.MonkeyPatch,
    service: str, operation: str, arguments: Any, status: int, codes: set[str],
) -> None:  # fmt: skip
    with_fault(plan, monkeypatch, FaultKind.THROTTLED)
    seen = set()
    for _ in range(10 if len(codes) > 1 else 1):
        with pytest.raises(ClientError) as refused:
            getattr(client(service, proxy_url), operation)(**arguments)
        assert is_throttled(refused.value)
        assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == status
        seen.add(refused.value.response["Error"]["Code"])
    assert (seen, emulator.requests) == (codes, [])


def test_clients_see_an_internal_error(
    proxy_url: str, emulator: Emulator, plan: FaultPlan, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_fault(plan, monkeypatch, FaultKind.FAILED)
    with pytest.raises(ClientError, match="InternalServerError") as failed:
        put_item(proxy_url)
    with pytest.raises(ClientError, match="InternalError"):
        client("s3", proxy_url).put_object(Bucket="archive", Key="a", Body=b"x")
    assert is_temporary(failed.value)
    assert not is_throttled(failed.value)
    assert emulator.requests == []


@pytest.mark.parametrize(("kind", "executed"), [(FaultKind.RESET, 0), (FaultKind.LOST, 1)])
def test_clients_see_a_reset_before_or_after_the_call_is_executed(
    proxy_url: str, emulator: Emulator, plan: FaultPlan, monkeypatch: pytest.MonkeyPatch, kind: FaultKind, executed: int
) -> None:
    with_fault(plan, monkeypatch, kind)
    with pytest.raises(ConnectionClosedError) as closed:
        put_item(proxy_url)
    assert is_temporary(closed.value)
    assert len(emulator.requests) == executed
    address = proxy_url.removeprefix("http://").split(":")
    with socket.create_connection((address[0], int(address[1])), timeout=5) as connection:
        headers = "".join(f"{name}: {value}\r\n" for name, value in signed("s3").items())
        connection.sendall(f"PUT /bucket/key HTTP/1.1\r\n{headers}Content-Length: 0\r\n\r\n".encode())
        with pytest.raises(ConnectionResetError):
            connection.recv(1)


def test_a_delayed_call_is_executed_after_its_delay(
    proxy_url: str, emulator: Emulator, plan: FaultPlan, monkeypatch: pytest.MonkeyPatch
) -> None:
    slept: list[tuple[float, int]] = []
    monkeypatch.setattr("tools.load.fault_proxy.time.sleep", lambda s: slept.append((s, len(emulator.requests))))
    with_fault(plan, monkeypatch, FaultKind.DELAYED)
    put_item(proxy_url)
    ((seconds, executed),) = slept
    assert 0 <= seconds <= MAX_DELAY_SECONDS
    assert (executed, len(emulator.requests)) == (0, 1)
