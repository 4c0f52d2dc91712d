"""Questions about proposals and contracts."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from datetime import datetime

from grace.domains.proposals.errors import ContractNotFound, ProposalNotFound
from grace.domains.proposals.models import Contract, Proposal
from grace.kit.ids import number_of
from grace.kit.paging import ordering
from grace.kit.tx import Tx

Reference = str | int
MOST_WAITING = 500
COLUMNS = ", ".join(f"p.{field.name}" for field in fields(Proposal))
CONTRACT_COLUMNS = ", ".join(f"c.{field.name}" for field in fields(Contract))


async def proposal(tx: Tx, reference: Reference) -> Proposal:
    """The proposal that a caller names by its id or number; ProposalNotFound."""
    found = await tx.first(
        Proposal,
        f"select {COLUMNS} from proposal p where p.id = coalesce("
        "(select id from proposal where id = %(text)s), (select id from proposal where number = %(number)s))",
        text=reference if isinstance(reference, str) else None,
        number=number_of(reference),
    )
    if found is None:
        raise ProposalNotFound(reference)
    return found


async def locked(tx: Tx, proposal_id: str) -> Proposal:
    """The proposal, kept from changing with all other versions of its offer; ProposalNotFound."""
    rows = await tx.all(
        Proposal,
        f"select {COLUMNS} from proposal p where p.id = %(id)s"
        " or p.lead_id = (select lead_id from proposal where id = %(id)s) order by p.id for update",
        id=proposal_id,
    )
    found = next((row for row in rows if row.id == proposal_id), None)
    if found is None:
        raise ProposalNotFound(proposal_id)
    return found


async def won(tx: Tx, lead_id: str) -> bool:
    """Whether the lead has an accepted proposal."""
    return bool(
        await tx.value(
            "select exists (select from proposal where lead_id = %(lead)s and status = 'accepted')", lead=lead_id
        )
    )


async def awaiting(tx: Tx, lead_ids: Sequence[str]) -> dict[str, str]:
    """Which of these leads have a proposal that waits for approval, with the decision's id; of the latest that wait."""
    rows = await tx.all(
        dict,
        "select p.lead_id, d.id from (select id, arguments ->> 'proposal_id' as proposal_id from decision"
        " where status = 'awaiting_approval' order by number desc limit %(most)s) d"
        " join proposal p on p.id = d.proposal_id where p.lead_id = any(%(leads)s)",
        most=MOST_WAITING,
        leads=list(lead_ids),
    )
    return {row["lead_id"]: row["id"] for row in rows}


@dataclass(frozen=True, slots=True)
class ProposalFilter:
    """Which proposals to list; None does not filter."""

    status: str | None = None
    client_ids: list[str] | None = None
    lead_id: str | None = None


SORTS = {"number": "p.number", "total": "p.total_minor", "created_at": "p.created_at", "expires_at": "p.expires_at"}


async def proposals(tx: Tx, where: ProposalFilter, *, sort: str, after: str | None, limit: int) -> list[Proposal]:
    """A page of proposals."""
    order = ordering(sort, table="proposal p", columns=SORTS)
    return await tx.all(
        Proposal,
        f"select {COLUMNS} from proposal p where {order.after}"
        " and (%(status)s::text is null or p.status = %(status)s)"
        " and (%(client_ids)s::text[] is null or p.client_id = any(%(client_ids)s))"
        " and (%(lead_id)s::text is null or p.lead_id = %(lead_id)s)"
        f" order by {order.by} limit %(limit)s",
        after=after,
        limit=limit,
        **asdict(where),
    )


@dataclass(frozen=True, slots=True)
class Line:
    """A proposal as a list shows it, without what it says."""

    id: str
    number: int
    revision: int
    status: str
    title: str
    client: str
    client_id: str
    lead_id: str | None
    currency: str
    total_minor: int
    expires_at: datetime
    sent_at: datetime | None
    created_at: datetime
    version: int


LINE = """p.id, p.number, p.revision, p.status, p.title, p.client_id, p.lead_id, p.currency, p.total_minor,
    p.expires_at, p.sent_at, p.created_at, p.version,
    coalesce(nullif(p.parties->>'client_company', ''), p.parties->>'client') as client"""


async def listed(tx: Tx, *, status: str | None, after: str | None, limit: int) -> list[Line]:
    """A page of proposals, the newest first; those that a newer version replaced only when they are asked for."""
    order = ordering("-number", table="proposal p", columns=SORTS)
    return await tx.all(
        Line,
        f"select {LINE} from proposal p where {order.after} and"
        " case when %(status)s::text is null then p.status <> 'superseded' else p.status = %(status)s end"
        f" order by {order.by} limit %(limit)s",
        after=after,
        limit=limit,
        status=status,
    )


async def versions(tx: Tx, lead_id: str, *, limit: int = 20) -> list[Line]:
    """The versions of the offer to a lead, the newest first."""
    return await tx.all(
        Line,
        f"select {LINE} from proposal p where p.lead_id = %(lead)s order by p.revision desc limit %(limit)s",
        lead=lead_id,
        limit=limit,
    )


@dataclass(frozen=True, slots=True)
class StateSum:
    """How many proposals are in a state, and what they come to."""

    status: str
    count: int
    total_minor: int


async def sums(tx: Tx) -> dict[str, StateSum]:
    """Every state that has proposals; all are in the workspace's currency."""
    rows = await tx.all(
        StateSum, "select status, count(*) as count, sum(total_minor)::bigint as total_minor from proposal group by 1"
    )
    return {row.status: row for row in rows}


async def contract(tx: Tx, reference: Reference, *, lock: bool = False) -> Contract:
    """The contract that a caller names by its id or number; ContractNotFound."""
    found = await tx.first(
        Contract,
        f"select {CONTRACT_COLUMNS} from contract c where c.id = coalesce("
        "(select id from contract where id = %(text)s), (select id from contract where number = %(number)s))"
        f" {'for update' if lock else ''}",
        text=reference if isinstance(reference, str) else None,
        number=number_of(reference),
    )
    if found is None:
        raise ContractNotFound(reference)
    return found


async def contract_of(tx: Tx, proposal_id: str) -> Contract | None:
    """The standing contract of a proposal."""
    return await tx.first(
        Contract,
        f"select {CONTRACT_COLUMNS} from contract c where proposal_id = %(id)s and status <> 'superseded'",
        id=proposal_id,
    )


async def contracts(tx: Tx, *, proposal_id: str | None, sort: str, after: str | None, limit: int) -> list[Contract]:
    """A page of contracts."""
    order = ordering(sort, table="contract c", columns={"number": "c.number", "created_at": "c.created_at"})
    return await tx.all(
        Contract,
        f"select {CONTRACT_COLUMNS} from contract c where {order.after}"
        " and (%(proposal)s::text is null or c.proposal_id = %(proposal)s)"
        f" order by {order.by} limit %(limit)s",
        proposal=proposal_id,
        after=after,
        limit=limit,
    )
