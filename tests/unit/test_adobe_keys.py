"""Adobe's public keys: what is cached, how often the key host is asked, and what a host can do to a fetch."""

import contextlib
import datetime as dt
import ssl
import threading
from collections.abc import Callable, Iterator
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from journeys.cache import ENTRY_BYTES
from journeys.errors import TooManyRequests
from journeys.webhooks import adobe_keys
from journeys.webhooks.adobe_keys import (
    FETCHES_SECONDS,
    KEY_SECONDS,
    MAX_CACHED_BYTES,
    MAX_FETCHES,
    MAX_KEY_BYTES,
    NO_KEY_SECONDS,
    AdobeKeys,
    fetch_key,
)

KEY = b"-----BEGIN PUBLIC KEY-----"
SECONDS = 0.3
"""The deadline of a fetch from a host that is too slow."""
TRICKLED = 50
"""Bytes that a slow host sends, which takes five times as long as the deadline. Then its response is complete."""


# -- the cache ---------------------------------------------------------------------------------------------------------


class Host:
    """A key host with the keys under /key, and a clock that only tests move."""

    def __init__(self) -> None:
        self.requested: list[str] = []
        self.now = 1000.0
        self.keys = AdobeKeys(self.fetch, clock=lambda: self.now)

    def fetch(self, path: str) -> bytes:
        self.requested.append(path)
        if path.startswith("/silent"):
            raise TimeoutError
        if not path.startswith("/key"):
            raise ValueError("the key does not exist")
        return KEY


def test_a_key_and_the_absence_of_a_key_are_cached_for_their_time() -> None:
    host = Host()
    for seconds, requested in ((0, 2), (NO_KEY_SECONDS - 1, 2), (1, 3), (KEY_SECONDS - NO_KEY_SECONDS, 5)):
        host.now += seconds
        assert (host.keys.get("/key"), host.keys.get("/none")) == (KEY, None)
        assert len(host.requested) == requested


