"""The canonical bytes: nothing is lost in them, and no two things have the same."""

import json
from datetime import UTC, datetime, timedelta, timezone
from hashlib import sha256

from hypothesis import assume, given
from hypothesis import strategies as st

from grace.trust.audit.rules import canonical
from grace.trust.audit.rules.canonical import Header, header_bytes, payload_bytes

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
TIMES = st.datetimes(timezones=st.just(UTC))
HEADERS = st.builds(Header, TIMES, TIMES, TEXT, TEXT, TEXT, TEXT, TEXT, TEXT, TEXT)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=8,
)


def decode(data: bytes) -> Header:
    """A reader of the format, written from its description alone."""
    assert data[0] == 1
    fields, at = [], 1
    while at < len(data):
        length = int.from_bytes(data[at : at + 4], "big")
        fields.append(data[at + 4 : at + 4 + length])
        at += 4 + length
    times = [
        datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=int.from_bytes(field, "big", signed=True))
        for field in fields[:2]
    ]
    return Header(*times, *(field.decode() for field in fields[2:]))


@given(HEADERS)
def test_a_header_can_be_read_back(header: Header) -> None:
    data = header_bytes(header)
    assert decode(data) == canonical.read_header(data) == header


@given(HEADERS, st.data())
def test_bytes_that_are_no_header_are_refused(header: Header, data: st.DataObject) -> None:
    """Whatever is read as a header has exactly those bytes."""
    original = header_bytes(header)
    at = data.draw(st.integers(0, len(original) - 1))
    changed = original[:at] + data.draw(st.binary(max_size=3)) + original[at + data.draw(st.integers(0, 3)) :]
    try:
        read = canonical.read_header(changed)
    except ValueError:
        return
    assert header_bytes(read) == changed


@given(HEADERS, HEADERS)
def test_headers_that_differ_have_different_bytes(one: Header, other: Header) -> None:
    assert (header_bytes(one) == header_bytes(other)) == (one == other)


@given(HEADERS, st.integers(2, 7), st.integers(0, 8))
def test_text_cannot_move_between_neighbouring_fields(header: Header, field: int, cut: int) -> None:
    joined = header[field] + header[field + 1]
    moved = header._replace(**{header._fields[field]: joined[:cut], header._fields[field + 1]: joined[cut:]})
    assume(moved != header)
    assert header_bytes(moved) != header_bytes(header)


def test_a_time_is_the_same_moment_in_every_zone() -> None:
    at = datetime(2026, 11, 21, 12, tzinfo=UTC)
    elsewhere = at.astimezone(timezone(timedelta(hours=5, minutes=30)))
    rest = ("user", "u", "", "a", "k", "i", "r")
    assert header_bytes(Header(at, at, *rest)) == header_bytes(Header(elsewhere, elsewhere, *rest))


@given(st.none() | st.text(), VALUES, VALUES)
def test_a_payload_can_be_read_back(reason: str | None, before: object, after: object) -> None:
    data = payload_bytes(reason=reason, before=before, after=after)
    assert json.loads(data) == {"reason": reason, "before": before, "after": after}


@given(st.dictionaries(st.text(max_size=4), st.integers(), max_size=5))
def test_the_order_of_keys_does_not_matter(value: dict[str, int]) -> None:
    turned = dict(reversed(value.items()))
    assert payload_bytes(reason=None, before=None, after=value) == payload_bytes(reason=None, before=None, after=turned)


def test_half_a_surrogate_pair_does_not_stop_the_business() -> None:
    data = payload_bytes(reason="\ud800", before=None, after=None)
    assert data == b'{"after":null,"before":null,"reason":"\\ud800"}'


def test_hash_rules() -> None:
    assert canonical.commitment(b"s" * 32, b"{}") == sha256(b"s" * 32 + b"{}").digest()
    assert canonical.leaf_hash(b"header", b"c" * 32) == sha256(b"\x00header" + b"c" * 32).digest()
