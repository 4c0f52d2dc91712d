"""Search over everything that has a name or a number, in one statement: by the beginnings of words, or exactly."""

import re
from collections.abc import Collection
from dataclasses import dataclass

from grace.insight.naming import Noun, named
from grace.kit.tx import Tx
from grace.kit.words import searched

EACH = 8
QUERY_LENGTH = 100
KINDS = ("client", "lead", "project", "invoice", "proposal")
_ID = re.compile(r"[a-z]{2,8}_[0-9a-z]{20,32}")
_NUMBERED = re.compile(r"(p|d)-([0-9]{1,15})")


@dataclass(frozen=True, slots=True)
class Asked:
    """What somebody typed: words for the text indexes, a number for P-12 and D-12, an id."""

    text: str
    words: str
    numbered: tuple[str, int] | None
    id: str | None


def read_query(text: str) -> Asked:
    """Read what was typed; words of one letter find nothing, or everybody."""
    typed = text.strip().lower()[:QUERY_LENGTH]
    found = _NUMBERED.fullmatch(typed)
    return Asked(
        text=typed,
        words=searched(typed, shortest=2),
        numbered=(found[1], int(found[2])) if found else None,
        id=typed if _ID.fullmatch(typed) else None,
    )


async def find(tx: Tx, text: str, kinds: Collection[str] = KINDS) -> list[Noun]:
    """Nouns of these kinds that somebody may mean by `text`, at most 8 of each, the newest first. One statement."""
    asked = read_query(text)
    if asked.id is not None:
        return [
            noun for noun in (await named(tx, [asked.id])).values() if noun.kind in kinds or noun.kind == "decision"
        ]
    if not asked.words and asked.numbered is None:
        return []
    letter, number = asked.numbered or ("", None)
    return await tx.all(
        Noun,
        _FOUND,
        words=asked.words or None,
        beginning=asked.text.replace("\\", "").replace("%", "").replace("_", "\\_"),
        proposal=number if letter == "p" else None,
        decision=number if letter == "d" else None,
        kinds=list(kinds),
        each=EACH,
    )


_CLIENT_TEXT = "name || ' ' || coalesce(company, '') || ' ' || coalesce(email, '')"
_CLIENT_WORDS = f"to_tsvector('simple', translate({_CLIENT_TEXT}, '@._+/-', '      '))"
_FOUND = f"""
with c as materialized (
  select id, name, company, status from client
  where {_CLIENT_WORDS} @@ to_tsquery('simple', %(words)s) and merged_into is null order by id desc limit %(each)s
)
(select 'client' as kind, id, name as label, coalesce(company, '') as title, id as client_id, name as client_name,
  status as state, null::text as currency, null::bigint as amount_minor from c where 'client' = any(%(kinds)s))
union all
(select 'lead', n.id, c.name, coalesce(n.project_type, ''), c.id, c.name, n.stage, n.currency, n.value_estimate_minor
  from c join lead n on n.client_id = c.id where 'lead' = any(%(kinds)s) order by n.id desc limit %(each)s)
union all
(select 'project', n.id, n.title, n.kind, o.id, o.name, n.status, n.currency, n.budget_minor
  from (select id from project where to_tsvector('simple', title) @@ to_tsquery('simple', %(words)s)
    union select p.id from c join project p on p.client_id = c.id order by id desc limit %(each)s) found
  join project n using (id) join client o on o.id = n.client_id where 'project' = any(%(kinds)s) order by n.id desc)
union all
(select 'invoice', n.id, coalesce(n.invoice_number, 'Draft ' || n.number), '', o.id, o.name, n.state, n.currency,
  n.total_minor
  from ((select id from invoice where lower(invoice_number) like %(beginning)s || '%%' and %(words)s::text is not null
      order by id desc limit %(each)s)
    union (select i.id from c join invoice i on i.client_id = c.id order by i.id desc limit %(each)s)
    order by id desc limit %(each)s) found
  join invoice n using (id) join client o on o.id = n.client_id where 'invoice' = any(%(kinds)s) order by n.id desc)
union all
(select 'proposal', n.id, 'P-' || n.number, n.title, o.id, o.name, n.status, n.currency, n.total_minor
  from (select id from proposal where to_tsvector('simple', title) @@ to_tsquery('simple', %(words)s)
    union select id from proposal where number = %(proposal)s
    union select p.id from c join proposal p on p.client_id = c.id order by id desc limit %(each)s) found
  join proposal n using (id) join client o on o.id = n.client_id where 'proposal' = any(%(kinds)s) order by n.id desc)
union all
(select 'decision', d.id, 'D-' || d.number, d.action, null, null, d.status, null, null
  from decision d where d.number = %(decision)s)
"""
