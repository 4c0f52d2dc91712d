"""The audit log over the wire."""

from datetime import datetime
from typing import Any

from grace.kit import json
from grace.kit.web import Answer
from grace.trust.audit.models import Entry


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
    """The newest entries about one subject."""

    items: list[EntryOut]
    next_cursor: None = None


class CheckpointOut(Answer):
    """The newest signed tree head; keep `note` elsewhere, and `grace audit verify --against` proves by it."""

    size: int
    root: str
    note: str
