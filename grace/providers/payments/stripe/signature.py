"""Stripe's webhook signatures: `t=…,v1=…`, an HMAC-SHA256 over time and raw body.

The SDK has this too; here it needs no import of the SDK on the way of every event, and takes several secrets.
"""

import hmac
from collections.abc import Sequence
from hashlib import sha256

TOLERANCE_S = 300
MAX_PARTS = 20


def verified_by(payload: bytes, signature: str, secrets: Sequence[str], *, now: float) -> int | None:
    """The index of the secret that signed; None for none, a malformed header, or a time out of tolerance.

    An empty secret verifies nothing. All comparisons take constant time.
    """
    time, given = _read(signature)
    if time is None or not given or abs(now - time) > TOLERANCE_S:
        return None
    signed = f"{time}.".encode() + payload
    found = None
    for index, secret in enumerate(secrets):
        if not secret.strip():
            continue
        expected = hmac.new(secret.encode(), signed, sha256).hexdigest().encode()
        if any(hmac.compare_digest(expected, one) for one in given) and found is None:
            found = index
    return found


def _read(signature: str) -> tuple[int | None, list[bytes]]:
    time: int | None = None
    given: list[bytes] = []
    for part in signature.split(",")[:MAX_PARTS]:
        name, _, value = part.strip().partition("=")
        if name == "t" and value.isascii() and value.isdigit() and len(value) <= 12:
            time = int(value)
        elif name == "v1":
            given.append(value.encode("utf-8", "surrogatepass"))
    return time, given
