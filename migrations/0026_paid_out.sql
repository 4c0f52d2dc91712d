-- Money that leaves: refunds and what providers keep, by the day on which they are booked, beside what is received.
-- What was folded before is folded anew: figures stay exact meanwhile, or are not answered while too much is left.

-- The postings whose money has another currency than the workspace and lies within a time.
create or replace function insight_foreign(p_from timestamptz, p_to timestamptz) returns bigint[] language sql stable as $$
  select coalesce(array_agg(distinct noun::bigint), '{}') from insight_row
  where measure in ('revenue', 'commission', 'payment', 'paid_out') and at >= p_from and at < p_to
    and currency <> (select currency from workspace)
$$;

-- Money. A payment that was taken back is none; what it brought and took is revenue. What leaves the business's own
-- accounts is paid out, less what comes back of it. A payment's channel is that of the
-- lead of its project, else what brought the client. Each look-up is by key, whatever the planner knows of the tables:
-- no other way is ever as quick.
create or replace function insight_of_postings(p_postings bigint[]) returns setof insight_row language sql stable as $$
  select p.id::text, a.measure, e.account_id::text, p.event_at, coalesce(p.memo, p.reference),
    case when a.measure <> 'paid_out' then nullif(a.owner, '') end,
    coalesce(lead_source, client_source, 'unknown'),
    case when a.measure = 'payment' then coalesce(y.method, '') else p.kind end, 0::smallint, e.currency,
    -e.amount_minor, case when e.currency = own.currency then -e.amount_minor
      else insight_value(-e.amount_minor, e.currency, p.event_at) end
  from unnest(p_postings) i (id) cross join (select currency from workspace) own
  cross join lateral (select * from ledger_posting where id = i.id limit 1) p
  cross join lateral (select * from ledger_entry where posting_id = p.id offset 0) e
  cross join lateral (select owner, case when purpose = 'revenue' then 'revenue'
      when purpose = 'commission_revenue' then 'commission'
      when purpose = 'receivable' and p.kind in ('payment_received', 'credit_spent') then 'payment'
      when purpose in ('bank', 'clearing') and (p.kind = 'processor_fee' or p.kind like 'refund\_%') then 'paid_out'
      end as measure
    from ledger_account where id = e.account_id limit 1) a
  left join lateral (select * from payment where id = case
    when p.kind in ('payment_received', 'credit_spent', 'payment_reversed') then p.memo
    when p.kind like 'refund\_%' then (select payment_id from refund_part where id = split_part(p.reference, ':', 2)) end
    limit 1) y on true
  cross join lateral (select (select l.source from project j join lead l on l.id = j.lead_id where j.id = y.project_id)
    as lead_source, (select min(f.data->>'source') from fact f where f.subject = a.owner
    and f.kind = 'ClientCreated') as client_source) s
  where a.measure is not null and (a.measure <> 'payment' or y.reversed_at is null)
$$;

select insight_forget();
