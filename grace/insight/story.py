"""What happened with a client, of every kind, in one order."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType

from grace.kit import paging
from grace.kit.errors import Invalid
from grace.kit.tx import Tx

TEXT_LENGTH = 600
SOURCES: Mapping[str, str] = MappingProxyType(
    {
        "leads": """
    select created_at as at, interaction_type as kind, id as key, lead_id as subject, channel as title,
      left(content, %(text)s) as detail, null::bigint as amount_minor, null as currency
      from interaction where client_id = any(%(ids)s)
    union all select m.at, 'moved', m.id::text, l.id, m.from_stage || ' ' || m.to_stage, m.reason,
      l.value_estimate_minor, l.currency from lead l join lead_move m on m.lead_id = l.id
      where l.client_id = any(%(ids)s) and m.from_stage is not null""",
        "proposals": """
    select e.at, e.kind, p.id, p.id, p.title, e.detail, p.total_minor, p.currency from proposal p
      cross join lateral (values (p.sent_at, 'proposal_sent', null), (p.accepted_at, 'proposal_accepted',
        p.accepted_by), (p.declined_at, 'proposal_declined', p.decline_reason)) e (at, kind, detail)
      where p.client_id = any(%(ids)s)
    union all select signed_at, 'contract_signed', id, id, contract_number, signed_by, total_minor, currency
      from contract where client_id = any(%(ids)s)""",
        "projects": """
    select e.at, e.kind, p.id, p.id, p.title, e.detail, p.budget_minor, p.currency from project p
      cross join lateral (values (p.created_at, 'project_opened', null), (p.delivered_at, 'project_delivered', null),
        (p.completed_at, 'project_completed', null), (p.cancelled_at, 'project_cancelled', p.cancel_reason))
        e (at, kind, detail) where p.client_id = any(%(ids)s)
    union all select s.answered_at, 'survey_answered', s.id::text, p.id, s.score::text, left(s.comment, %(text)s),
      null, null from project p join survey_answer s on s.project_id = p.id where p.client_id = any(%(ids)s)""",
        "invoices": """
    select e.at, e.kind, i.id, i.id, coalesce(i.invoice_number, 'Draft'), e.detail, i.total_minor, i.currency
      from invoice i cross join lateral (values (i.issued_at, 'invoice_sent', null), (i.paid_at, 'invoice_paid', null),
        (i.voided_at, 'invoice_void', i.void_reason)) e (at, kind, detail) where i.client_id = any(%(ids)s)""",
        "payments": """
    select p.received_at, 'payment_received', p.id, p.id, p.method, p.reference, p.amount_minor, p.currency
      from payment p where p.client_id = any(%(ids)s)
    union all select r.created_at, 'refund_' || r.state, r.id, r.invoice_id, '', r.reason, r.amount_minor, r.currency
      from refund r where r.client_id = any(%(ids)s)""",
    }
)
"""What there is to tell, by the noun that a reader must be allowed to read."""


@dataclass(frozen=True, slots=True)
class Moment:
    """Something that happened: what `kind` of thing, about which `subject`, in whose own words (`detail`)."""

    at: datetime
    kind: str
    key: str
    subject: str | None
    title: str | None
    detail: str | None
    amount_minor: int | None
    currency: str | None

    @property
    def cursor(self) -> str:
        """Its place in the order."""
        return f"{self.at.isoformat()} {self.kind} {self.key}"


async def story(
    tx: Tx, client_ids: Sequence[str], *, nouns: Collection[str], cursor: str | None, limit: int
) -> paging.Page[Moment]:
    """A page of what happened with a client under all of its ids, the latest first, of the `nouns` only."""
    told = [sql for noun, sql in SOURCES.items() if noun in nouns]
    if not told:
        return paging.Page([], None)
    at, place = _place(cursor)
    rows = await tx.all(
        Moment,
        f"select * from ({' union all '.join(told)}) moment where at is not null and (%(at)s::timestamptz is null"
        " or (at, kind || ' ' || key) < (%(at)s, %(place)s)) order by at desc, kind || ' ' || key desc limit %(limit)s",
        ids=list(client_ids),
        text=TEXT_LENGTH,
        at=at,
        place=place,
        limit=limit + 1,
    )
    return paging.page(rows, limit=limit, key="cursor")


def _place(cursor: str | None) -> tuple[datetime | None, str]:
    position = paging.decode(cursor)
    if position is None:
        return None, ""
    try:
        at, _, place = str(position).partition(" ")
        since = datetime.fromisoformat(at)
    except ValueError as error:
        raise Invalid("The cursor is not one of ours.", type="invalid-cursor") from error
    if since.tzinfo is None or not place:
        raise Invalid("The cursor is not one of ours.", type="invalid-cursor")
    return since, place
