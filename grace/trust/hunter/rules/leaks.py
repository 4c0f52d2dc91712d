"""Secrets and card numbers that slipped into text.

A finding shows the first characters only, never the secret.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from math import log2

from grace.trust.hunter.rules.findings import Finding, Severity
from grace.trust.hunter.rules.reading import Field

_PER_CODE = 5
_ADVICE = "Revoke it where it was issued, keep the new one in the vault, and remove it from the text."


@dataclass(frozen=True, slots=True)
class _Shape:
    """How one issuer's secrets look; the first group, or else the whole match, is the secret."""

    what: str
    pattern: re.Pattern[str]
    severity: Severity = Severity.CRITICAL


_SHAPES = (
    _Shape("a live Stripe key", re.compile(r"\b[rs]k_live_[A-Za-z0-9]{10,250}")),
    _Shape("a test Stripe key", re.compile(r"\b[rs]k_test_[A-Za-z0-9]{10,250}"), Severity.MEDIUM),
    _Shape("a webhook signing secret", re.compile(r"\bwhsec_[A-Za-z0-9+/=]{16,250}"), Severity.HIGH),
    _Shape("a Razorpay key", re.compile(r"\brzp_live_[A-Za-z0-9]{10,100}"), Severity.HIGH),
    _Shape("an AWS access key", re.compile(r"\b(?:AKIA|ASIA)[A-Z2-7]{16}\b")),
    _Shape("a Google API key", re.compile(r"\bAIza[\w-]{35}")),
    _Shape("a GitHub token", re.compile(r"\b(?:gh[pousr]_[A-Za-z0-9]{30,250}|github_pat_[A-Za-z0-9_]{40,250})")),
    _Shape("a GitLab token", re.compile(r"\bglpat-[\w-]{20,100}")),
    _Shape("a Slack token", re.compile(r"\bxox[abeprs]-[A-Za-z0-9-]{10,250}")),
    _Shape("a SendGrid key", re.compile(r"\bSG\.[\w-]{16,64}\.[\w-]{16,64}")),
    _Shape("an AI provider's key", re.compile(r"\bsk-(?:proj-|ant-|svcacct-)?[A-Za-z0-9_-]{24,250}")),
    _Shape("an npm or PyPI token", re.compile(r"\b(?:npm_[A-Za-z0-9]{30,100}|pypi-[\w-]{40,250})")),
    _Shape("a key of this system", re.compile(r"\bgrc_[a-z0-9-]{1,63}_[A-Za-z0-9_-]{20,250}")),
    _Shape("a private key", re.compile(r"-----BEGIN (?:[A-Z]{2,12} ){0,3}PRIVATE KEY(?: BLOCK)?-----")),
    _Shape(
        "a signed token",
        re.compile(r"\beyJ[\w-]{10,2000}\.eyJ[\w-]{10,4000}\.[\w-]{10,1000}"),
        Severity.HIGH,
    ),
    _Shape(
        "a password inside an address",
        re.compile(r"\b[a-z][a-z0-9+]{1,20}://[^\s:/@<>\"']{1,100}:([^\s:/@<>\"'*]{3,200})@[\w.-]{1,253}"),
        Severity.HIGH,
    ),
)
_ASSIGNED = re.compile(
    r"(?:password|passwd|passwort|pwd|secret|api[_ -]?key|access[_ -]?key|auth[_ -]?token|client[_ -]?secret)"
    r"[\"']?\s{0,3}[:=]\s{0,3}[\"']?([^\s\"'<>,;]{8,200})",
    re.IGNORECASE,
)
_CARD = re.compile(
    r"(?<![\w.,-])(?:[3-6]\d{3}[ -]?\d{4}[ -]?\d{4}[ -]?\d{1,7}|3[47]\d{2}[ -]?\d{6}[ -]?\d{5})(?![\w-])"
)
_CARD_START = re.compile(r"4|5[1-5]|2[2-7]|3[47]|6011|65|60|81|82|508|35(?:2[89]|[3-8])")
_CARD_LENGTHS = (15, 16, 19)


def check_secrets(field: Field) -> Iterator[Finding]:
    """Secrets, passwords written out, and card numbers of one field."""
    taken: list[tuple[int, int]] = []
    for shape in _SHAPES:
        for count, match in enumerate(shape.pattern.finditer(field.text)):
            if count >= _PER_CODE:
                break
            span = match.span(match.re.groups)
            taken.append(span)
            why = f"This looks like {shape.what}; whoever reads the text can use it."
            yield _finding(field, span, "secret_key", shape.severity, why, _ADVICE)
    for count, match in enumerate(_ASSIGNED.finditer(field.text)):
        if count >= 50:
            break
        span = match.span(1)
        known = any(start <= span[0] < end for start, end in taken)
        if not known and _looks_random(match[1]):
            why = "A password or key is written out in the text."
            yield _finding(field, span, "secret_password", Severity.HIGH, why, _ADVICE)
    yield from _cards(field)


def _cards(field: Field) -> Iterator[Finding]:
    found = 0
    for match in _CARD.finditer(field.text):
        digits = re.sub(r"\D", "", match[0])
        if len(digits) in _CARD_LENGTHS and _CARD_START.match(digits) and _luhn(digits):
            why = "This looks like a payment card's number, which must never be stored here."
            advice = "Remove it and send the client a pay link instead."
            yield _finding(field, match.span(), "secret_card", Severity.HIGH, why, advice)
            found += 1
            if found >= _PER_CODE:
                return


def _luhn(digits: str) -> bool:
    total = 0
    for place, char in enumerate(reversed(digits)):
        value = int(char) * (2 if place % 2 else 1)
        total += value - 9 if value > 9 else value
    return total % 10 == 0


def _looks_random(text: str) -> bool:
    """Whether it is a value rather than a word or a blank: mixed kinds of characters and enough disorder."""
    if re.search(r"[*•xX]{4}|\.{3}|^[<{$\[(]", text) or "://" in text:
        return False
    kinds = sum(bool(re.search(kind, text)) for kind in (r"[a-z]", r"[A-Z]", r"\d", r"[^\w]"))
    counts = [text.count(char) / len(text) for char in set(text)]
    return kinds >= 2 and bool(re.search(r"\d|[^\w.]", text)) and -sum(p * log2(p) for p in counts) >= 2.5


def _finding(field: Field, span: tuple[int, int], code: str, severity: Severity, why: str, advice: str) -> Finding:
    secret = field.text[slice(*span)]
    shown = "".join(
        char if char.isascii() and char.isprintable() else "?" for char in secret[: min(4, len(secret) // 3)]
    )
    return Finding(code, severity, field.name, *span, f"{shown}… ({len(secret)} characters, hidden)", why, advice)
