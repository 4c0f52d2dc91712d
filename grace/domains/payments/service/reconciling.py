"""What the books say of the movements of a provider's balance. Only reads."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from grace.domains.payments import rules
from grace.kit.tx import Tx
from grace.providers.payments.port import Moved
from grace.trust.ledger import queries as ledger
from grace.trust.ledger.rules import Purpose


@dataclass(frozen=True, slots=True)
class Document:
    """What moved money at a provider, as it is known here: a charge (its attempt) or a refund (its parts).

    `movement` is the id under which its fee is booked. `postings` are those that it came or went by, `returned` those
    of a refund that failed.
    """

    id: str
    source: str
    movement: str | None
    amount_minor: int
    currency: str
    postings: list[str]
    returned: list[str]


_DOCUMENTS = """
    select id, source, movement, amount_minor, currency, postings, returned from (
    select a.id, a.charge as source, a.movement, a.amount_minor, a.currency, a.ended_at as at,
      array_remove(array['payment:' || a.payment_id || ':received',
        case when a.excess_minor > 0 then 'attempt:' || a.id || ':excess' end], null) as postings,
      '{}'::text[] as returned
    from payment_attempt a where a.provider = %(provider)s and a.state = 'succeeded'
    union all
    select min(p.refund_id), p.provider_refund, max(p.movement), -sum(p.amount_minor)::bigint, min(r.currency),
      min(r.created_at),
      array_agg('refund:' || p.id || ':ordered') || array_agg('refund:' || p.id || ':done'),
      array_agg('refund:' || p.id || ':failed')
    from refund_part p join refund r on r.id = p.refund_id
    where p.provider = %(provider)s and p.provider_refund is not null group by p.provider_refund) d"""


async def documents_of(tx: Tx, provider: str, moved: Sequence[Moved]) -> list[Document]:
    """The documents that some movements are of, by their source or by the movement's id."""
    return await tx.all(
        Document,
        f"{_DOCUMENTS} where source = any(%(sources)s) or movement = any(%(ids)s)",
        provider=provider,
        sources=[each.source for each in moved if each.source is not None],
        ids=[each.id for each in moved],
    )


async def documents_between(
    tx: Tx, provider: str, *, start: datetime | None, end: datetime | None, after: str, limit: int
) -> list[Document]:
    """The documents of a time, by their source, after that one."""
    return await tx.all(
        Document,
        f"{_DOCUMENTS} where source > %(after)s and (%(start)s::timestamptz is null or at >= %(start)s)"
        " and (%(end)s::timestamptz is null or at < %(end)s) order by source limit %(limit)s",
        provider=provider,
        start=start,
        end=end,
        after=after,
        limit=limit,
    )


async def compare(tx: Tx, provider: str, moved: Sequence[Moved]) -> tuple[list[rules.Difference], set[str]]:
    """Where the books say otherwise than the provider of some movements; and the sources that are known here."""
    documents = await documents_of(tx, provider, moved)
    named = {document.source: document for document in documents}
    named |= {document.movement: document for document in documents if document.movement is not None}
    found = [(each, named.get(each.id) or named.get(each.source or "")) for each in moved]
    references = {each.id: _postings(each, document) for each, document in found if document is not None}
    lines = await ledger.booked_lines(tx, sorted({name for names in references.values() for name in names}))
    differences = []
    for each, document in found:
        booked = None
        if document is not None:
            cash: Counter[str] = Counter()
            fees: Counter[str] = Counter()
            for line in lines:
                if line.reference in references[each.id] and line.owner == provider:
                    if line.purpose in (Purpose.CLEARING, Purpose.REFUNDS_IN_FLIGHT):
                        cash[line.currency] += line.amount_minor
                    elif line.purpose == Purpose.PROCESSOR_FEES:
                        fees[line.currency] += line.amount_minor
            booked = rules.Booked(document.id, dict(cash), dict(fees))
        differences += rules.differences(each, booked)
    return differences, {document.source for document in documents}


def _postings(moved: Moved, document: Document) -> set[str]:
    """The postings that a movement should be the sum of: a refund that came back is another movement."""
    if document.returned and moved.amount_minor > 0:
        return {*document.returned, f"movement:{moved.id}"}
    return {*document.postings, f"movement:{moved.id}"}
