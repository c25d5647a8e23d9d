"""An HTTP proxy between the functions and the AWS emulator, which injects the faults of a plan.

Only the functions know its address: the emulator's own work and the checks of a load run do not pass through it.
It is made of the standard library. A fault needs the request's operation, which a TCP proxy does not see, and the
socket itself, to reset the connection.
"""

import http.client
import socket
import struct
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any, cast
from urllib.parse import urlsplit

from tools.load.faults import AwsCall, Fault, FaultKind, FaultPlan

EMULATOR_SECONDS = 60.0
"""How long the emulator may take for a response."""

_OF_THE_CONNECTION = frozenset({"connection", "content-length", "date", "keep-alive", "server", "transfer-encoding"})
"""The headers of a response that the proxy does not pass on, because it writes its own."""


class FaultProxy(ThreadingHTTPServer):
    """Relays every request to the emulator. The plan decides which calls have a fault."""

    daemon_threads = True

    def __init__(self, plan: FaultPlan) -> None:
        super().__init__(("127.0.0.1", 0), _Relay)
        self.plan = plan
        self.emulator = ""

    def between(self, emulator_url: str) -> str:
        """The address of the proxy, for functions that call the emulator at the given address."""
        self.emulator = urlsplit(emulator_url).netloc
        return f"http://127.0.0.1:{self.server_port}"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Ignores a connection that its function or the proxy has closed: functions are killed and calls time out."""
        if not isinstance(sys.exception(), ConnectionError | http.client.HTTPException | TimeoutError):
            super().handle_error(request, client_address)


@contextmanager
def fault_proxy(plan: FaultPlan) -> Iterator[FaultProxy]:
    """A proxy that serves until the block ends."""
    with FaultProxy(plan) as proxy:
        Thread(target=proxy.serve_forever, daemon=True).start()
        try:
            yield proxy
        finally:
            proxy.shutdown()


class _Relay(BaseHTTPRequestHandler):
    """One connection of a function."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def _relay(self) -> None:
        proxy = cast("FaultProxy", self.server)
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        call = AwsCall.of(self.command, self.path, self.headers)
        match proxy.plan.draw(call) if call is not None else None:
            case Fault(FaultKind.RESET):
                self._reset()
            case Fault(error=error) if error is not None:
                self._respond(error.status, [("Content-Type", error.content_type)], error.body)
            case Fault(FaultKind.LOST):
                self._forward(proxy.emulator, body)
                self._reset()
            case fault:
                if fault is not None and fault.seconds is not None:
                    time.sleep(fault.seconds)
                self._respond(*self._forward(proxy.emulator, body))

    do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = _relay  # the names that the base class calls

    def _forward(self, emulator: str, body: bytes) -> tuple[int, list[tuple[str, str]], bytes]:
        """Sends the request to the emulator as it is, because its headers are signed."""
        connection = http.client.HTTPConnection(emulator, timeout=EMULATOR_SECONDS)
        try:
            headers = {name: value for name, value in self.headers.items() if name.lower() != "expect"}
            connection.request(self.command, self.path, body, headers)
            response = connection.getresponse()
            return response.status, response.getheaders(), response.read()
        finally:
            connection.close()

    def _respond(self, status: int, headers: list[tuple[str, str]], body: bytes) -> None:
        length = str(len(body))
        self.send_response(status)
        for name, value in headers:
            if name.lower() == "content-length" and self.command == "HEAD":
                length = value
            if name.lower() not in _OF_THE_CONNECTION:
                self.send_header(name, value)
        self.send_header("Content-Length", length)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def _reset(self) -> None:
        """Closes the connection so that the function sees a reset, and not the end of a response."""
        self.close_connection = True
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.rfile.close()  # It refers to the socket, too.
        self.connection.close()

    def log_message(self, *_: Any) -> None:
        """Writes no log."""
