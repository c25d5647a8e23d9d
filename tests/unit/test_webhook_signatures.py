"""The proof of every sender: published vectors, the senders' own libraries, and every way to spoil a delivery."""

import base64
import hashlib
import hmac
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, quote_plus, urlencode

import pytest
import svix
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from journeys.errors import BadRequest
from journeys.webhooks.delivery import Delivery, NotProven
from journeys.webhooks.senders.adobe import Adobe
from journeys.webhooks.senders.base import Sender
from journeys.webhooks.senders.registry import SENDERS
from tests.support.webhooks import ADOBE_KEY_PATH, Sent, adobe_public_key, deliveries
from tests.support.webhooks import Sender as Known

URL = "https://api.example.com/prod/webhooks/endpoint-1"
NOW = 1738315800.0

each = pytest.mark.parametrize("known", deliveries(), ids=lambda known: known.name)
each_by_secret = pytest.mark.parametrize(
    "known", [known for known in deliveries() if known.name != "adobe"], ids=lambda known: known.name
)
each_over_the_body = pytest.mark.parametrize(
    "known", [known for known in deliveries() if known.covers], ids=lambda known: known.name
)
each_stamped = pytest.mark.parametrize(
    "known", [known for known in deliveries() if known.stamped], ids=lambda known: known.name
)


def sender(name: str) -> Sender:
    return Adobe(a_key_at_its_path) if name == "adobe" else SENDERS[name]


def verify(
    known: Known,
    sent: Sent,
    *,
    secrets: tuple[str, ...] | None = None,
    uri: str = URL,
    now: float = NOW,
    by: Sender | None = None,
) -> None:
    headers = {name.lower(): value for name, value in sent.headers.items()}
    delivery = Delivery(sent.method, headers, sent.query, sent.body, uri, now)
    (by or sender(known.name)).verify(delivery, (known.secret,) if secrets is None else secrets, known.options)


def refused(known: Known, sent: Sent, **how: Any) -> bool:
    try:
        verify(known, sent, **how)
    except NotProven:
        return True
    return False


def sent_by(known: Known, **changes: Any) -> Sent:
    return known.deliver(url=URL, now=NOW, **changes)


def raw(name: str, secrets: tuple[str, ...], body: bytes, now: float = NOW, **headers: str) -> None:
    named = {header.replace("_", "-"): value for header, value in headers.items()}
    SENDERS[name].verify(Delivery("POST", named, {}, body, URL, now), secrets, {})


# -- what the senders publish ------------------------------------------------------------------------------------------


def test_the_vector_of_github() -> None:
    signature = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
    raw("github", ("It's a Secret to Everybody",), b"Hello, World!", x_hub_signature_256=signature)


