"""Proposals: written, sent, answered by the client."""

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, replace
from datetime import UTC, datetime, time, timedelta
from typing import Any

from grace.domains.proposals import queries
from grace.domains.proposals.errors import LeadWon, ProposalOver, StaleVersion, WrongState
from grace.domains.proposals.facts import (
    ProposalAccepted,
    ProposalDeclined,
    ProposalExpired,
    ProposalFact,
    ProposalRevised,
    ProposalSent,
    ProposalSuperseded,
    ProposalWritten,
)
from grace.domains.proposals.models import PROPOSAL_PREFIX, Answered, Parties, Proposal
from grace.domains.proposals.queries import COLUMNS
from grace.kit import json, links
from grace.kit.display import format_date
from grace.kit.ids import new_id
from grace.kit.tx import Tx
from grace.providers.architect.port import ProposalBrief, ProposalDraft
from grace.trust.audit import service as audit
from grace.trust.hunter.rules.scan import scan

LINK = "proposal"
LINK_LIFETIME = timedelta(days=365)
OPEN = ("draft", "sent")


async def write_proposal(
    tx: Tx, *, client_id: str, lead_id: str | None, brief: ProposalBrief, draft: ProposalDraft, parties: Parties
) -> Proposal:
    """Store and scan what the architect wrote, as the next version of the offer to a lead.

    Earlier drafts to the lead are superseded; what was sent stands until the new version is sent. LeadWon when
    the lead has an accepted proposal. The caller holds the lead, if there is one.
    """
    if lead_id is not None and await queries.won(tx, lead_id):
        raise LeadWon("The lead has an accepted proposal; more work with the client is a new lead.")
    proposal = await _insert(tx, client_id, lead_id, _columns(brief, draft, parties))
    await _supersede(tx, proposal, ("draft",))
    _tell(tx, ProposalWritten, "write_proposal", proposal)
    return proposal


async def revise_proposal(
    tx: Tx, *, proposal_id: str, version: int, brief: ProposalBrief, draft: ProposalDraft
) -> Proposal:
    """Store and scan what a person made of an offer, as its next version.

    As `write_proposal`: a draft is superseded by it, what was sent stands until the new version is sent. Refuses
    as `check_revisable`. The caller holds the lead, if there is one.
    """
    before = await queries.locked(tx, proposal_id)
    check_revisable(before, version)
    if before.lead_id is not None and await queries.won(tx, before.lead_id):
        raise LeadWon("The lead has an accepted proposal; more work with the client is a new lead.")
    values = _columns(brief, draft, Parties(**before.parties))
    proposal = await _insert(tx, before.client_id, before.lead_id, values, after=before.revision)
    await _supersede(tx, proposal, ("draft",))
    if before.lead_id is None and before.status == "draft":
        await _change(tx, before, replace(before, status="superseded"), ProposalSuperseded, "supersede_proposal",
                      f"by {proposal.id}")  # fmt: skip
    tx.emit(ProposalRevised(proposal.id, proposal.client_id, proposal.lead_id, proposal.version, before.id))
    _note(tx, "revise_proposal", proposal, reason=f"of {before.id}")
    return proposal


def check_revisable(proposal: Proposal, version: int) -> None:
    """StaleVersion when the caller saw another version; WrongState when it was accepted or has been replaced."""
    if proposal.version != version:
        raise StaleVersion(proposal.status, proposal.version)
    if proposal.status in ("accepted", "superseded"):
        raise WrongState(
            f"What is {proposal.status} is not revised; look at the latest version.", current=proposal.status
        )


async def _insert(
    tx: Tx, client_id: str, lead_id: str | None, values: Mapping[str, Any], *, after: int = 0
) -> Proposal:
    """The next version of the offer to a lead; without a lead, the one after the version `after`."""
    return await tx.one(
        Proposal,
        f"insert into proposal as p (id, client_id, lead_id, revision, created_at, {', '.join(values)})"
        " values (%(id)s, %(client)s, %(lead)s,"
        " 1 + coalesce((select max(revision) from proposal where lead_id = %(lead)s), %(after)s),"
        f" %(now)s, {', '.join(f'%({name})s' for name in values)}) returning {COLUMNS}",
        id=new_id(PROPOSAL_PREFIX),
        client=client_id,
        lead=lead_id,
        after=after,
        now=tx.now,
        **values,
    )


