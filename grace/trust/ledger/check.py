"""Proves the books from the entries alone: what `grace ledger check` runs."""

from grace.kit.progress import Progress, unheard
from grace.kit.tx import Tx
from grace.trust.ledger.documents import LIMIT
from grace.trust.ledger.models import Finding
from grace.trust.ledger.rules import POSTED

GUARDS = {
    "ledger_posting": ("ledger_append_only", "ledger_by_function"),
    "ledger_entry": ("ledger_append_only", "ledger_by_function", "ledger_entry_guard"),
    "ledger_account": ("ledger_kept", "ledger_by_function", "ledger_account_opens", "ledger_account_keeps"),
    "ledger_hold": ("ledger_kept", "ledger_by_function"),
    "ledger_hold_line": ("ledger_kept", "ledger_by_function", "ledger_hold_guard"),
}
"""The triggers that must be there and enabled."""

_ACCOUNT = "concat_ws(' ', a.purpose, nullif(a.owner, ''), a.currency)"

_RULES = {
    "currency sums to zero": """
        select currency as subject, 'entries sum to ' || sum(amount_minor) as detail
        from ledger_entry group by currency having sum(amount_minor) <> 0""",
    "posting is balanced": """
        select p.reference as subject, case when count(e.posting_id) = 0 then 'no entries'
            else e.currency || ' sums to ' || sum(e.amount_minor) end as detail
        from ledger_posting p left join ledger_entry e on e.posting_id = p.id
        group by p.id, p.reference, e.currency having count(e.posting_id) = 0 or sum(e.amount_minor) <> 0""",
    "entry has its posting and account": """
        select 'entry of posting ' || e.posting_id || ', account ' || e.account_id as subject,
            'posting or account is missing, of another currency or kind, or the amount is zero' as detail
        from ledger_entry e left join ledger_posting p on p.id = e.posting_id
        left join ledger_account a on a.id = e.account_id
        where p.id is null or a.id is null or a.currency <> e.currency or e.amount_minor = 0
            or a.tail <> (e.account_seq is null) or a.tail <> (e.balance_minor is null)""",
    "balance is the sum of its entries": f"""
        select {_ACCOUNT} as subject, 'balance ' || a.balance_minor || ', entries ' || coalesce(e.total, 0) as detail
        from ledger_account a left join (
            select b.id, sum(b.normal * e.amount_minor) as total from ledger_account b
            join ledger_entry e on e.account_id = b.id and (not b.tail or e.xid < b.rolled_to) group by b.id
        ) e on e.id = a.id where a.balance_minor <> coalesce(e.total, 0)""",
    "entries are numbered without a gap and each continues the last": f"""
        select {_ACCOUNT} as subject, count(*) filter (where e.broken) || ' breaks, ' || count(e.account_id)
            || ' entries, numbered to ' || a.account_seq as detail
        from ledger_account a left join (
            select e.account_id, e.account_seq <> row_number() over w or e.balance_minor <>
                coalesce(lag(e.balance_minor) over w, 0) + b.normal * e.amount_minor as broken
            from ledger_entry e join ledger_account b on b.id = e.account_id where not b.tail
            window w as (partition by e.account_id order by e.account_seq)
        ) e on e.account_id = a.id where not a.tail
        group by a.id having coalesce(bool_or(e.broken), false) or count(e.account_id) <> a.account_seq""",
    "floor is kept": f"""
        select {_ACCOUNT} as subject, 'balance ' || a.balance_minor || ', held ' || a.held_minor as detail
        from ledger_account a where not a.allow_negative and a.balance_minor < a.held_minor or a.held_minor < 0""",
    "held is the sum of the pending holds": f"""
        select {_ACCOUNT} as subject, 'held ' || a.held_minor || ', holds ' || coalesce(h.total, 0) as detail
        from ledger_account a left join (
            select b.id, sum(greatest(-b.normal * l.amount_minor, 0)) as total from ledger_hold_line l
            join ledger_hold h on h.id = l.hold_id and h.state = 'pending'
            join ledger_account b on b.id = l.account_id and not b.tail group by b.id
        ) h on h.id = a.id where a.held_minor <> coalesce(h.total, 0)""",
    "transaction ids are this server's": f"""
        select {_ACCOUNT} as subject, 'restored from a dump: ledger_roll() has not run since' as detail
        from ledger_account a where a.tail and a.rolled_to > pg_snapshot_xmax(pg_current_snapshot())""",
    "a posting is as the audit log tells it": """
        with told as (
            select distinct on (e.subject_id) e.subject_id as reference, p.entry_id is not null as readable,
                convert_from(p.payload, 'UTF8')::jsonb -> 'after' ->> 'digest' as digest
            from audit_entry e left join audit_payload p on p.entry_id = e.id
            where e.action = %(posted)s and e.subject_kind = 'posting' order by e.subject_id, e.id),
        said as (
            select p.id, p.reference, encode(sha256(convert_to(concat_ws(chr(10), p.reference, p.kind,
                to_char(p.event_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), l.lines,
                coalesce(p.memo, '')), 'UTF8')), 'hex') as digest
            from ledger_posting p left join (
                select e.posting_id, string_agg(concat_ws(' ', a.purpose, a.owner, e.currency, e.amount_minor), chr(10)
                    order by a.purpose collate "C", a.owner collate "C", e.currency collate "C") as lines
                from ledger_entry e left join ledger_account a on a.id = e.account_id group by e.posting_id
            ) l on l.posting_id = p.id)
        select coalesce(s.reference, t.reference) as subject, case when s.id is null then 'was posted, and is gone'
            when t.reference is null then 'the log does not know of it'
            when not t.readable then 'what the log said of it was erased'
            else 'time, kind, memo, lines or amounts are not those that were posted' end as detail
        from said s full join told t on t.reference = s.reference
        where s.id is null or s.digest is distinct from t.digest and (t.reference is not null or s.id > (
            select min(b.id) from told a join ledger_posting b on b.reference = a.reference))""",
    "guards are on": """
        select g.relation || ', ' || g.trigger as subject, 'trigger is missing or disabled' as detail
        from unnest(%(relations)s::text[], %(triggers)s::text[]) g (relation, trigger)
        where not exists (select from pg_trigger t where t.tgrelid = to_regclass(g.relation)
            and t.tgname = g.trigger and t.tgenabled in ('O', 'A'))""",
    "application role may only read": """
        select r.relation as subject, 'grace_app may ' || p.privilege as detail
        from unnest(%(relations)s::text[]) r (relation)
        cross join unnest(array['insert', 'update', 'delete', 'truncate']) p (privilege)
        join pg_roles on rolname = 'grace_app'
        where has_table_privilege('grace_app', r.relation, p.privilege)
        group by 1, 2""",
}


async def check(tx: Tx, *, told: Progress = unheard) -> list[Finding]:
    """What is wrong with the books, at most LIMIT findings per rule; [] when they are right.

    Reads every entry and blocks nobody: each rule is one statement, hence one snapshot, also while postings go on.
    That a posting is as it was made follows from the audit log, which `grace audit verify` proves; postings before the
    first that the log tells of are older than this telling. Give it a transaction of its own. `told` hears how many of
    how many rules are checked.
    """
    await tx.execute("set local statement_timeout = 0")
    guards = [(relation, trigger) for relation, triggers in GUARDS.items() for trigger in triggers]
    findings: list[Finding] = []
    for number, (rule, query) in enumerate(_RULES.items(), 1):
        findings += await tx.all(
            Finding,
            f"select %(rule)s::text as rule, subject, detail from ({query}) f order by subject limit %(limit)s",
            rule=rule,
            posted=POSTED,
            limit=LIMIT,
            relations=[relation for relation, _ in guards],
            triggers=[trigger for _, trigger in guards],
        )
        told(number, len(_RULES))
    return findings
