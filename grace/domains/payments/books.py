"""What payments, refunds and card charges ask of the ledger, and what must hold of them: for `grace ledger check`."""

from grace.trust.ledger.documents import Books

# What was taken back is booked and booked back; credit that is spent moves no money.
_PAYMENTS = """
    select 'payment:' || p.id || ':' || step.name, step.kind, step.at, l.purpose, l.owner, p.currency,
        step.sign * l.amount_minor
    from payment p left join payment_attempt a on a.id = p.excess_of
    cross join lateral (values
        ('received', case p.provider when 'credit' then 'credit_spent' else 'payment_received' end, p.received_at, 1),
        ('reversed', 'payment_reversed', p.reversed_at, -1)) step (name, kind, at, sign)
    cross join lateral (values
        (case p.provider when 'credit' then 'customer_credit' else 'clearing' end,
            case p.provider when 'manual' then p.method when 'credit' then a.client_id else p.provider end,
            p.amount_minor),
        ('receivable', p.client_id, -p.amount_minor), ('unpaid_revenue', p.client_id, p.net_minor),
        ('revenue', p.client_id, -p.net_minor)) l (purpose, owner, amount_minor)
    where p.reversed_at is not null or p.status in ('paid', 'refunded') and step.name = 'received'"""

_EXCESS = """
    select 'attempt:' || a.id || ':excess', 'overpaid', a.ended_at, l.purpose, l.owner, a.currency, l.amount_minor
    from payment_attempt a cross join lateral (values ('clearing', a.provider, a.excess_minor),
        ('customer_credit', a.client_id, -a.excess_minor)) l (purpose, owner, amount_minor)
    where a.excess_minor > 0"""

# What the provider kept, and the exchange into the currency of its balance: only the fee is on the document.
_MOVEMENTS = """
    select 'movement:' || a.movement, 'processor_fee', null::timestamptz, null, null, null, null::bigint
    from payment_attempt a where a.movement is not null
        and (a.fee_minor <> 0 or exists (select from ledger_posting where reference = 'movement:' || a.movement))
    union all select 'movement:' || p.movement, 'processor_fee', null, null, null, null, null from refund_part p
    where exists (select from ledger_posting where reference = 'movement:' || p.movement)"""

# A part that failed after it had succeeded was booked three times; the log proves the middle one.
_REFUNDS = """
    select 'refund:' || part.id || ':' || step.name, 'refund_' || step.name,
        case step.name when 'ordered' then part.created_at end, l.purpose, l.owner, part.currency, l.amount_minor
    from (select p.id, p.amount_minor as gross, p.net_minor as net, p.over_minor as over, p.failed_over_minor as
              failed_over, p.excess_of is null as of_payment, p.state, p.provider,
              coalesce(y.client_id, a.client_id) as client_id, r.currency, r.created_at,
              case p.provider when 'manual' then y.method else p.provider end as way,
              case p.provider when 'manual' then 'clearing' else 'refunds_in_flight' end as by_way_of,
              p.provider <> 'manual' and (p.state = 'succeeded' or p.state = 'failed' and exists (
                  select from ledger_posting where reference = 'refund:' || p.id || ':done')) as left_us
          from refund_part p left join refund r on r.id = p.refund_id left join payment y on y.id = p.payment_id
          left join payment_attempt a on a.id = p.excess_of) part
    cross join (values ('ordered', 1), ('done', null), ('failed', -1)) step (name, sign)
    cross join lateral (
        select 'revenue', client_id, case when of_payment then step.sign * net end
        union all select 'tax_payable', '', case when of_payment then step.sign * (gross - net) end
        union all select 'customer_credit', client_id,
            case when not of_payment then step.sign * (gross - case step.sign when 1 then over else failed_over end) end
        union all select 'receivable', client_id,
            case when not of_payment then step.sign * case step.sign when 1 then over else failed_over end end
        union all select case when step.name = 'failed' and left_us then 'clearing' else by_way_of end, way,
            case step.name when 'ordered' then -gross else gross end
        union all select 'clearing', way, case step.name when 'done' then -gross end) l (purpose, owner, amount_minor)
    where l.amount_minor is not null and (step.name = 'ordered' or step.name = 'done' and left_us
        or step.name = 'failed' and state = 'failed')"""