async def send_proposal(tx: Tx, *, proposal_id: str) -> Proposal:
    """Give the client the link by which the proposal is answered, and supersede the version sent before.

    WrongState unless it is a draft that is still valid; LeadWon.
    """
    before = await queries.locked(tx, proposal_id)
    check_sendable(tx, before)
    if before.lead_id is not None and await queries.won(tx, before.lead_id):
        raise LeadWon("The lead has an accepted proposal; more work with the client is a new lead.")
    await links.make(tx, kind=LINK, subject=before.id, lifetime=LINK_LIFETIME)
    after = replace(before, status="sent", sent_at=tx.now, sent_by=tx.principal.name)
    after = await _change(tx, before, after, ProposalSent, "send_proposal")
    await _supersede(tx, after, OPEN)
    return after


def check_sendable(tx: Tx, proposal: Proposal) -> None:
    """WrongState unless the proposal is a draft that is still valid."""
    if proposal.status != "draft":
        raise WrongState(f"Only a draft is sent; this proposal is {proposal.status}.", current=proposal.status)
    if proposal.expires_at <= tx.now:
        raise WrongState("The proposal was valid until a day that is over. Generate it again.", current="draft")


async def accept_proposal(tx: Tx, *, proposal_id: str, name: str) -> Answered:
    """The client says yes, with the name of who does. Other versions of the offer are superseded.

    The same yes again changes nothing. WrongState when it was answered otherwise, ProposalOver when it is over.
    """
    before = await queries.locked(tx, proposal_id)
    if before.status == "accepted" and before.accepted_by == name:
        return Answered(before, now=False)
    _check_open(tx, before)
    after = replace(before, status="accepted", accepted_at=tx.now, accepted_by=name)
    after = await _change(tx, before, after, ProposalAccepted, "accept_proposal")
    await _supersede(tx, after, OPEN)
    return Answered(after, now=True)


async def decline_proposal(tx: Tx, *, proposal_id: str, reason: str | None) -> Answered:
    """The client says no. The same no again changes nothing; otherwise as `accept_proposal`."""
    before = await queries.locked(tx, proposal_id)
    if before.status == "declined":
        return Answered(before, now=False)
    _check_open(tx, before)
    after = replace(before, status="declined", declined_at=tx.now, decline_reason=reason)
    return Answered(await _change(tx, before, after, ProposalDeclined, "decline_proposal", reason), now=True)


async def expire_due(tx: Tx, *, limit: int = 200) -> None:
    """End the sent proposals whose time is over (business time)."""
    due = await tx.all(
        Proposal,
        f"select {COLUMNS} from proposal p where status = 'sent' and expires_at <= %(now)s order by id"
        " limit %(limit)s for update skip locked",
        now=tx.now,
        limit=limit,
    )
    for proposal in due:
        await _change(tx, proposal, replace(proposal, status="expired"), ProposalExpired, "expire_proposal")


def check_readable(proposal: Proposal) -> None:
    """ProposalOver for a version that the client should no longer look at."""
    if proposal.status == "superseded":
        raise ProposalOver("A newer version of this proposal took its place. Use the link that came with it.")


def _check_open(tx: Tx, proposal: Proposal) -> None:
    check_readable(proposal)
    if proposal.status == "expired" or (proposal.status == "sent" and proposal.expires_at <= tx.now):
        until = format_date((proposal.expires_at - timedelta(days=1)).date())
        raise ProposalOver(f"This proposal was valid until {until}. Ask for a new one.", type="proposal-expired")
    if proposal.status != "sent":
        raise WrongState(f"This proposal is {proposal.status} already.", current=proposal.status)


