"""Verification of signatures: published vectors, the senders' own libraries, and deliveries that were changed."""

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
from journeys.webhooks.delivery import Delivery, SignatureInvalid
from journeys.webhooks.senders.adobe import Adobe
from journeys.webhooks.senders.base import Sender
from journeys.webhooks.senders.registry import SENDERS
from tests.support.webhooks import ADOBE_KEY_PATH, SenderCase, Sent, adobe_public_key, sender_cases

URL = "https://api.example.com/prod/webhooks/endpoint-1"
NOW = 1738315800.0

each = pytest.mark.parametrize("case", sender_cases(), ids=lambda case: case.name)
each_by_secret = pytest.mark.parametrize(
    "case", [case for case in sender_cases() if case.name != "adobe"], ids=lambda case: case.name
)
each_over_the_body = pytest.mark.parametrize(
    "case", [case for case in sender_cases() if case.signs_body], ids=lambda case: case.name
)
each_stamped = pytest.mark.parametrize(
    "case", [case for case in sender_cases() if case.signs_time], ids=lambda case: case.name
)


def sender(name: str) -> Sender:
    return Adobe(fetch_key) if name == "adobe" else SENDERS[name]


def verify(
    case: SenderCase,
    sent: Sent,
    *,
    secrets: tuple[str, ...] | None = None,
    uri: str = URL,
    now: float = NOW,
    by: Sender | None = None,
) -> None:
    headers = {name.lower(): value for name, value in sent.headers.items()}
    delivery = Delivery(sent.method, headers, sent.query, sent.body, uri, now)
    (by or sender(case.name)).verify(delivery, (case.secret,) if secrets is None else secrets, case.options)


def refused(case: SenderCase, sent: Sent, **how: Any) -> bool:
    try:
        verify(case, sent, **how)
    except SignatureInvalid:
        return True
    return False


def deliver(case: SenderCase, **changes: Any) -> Sent:
    return case.deliver(url=URL, now=NOW, **changes)


def raw(name: str, secrets: tuple[str, ...], body: bytes, now: float = NOW, **headers: str) -> None:
    named = {header.replace("_", "-"): value for header, value in headers.items()}
    SENDERS[name].verify(Delivery("POST", named, {}, body, URL, now), secrets, {})


# -- vectors that senders publish --------------------------------------------------------------------------------------


def test_the_vector_that_github_publishes_is_valid() -> None:
    signature = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
    raw("github", ("It's a Secret to Everybody",), b"Hello, World!", x_hub_signature_256=signature)