BOOKS = Books(
    postings=(_PAYMENTS, _EXCESS, _MOVEMENTS, _REFUNDS),
    rules={
        "a refund is the sum of its parts, and ends with them": """
            select r.id as subject, format('%%s of %%s, parts %%s of %%s', r.state, r.amount_minor,
                coalesce(p.states, 'none'), coalesce(p.amount_minor, 0)) as detail
            from refund r left join (
                select refund_id, sum(amount_minor) as amount_minor, string_agg(distinct state, ', ') as states,
                    case when bool_or(state = 'failed') then 'failed' when bool_or(state = 'pending') then 'pending'
                    else 'succeeded' end as state
                from refund_part group by refund_id) p on p.refund_id = r.id
            where (r.amount_minor, r.state) is distinct from (p.amount_minor, p.state)
                or (r.state = 'pending') <> (r.ended_at is null)""",
        "a refund is of the client whose money it was": """
            select r.id as subject, 'nothing of it is of its client' as detail from refund r
            where r.client_id not in (select coalesce(y.client_id, a.client_id) from refund_part p
                left join payment y on y.id = p.payment_id left join payment_attempt a on a.id = p.excess_of
                where p.refund_id = r.id and coalesce(y.client_id, a.client_id) is not null)""",
        "a part of a refund is of its refund, and of what that invoice was paid with": """
            select p.id as subject, 'its refund or its payment is missing, or of another invoice or currency' as detail
            from refund_part p left join refund r on r.id = p.refund_id left join payment y on y.id = p.payment_id
            left join payment_attempt a on a.id = coalesce(p.excess_of, y.excess_of)
            where r.id is null or (r.currency, p.provider) is distinct from
                    (coalesce(y.currency, a.currency), coalesce(a.provider, y.provider))
                or r.invoice_id is distinct from y.invoice_id and r.invoice_id is distinct from a.invoice_id
                or p.excess_of is null and p.over_minor <> 0
                or p.excess_of is not null and p.net_minor <> 0
                or (p.excess_of is null or p.state <> 'failed') and p.failed_over_minor <> 0""",
        "what was paid too much is there only once": """
            select a.id as subject, format('too much %%s, spent and given back %%s', a.excess_minor, g.amount_minor)
                as detail
            from payment_attempt a cross join lateral (
                select (select coalesce(sum(amount_minor), 0) from payment where excess_of = a.id)
                    + (select coalesce(sum(amount_minor - over_minor), 0) from refund_part
                       where excess_of = a.id and state <> 'failed') as amount_minor) g
            where g.amount_minor > a.excess_minor""",
        "a payment is refunded when all of it went back": """
            select y.id as subject, format('is %%s; %%s of %%s went back', y.status, coalesce(sum(p.amount_minor), 0),
                y.amount_minor) as detail
            from payment y left join refund_part p on p.payment_id = y.id and p.state = 'succeeded'
            where y.status in ('paid', 'refunded') group by y.id
            having (y.status = 'refunded') <> (coalesce(sum(p.amount_minor), 0) >= y.amount_minor)""",
        "a payment that was taken back counts no more": """
            select id as subject, format('is %%s, taken back at %%s', status, reversed_at) as detail from payment
            where reversed_at is not null and status <> 'failed'""",
        "a charge is its payment and what was paid too much": """
            select a.id as subject, format('%%s charged, payment %%s of %%s, too much %%s', a.amount_minor,
                coalesce(a.payment_id, 'none'), coalesce(p.amount_minor, 0), a.excess_minor) as detail
            from payment_attempt a left join payment p on p.id = a.payment_id
            where a.payment_id is not null and (p.id is null or (p.invoice_id, p.reference, p.provider, p.currency)
                    is distinct from (a.invoice_id, a.charge, a.provider, a.currency))
                or (a.state = 'succeeded' or a.payment_id is not null or a.excess_minor > 0)
                and a.amount_minor <> coalesce(p.amount_minor, 0) + a.excess_minor""",
        "a payment by a provider has its charge": """
            select p.id as subject, format('no attempt became it (%%s)', p.reference) as detail from payment p
            where p.provider not in ('manual', 'credit')
                and not exists (select from payment_attempt a where a.payment_id = p.id)""",
        "credit that is spent was paid too much before": """
            select p.id as subject, 'the charge whose excess it is is missing, or brought none' as detail
            from payment p left join payment_attempt a on a.id = p.excess_of and a.currency = p.currency
            where p.excess_of is not null and coalesce(a.excess_minor, 0) < p.amount_minor""",
        "a fee is booked as the provider told it": """
            select a.id as subject, format('fee %%s, booked %%s', a.fee_minor, f.amount_minor) as detail
            from payment_attempt a cross join lateral (
                select coalesce(sum(e.amount_minor), 0) as amount_minor from ledger_posting p
                join ledger_entry e on e.posting_id = p.id join ledger_account c on c.id = e.account_id
                where p.reference = 'movement:' || a.movement and c.purpose = 'processor_fees') f
            where coalesce(a.fee_minor, 0) <> f.amount_minor""",
    },
)
