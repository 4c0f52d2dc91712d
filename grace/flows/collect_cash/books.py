"""What must hold between invoices and their payments: for `grace ledger check`."""

from grace.trust.ledger.documents import Books

BOOKS = Books(
    rules={
        "an invoice's state follows from its payments": """
            select i.id as subject, format('is %%s, paid %%s; its payments come to %%s of %%s', i.state, i.paid_minor,
                p.paid_minor, i.total_minor) as detail
            from invoice i cross join lateral (
                select coalesce(sum(amount_minor), 0) as paid_minor from payment
                where invoice_id = i.id and status in ('paid', 'refunded')) p
            where i.paid_minor <> p.paid_minor or i.state <> case when i.state in ('draft', 'void') then i.state
                when p.paid_minor = i.total_minor then 'paid' when p.paid_minor > 0 then 'part_paid'
                else 'issued' end""",
        "an invoice knows what of its payments is revenue, and what was too much": """
            select i.id as subject, format('revenue %%s, of its payments %%s; too much %%s, of its charges %%s',
                i.earned_minor, p.net_minor, i.excess_minor, a.excess_minor) as detail
            from invoice i cross join lateral (
                select coalesce(sum(net_minor), 0) as net_minor from payment
                where invoice_id = i.id and status in ('paid', 'refunded')) p
            cross join lateral (
                select coalesce(sum(excess_minor), 0) as excess_minor from payment_attempt where invoice_id = i.id) a
            where (i.earned_minor, i.excess_minor) is distinct from (p.net_minor, a.excess_minor)""",
        "a payment is of its invoice": """
            select p.id as subject, 'its invoice is missing, or of another client or currency' as detail
            from payment p left join invoice i on i.id = p.invoice_id
            where (p.client_id, p.currency) is distinct from (i.client_id, i.currency)""",
        "an invoice names the payment that came last": """
            select i.id as subject, format('was paid at %%s by %%s, which is not a payment of it', i.paid_at,
                coalesce(i.transaction_id, 'nothing')) as detail
            from invoice i left join payment p on p.id = i.transaction_id and p.invoice_id = i.id
            where i.paid_minor > 0 and (p.id is null or p.method <> i.payment_method
                or i.state = 'paid' and p.received_at <> i.paid_at)
                or i.paid_minor = 0 and i.transaction_id is not null""",
    },
)
