"""The bytes that are hashed, format version 1 (`docs/audit-format.md`): they never change."""

import json
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any, NamedTuple

VERSION = 1
SALT_BYTES = 32

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class Header(NamedTuple):
    """What stays for ever. `principal_owner` is empty when nobody owns the principal."""

    at: datetime
    recorded_at: datetime
    principal_kind: str
    principal_id: str
    principal_owner: str
    action: str
    subject_kind: str
    subject_id: str
    request_id: str


def header_bytes(header: Header) -> bytes:
    """The version byte, then each field as a 32-bit big-endian length and its bytes; injective."""
    parts = [bytes([VERSION])]
    for field in header:
        value = _time_bytes(field) if isinstance(field, datetime) else field.encode()
        parts.append(len(value).to_bytes(4))
        parts.append(value)
    return b"".join(parts)


def payload_bytes(*, reason: str | None, before: Any, after: Any) -> bytes:
    """JSON in UTF-8 with sorted keys and no white space; half a surrogate pair is written as its escape."""
    payload = {"reason": reason, "before": before, "after": after}
    text = json.dumps(payload, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return text.encode("utf-8", "backslashreplace")


def commitment(salt: bytes, payload: bytes) -> bytes:
    """What the leaf holds of the payload: without the salt it tells nothing about it."""
    return sha256(salt + payload).digest()


def leaf_hash(header: bytes, commitment: bytes) -> bytes:
    """The RFC 6962 hash of the entry's leaf: the header followed by the commitment."""
    return sha256(b"\x00" + header + commitment).digest()


def _time_bytes(at: datetime) -> bytes:
    return ((at - _EPOCH) // _MICROSECOND).to_bytes(8, signed=True)
