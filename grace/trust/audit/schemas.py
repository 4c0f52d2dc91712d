"""The audit log over the wire."""

from base64 import b64encode
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal

from grace.kit import json
from grace.kit.web import Answer
from grace.trust.audit.models import Checkpoint, Entry, Evidence


class EntryOut(Answer):
    """One entry. `leaf` is its place in the sealed tree, null until then; `erased` when its payload is gone."""

    id: int
    at: datetime
    recorded_at: datetime
    principal_kind: str
    principal_id: str
    principal_owner: str | None
    action: str
    subject_kind: str
    subject_id: str
    request_id: str
    leaf: int | None
    erased: bool
    reason: str | None
    before: Any
    after: Any

    @classmethod
    def of(cls, entry: Entry) -> "EntryOut":
        """From the entry as people read it."""
        payload = json.loads(entry.payload) if entry.payload is not None else {}
        names = set(cls.model_fields) & set(Entry.__dataclass_fields__) - {"principal_owner"}
        return cls(
            principal_owner=entry.principal_owner or None,
            erased=entry.payload is None,
            reason=payload.get("reason"),
            before=payload.get("before"),
            after=payload.get("after"),
            **{name: getattr(entry, name) for name in names},
        )


class EntryList(Answer):
    """A page of entries, the newest first."""

    items: list[EntryOut]
    next_cursor: str | None


class CheckpointOut(Answer):
    """A signed tree head; keep `note` elsewhere, and `grace audit verify --against` proves by it. `key` is the log's
    public key, which verifies it."""

    size: int
    root: str
    note: str
    key: str

    @classmethod
    def of(cls, checkpoint: Checkpoint, key: str) -> "CheckpointOut":
        """From the row and the log's key."""
        return cls(size=checkpoint.size, root=checkpoint.root.hex(), note=checkpoint.note, key=key)


class CheckpointList(Answer):
    """A page of checkpoints, the newest first."""

    items: list[CheckpointOut]
    next_cursor: str | None


class ProvenEntry(Answer):
    """An entry as it is hashed, and its RFC 6962 inclusion proof. Bytes are base64, `payload` is JSON text; it and the
    salt are null when they were erased."""

    leaf: int
    header: str
    commitment: str
    salt: str | None
    payload: str | None
    proof: list[str]

    @classmethod
    def of(cls, found: Evidence, proof: Sequence[bytes]) -> "ProvenEntry":
        """From a sealed entry and its proof."""
        return cls(
            leaf=-1 if found.leaf is None else found.leaf,
            header=base64_of(found.header),
            commitment=base64_of(found.commitment),
            salt=None if found.salt is None else base64_of(found.salt),
            payload=None if found.payload is None else found.payload.decode("utf-8", "replace"),
            proof=[base64_of(one) for one in proof],
        )


class EntryProof(Answer):
    """An entry, its inclusion proof, and the signed checkpoint that it leads to; `docs/verify.py` checks it."""

    format: Literal["grace-entry-proof-1"]
    key: str
    checkpoint: str
    entry: ProvenEntry


class LogState(Answer):
    """The log when it had `size` entries; `checkpoint` is null where no sealing pass ended there."""

    size: int
    root: str
    checkpoint: str | None


class Consistency(Answer):
    """An RFC 6962 consistency proof: the log of `new` begins with the log of `old`; `docs/verify.py` checks it."""

    format: Literal["grace-consistency-1"]
    key: str
    old: LogState
    new: LogState
    proof: list[str]


class ConsistentWith(Answer):
    """The state of the log that a receipt's checkpoint continues, and the proof."""

    size: int
    root: str
    proof: list[str]


def base64_of(data: bytes) -> str:
    """Bytes as text."""
    return b64encode(data).decode()
