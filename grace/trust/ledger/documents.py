"""Matches the books with the documents that they are of, both ways, by reference.

The ledger knows no document. A slice that posts says in its `books.py` what its documents ask for: a `Books` with
queries and rules in SQL. `grace ledger check` gathers them all.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from grace.kit.progress import Progress, unheard
from grace.kit.tx import Tx
from grace.trust.ledger.models import Finding

LIMIT = 100
"""Findings given per rule."""


@dataclass(frozen=True, slots=True)
class Books:
    """What a slice's documents ask of the ledger.

    `postings`: each a query of the lines that its documents must have, as (reference, kind, event_at, purpose, owner,
    currency, amount_minor): debit positive, lines of 0 left out, an owner of '' for the business itself. A null
    `event_at` is not compared; a single line with a null purpose says that there is such a posting, whatever its lines.
    `rules`: by what holds, a query of what does not, as (subject, detail).
    """

    postings: tuple[str, ...] = ()
    rules: Mapping[str, str] = field(default_factory=dict)


async def check_documents(tx: Tx, books: Sequence[Books], *, told: Progress = unheard) -> list[Finding]:
    """What does not fit between documents and ledger, at most LIMIT findings per rule.

    A statement a rule, blocking nobody. Every posting must have its document: give it the books of all slices.
    """
    await tx.execute("set local statement_timeout = 0")
    asked = " union all ".join(f"select * from ({query}) q" for each in books for query in each.postings)
    rules = {"documents and postings match": _MATCH.replace("<asked>", asked)} if asked else {}
    for each in books:
        rules |= each.rules
    findings: list[Finding] = []
    for number, (rule, query) in enumerate(rules.items(), 1):
        findings += await tx.all(
            Finding,
            f"select %(rule)s::text as rule, subject, detail from ({query}) f order by subject limit %(limit)s",
            rule=rule,
            limit=LIMIT,
        )
        told(number, len(rules))
    return findings


_MATCH = """
    with asked (reference, kind, event_at, purpose, owner, currency, amount_minor) as (<asked>),
    due as (
        select reference, min(kind) as kind, min(event_at) as event_at, string_agg(line, ', ' order by line) as lines
        from (select a.*, concat_ws(' ', purpose, nullif(owner, ''), currency, amount_minor) as line from asked a
              where purpose is null or amount_minor <> 0) l
        group by reference),
    booked as (
        select p.reference, p.kind, p.event_at, l.lines from ledger_posting p left join (
            select posting_id, string_agg(line, ', ' order by line) as lines
            from (select e.posting_id,
                      concat_ws(' ', a.purpose, nullif(a.owner, ''), e.currency, e.amount_minor) as line
                  from ledger_entry e left join ledger_account a on a.id = e.account_id) l
            group by posting_id) l on l.posting_id = p.id)
    select coalesce(d.reference, b.reference) as subject, case
        when b.reference is null then 'is not in the ledger, but its document is there'
        when d.reference is null then 'is in the ledger, but no document asks for it'
        when d.kind <> b.kind then format('is of kind %%s, its document asks for %%s', b.kind, d.kind)
        when d.event_at <> b.event_at then format('is of %%s, its document of %%s', b.event_at, d.event_at)
        else format('books %%s; its document asks for %%s', b.lines, d.lines) end as detail
    from due d full join booked b on b.reference = d.reference
    where b.reference is null or d.reference is null or d.kind <> b.kind or d.event_at <> b.event_at
        or d.lines <> '' and d.lines is distinct from b.lines"""