def test_the_vector_of_standard_webhooks() -> None:
    raw(
        "standard",
        ("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",),
        b'{"test": 2432232314}',
        1614265330,
        webhook_id="msg_p5jXN8AQM9LWM0D4loKWxJek",
        webhook_timestamp="1614265330",
        webhook_signature="v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    )


def test_the_vector_of_qualtrics() -> None:
    message = (
        '{"Status":"Complete","SurveyID":"SV_1AmkKSDmoZ4XlQx","ResponseID":"R_0B7IcnXszjEUHLP",'
        '"CompletedDate":"2019-06-25 07:58:25","BrandID":"sapdevelopment"}'
    )
    signature = (
        "c2c585a404c239aa3063b462cc33551d3ed3ed2de0899f58d456fc0ef7ebef6f"
        "3c3af44957989bd0592603e41edde9528f7d9ed09ee128bf719aa12f46e5c598"
    )
    raw("qualtrics", ("kyma4ever",), urlencode({"Topic": "t", "HMAC": signature, "MSG": message}).encode())


# -- what every sender's deliveries have in common ---------------------------------------------------------------------


def test_the_table_knows_every_sender() -> None:
    assert [known.name for known in deliveries()] == list(SENDERS)


@each
def test_a_delivery_is_proven(known: Known) -> None:
    verify(known, sent_by(known))


@each_by_secret
def test_the_current_and_the_previous_secret_prove_and_a_retired_one_does_not(known: Known) -> None:
    for secrets in ((known.secret, known.other_secret), (known.other_secret, known.secret)):
        verify(known, sent_by(known), secrets=secrets)
    assert refused(known, sent_by(known), secrets=(known.other_secret,))
    assert refused(known, sent_by(known), secrets=())


@each
def test_a_delivery_without_any_one_header_of_its_proof_is_not_proven(known: Known) -> None:
    sent = sent_by(known)
    for name in known.signed:
        assert refused(known, sent._replace(headers={k: v for k, v in sent.headers.items() if k != name})), name
        assert refused(known, sent._replace(headers=sent.headers | {name: ""})), name


@each
def test_nothing_at_all_is_not_proven(known: Known) -> None:
    assert refused(known, Sent("POST", {}, {}, b""))


def flips(content: bytes) -> Iterator[bytes]:
    """The content with any one byte of it changed: in its lowest bit, which keeps ASCII what it is, and its highest."""
    for place, byte in enumerate(content):
        for bit in (0x01, 0x80):
            yield content[:place] + bytes([byte ^ bit]) + content[place + 1 :]


@each
def test_any_one_character_of_the_proof_changed_is_not_proven(known: Known) -> None:
    sent = sent_by(known)
    for name in known.signed:
        for flipped in flips(sent.headers[name].encode()):
            changed = sent._replace(headers=sent.headers | {name: flipped.decode("latin-1")})
            assert refused(known, changed, by=Adobe(a_key_at_its_path)), flipped


def a_key_at_its_path(path: str) -> bytes:
    if path != ADOBE_KEY_PATH:
        raise ValueError(path)
    return adobe_public_key()


@each_over_the_body
def test_any_one_byte_of_the_body_changed_is_not_proven(known: Known) -> None:
    sent, by = sent_by(known), sender(known.name)
    for flipped in flips(known.body):
        body = flipped
        if known.name == "qualtrics":  # what is signed lies in a form
            (signature,) = parse_qs(sent.body.decode())["HMAC"]
            body = f"HMAC={signature}&MSG={quote_plus(flipped)}".encode()
        assert refused(known, sent._replace(body=body), by=by), flipped
    for other in (b"", known.body[:-1], known.body + b" "):
        assert refused(known, sent._replace(body=other), by=by)


def test_any_one_byte_of_the_signature_of_qualtrics_changed_is_not_proven() -> None:
    known = a_sender("qualtrics")
    signature = hmac.digest(known.secret.encode(), known.body, "sha512").hex().encode()
    for flipped in flips(signature):
        assert refused(known, Sent("POST", {}, {}, b"HMAC=%b&MSG=%b" % (flipped, quote_plus(known.body).encode())))
    twice = b"HMAC=%b&MSG=%b&MSG=x" % (signature, quote_plus(known.body).encode())
    assert refused(known, Sent("POST", {}, {}, twice))


def test_any_one_byte_of_the_secret_or_the_organisation_of_salesforce_changed_is_not_proven() -> None:
    known = a_sender("salesforce")
    sent = sent_by(known)
    for flipped in flips(known.secret.encode()):
        assert refused(known, sent._replace(query={"secret": flipped.decode("latin-1")}))
    assert refused(known, sent._replace(query={}))
    organization = known.options["organizationId"].encode()
    for flipped in flips(organization):
        assert refused(known, sent._replace(body=sent.body.replace(organization, flipped)))


def a_sender(name: str) -> Known:
    return next(known for known in deliveries() if known.name == name)


@each_stamped
@pytest.mark.parametrize("way", [-1, 1])
def test_a_moment_over_five_minutes_away_is_refused_both_ways(known: Known, way: int) -> None:
    sent = sent_by(known)
    verify(known, sent, now=NOW + way * 300)
    assert refused(known, sent, now=NOW + way * 301)


@each_by_secret
def test_proofs_are_compared_in_constant_time(known: Known, monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[tuple[Any, Any]] = []
    real = hmac.compare_digest

    def watched(given: Any, expected: Any) -> bool:
        compared.append((given, expected))
        return real(given, expected)

    monkeypatch.setattr(hmac, "compare_digest", watched)
    assert refused(known, sent_by(known), secrets=(known.other_secret, "whsec_AAAA"))
    assert len(compared) >= 2
    compared.clear()
    verify(known, sent_by(known), secrets=(known.secret, known.other_secret))
    assert len(compared) >= 2  # with every secret, also after one that fits


# -- one by one --------------------------------------------------------------------------------------------------------


def test_svix_signs_with_headers_of_its_own() -> None:
    known = a_sender("standard")
    signature = svix.Webhook(known.secret).sign("msg_1", datetime.fromtimestamp(NOW, UTC), known.body.decode())
    headers = {"svix-id": "msg_1", "svix-timestamp": str(int(NOW)), "svix-signature": signature}
    verify(known, Sent("POST", headers, {}, known.body))
    assert refused(known, Sent("POST", headers | {"svix-id": "msg_2"}, {}, known.body))


def test_any_signature_of_a_list_may_match() -> None:
    known = a_sender("standard")
    sent = sent_by(known)
    good = sent.headers["Webhook-Signature"]
    for listed in (f"v1,junk {good}", f"{good} v2,other", f"v1a,junk {good} v1,"):
        verify(known, sent._replace(headers=sent.headers | {"Webhook-Signature": listed}))
    for listed in (f"v2,{good[3:]}", good[3:], f"v1, {good[3:]}", "v1,", "v1"):
        assert refused(known, sent._replace(headers=sent.headers | {"Webhook-Signature": listed}))


def test_a_secret_that_is_no_key_proves_nothing_and_does_not_stop_the_other() -> None:
    known = a_sender("standard")
    for junk in ("whsec_not base64!", "whsec_\u00fc", "whpk_junk", "whsec_", "whsec_===="):
        verify(known, sent_by(known), secrets=(junk, known.secret))
        assert refused(known, sent_by(known), secrets=(junk,))


def test_an_empty_key_proves_nothing() -> None:
    known = a_sender("standard")
    sent = sent_by(known)
    forged = base64.b64encode(hmac.digest(b"", f"msg_1.{int(NOW)}.".encode() + known.body, "sha256")).decode()
    headers = sent.headers | {"Webhook-Signature": f"v1,{forged}"}
    for empty in ("whsec_", "whsec_====", "=="):
        assert refused(known, sent._replace(headers=headers), secrets=(empty,))


def test_a_key_may_be_written_without_its_padding() -> None:
    known = a_sender("standard")
    secret = "whsec_" + base64.b64encode(b"a key of 25 bytes, padded").decode()
    assert secret.endswith("==")
    verify(known, sent_by(known, secret=secret), secrets=(secret.rstrip("="),))


def test_an_ed25519_signature_proves_with_the_public_key_as_the_secret() -> None:
    known, key, other = a_sender("standard"), Ed25519PrivateKey.generate(), Ed25519PrivateKey.generate()
    signature = base64.b64encode(key.sign(f"msg_1.{int(NOW)}.".encode() + known.body)).decode()
    sent = sent_by(known)
    sent = sent._replace(headers=sent.headers | {"Webhook-Signature": f"v1a,{signature}"})
    public = ["whpk_" + base64.b64encode(one.public_key().public_bytes_raw()).decode() for one in (key, other)]
    verify(known, sent, secrets=(public[0],))
    verify(known, sent, secrets=(public[1], public[0]))
    assert refused(known, sent, secrets=(public[1],))
    assert refused(known, sent, secrets=(known.secret,))
    assert refused(known, sent._replace(body=known.body + b" "), secrets=(public[0],))
    for flipped in flips(signature.encode()):
        headers = sent.headers | {"Webhook-Signature": f"v1a,{flipped.decode('latin-1')}"}
        assert refused(known, sent._replace(headers=headers), secrets=(public[0],))
    symmetric = hmac.digest(key.public_key().public_bytes_raw(), f"msg_1.{int(NOW)}.".encode() + known.body, "sha256")
    headers = sent.headers | {"Webhook-Signature": f"v1,{base64.b64encode(symmetric).decode()}"}
    assert refused(known, sent._replace(headers=headers), secrets=(public[0],))  # everybody knows a public key


def test_stripe_lists_signatures_and_only_v1_counts() -> None:
    known = a_sender("stripe")
    sent = sent_by(known)
    stamp, good = sent.headers["Stripe-Signature"].split(",")
    for header in (f"{stamp},v1=junk,{good}", f"{stamp},{good},v0=junk", f"{good},{stamp}"):
        verify(known, sent._replace(headers={"Stripe-Signature": header}))
    for header in (f"{stamp},{good.replace('v1', 'v0')}", good, stamp, f"{stamp},{stamp},{good}", f"t=,{good}"):
        assert refused(known, sent._replace(headers={"Stripe-Signature": header}))


def test_the_public_address_is_signed_by_hubspot() -> None:
    known = a_sender("hubspot")
    assert refused(known, sent_by(known), uri=URL.replace("/prod", ""))
    assert refused(known, sent_by(known)._replace(method="PUT"))


@pytest.mark.parametrize(
    ("query", "written"),
    [
        ({"team": "sales"}, "team=sales"),
        ({"team": "sales", "empty": ""}, "team=sales&empty="),
        ({"to": "a b&c=d%ü"}, "to=a%20b%26c%3Dd%25%C3%BC"),
        ({"to": "https://x.example/?a@b!$'()*,;"}, "to=https://x.example/?a@b!$'()*,;"),  # as HubSpot lists them
    ],
)
def test_the_query_of_the_address_is_signed_by_hubspot(query: dict[str, str], written: str) -> None:
    known = a_sender("hubspot")
    sent = known.deliver(url=f"{URL}?{written}", now=NOW)
    verify(known, sent._replace(query=query))
    assert refused(known, sent)
    assert refused(known, sent_by(known)._replace(query=query))


def test_a_delivery_id_that_shopify_does_not_sign_changes_nothing() -> None:
    known = a_sender("shopify")
    sent = sent_by(known)
    verify(known, sent._replace(headers=sent.headers | {"X-Shopify-Webhook-Id": "another"}))


@pytest.mark.parametrize(
    ("header", "proven"),
    [
        ("Basic " + base64.b64encode(b"journeys:correct horse").decode(), True),
        ("Bearer journeys:correct horse", True),
        ("Basic " + base64.b64encode(b"journeys:").decode(), False),
        ("Basic " + base64.b64encode(b":correct horse").decode(), False),
        ("Bearer ", False),
        ("journeys:correct horse", False),
    ],
)
def test_servicenow_sends_a_password_or_a_token(header: str, proven: bool) -> None:
    known = a_sender("servicenow")
    assert refused(known, Sent("POST", {"Authorization": header}, {}, known.body)) is not proven


def test_servicenow_may_sign_instead_and_then_a_password_is_not_enough() -> None:
    known = a_sender("servicenow")
    signature = hmac.new(known.secret.encode(), known.body, hashlib.sha256).hexdigest()
    options = {"header": "X-Signed"}
    for headers, proven in (
        ({"x-signed": signature}, True),
        ({"authorization": "Bearer " + known.secret}, False),
        ({"x-signed": signature.upper()}, False),
    ):
        delivery = Delivery("POST", headers, {}, known.body, URL, NOW)
        if proven:
            SENDERS["servicenow"].verify(delivery, (known.secret,), options)
        else:
            with pytest.raises(NotProven):
                SENDERS["servicenow"].verify(delivery, (known.secret,), options)


ENCODE: dict[str, Callable[[bytes], str]] = {"hex": bytes.hex, "base64": lambda raw: base64.b64encode(raw).decode()}


@pytest.mark.parametrize("algorithm", ["sha1", "sha256", "sha384", "sha512"])
@pytest.mark.parametrize("encoding", ["hex", "base64"])
@pytest.mark.parametrize("prefix", ["", "sha="])
def test_any_header_algorithm_encoding_and_prefix_can_be_configured(algorithm: str, encoding: str, prefix: str) -> None:
    body = "Zwölf".encode()
    options = {"header": "X-My-Signature", "algorithm": algorithm, "encoding": encoding}
    options |= {"prefix": prefix} if prefix else {}
    SENDERS["hmac"].check_options(options)
    signature = prefix + ENCODE[encoding](hmac.digest(b"a secret", body, algorithm))
    delivery = Delivery("POST", {"x-my-signature": signature}, {}, body, URL, NOW)
    SENDERS["hmac"].verify(delivery, ("a secret",), options)
    with pytest.raises(NotProven):
        SENDERS["hmac"].verify(delivery, ("another",), options)


@pytest.mark.parametrize(
    ("name", "options", "field"),
    [
        ("hmac", {}, "options.header"),
        ("hmac", {"header": "X", "algorithm": "md5"}, "options.algorithm"),
        ("hmac", {"header": "X", "encoding": "utf-8"}, "options.encoding"),
        ("hmac", {"header": ""}, "options.header"),
        ("hmac", {"header": 1}, "options.header"),
        ("adobe", {}, "options.clientId"),
        ("salesforce", {}, "options.organizationId"),
        ("github", {"header": "X"}, "options.header"),
    ],
)
def test_options_that_do_not_suit_the_sender_are_refused_by_name(
    name: str, options: dict[str, Any], field: str
) -> None:
    with pytest.raises(BadRequest) as refusal:
        SENDERS[name].check_options(options)
    assert [detail.field_name for detail in refusal.value.details] == [field]


@each
def test_the_options_of_every_known_sender_are_accepted(known: Known) -> None:
    SENDERS[known.name].check_options(known.options)
