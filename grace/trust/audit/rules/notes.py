"""Checkpoints: C2SP signed notes (c2sp.org/tlog-checkpoint, c2sp.org/signed-note) with Ed25519."""

import base64
import binascii
from dataclasses import dataclass
from hashlib import sha256

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

_ED25519 = b"\x01"
_DASH = "\u2014 "


class MalformedNote(ValueError):
    """The text is not a checkpoint; the message says why."""


@dataclass(frozen=True, slots=True)
class SignedCheckpoint:
    """A parsed checkpoint; nothing about its signatures is known before `is_signed_by`."""

    origin: str
    size: int
    root: bytes
    text: bytes
    signatures: tuple[tuple[str, bytes], ...]

    def is_signed_by(self, name: str, public_key: bytes) -> bool:
        """Whether every signature of that key is right and there is at least one."""
        mark = key_id(name, public_key)
        ours = [body[4:] for signer, body in self.signatures if signer == name and body[:4] == mark]
        key = Ed25519PublicKey.from_public_bytes(public_key)
        try:
            for signature in ours:
                key.verify(signature, self.text)
        except InvalidSignature:
            return False
        return bool(ours)


class Signer:
    """The log's name and its private key."""

    def __init__(self, origin: str, private_key: bytes) -> None:
        self.origin = origin
        self._key = Ed25519PrivateKey.from_private_bytes(private_key)
        self.public_key = self._key.public_key().public_bytes_raw()
        self._key_id = key_id(origin, self.public_key)

    def checkpoint(self, size: int, root: bytes) -> str:
        """The signed note for a tree head."""
        text = f"{self.origin}\n{size}\n{base64.b64encode(root).decode()}\n"
        signature = base64.b64encode(self._key_id + self._key.sign(text.encode())).decode()
        return f"{text}\n{_DASH}{self.origin} {signature}\n"

    def sign(self, statement: bytes) -> str:
        """A signature that stands beside what it signs: base64 of the key's id and the Ed25519 signature.

        The statement's first line says what it is, and is no checkpoint's origin.
        """
        return base64.b64encode(self._key_id + self._key.sign(statement)).decode()


def is_signed_by(statement: bytes, signature: str, *, name: str, public_key: bytes) -> bool:
    """Whether `signature` is what `Signer.sign` of that name and key gives for the statement."""
    try:
        body = base64.b64decode(signature, validate=True)
        Ed25519PublicKey.from_public_bytes(public_key).verify(body[4:], statement)
    except (binascii.Error, ValueError, InvalidSignature):
        return False
    return body[:4] == key_id(name, public_key)


def key_id(name: str, public_key: bytes) -> bytes:
    """Four bytes that tell which key of which name has signed."""
    return sha256(name.encode() + b"\n" + _ED25519 + public_key).digest()[:4]


def verifier_key(name: str, public_key: bytes) -> str:
    """The public key as text to give to others: name, key id, and key with its type."""
    return f"{name}+{key_id(name, public_key).hex()}+{base64.b64encode(_ED25519 + public_key).decode()}"


def parse_checkpoint(note: str) -> SignedCheckpoint:
    """Read one signed note; MalformedNote when it is not a checkpoint."""
    text, separator, signed = note.rpartition("\n\n")
    lines = text.split("\n")
    if not separator or len(lines) < 3 or not all(lines) or not signed.endswith("\n"):
        raise MalformedNote("a checkpoint is an origin, a size, a root, an empty line and signatures")
    if not (lines[1].isascii() and lines[1].isdigit()) or lines[1] != str(int(lines[1][:20])):
        raise MalformedNote("the second line of a checkpoint is the number of entries")
    root = _base64(lines[2])
    if len(root) != 32:
        raise MalformedNote("the third line of a checkpoint is a SHA-256 root")
    signatures = tuple(_signature(line) for line in signed[:-1].split("\n"))
    return SignedCheckpoint(lines[0], int(lines[1]), root, f"{text}\n".encode(), signatures)


def split_notes(text: str) -> list[str]:
    """The notes of a file in which each is followed by an empty line; what is left over comes last."""
    blocks = text.split("\n\n")
    notes = [f"{body}\n\n{signed}\n" for body, signed in zip(blocks[:-1:2], blocks[1:-1:2], strict=False)]
    rest = "\n\n".join(blocks[2 * len(notes) :])
    return [*notes, rest] if rest.strip() else notes


def _signature(line: str) -> tuple[str, bytes]:
    name, _, body = line.removeprefix(_DASH).partition(" ")
    signature = _base64(body)
    if not line.startswith(_DASH) or not name or len(signature) < 5:
        raise MalformedNote("a signature line is a dash, a name, and the key id with the signature in base64")
    return name, signature


def _base64(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise MalformedNote("a part of the checkpoint is not base64") from error
