"""A receipt over the wire. `docs/verify.py` accepts no other members than these."""

from typing import Any, Literal

from grace.kit.web import Answer
from grace.trust.audit.schemas import ConsistentWith, ProvenEntry


class Subject(Answer):
    """What the receipt is of."""

    kind: str
    id: str


class SignedPayment(Answer):
    """What `verification_signature` signs, and the signature."""

    statement: str
    signature: str


class ReceiptVote(Answer):
    """A vote as its entry tells it, in the order in which they were cast; the last of a person counts.

    `votes_for` is the owner whose vote an agent casts. What an erased payload said is null.
    """

    leaf: int
    cast_at: str
    voter_kind: str
    voter: str
    votes_for: str | None
    approve: bool | None
    reason: str | None
    parliament_of_one: bool | None


class DecidedAction(Answer):
    """The action that was decided on, its exact arguments with their hash, and the votes."""

    action: str
    arguments: dict[str, Any]
    arguments_sha256: str
    votes: list[ReceiptVote]


class Receipt(Answer):
    """A noun as the log tells of it. `record` is folded from the entries; `text` is what its `sha256` is of."""

    format: Literal["grace-receipt-1"]
    key: str
    checkpoint: str
    subject: Subject
    record: dict[str, Any] | None
    entries: list[ProvenEntry]
    payment: SignedPayment | None
    decision: DecidedAction | None
    text: str | None
    consistency: ConsistentWith | None
