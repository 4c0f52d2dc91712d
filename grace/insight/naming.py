"""What nouns are called: whoever lists decisions or audit entries shows names beside ids."""

from collections.abc import Collection
from dataclasses import dataclass

from grace.kit.tx import Tx

MOST = 500


@dataclass(frozen=True, slots=True)
class Noun:
    """A noun as people know it. `label` is its number or name, `title` what it is about."""

    kind: str
    id: str
    label: str
    title: str
    client_id: str | None
    client_name: str | None
    state: str
    currency: str | None
    amount_minor: int | None


_NAMED = """
with wanted as (select unnest(%(ids)s::text[]) as id)
select 'client' as kind, n.id, n.name as label, coalesce(n.company, '') as title, n.id as client_id,
  n.name as client_name, n.status as state, null::text as currency, null::bigint as amount_minor
  from client n join wanted using (id)
union all select 'lead', n.id, c.name, coalesce(n.project_type, ''), c.id, c.name, n.stage, n.currency,
  n.value_estimate_minor from lead n join wanted using (id) join client c on c.id = n.client_id
union all select 'proposal', n.id, 'P-' || n.number, n.title, c.id, c.name, n.status, n.currency, n.total_minor
  from proposal n join wanted using (id) join client c on c.id = n.client_id
union all select 'contract', n.id, n.contract_number, n.title, c.id, c.name, n.status, n.currency, n.total_minor
  from contract n join wanted using (id) join client c on c.id = n.client_id
union all select 'project', n.id, n.title, n.kind, c.id, c.name, n.status, n.currency, n.budget_minor
  from project n join wanted using (id) join client c on c.id = n.client_id
union all select 'invoice', n.id, coalesce(n.invoice_number, 'Draft ' || n.number), '', c.id, c.name, n.state,
  n.currency, n.total_minor from invoice n join wanted using (id) join client c on c.id = n.client_id
union all select 'payment', n.id, coalesce(i.invoice_number, 'Draft ' || i.number), n.method, c.id, c.name, n.status,
  n.currency, n.amount_minor from payment n join wanted using (id) join client c on c.id = n.client_id
  join invoice i on i.id = n.invoice_id
union all select 'refund', n.id, coalesce(i.invoice_number, 'Draft ' || i.number), n.reason, c.id, c.name, n.state,
  n.currency, n.amount_minor from refund n join wanted using (id) join client c on c.id = n.client_id
  join invoice i on i.id = n.invoice_id
union all select 'decision', n.id, 'D-' || n.number, n.action, null, null, n.status, null, null
  from decision n join wanted using (id)
union all select p.kind, p.id, p.name, '', null, null, '', null, null from principal p join wanted using (id)
"""


async def named(tx: Tx, ids: Collection[str]) -> dict[str, Noun]:
    """The nouns of these ids, in one statement, at most 500; an id that is none of ours is left out."""
    wanted = sorted({one for one in ids if one})[:MOST]
    if not wanted:
        return {}
    return {noun.id: noun for noun in await tx.all(Noun, _NAMED, ids=wanted)}


@dataclass(frozen=True, slots=True)
class Choice:
    """Somebody who acts, or (kind `action`) something that was done, for a list to choose from."""

    kind: str
    id: str
    name: str


_CHOICES = """
with recursive done (action) as (
  (select action from audit_entry order by action limit 1)
  union all
  select (select e.action from audit_entry e where e.action > done.action order by e.action limit 1)
  from done where done.action is not null
)
(select kind, id, name from principal order by number limit 200)
union all (select 'action', action, action from done where action is not null limit 200)
"""


async def choices(tx: Tx) -> list[Choice]:
    """The people and agents, and every verb in the audit log, in one statement that reads by indexes."""
    return await tx.all(Choice, _CHOICES)
