"""What payments, refunds and card charges ask of the ledger, and what must hold of them: for `grace ledger check`."""

from grace.trust.ledger.documents import Books

_PAYMENTS = """
    select 'payment:' || p.id || ':received',
        case when p.excess_of is null then 'payment_received' else 'credit_spent' end, p.received_at,
        l.purpose, l.owner, p.currency, l.amount_minor
    from payment p left join payment_attempt a on a.id = p.excess_of
    cross join lateral (values
        (case when p.excess_of is null then 'clearing' else 'customer_credit' end,
            case when p.excess_of is not null then a.client_id when p.provider = 'manual' then p.method
                else p.provider end,
            p.amount_minor),
        ('receivable', p.client_id, -p.amount_minor), ('unpaid_revenue', p.client_id, p.net_minor),
        ('revenue', p.client_id, -p.net_minor)) l (purpose, owner, amount_minor)
    where p.status in ('paid', 'refunded')"""

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

# A part that failed after it had succeeded was booked three times, and one made at the provider of more excess than
# there was is owed: that, the audit log proves, for it is not on the document.
_REFUNDS = """
    select 'refund:' || part.id || ':' || part.step, 'refund_' || part.step,
        case part.step when 'ordered' then part.created_at end, l.purpose, l.owner, part.currency, l.amount_minor
    from (select p.id, s.step, s.sign, p.amount_minor as gross, p.net_minor as net, r.currency, r.created_at,
              coalesce(y.client_id, a.client_id) as client_id, p.excess_of is not null as of_credit,
              case p.provider when 'manual' then y.method else p.provider end as way,
              case when p.provider = 'manual' or s.step = 'failed' and b.done then 'clearing'
                  else 'refunds_in_flight' end as by_way_of,
              (select coalesce(sum(s.sign * e.amount_minor), 0) from ledger_posting g
               join ledger_entry e on e.posting_id = g.id join ledger_account c on c.id = e.account_id
               where g.reference = 'refund:' || p.id || ':' || s.step and c.purpose = 'receivable') as over
          from refund_part p left join refund r on r.id = p.refund_id left join payment y on y.id = p.payment_id
          left join payment_attempt a on a.id = p.excess_of
          cross join (values ('ordered', 1), ('done', 0), ('failed', -1)) s (step, sign)
          cross join lateral (select p.provider <> 'manual' and (p.state = 'succeeded' or p.state = 'failed'
              and exists (select from ledger_posting where reference = 'refund:' || p.id || ':done')) as done) b
          where s.step = 'ordered' or s.step = 'done' and b.done or s.step = 'failed' and p.state = 'failed') part
    cross join lateral (values
        ('revenue', client_id, case when of_credit then 0 else sign * net end),
        ('tax_payable', '', case when of_credit then 0 else sign * (gross - net) end),
        ('customer_credit', client_id, case when of_credit then sign * (gross - over) else 0 end),
        ('receivable', client_id, case when of_credit then sign * over else 0 end),
        (by_way_of, way, case step when 'ordered' then -gross else gross end),
        ('clearing', way, case step when 'done' then -gross else 0 end)) l (purpose, owner, amount_minor)"""

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
        "a part of a refund is of its refund and of a payment of that invoice": """
            select p.id as subject, 'its refund or payment is missing, or of another invoice, client or currency'
                as detail
            from refund_part p left join refund r on r.id = p.refund_id left join payment y on y.id = p.payment_id
            left join payment_attempt a on a.id = coalesce(p.excess_of, y.excess_of)
            where r.currency is distinct from coalesce(y.currency, a.currency)
                or p.provider is distinct from coalesce(a.provider, y.provider)
                or (r.invoice_id = y.invoice_id or r.invoice_id = a.invoice_id) is not true
                or not exists (select from refund_part q left join payment z on z.id = q.payment_id
                    left join payment_attempt b on b.id = q.excess_of
                    where q.refund_id = r.id and r.client_id = coalesce(z.client_id, b.client_id))""",
        "a payment is refunded when all of it went back": """
            select y.id as subject, format('is %%s; %%s of %%s went back', y.status, coalesce(sum(p.amount_minor), 0),
                y.amount_minor) as detail
            from payment y left join refund_part p on p.payment_id = y.id and p.state = 'succeeded'
            where y.status in ('paid', 'refunded') group by y.id
            having (y.status = 'refunded') <> (coalesce(sum(p.amount_minor), 0) >= y.amount_minor)""",
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