async def _supersede(tx: Tx, by: Proposal, statuses: tuple[str, ...]) -> None:
    """End the other versions of the offer that are in one of these states."""
    if by.lead_id is None:
        return
    rows = await tx.all(
        Proposal,
        "update proposal p set status = 'superseded', version = version + 1, updated_at = %(now)s"
        " where lead_id = %(lead)s and id <> %(id)s and revision <> %(revision)s and status = any(%(statuses)s)"
        f" returning {COLUMNS}",
        now=tx.now,
        lead=by.lead_id,
        id=by.id,
        revision=by.revision,
        statuses=list(statuses),
    )
    for row in rows:
        _tell(tx, ProposalSuperseded, "supersede_proposal", row, reason=f"by {by.id}")


async def _change(
    tx: Tx, before: Proposal, after: Proposal, fact: type[ProposalFact], action: str, reason: str | None = None
) -> Proposal:
    after = replace(after, version=before.version + 1, updated_at=tx.now)
    await tx.execute(
        f"update proposal set {', '.join(f'{name} = %({name})s' for name in _STATE)} where id = %(id)s",
        id=after.id,
        **{name: getattr(after, name) for name in _STATE},
    )
    _tell(tx, fact, action, after, before=before, reason=reason)
    return after


_STATE = (
    "status", "sent_at", "sent_by", "accepted_at", "accepted_by", "declined_at", "decline_reason", "version",
    "updated_at",
)  # fmt: skip


def _tell(
    tx: Tx,
    fact: type[ProposalFact],
    action: str,
    proposal: Proposal,
    *,
    before: Proposal | None = None,
    reason: str | None = None,
) -> None:
    """The fact, and the audit entry."""
    tx.emit(fact(proposal.id, proposal.client_id, proposal.lead_id, proposal.version))
    _note(tx, action, proposal, before=before, reason=reason)


def _note(
    tx: Tx, action: str, proposal: Proposal, *, before: Proposal | None = None, reason: str | None = None
) -> None:
    """The audit entry with the hash of what the proposal says."""
    audit.record(
        tx,
        action=action,
        subject=("proposal", proposal.id),
        reason=reason,
        before=before and {name: getattr(before, name) for name in _STATE},
        after={name: getattr(proposal, name) for name in (*_STATE, *_SAID)},
    )


_SAID = ("number", "revision", "client_id", "lead_id", "title", "currency", "total_minor", "sha256", "expires_at")


def _columns(brief: ProposalBrief, draft: ProposalDraft, parties: Parties) -> Mapping[str, Any]:
    pricing, timeline = draft.pricing, draft.timeline
    found = scan("generated_text", {"title": draft.title, "text": draft.text})
    day_after = draft.valid_until + timedelta(days=1)
    return {
        "title": draft.title[:256],
        "kind": draft.kind.value,
        "summary": draft.summary,
        "requirements": brief.requirements,
        "content": draft.text,
        "sha256": hashlib.sha256(draft.text.encode()).hexdigest(),
        "deliverables": json.dumps([asdict(one) for one in draft.deliverables]),
        "left_out": json.dumps([asdict(one) for one in draft.left_out]),
        "phases": json.dumps([asdict(phase) for phase in timeline.phases]),
        "payments": json.dumps([asdict(part) for part in pricing.payments]),
        "assumptions": list(draft.assumptions),
        "exclusions": list(draft.exclusions),
        "questions": list(draft.questions),
        "currency": pricing.currency,
        "budget_minor": pricing.budget_minor,
        "hourly_rate_minor": pricing.hourly_rate_minor,
        "hours": pricing.hours,
        "hours_per_week": brief.rate_card.hours_per_week,
        "weeks": timeline.weeks,
        "subtotal_minor": pricing.subtotal_minor,
        "discount_minor": pricing.discount_minor,
        "total_minor": pricing.total_minor,
        "over_budget_minor": pricing.over_budget_minor,
        "parties": json.dumps(asdict(parties)),
        "scan": json.dumps(asdict(found)),
        "written_by": draft.written_by,
        "expires_at": datetime.combine(day_after, time(), UTC),
    }
