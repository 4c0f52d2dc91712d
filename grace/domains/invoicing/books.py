"""What invoices ask of the ledger, and what must hold of them: for `grace ledger check`."""

from grace.trust.ledger.documents import Books

_LINES = """lateral (values ('receivable', i.client_id, i.total_minor), ('unpaid_revenue', i.client_id, -i.net_minor),
        ('tax_payable', '', -i.tax_minor)) l (purpose, owner, amount_minor)"""

BOOKS = Books(
    postings=(
        f"""select 'invoice:' || i.id || ':issued', 'invoice_issued', i.issued_at, l.purpose, l.owner, i.currency,
            l.amount_minor from invoice i cross join {_LINES} where i.issued_at is not null""",
        f"""select 'invoice:' || i.id || ':voided', 'invoice_voided', i.voided_at, l.purpose, l.owner, i.currency,
            -l.amount_minor from invoice i cross join {_LINES} where i.issued_at is not null and i.state = 'void'""",
    ),
    rules={
        "an invoice is the sum of its lines": """
            select i.id as subject, format('net %%s, lines %%s; tax %%s, taxes %%s', i.net_minor, l.net_minor,
                i.tax_minor, t.tax_minor) as detail
            from invoice i
            cross join lateral (select coalesce(sum(net_minor), 0) as net_minor from invoice_line
                where invoice_id = i.id) l
            cross join lateral (select coalesce(sum((t ->> 'tax_minor')::bigint), 0) as tax_minor
                from jsonb_array_elements(i.taxes) t) t
            where (i.net_minor, i.tax_minor) is distinct from (l.net_minor, t.tax_minor)""",
        "a line is its quantity times its price": """
            select format('%%s, line %%s', invoice_id, position) as subject,
                format('%%s at %%s is not %%s', quantity, unit_price_minor, net_minor) as detail
            from invoice_line where net_minor <> round(quantity * unit_price_minor)""",
        "an invoice that is not a draft was issued or discarded": """
            select id as subject, format('is %%s, issued %%s', state, coalesce(issued_at::text, 'never')) as detail
            from invoice where (issued_at is null) <> (state = 'draft' or state = 'void' and invoice_number is null)""",
        "invoice numbers have no gap": """
            select c.series || ' ' || c.period as subject,
                format('%%s invoices, the highest number is %%s, counted to %%s', count(i.id), max(i.series_number),
                    c.last) as detail
            from invoice_counter c left join invoice i on (i.series, i.series_period) = (c.series, c.period)
                and i.series_number is not null
            group by c.series, c.period having (count(i.id), max(i.series_number)) is distinct from (c.last, c.last)
            union all select i.id, 'has a number of a series that was never counted' from invoice i
            where i.series_number is not null
                and not exists (select from invoice_counter c
                    where (c.series, c.period) = (i.series, i.series_period))""",
    },
)
