"""Making a receipt: everything in it follows from the log's entries, or is bound to them by a hash or a signature."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from grace.domains.payments import queries as payments
from grace.domains.proposals import queries as proposals
from grace.flows.receipts.schemas import DecidedAction, Receipt, ReceiptVote, SignedPayment, Subject
from grace.kit import json
from grace.kit.edge import permits
from grace.kit.errors import Invalid, Malformed, NotFound, TooLarge
from grace.kit.tx import Tx
from grace.trust.audit import proofs, queries
from grace.trust.audit.models import Evidence
from grace.trust.audit.rules.canonical import Header, read_header
from grace.trust.audit.service import ERASED
from grace.trust.governance import queries as governance

MOST_ENTRIES = 1_000
VOTE = "cast_vote"


class Told(NamedTuple):
    """What an entry tells; `after` and `reason` are None when its payload was erased."""

    leaf: int
    header: Header
    after: Any
    reason: str | None


async def make_receipt(tx: Tx, noun_id: str, *, since: int | None = None) -> Receipt:
    """The receipt of whatever has this id; with `since`, also that the log continues its state of so many entries.

    NotFound when the log tells nothing of it, TooLarge with more than 1,000 entries, InProgress until all of them are
    sealed. What stands beside the entries (a text, arguments) is only for who may read such a noun.
    """
    found = await queries.evidence_about(tx, noun_id, limit=MOST_ENTRIES + 1)
    if not found:
        raise NotFound("The log tells of nothing with this id.")
    if len(found) > MOST_ENTRIES:
        raise TooLarge(f"The log has more than {MOST_ENTRIES} entries about it. `grace audit export` gives all.")
    told = [_told(one) for one in found]
    kinds = {one.header.subject_kind for one in told}
    if len(kinds) > 1:
        raise Invalid(f"The log tells of several things with this id: {', '.join(sorted(kinds))}.")
    [kind] = kinds
    head = await proofs.newest(tx)
    entries = await proofs.prove(tx, found, head)
    return Receipt(
        format="grace-receipt-1",
        key=await proofs.public_key(tx),
        checkpoint=head.note,
        subject=Subject(kind=kind, id=noun_id),
        record=record_of(told),
        entries=entries,
        payment=await _payment(tx, noun_id) if _may_add(tx, kind, "payment") else None,
        decision=await _decision(tx, noun_id, told) if _may_add(tx, kind, "decision") else None,
        text=await _text(tx, kind, noun_id) if _may_add(tx, kind, "proposal", "contract") else None,
        consistency=None if since is None else await proofs.continuing(tx, old_size=since, head=head),
    )


def record_of(told: Sequence[Told]) -> dict[str, Any] | None:
    """The noun as its entries tell of it: the members of each `after`, later ones in place of earlier ones.

    Votes and erasures do not say what has become of the noun.
    """
    record: dict[str, Any] = {}
    for one in told:
        if isinstance(one.after, dict) and one.header.action not in (VOTE, ERASED):
            record |= one.after
    return record or None


def _told(found: Evidence) -> Told:
    payload: dict[str, Any] = {}
    if found.payload is not None:
        try:
            payload = json.loads(found.payload)
        except (Malformed, UnicodeDecodeError):
            payload = {}  # not as it was sealed; the verifier says so
    leaf = -1 if found.leaf is None else found.leaf
    return Told(leaf, read_header(found.header), payload.get("after"), payload.get("reason"))


def _may_add(tx: Tx, kind: str, *kinds: str) -> bool:
    noun = "proposals" if kind == "contract" else f"{kind}s"
    return kind in kinds and permits(tx.principal, f"{noun}:read")


async def _payment(tx: Tx, payment_id: str) -> SignedPayment:
    payment = await payments.payment(tx, payment_id)
    return SignedPayment(statement=payments.signed(payment).decode(), signature=payment.verification_signature)


async def _decision(tx: Tx, decision_id: str, told: Sequence[Told]) -> DecidedAction:
    decision = await governance.decision(tx, decision_id)
    return DecidedAction(
        action=decision.action,
        arguments=decision.arguments,
        arguments_sha256=decision.arguments_sha256,
        votes=[_vote(one) for one in told if one.header.action == VOTE],
    )


def _vote(told: Told) -> ReceiptVote:
    after = told.after if isinstance(told.after, dict) else {}
    return ReceiptVote(
        leaf=told.leaf,
        cast_at=_moment(told.header.at),
        voter_kind=told.header.principal_kind,
        voter=told.header.principal_id,
        votes_for=told.header.principal_owner or None,
        approve=after.get("approve"),
        reason=told.reason,
        parliament_of_one=after.get("parliament_of_one"),
    )


async def _text(tx: Tx, kind: str, noun_id: str) -> str:
    if kind == "contract":
        return (await proposals.contract(tx, noun_id)).content
    return (await proposals.proposal(tx, noun_id)).content


def _moment(at: datetime) -> str:
    return at.isoformat(timespec="microseconds").replace("+00:00", "Z")
