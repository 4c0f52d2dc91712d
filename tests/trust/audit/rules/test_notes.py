"""Checkpoints are C2SP signed notes: key ids, signatures and form."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grace.trust.audit.rules.notes import (
    MalformedNote,
    Signer,
    key_id,
    parse_checkpoint,
    split_notes,
    verifier_key,
)

SIGNER = Signer("grace/main", b"\x07" * 32)
ROOT = bytes(range(32))


def test_key_id_of_a_public_log() -> None:
    """The Go checksum database publishes its key in the same form."""
    published = "sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8"
    name, mark, key = published.split("+", 2)
    public = base64.b64decode(key)[1:]
    assert key_id(name, public).hex() == mark
    assert verifier_key(name, public) == published


@given(st.integers(0, 2**63), st.binary(min_size=32, max_size=32))
def test_what_is_signed_can_be_read_and_verified(size: int, root: bytes) -> None:
    note = parse_checkpoint(SIGNER.checkpoint(size, root))
    assert (note.origin, note.size, note.root) == ("grace/main", size, root)
    assert note.is_signed_by("grace/main", SIGNER.public_key)


def test_the_form() -> None:
    lines = SIGNER.checkpoint(3, ROOT).split("\n")
    assert lines[:4] == ["grace/main", "3", base64.b64encode(ROOT).decode(), ""]
    assert lines[4].startswith("— grace/main ")
    assert len(base64.b64decode(lines[4].split(" ")[2])) == 4 + 64
    assert lines[5:] == [""]


def test_other_keys_and_names_have_not_signed() -> None:
    note = parse_checkpoint(SIGNER.checkpoint(3, ROOT))
    other = Signer("grace/main", b"\x08" * 32)
    assert not note.is_signed_by("grace/main", other.public_key)
    assert not note.is_signed_by("grace/other", SIGNER.public_key)


def test_every_changed_character_is_found() -> None:
    text = SIGNER.checkpoint(31, ROOT)
    for at, character in enumerate(text):
        changed = text[:at] + ("A" if character != "A" else "B") + text[at + 1 :]
        try:
            note = parse_checkpoint(changed)
        except MalformedNote:
            continue
        # The last base64 character of a signature carries bits that mean nothing.
        same = (note.text, note.signatures) == (parse_checkpoint(text).text, parse_checkpoint(text).signatures)
        assert same or not note.is_signed_by("grace/main", SIGNER.public_key)


def test_further_signatures_are_ignored() -> None:
    """A witness may have signed the same note."""
    witness = Signer("witness.example", b"\x09" * 32)
    signed = SIGNER.checkpoint(3, ROOT)
    text = signed[: signed.index("\n\n") + 1]
    body = base64.b64encode(key_id(witness.origin, witness.public_key) + b"x" * 64).decode()
    note = parse_checkpoint(f"{signed}— witness.example {body}\n")
    assert note.is_signed_by("grace/main", SIGNER.public_key)
    assert not note.is_signed_by(witness.origin, witness.public_key)
    assert note.text.decode() == text


@pytest.mark.parametrize(
    "text",
    [
        "", "\n\n", "grace/main\n3\n", "grace/main\n3\nAAAA\n\n— a b\n", "a\n03\n{root}\n\n— a {sig}\n",
        "a\n-3\n{root}\n\n— a {sig}\n", "a\n3\n{root}\n\n- a {sig}\n", "a\n3\n{root}\n\n— a {sig}",
        "\n3\n{root}\n\n— a {sig}\n",
        "a\n3\n{root}\n\n— a AAAA\n", "a\n3\n{root}!\n\n— a {sig}\n", "a\n" + "9" * 5000 + "\n{root}\n\n— a {sig}\n",
    ],
)  # fmt: skip
def test_what_is_no_checkpoint(text: str) -> None:
    filled = text.replace("{root}", base64.b64encode(ROOT).decode()).replace("{sig}", "A" * 12)
    with pytest.raises(MalformedNote):
        parse_checkpoint(filled)


def test_a_file_of_notes_is_split() -> None:
    notes = [SIGNER.checkpoint(size, ROOT) for size in (1, 2, 3)]
    assert split_notes("".join(f"{note}\n" for note in notes)) == notes
    assert split_notes(notes[0]) == notes[:1]
    torn = "".join(f"{note}\n" for note in notes) + notes[0][:20]
    assert split_notes(torn) == [*notes, notes[0][:20]]
    assert split_notes("") == []
