"""Small logs and exports made in memory from the specification's rules, with what it takes to tamper with them."""

import os
from base64 import b64encode
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

from grace.trust.audit.rules import canonical, merkle
from grace.trust.audit.rules.notes import Signer, verifier_key

PROGRAM = Path(__file__).parents[3] / "docs" / "verify.py"
START = datetime(2026, 11, 1, 12, tzinfo=UTC)


@cache
def program() -> ModuleType:
    """The stand-alone verifier."""
    spec = spec_from_file_location("verify", PROGRAM)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@dataclass
class Sealed:
    """An entry of a log in memory."""

    header: bytes
    commitment: bytes
    salt: bytes | None
    payload: bytes | None

    @property
    def leaf_hash(self) -> bytes:
        return canonical.leaf_hash(self.header, self.commitment)


@dataclass
class MemoryLog:
    """A log that is sealed in memory, every `every` entries and at its end."""

    every: int = 5
    signer: Signer = field(default_factory=lambda: Signer("grace/main", os.urandom(32)))
    entries: list[Sealed] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def key(self) -> str:
        return verifier_key(self.signer.origin, self.signer.public_key)

    def record(self, action: str, subject: tuple[str, str], *, after: object = None, reason: str | None = None) -> int:
        """Append an entry; its leaf."""
        number = len(self.entries)
        at = START + timedelta(seconds=number)
        header = canonical.Header(at, at, "user", f"user_{number % 3}", "", action, *subject, f"r{number}")
        payload = canonical.payload_bytes(reason=reason, before=None, after=after)
        salt = os.urandom(32)
        commitment = canonical.commitment(salt, payload)
        self.entries.append(Sealed(canonical.header_bytes(header), commitment, salt, payload))
        return number

    def erase(self, leaf: int) -> None:
        """Take an entry's payload away, as an erasure does."""
        self.entries[leaf].salt = self.entries[leaf].payload = None

    def root(self, size: int) -> bytes:
        edge = merkle.Edge()
        for entry in self.entries[:size]:
            edge.append(entry.leaf_hash)
        return edge.root()

    def seal(self) -> None:
        """Sign the checkpoints."""
        size = len(self.entries)
        ends = sorted({*range(self.every, size, self.every), size} - {0})
        self.notes = [self.signer.checkpoint(end, self.root(end)) for end in ends]

    def export(self) -> list[bytes]:
        """The lines of an export."""
        lines = [
            b"grace-audit-export 1",
            b"key " + self.key.encode(),
            b"size %d" % len(self.entries),
            b"checkpoints %d" % len(self.notes),
            *(b"c " + b64encode(note.encode()) for note in self.notes),
        ]
        for number, entry in enumerate(self.entries):
            parts = (entry.header, entry.commitment, entry.salt, entry.payload)
            lines.append(b"e %d " % number + b" ".join(b"-" if part is None else b64encode(part) for part in parts))
        return [*lines, b"end"]


def some_log(count: int = 40) -> MemoryLog:
    """Entries of several kinds, with an erasure among them."""
    log = MemoryLog()
    for number in range(count):
        log.record("issue_invoice", ("invoice", f"in_{number % 7}"), after={"n": number}, reason="asked")
    log.record("erase_audit_payload", ("invoice", "in_3"), after={"entries": 6})
    for leaf in range(3, count, 7):
        log.erase(leaf)
    log.seal()
    return log


def text(lines: list[bytes]) -> bytes:
    return b"".join(line + b"\n" for line in lines)
