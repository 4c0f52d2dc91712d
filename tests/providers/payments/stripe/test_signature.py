"""The signature against the SDK's own: right, altered, late, with several secrets."""

import time

import pytest
import stripe

from grace.providers.payments.stripe.signature import verified_by

SECRETS = ["whsec_one", "whsec_two"]
PAYLOAD = '{"id": "evt_1", "größe": "ä"}'


def header(secret: str, *, at: int) -> str:
    return str(stripe.WebhookSignature.generate_signature_header(PAYLOAD, secret, timestamp=at))


@pytest.mark.parametrize("index", [0, 1])
def test_the_sdk_s_signature_verifies(index: int) -> None:
    now = int(time.time())
    given = header(SECRETS[index], at=now)
    stripe.WebhookSignature.verify_header(PAYLOAD, given, SECRETS[index], 300)
    assert verified_by(PAYLOAD.encode(), given, SECRETS, now=now) == index


def test_one_of_several_signatures_is_enough() -> None:
    given = header("whsec_one", at=100).replace(",v1=", f",v1={'0' * 64},v1=")
    assert verified_by(PAYLOAD.encode(), given, ["whsec_one"], now=100) == 0


@pytest.mark.parametrize(("now", "fits"), [(100, True), (400, True), (401, False), (-200, True), (-201, False)])
def test_the_tolerance_is_five_minutes(now: int, fits: bool) -> None:
    found = verified_by(PAYLOAD.encode(), header("whsec_one", at=100), ["whsec_one"], now=now)
    assert (found == 0) == fits


def test_a_changed_body_or_time_is_not_verified() -> None:
    given = header("whsec_one", at=100)
    assert verified_by(PAYLOAD.encode() + b" ", given, ["whsec_one"], now=100) is None
    assert verified_by(PAYLOAD.encode(), given.replace("t=100", "t=101"), ["whsec_one"], now=100) is None


@pytest.mark.parametrize("secret", ["", "  ", "\t"])
def test_an_empty_secret_verifies_nothing(secret: str) -> None:
    assert verified_by(PAYLOAD.encode(), header(secret, at=100), [secret], now=100) is None


@pytest.mark.parametrize("given", ["", ",", "t=,v1=", "t=100", "v1=x", "t=1e3,v1=x", "t=١٠٠,v1=x", "t=100,v1=\udc80"])
def test_malformed_headers_verify_nothing(given: str) -> None:
    assert verified_by(PAYLOAD.encode(), given, ["whsec_one"], now=100) is None
