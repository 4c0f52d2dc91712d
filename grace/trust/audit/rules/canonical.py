"""The bytes that are hashed, format version 1 (`docs/audit-format.md`): they never change."""

import json
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from struct import Struct
from typing import Any, NamedTuple

VERSION = 1
SALT_BYTES = 32

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_TIMES = Struct(">BIqIq")
_FIRST, _SECOND = bytes([VERSION, 0, 0, 0, 8]), bytes([0, 0, 0, 8])
_FROM_1970_TO_2000 = 946_684_800_000_000
_JSON = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


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
    at, recorded_at, *texts = header
    parts = [_TIMES.pack(VERSION, 8, _microseconds(at), 8, _microseconds(recorded_at))]
    for text in texts:
        value = text.encode()
        parts += (len(value).to_bytes(4), value)
    return b"".join(parts)


def read_header(data: bytes) -> Header:
    """The header of these bytes; ValueError when they are not one of version 1."""
    if data[:1] != bytes([VERSION]):
        raise ValueError("the header is of another version")
    fields, start = [], 1
    while start < len(data):
        end = start + 4 + int.from_bytes(data[start : start + 4])
        if end > len(data):
            raise ValueError("the header is cut short")
        fields.append(data[start + 4 : end])
        start = end
    if len(fields) != len(Header._fields) or len(fields[0]) != 8 or len(fields[1]) != 8:
        raise ValueError("the header has not the fields of its version")
    at, recorded_at, *texts = fields
    return Header(_time(at), _time(recorded_at), *(text.decode() for text in texts))


def searched(data: bytes) -> list[object]:
    """What the columns beside a header repeat: the time (in bytes, microseconds since 2000), principal id, action,
    subject kind and id. Empty when it is not a header; so read, a million take seconds."""
    if len(data) < _TIMES.size or data[:5] != _FIRST or data[13:17] != _SECOND:
        return []
    texts, start = [], _TIMES.size
    for _ in range(7):
        end = start + 4 + int.from_bytes(data[start : start + 4])
        texts.append(data[start + 4 : end])
        start = end
    if start != len(data):
        return []
    at = int.from_bytes(data[5:13], signed=True) - _FROM_1970_TO_2000
    if not -(1 << 63) <= at < 1 << 63:
        return []
    try:
        return [at.to_bytes(8, signed=True), *(texts[n].decode() for n in (1, 3, 4, 5))]
    except UnicodeDecodeError:
        return []


def payload_bytes(*, reason: str | None, before: Any, after: Any) -> bytes:
    """JSON in UTF-8 with sorted keys and no white space; half a surrogate pair is written as its escape."""
    return _JSON.encode({"after": after, "before": before, "reason": reason}).encode("utf-8", "backslashreplace")


def commitment(salt: bytes, payload: bytes) -> bytes:
    """What the leaf holds of the payload: without the salt it tells nothing about it."""
    return sha256(salt + payload).digest()


def leaf_hash(header: bytes, commitment: bytes) -> bytes:
    """The RFC 6962 hash of the entry's leaf: the header followed by the commitment."""
    return sha256(b"\x00" + header + commitment).digest()


def _time(data: bytes) -> datetime:
    try:
        return _EPOCH + int.from_bytes(data, signed=True) * _MICROSECOND
    except OverflowError as error:
        raise ValueError("the header has a time outside the calendar") from error


def _microseconds(at: datetime) -> int:
    return (at - _EPOCH) // _MICROSECOND