def test_the_vector_that_standard_webhooks_publishes_is_valid() -> None:
    raw(
        "standard",
        ("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",),
        b'{"test": 2432232314}',
        1614265330,
        webhook_id="msg_p5jXN8AQM9LWM0D4loKWxJek",
        webhook_timestamp="1614265330",
        webhook_signature="v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    )


def test_the_vector_that_qualtrics_publishes_is_valid() -> None:
    message = (
        '{"Status":"Complete","SurveyID":"SV_1AmkKSDmoZ4XlQx","ResponseID":"R_0B7IcnXszjEUHLP",'
        '"CompletedDate":"2019-06-25 07:58:25","BrandID":"sapdevelopment"}'
    )
    signature = (
        "c2c585a404c239aa3063b462cc33551d3ed3ed2de0899f58d456fc0ef7ebef6f"
        "3c3af44957989bd0592603e41edde9528f7d9ed09ee128bf719aa12f46e5c598"
    )
    raw("qualtrics", ("kyma4ever",), urlencode({"Topic": "t", "HMAC": signature, "MSG": message}).encode())


# -- all senders -------------------------------------------------------------------------------------------------------


def test_every_sender_has_a_case() -> None:
    assert [case.name for case in sender_cases()] == list(SENDERS)


@each
def test_a_sample_delivery_is_valid(case: SenderCase) -> None:
    verify(case, deliver(case))


@each_by_secret
def test_the_current_and_the_previous_secret_are_valid_and_an_older_one_is_not(case: SenderCase) -> None:
    for secrets in ((case.secret, case.other_secret), (case.other_secret, case.secret)):
        verify(case, deliver(case), secrets=secrets)
    assert refused(case, deliver(case), secrets=(case.other_secret,))
    assert refused(case, deliver(case), secrets=())


@each
def test_a_delivery_without_any_one_signature_header_is_invalid(case: SenderCase) -> None:
    sent = deliver(case)
    for name in case.signature_headers:
        assert refused(case, sent._replace(headers={k: v for k, v in sent.headers.items() if k != name})), name
        assert refused(case, sent._replace(headers=sent.headers | {name: ""})), name


@each
def test_an_empty_request_is_invalid(case: SenderCase) -> None:
    assert refused(case, Sent("POST", {}, {}, b""))


def flips(content: bytes) -> Iterator[bytes]:
    """Yield the content with one bit of one byte changed: the lowest, which keeps it ASCII, and the highest."""
    for index, byte in enumerate(content):
        for bit in (0x01, 0x80):
            yield content[:index] + bytes([byte ^ bit]) + content[index + 1 :]


@each
def test_a_signature_with_one_changed_character_is_invalid(case: SenderCase) -> None:
    sent = deliver(case)
    for name in case.signature_headers:
        for flipped in flips(sent.headers[name].encode()):
            changed = sent._replace(headers=sent.headers | {name: flipped.decode("latin-1")})
            assert refused(case, changed, by=Adobe(fetch_key)), flipped


def fetch_key(path: str) -> bytes:
    if path != ADOBE_KEY_PATH:
        raise ValueError(path)
    return adobe_public_key()


@each_over_the_body
def test_a_body_with_one_changed_byte_is_invalid(case: SenderCase) -> None:
    sent, by = deliver(case), sender(case.name)
    for flipped in flips(case.body):
        body = flipped
        if case.name == "qualtrics":  # The signed part is a field of a form.
            (signature,) = parse_qs(sent.body.decode())["HMAC"]
            body = f"HMAC={signature}&MSG={quote_plus(flipped)}".encode()
        assert refused(case, sent._replace(body=body), by=by), flipped
    for other in (b"", case.body[:-1], case.body + b" "):
        assert refused(case, sent._replace(body=other), by=by)


def test_a_qualtrics_signature_with_one_changed_byte_is_invalid() -> None:
    case = case_of("qualtrics")
    signature = hmac.digest(case.secret.encode(), case.body, "sha512").hex().encode()
    for flipped in flips(signature):
        assert refused(case, Sent("POST", {}, {}, b"HMAC=%b&MSG=%b" % (flipped, quote_plus(case.body).encode())))
    twice = b"HMAC=%b&MSG=%b&MSG=x" % (signature, quote_plus(case.body).encode())
    assert refused(case, Sent("POST", {}, {}, twice))


def test_a_salesforce_secret_or_organization_with_one_changed_byte_is_invalid() -> None:
    case = case_of("salesforce")
    sent = deliver(case)
    for flipped in flips(case.secret.encode()):
        assert refused(case, sent._replace(query={"secret": flipped.decode("latin-1")}))
    assert refused(case, sent._replace(query={}))
    organization = case.options["organizationId"].encode()
    for flipped in flips(organization):
        assert refused(case, sent._replace(body=sent.body.replace(organization, flipped)))


def case_of(name: str) -> SenderCase:
    return next(case for case in sender_cases() if case.name == name)


@each_stamped
@pytest.mark.parametrize("way", [-1, 1])
def test_a_signed_time_more_than_five_minutes_away_is_invalid(case: SenderCase, way: int) -> None:
    sent = deliver(case)
    verify(case, sent, now=NOW + way * 300)
    assert refused(case, sent, now=NOW + way * 301)


@each_by_secret
def test_signatures_are_compared_in_constant_time(case: SenderCase, monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[tuple[Any, Any]] = []
    real = hmac.compare_digest

    def watched(signature: Any, expected: Any) -> bool:
        compared.append((signature, expected))
        return real(signature, expected)

    monkeypatch.setattr(hmac, "compare_digest", watched)
    assert refused(case, deliver(case), secrets=(case.other_secret, "whsec_AAAA"))
    assert len(compared) >= 2
    compared.clear()
    verify(case, deliver(case), secrets=(case.secret, case.other_secret))
    assert len(compared) >= 2  # Every secret is compared, even after a match.


# -- single senders ----------------------------------------------------------------------------------------------------


def test_svix_headers_are_accepted() -> None:
    case = case_of("standard")
    signature = svix.Webhook(case.secret).sign("msg_1", datetime.fromtimestamp(NOW, UTC), case.body.decode())
    headers = {"svix-id": "msg_1", "svix-timestamp": str(int(NOW)), "svix-signature": signature}
    verify(case, Sent("POST", headers, {}, case.body))
    assert refused(case, Sent("POST", headers | {"svix-id": "msg_2"}, {}, case.body))


def test_one_valid_signature_of_a_list_suffices() -> None:
    case = case_of("standard")
    sent = deliver(case)
    good = sent.headers["Webhook-Signature"]
    for listed in (f"v1,junk {good}", f"{good} v2,other", f"v1a,junk {good} v1,"):
        verify(case, sent._replace(headers=sent.headers | {"Webhook-Signature": listed}))
    for listed in (f"v2,{good[3:]}", good[3:], f"v1, {good[3:]}", "v1,", "v1"):
        assert refused(case, sent._replace(headers=sent.headers | {"Webhook-Signature": listed}))


def test_a_secret_that_is_not_a_key_is_ignored_and_the_other_secret_still_works() -> None:
    case = case_of("standard")
    for junk in ("whsec_not base64!", "whsec_\u00fc", "whpk_junk", "whsec_", "whsec_===="):
        verify(case, deliver(case), secrets=(junk, case.secret))
        assert refused(case, deliver(case), secrets=(junk,))


def test_an_empty_key_is_never_valid() -> None:
    case = case_of("standard")
    sent = deliver(case)
    forged = base64.b64encode(hmac.digest(b"", f"msg_1.{int(NOW)}.".encode() + case.body, "sha256")).decode()
    headers = sent.headers | {"Webhook-Signature": f"v1,{forged}"}
    for empty in ("whsec_", "whsec_====", "=="):
        assert refused(case, sent._replace(headers=headers), secrets=(empty,))


def test_a_key_can_be_written_without_padding() -> None:
    case = case_of("standard")
    secret = "whsec_" + base64.b64encode(b"a key of 25 bytes, padded").decode()
    assert secret.endswith("==")
    verify(case, deliver(case, secret=secret), secrets=(secret.rstrip("="),))


def test_an_ed25519_signature_is_valid_with_the_public_key_as_the_secret() -> None:
    case, key, other = case_of("standard"), Ed25519PrivateKey.generate(), Ed25519PrivateKey.generate()
    signature = base64.b64encode(key.sign(f"msg_1.{int(NOW)}.".encode() + case.body)).decode()
    sent = deliver(case)
    sent = sent._replace(headers=sent.headers | {"Webhook-Signature": f"v1a,{signature}"})
    public = ["whpk_" + base64.b64encode(one.public_key().public_bytes_raw()).decode() for one in (key, other)]
    verify(case, sent, secrets=(public[0],))
    verify(case, sent, secrets=(public[1], public[0]))
    assert refused(case, sent, secrets=(public[1],))
    assert refused(case, sent, secrets=(case.secret,))
    assert refused(case, sent._replace(body=case.body + b" "), secrets=(public[0],))
    for flipped in flips(signature.encode()):
        headers = sent.headers | {"Webhook-Signature": f"v1a,{flipped.decode('latin-1')}"}
        assert refused(case, sent._replace(headers=headers), secrets=(public[0],))
    symmetric = hmac.digest(key.public_key().public_bytes_raw(), f"msg_1.{int(NOW)}.".encode() + case.body, "sha256")
    headers = sent.headers | {"Webhook-Signature": f"v1,{base64.b64encode(symmetric).decode()}"}
    assert refused(case, sent._replace(headers=headers), secrets=(public[0],))  # A public key is not a secret.


def test_stripe_lists_signatures_of_which_only_v1_counts() -> None:
    case = case_of("stripe")
    sent = deliver(case)
    stamp, good = sent.headers["Stripe-Signature"].split(",")
    for header in (f"{stamp},v1=junk,{good}", f"{stamp},{good},v0=junk", f"{good},{stamp}"):
        verify(case, sent._replace(headers={"Stripe-Signature": header}))
    for header in (f"{stamp},{good.replace('v1', 'v0')}", good, stamp, f"{stamp},{stamp},{good}", f"t=,{good}"):
        assert refused(case, sent._replace(headers={"Stripe-Signature": header}))


def test_hubspot_signs_the_public_address_and_the_method() -> None:
    case = case_of("hubspot")
    assert refused(case, deliver(case), uri=URL.replace("/prod", ""))
    assert refused(case, deliver(case)._replace(method="PUT"))


@pytest.mark.parametrize(
    ("query", "written"),
    [
        ({"team": "sales"}, "team=sales"),
        ({"team": "sales", "empty": ""}, "team=sales&empty="),
        ({"to": "a b&c=d%ü"}, "to=a%20b%26c%3Dd%25%C3%BC"),
        (
            {"to": "https://x.example/?a@b!$'()*,;"},
            "to=https://x.example/?a@b!$'()*,;",
        ),  # The characters that HubSpot's documentation lists.
    ],
)
def test_hubspot_signs_the_query_of_the_address(query: dict[str, str], written: str) -> None:
    case = case_of("hubspot")
    sent = case.deliver(url=f"{URL}?{written}", now=NOW)
    verify(case, sent._replace(query=query))
    assert refused(case, sent)
    assert refused(case, deliver(case)._replace(query=query))


def test_shopify_does_not_sign_its_delivery_id() -> None:
    case = case_of("shopify")
    sent = deliver(case)
    verify(case, sent._replace(headers=sent.headers | {"X-Shopify-Webhook-Id": "another"}))


@pytest.mark.parametrize(
    ("header", "valid"),
    [
        ("Basic " + base64.b64encode(b"journeys:correct horse").decode(), True),
        ("Bearer journeys:correct horse", True),
        ("Basic " + base64.b64encode(b"journeys:").decode(), False),
        ("Basic " + base64.b64encode(b":correct horse").decode(), False),
        ("Bearer ", False),
        ("journeys:correct horse", False),
    ],
)
def test_servicenow_sends_a_password_or_a_token(header: str, valid: bool) -> None:
    case = case_of("servicenow")
    assert refused(case, Sent("POST", {"Authorization": header}, {}, case.body)) is not valid


def test_servicenow_can_sign_instead_and_then_a_password_does_not_suffice() -> None:
    case = case_of("servicenow")
    signature = hmac.new(case.secret.encode(), case.body, hashlib.sha256).hexdigest()
    options = {"header": "X-Signed"}
    for headers, valid in (
        ({"x-signed": signature}, True),
        ({"authorization": "Bearer " + case.secret}, False),
        ({"x-signed": signature.upper()}, False),
    ):
        delivery = Delivery("POST", headers, {}, case.body, URL, NOW)
        if valid:
            SENDERS["servicenow"].verify(delivery, (case.secret,), options)
        else:
            with pytest.raises(SignatureInvalid):
                SENDERS["servicenow"].verify(delivery, (case.secret,), options)


ENCODE: dict[str, Callable[[bytes], str]] = {"hex": bytes.hex, "base64": lambda raw: base64.b64encode(raw).decode()}


@pytest.mark.parametrize("algorithm", ["sha1", "sha256", "sha384", "sha512"])
@pytest.mark.parametrize("encoding", ["hex", "base64"])
@pytest.mark.parametrize("prefix", ["", "sha="])
def test_any_header_algorithm_encoding_and_prefix_can_be_configured(algorithm: str, encoding: str, prefix: str) -> None:
    body = "Zwölf".encode()
    options = {"header": "X-My-Signature", "algorithm": algorithm, "encoding": encoding}
    options |= {"prefix": prefix} if prefix else {}
    SENDERS["hmac"].validate_options(options)
    signature = prefix + ENCODE[encoding](hmac.digest(b"a secret", body, algorithm))
    delivery = Delivery("POST", {"x-my-signature": signature}, {}, body, URL, NOW)
    SENDERS["hmac"].verify(delivery, ("a secret",), options)
    with pytest.raises(SignatureInvalid):
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
def test_invalid_options_are_refused_and_named(name: str, options: dict[str, Any], field: str) -> None:
    with pytest.raises(BadRequest) as refusal:
        SENDERS[name].validate_options(options)
    assert [detail.field_name for detail in refusal.value.details] == [field]


@each
def test_the_options_of_every_case_are_accepted(case: SenderCase) -> None:
    SENDERS[case.name].validate_options(case.options)


@pytest.mark.parametrize(
    ("name", "options", "expected"),
    [
        ("github", {"header": "X"}, 'The option "header" is unknown to the sender github. This sender has no options.'),
        (
            "hmac",
            {"header": "X", "color": "red"},
            'The option "color" is unknown to the sender hmac. Use one of header, algorithm, encoding, prefix.',
        ),
        (
            "hmac",
            {"header": "X", "algorithm": "md5"},
            "options.algorithm is invalid. Use one of sha1, sha256, sha384, sha512.",
        ),
        ("hmac", {"header": 5}, "options.header is invalid. Use a string of 1 to 100 characters."),
        ("adobe", {}, "The sender adobe requires options.clientId."),
    ],
)
def test_a_message_about_an_option_names_it_and_what_is_allowed(
    name: str, options: dict[str, Any], expected: str
) -> None:
    with pytest.raises(BadRequest) as refusal:
        SENDERS[name].validate_options(options)
    assert refusal.value.message == expected