def test_invented_paths_do_not_displace_keys() -> None:
    host = Host()
    host.keys.get("/key")
    for number in range(MAX_CACHED_BYTES // 200):
        host.now += FETCHES_SECONDS / MAX_FETCHES
        host.keys.get(f"/none-{number}")
    host.keys.get("/key")
    assert host.requested.count("/key") == 1
    assert len(host.keys._keys) == 1
    assert 1000 < len(host.keys._absent) < MAX_CACHED_BYTES // ENTRY_BYTES


@pytest.mark.parametrize("path", ["/key", "/none", "/silent"])
def test_only_so_many_keys_are_fetched_in_a_minute(path: str) -> None:
    host = Host()
    host.keys.get("/key-in-use")
    for number in range(3 * MAX_FETCHES):
        fails = number >= MAX_FETCHES - 1 or path == "/silent"
        with pytest.raises((TooManyRequests, OSError)) if fails else contextlib.nullcontext():
            host.keys.get(f"{path}{number}")
    assert len(host.requested) == MAX_FETCHES
    assert host.keys.get("/key-in-use") == KEY
    host.now += FETCHES_SECONDS
    assert host.keys.get("/key-new") == KEY


# -- a real host -------------------------------------------------------------------------------------------------------


class Handler(BaseHTTPRequestHandler):
    """Responds to each path in its own way."""

    protocol_version = "HTTP/1.1"
    requested: list[str]
    ended: threading.Event

    def do_GET(self) -> None:
        self.requested.append(self.path)
        getattr(self, f"_{self.path.strip('/')}")()

    def _key(self, status: int = 200, content: bytes = KEY, **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def _redirect(self) -> None:
        self._key(302, Location="/key")

    def _moved(self) -> None:
        self._key(308, Location="/key")

    def _none(self) -> None:
        self._key(404)

    def _failed(self) -> None:
        self._key(500)

    def _busy(self) -> None:
        self._key(429)

    def _largest(self) -> None:
        self._key(content=b"x" * MAX_KEY_BYTES)

    def _large(self) -> None:
        self._key(content=b"x" * (MAX_KEY_BYTES + 1))

    def _short(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "1000")
        self.end_headers()
        self.close_connection = True

    def _junk(self) -> None:
        self.wfile.write(b"220 mail.example.com ESMTP\r\n")
        self.close_connection = True

    def _silent(self) -> None:
        self.ended.wait(60)

    def _trickling_header(self) -> None:
        self.wfile.write(b"HTTP/1.1 200 OK\r\nX-Long: ")
        self._trickle()
        self.wfile.write(b"\r\nContent-Length: 1\r\n\r\nx")

    def _trickling_body(self) -> None:
        self.wfile.write(f"HTTP/1.1 200 OK\r\nContent-Length: {TRICKLED}\r\n\r\n".encode())
        self._trickle()

    def _endless_body(self) -> None:
        self.wfile.write(b"HTTP/1.1 200 OK\r\n\r\n")
        while not self._disconnected(b"x" * 10_000):
            pass

    def _trickle(self) -> None:
        """Send a byte at a time, each well within the timeout of a socket, unless the other side disconnects."""
        for _ in range(TRICKLED):
            if self.ended.wait(SECONDS / 10) or self._disconnected(b"x"):
                return

    def _disconnected(self, data: bytes) -> bool:
        try:
            self.wfile.write(data)
        except OSError:
            self.ended.set()
        return self.ended.is_set()

    def finish(self) -> None:
        self.close_connection = True
        with contextlib.suppress(OSError):  # The other side has disconnected.
            super().finish()

    def log_message(self, *_: Any) -> None:
        pass


@contextlib.contextmanager
def serving(monkeypatch: pytest.MonkeyPatch, certificate: tuple[Path, Path] | None = None) -> Iterator[type[Handler]]:
    """Serve keys in a thread, over TLS if there is a certificate, and make the server Adobe's key host."""

    class OneHandler(Handler):
        requested: list[str] = []
        ended = threading.Event()

    server = ThreadingHTTPServer(("127.0.0.1", 0), OneHandler)
    server.daemon_threads = True
    server.handle_error = lambda *_: None  # type: ignore[method-assign]
    if certificate is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*certificate)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    scheme = "https" if certificate else "http"
    monkeypatch.setenv("ADOBE_KEYS_URL", f"{scheme}://localhost:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield OneHandler
    finally:
        OneHandler.ended.set()
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture
def host(monkeypatch: pytest.MonkeyPatch) -> Iterator[type[Handler]]:
    with serving(monkeypatch) as handler:
        yield handler


def test_a_key_is_fetched(host: type[Handler]) -> None:
    assert fetch_key("/key") == KEY
    assert fetch_key("/largest") == b"x" * MAX_KEY_BYTES
    assert host.requested == ["/key", "/largest"]


@pytest.mark.parametrize("path", ["/redirect", "/moved"])
def test_a_redirect_is_not_followed(host: type[Handler], path: str) -> None:
    with pytest.raises(ValueError, match="does not exist"):
        fetch_key(path)
    assert host.requested == [path]


@pytest.mark.parametrize("path", ["/none", "/large", "/endless_body"])
def test_a_missing_or_oversized_key_does_not_exist(host: type[Handler], path: str) -> None:
    with pytest.raises(ValueError, match="does not exist"):
        fetch_key(path)
    assert host.requested == [path]


@pytest.mark.parametrize("path", ["/failed", "/busy", "/short", "/junk"])
def test_a_host_that_fails_is_unavailable(host: type[Handler], path: str) -> None:
    with pytest.raises(OSError, match="unavailable"):
        fetch_key(path)
    assert host.requested == [path]


@pytest.mark.parametrize("path", ["/silent", "/trickling_header", "/trickling_body"])
def test_a_fetch_has_a_total_deadline(host: type[Handler], path: str) -> None:
    with pytest.raises(OSError, match="unavailable"):
        fetch_key(path, seconds=SECONDS)
    assert host.requested == [path]
    if path != "/silent":
        assert host.ended.wait(60)  # The connection was closed, so that no thread goes on reading.


def test_a_host_that_cannot_be_reached_is_unavailable(monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(monkeypatch):
        pass
    with pytest.raises(OSError, match="unavailable"):
        fetch_key("/key")


def test_a_lookup_of_the_hosts_address_that_hangs_counts_towards_the_deadline(
    host: type[Handler], monkeypatch: pytest.MonkeyPatch
) -> None:
    found = threading.Event()
    connect: Callable[[Any], None] = HTTPConnection.connect

    def hanging(connection: Any) -> None:
        found.wait(60)
        connect(connection)

    monkeypatch.setattr(HTTPConnection, "connect", hanging)
    with pytest.raises(OSError, match="unavailable"):
        fetch_key("/key", seconds=SECONDS)
    found.set()
    for thread in threading.enumerate():
        if thread.name == adobe_keys.THREAD:
            thread.join(60)
    assert host.requested == []


# -- TLS ---------------------------------------------------------------------------------------------------------------


def self_signed(folder: Path) -> tuple[Path, Path]:
    """Return the files of a certificate for localhost, and of its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    files = folder / "certificate.pem", folder / "key.pem"
    files[0].write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    files[1].write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return files


def test_the_hosts_certificate_is_verified(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    certificate = self_signed(tmp_path)
    with serving(monkeypatch, certificate) as host:
        with pytest.raises(OSError, match="unavailable") as refused:
            fetch_key("/key", seconds=5)
        assert isinstance(refused.value.__cause__, ssl.SSLCertVerificationError)
        assert host.requested == []
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate[0]))
        assert fetch_key("/key", seconds=5) == KEY
