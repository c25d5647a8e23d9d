"""The faults that a load run injects into the functions' calls to AWS, and how often each was injected.

The error bodies are those of AWS:
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Programming.Errors.html
https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
"""

import json
import time
from collections import Counter
from dataclasses import dataclass
from email.message import Message
from enum import StrEnum
from random import Random
from threading import Lock
from urllib.parse import parse_qs, urlsplit

MAX_DELAY_SECONDS = 2.5
"""The longest delay of a call. Longer than the time-out of the functions' clients, so a call can outlive its retry."""

READS = ("BatchGet", "Describe", "Get", "Head", "List", "Query", "Receive", "Scan", "TransactGet")
"""What the names of operations that change nothing begin with."""


class FaultKind(StrEnum):
    """A kind of fault of a call to AWS."""

    THROTTLED = "throttled"
    RESET = "connection reset"
    DELAYED = "delayed"
    FAILED = "answered 500"
    LOST = "answer of a write lost"
    """AWS executes the call, and then the connection is reset."""


@dataclass(frozen=True, order=True, slots=True)
class AwsCall:
    """The service and the operation of a call to AWS."""

    service: str
    operation: str

    @classmethod
    def of(cls, method: str, target: str, headers: Message) -> "AwsCall | None":
        """The call that an HTTP request makes, or None for a request without AWS's signature.

        Args:
            target: the path and the query.
        """
        scope = headers.get("Authorization", "").partition("Credential=")[2].split(",")[0].split("/")
        if len(scope) != 5:
            return None
        if scope[3] == "s3":
            return cls("s3", _s3_operation(method, target))
        return cls(scope[3], headers.get("X-Amz-Target", method).rpartition(".")[2])

    @property
    def writes(self) -> bool:
        return not self.operation.startswith(READS)

    @property
    def kinds(self) -> tuple[FaultKind, ...]:
        """The faults that the call can have. The lost answer of a read is a reset."""
        return tuple(kind for kind in FaultKind if self.writes or kind is not FaultKind.LOST)


def _s3_operation(method: str, target: str) -> str:
    url = urlsplit(target)
    query = parse_qs(url.query, keep_blank_values=True)
    if method == "POST":
        return "DeleteObjects" if "delete" in query else "PostObject"
    is_object = bool(url.path.strip("/").partition("/")[2])
    return f"{method.capitalize()}Object" if is_object else "ListObjectsV2"


@dataclass(frozen=True, slots=True)
class ErrorResponse:
    """A response with which AWS refuses a call."""

    status: int
    content_type: str
    body: bytes


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault of one call. `seconds` is the delay, and `error` the response; each is None for the other kinds."""

    kind: FaultKind
    seconds: float | None = None
    error: ErrorResponse | None = None


_THROTTLES = {
    "dynamodb": (
        "com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException",
        "com.amazon.coral.availability#ThrottlingException",
    ),
    "sqs": ("com.amazonaws.sqs#RequestThrottled",),
}
"""The errors of throttled calls, by service. Other services answer with a ThrottlingException."""


def throttle(service: str, dice: Random) -> ErrorResponse:
    """The response to a throttled call."""
    if service == "s3":
        return _s3_error(503, "SlowDown", "Please reduce your request rate.")
    return _json_error(400, dice.choice(_THROTTLES.get(service, ("ThrottlingException",))), "Rate exceeded.")


def failure(service: str) -> ErrorResponse:
    """The response to a call that failed within AWS."""
    if service == "s3":
        return _s3_error(500, "InternalError", "We encountered an internal error. Please try again.")
    return _json_error(500, "InternalServerError", "The request could not be processed. Try again.")


def _json_error(status: int, name: str, message: str) -> ErrorResponse:
    return ErrorResponse(
        status, "application/x-amz-json-1.0", json.dumps({"__type": name, "message": message}).encode()
    )


def _s3_error(status: int, code: str, message: str) -> ErrorResponse:
    body = f'<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>{code}</Code><Message>{message}</Message></Error>'
    return ErrorResponse(status, "application/xml", body.encode())


class FaultPlan:
    """Decides which calls have a fault, and counts them. May be used by several threads.

    The same seed gives the same faults to the calls of an operation, in the order in which they are made.
    """

    def __init__(self, seed: int, rate: float) -> None:
        self._seed, self.rate = seed, rate
        self._lock = Lock()
        self._dice: dict[AwsCall, Random] = {}
        self._end: float | None = None
        self.calls: Counter[AwsCall] = Counter()
        """The calls that could have had a fault."""
        self.injected: Counter[tuple[AwsCall, FaultKind]] = Counter()

    def begin(self, seconds: float) -> None:
        """Injects faults for some seconds from the first call of this method on. Later calls change nothing."""
        if self._end is None:
            self._end = time.monotonic() + seconds

    def draw(self, call: AwsCall) -> Fault | None:
        """The fault of the next call of an operation, or None."""
        with self._lock:
            if self._end is None or time.monotonic() >= self._end:
                return None
            self.calls[call] += 1
            dice = self._dice.setdefault(call, Random(f"{self._seed} {call.service} {call.operation}"))
            if dice.random() >= self.rate:
                return None
            kind = dice.choice(call.kinds)
            self.injected[call, kind] += 1
            match kind:
                case FaultKind.THROTTLED:
                    return Fault(kind, error=throttle(call.service, dice))
                case FaultKind.FAILED:
                    return Fault(kind, error=failure(call.service))
                case FaultKind.DELAYED:
                    return Fault(kind, seconds=dice.uniform(0, MAX_DELAY_SECONDS))
            return Fault(kind)

    @property
    def not_injected(self) -> list[FaultKind]:
        """The kinds that no call had."""
        return [kind for kind in FaultKind if not any(of is kind for _, of in self.injected)]
