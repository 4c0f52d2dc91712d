"""What happened last, for the live feed: facts, with the names of who and whom they are about."""

from dataclasses import dataclass
from datetime import datetime

from grace.kit.tx import Tx

QUIET = (
    "LeadScored", "LeadValued", "InvoiceDrafted", "InvoicePaid", "InvoicePartPaid", "AttemptChanged", "DeliveryQueued",
    "ProposalWritten", "ClientChanged", "ProviderEventReceived", "WorkMoved", "WorkTurned",
)  # fmt: skip
"""Steps on the way to something that is told anyway."""


@dataclass(frozen=True, slots=True)
class Happening:
    """A fact as the feed tells it. Amounts are minor units of `currency`; None where it is not about money."""

    id: int
    kind: str
    topic: str
    subject: str
    at: datetime
    who_kind: str
    who: str
    client: str | None
    client_id: str | None
    amount_minor: int | None
    currency: str | None


async def latest(tx: Tx, *, limit: int) -> list[Happening]:
    """The latest happenings, the newest first. It looks at the last hundred facts at most."""
    return await tx.all(
        Happening,
        "select f.id, f.kind, f.topic, f.subject, f.at, coalesce(p.kind, 'system') as who_kind,"
        " coalesce(p.name, 'Grace') as who, coalesce(c.company, c.name) as client, c.id as client_id,"
        " coalesce(f.data ->> 'amount_minor', f.data ->> 'total_minor')::bigint as amount_minor,"
        " f.data ->> 'currency' as currency"
        " from (select * from (select * from fact order by id desc limit 100) as newest"
        " where kind <> all(%(quiet)s::text[]) order by id desc limit %(limit)s) as f"
        " left join principal p on p.id = f.principal"
        " left join client c on c.id = coalesce(f.data ->> 'client_id',"
        " (select l.client_id from lead l where f.topic = 'lead' and l.id = f.subject))"
        " order by f.id desc",
        quiet=list(QUIET),
        limit=limit,
    )
