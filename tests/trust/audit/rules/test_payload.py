"""What enters a payload: plain values, never a secret."""

from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import StrEnum
from uuid import UUID

import pytest

from grace.trust.audit.rules.payload import REDACTED, change, is_secret_name, plain, redact_text


@pytest.mark.parametrize(
    "name",
    [
        "client_secret", "api_key", "apiKey", "API-Key", "apikey", "password", "new_password", "password_hash",
        "token", "accessToken", "refresh_token", "token_hash", "secret", "webhook_secret", "secret_value",
        "private_key", "signing_key", "Authorization", "cookie", "session_cookie", "credentials", "totp", "cvc",
        "card_number", "passphrase", "oauth_token", "x-api-key", "stripe.secret.key",
    ],
)  # fmt: skip
def test_named_like_a_secret(name: str) -> None:
    assert is_secret_name(name)
    assert plain({"outer": [{name: "hunter2"}]}) == {"outer": [{name: REDACTED}]}
    assert plain({name: {"a": 1}}) == {name: REDACTED}
    assert plain({name: 1234}) == {name: REDACTED}
    assert plain({name: None}) == {name: None}


@pytest.mark.parametrize(
    "name",
    ["api_key_id", "token_expires_at", "secret_type", "token_count", "idempotency_key", "public_key", "status",
     "pinned", "keyboard", "tokenized", "password_changed_at", "monkey", "hotpink"],
)  # fmt: skip
def test_named_like_something_else(name: str) -> None:
    assert not is_secret_name(name)
    assert plain({name: "x"}) == {name: "x"}


@pytest.mark.parametrize(
    "secret",
    [
        "sk_live_4eC39HqLyjWDarjtT1zdp7dc", "rk_test_4eC39HqLyjWD",
        "whsec_abcdefghijkl", "grc_main_0123456789abcdefXYZ",
        "pi_3Abc_secret_Xyz123", "eyJhbGciOiJIUzI1.eyJzdWIiOiIxMjM0.SflKxwRJSMeKKF2QT4", "Bearer abcdef0123456789",
        "-----BEGIN PRIVATE KEY-----\nMIIE\n-----END PRIVATE KEY-----", "-----BEGIN RSA PRIVATE KEY-----\nMIIE",
    ],
)  # fmt: skip
def test_a_secret_in_free_text(secret: str) -> None:
    assert redact_text(f"used {secret} today") in (f"used {REDACTED} today", f"used {REDACTED}")
    assert secret not in str(plain({"note": [f"a {secret} b"]}))


class Status(StrEnum):
    PAID = "paid"


@dataclass(frozen=True, slots=True)
class Row:
    id: str
    amount_minor: int
    rate: Decimal
    status: Status
    at: datetime
    day: date
    ref: UUID
    tags: frozenset[str]
    digest: bytes
    client_secret: str
    ready: bool = True


def test_a_row_becomes_plain() -> None:
    row = Row(
        "in_1", 1500, Decimal("1.50"), Status.PAID, datetime(2026, 1, 2, 3, 4, 5, 6, UTC), date(2026, 1, 2),
        UUID(int=1), frozenset({"b", "a"}), b"\x00", "pi_1_secret_2",
    )  # fmt: skip
    assert plain(row) == {
        "id": "in_1",
        "amount_minor": 1500,
        "rate": "1.50",
        "status": "paid",
        "at": "2026-01-02T03:04:05.000006Z",
        "day": "2026-01-02",
        "ref": "00000000-0000-0000-0000-000000000001",
        "tags": ["a", "b"],
        "digest": REDACTED,
        "client_secret": REDACTED,
        "ready": True,
    }


def test_what_has_no_form_is_refused() -> None:
    with pytest.raises(TypeError, match="object has no form"):
        plain({"a": object()})
    with pytest.raises(TypeError, match="keys"):
        plain({1: "a"})
    deep: list[object] = []
    for _ in range(40):
        deep = [deep]
    with pytest.raises(ValueError, match="deeply"):
        plain(deep)


@dataclass(frozen=True)
class _Invoice:
    state: str
    total: Decimal
    api_key: str


def test_a_change_holds_what_differs() -> None:
    draft, issued = _Invoice("draft", Decimal("1.50"), "old"), _Invoice("issued", Decimal("1.50"), "new")
    assert change(draft, issued) == (
        {"state": "draft", "api_key": REDACTED},
        {"state": "issued", "api_key": REDACTED},
    )
    assert change(issued, issued) == ({}, {})


def test_what_is_no_change_of_one_thing_is_whole() -> None:
    issued = _Invoice("issued", Decimal("1.50"), "key")
    whole = {"state": "issued", "total": "1.50", "api_key": REDACTED}
    assert change(None, issued) == (None, whole)
    assert change(issued, None) == (whole, None)
    assert change({"state": "issued"}, issued) == ({"state": "issued"}, whole)
    assert change({"terms": "sha", "signed": False}, {"terms": "sha", "signed": True}) == (
        {"terms": "sha", "signed": False},
        {"terms": "sha", "signed": True},
    )
