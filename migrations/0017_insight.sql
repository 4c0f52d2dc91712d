-- Insight: the rows behind every figure, their sums by hour, day and month, and how far the streams are folded.
--
-- What happened (a fact, a posting) names nouns. The rows of a noun are computed anew from what is stored of it,
-- whatever they were before; sums follow the difference. So folding again changes nothing, and the rows of a noun
-- depend on what is stored, not on when it was folded. `insight_diff` is that difference: folding applies it to what is
-- below the horizon of running transactions, reading adds it for everything that is visible and not folded yet.

create table insight_row (
  noun text not null,                       -- a posting's number, or the id of a lead, an attempt, a project, a client
  measure text not null,
  key text not null default '',             -- tells rows of one noun and measure apart
  at timestamptz not null,                  -- business time
  subject text not null,                    -- what to look up: a payment, a refund, a lead …
  client_id text,
  source text not null,                     -- the channel; '' where there is none
  what text not null,                       -- the kind within the measure: a stage, a method, an outcome
  place smallint not null,                  -- how far along the pipeline
  currency text not null,                   -- '' for what is not money
  amount_minor bigint not null,             -- of that currency; seconds or points for what is not money
  value_minor bigint,                       -- in the workspace's currency at the rate of that day; null without a rate
  primary key (noun, measure, key)
);
create index insight_row_at on insight_row (measure, at, noun, key);

create table insight_sum (
  measure text not null,
  grain text not null check (grain in ('hour', 'day', 'month')),
  start timestamp not null,                 -- UTC
  currency text not null,
  source text not null,
  what text not null,
  place smallint not null,
  n bigint not null,
  amount_minor numeric not null,
  value_minor numeric not null,
  unvalued bigint not null,                 -- rows without a rate
  unvalued_minor numeric not null,
  primary key (measure, grain, start, currency, source, what, place)
) with (fillfactor = 80);

create table insight_client (
  client_id text primary key,               -- as the money names it: one that was merged keeps its own
  first_at timestamptz,                     -- the first payment
  payments bigint not null,
  value_minor numeric not null,
  unvalued bigint not null
);

create table insight_cursor (
  only_row boolean primary key default true check (only_row),
  fact_xid xid8 not null default '0',
  fact_id bigint not null default 0,
  posting_xid xid8 not null default '0',
  posting_id bigint not null default 0,
  revalue_from timestamptz,                 -- rates were set: what lies here is valued anew, day by day
  revalue_to timestamptz,
  check ((revalue_from is null) = (revalue_to is null))
);
insert into insight_cursor default values;

create index ledger_posting_stream on ledger_posting (xid, id);

-- The planner cannot know how few rows lie after a cursor, or in an array: the functions below that look for them do so
-- by index (enable_seqscan).

-- What touches what ---------------------------------------------------------------------------------------------------

create type insight_touch as (
  leads text[], postings bigint[], attempts text[], projects text[], clients text[],
  revalue_from timestamptz, revalue_to timestamptz
);
create type insight_change as (sign int, r insight_row);

-- The nouns that facts and postings after the cursor name, up to the given ones (null: all that are visible).
create function insight_touched(p_fact_xid xid8, p_fact_id bigint, p_posting_xid xid8, p_posting_id bigint)
returns insight_touch language plpgsql stable set enable_seqscan = off as $$
declare
  c insight_cursor;
  t insight_touch;
begin
  select * into c from insight_cursor;
  select coalesce(array_agg(distinct f.subject) filter (where f.kind in ('LeadCaptured', 'LeadScored', 'LeadMoved',
      'LeadValued')), '{}'),
    coalesce(array_agg(distinct f.subject) filter (where f.kind = 'AttemptChanged'), '{}'),
    coalesce(array_agg(distinct f.subject) filter (where f.kind = 'SurveyAnswered'), '{}'),
    coalesce(array_agg(distinct f.subject) filter (where f.kind in ('ClientCreated', 'ClientsMerged',
      'ClientsUnmerged')), '{}')
    || coalesce(array_agg(distinct coalesce(f.data->>'merged_id', f.data->>'restored_id'))
      filter (where f.kind in ('ClientsMerged', 'ClientsUnmerged')), '{}'),
    least(c.revalue_from, min((f.data->>'since')::timestamp at time zone 'UTC') filter (where f.kind = 'RatesSet')),
    greatest(c.revalue_to, max(coalesce((f.data->>'until')::timestamp at time zone 'UTC', 'infinity'))
      filter (where f.kind = 'RatesSet'))
  into t.leads, t.attempts, t.projects, t.clients, t.revalue_from, t.revalue_to
  from fact f where (f.xid, f.id) > (c.fact_xid, c.fact_id)
    and (f.xid, f.id) <= (coalesce(p_fact_xid, '18446744073709551615'), coalesce(p_fact_id, 9223372036854775807));
  t.postings := array(select p.id from ledger_posting p where (p.xid, p.id) > (c.posting_xid, c.posting_id)
      and (p.xid, p.id) <= (coalesce(p_posting_xid, '18446744073709551615'),
        coalesce(p_posting_id, 9223372036854775807))
    union select p.id from fact f join ledger_posting p on p.reference = 'payment:' || f.subject || ':received'
    where f.kind = 'PaymentReversed' and (f.xid, f.id) > (c.fact_xid, c.fact_id)
      and (f.xid, f.id) <= (coalesce(p_fact_xid, '18446744073709551615'), coalesce(p_fact_id, 9223372036854775807)));
  return t;
end $$;

-- The postings whose money has another currency than the workspace and lies within a time.
create function insight_foreign(p_from timestamptz, p_to timestamptz) returns bigint[] language sql stable as $$
  select coalesce(array_agg(distinct noun::bigint), '{}') from insight_row
  where measure in ('revenue', 'commission', 'payment') and at >= p_from and at < p_to
    and currency <> (select currency from workspace)
$$;

-- Rows ----------------------------------------------------------------------------------------------------------------

create function insight_place(p_stage text) returns smallint language sql immutable as $$
  select array_position(array['LEAD', 'QUALIFIED', 'PROPOSAL', 'NEGOTIATION', 'CONTRACT', 'ACTIVE', 'DELIVERED', 'PAID',
    'REPEAT'], p_stage)::smallint
$$;

create function insight_digits(p_currency text) returns int language sql immutable as $$
  select case when p_currency in ('BIF', 'CLP', 'DJF', 'GNF', 'ISK', 'JPY', 'KMF', 'KRW', 'PYG', 'RWF', 'UGX', 'VND',
      'VUV', 'XAF', 'XOF', 'XPF') then 0
    when p_currency in ('BHD', 'IQD', 'JOD', 'KWD', 'LYD', 'OMR', 'TND') then 3 else 2 end
$$;

create function insight_rate(p_currency text, p_at timestamptz) returns numeric language sql stable as $$
  select case when p_currency = 'USD' then 1 else (select per_usd from exchange_rate where currency = p_currency
    and on_date <= (p_at at time zone 'UTC')::date order by on_date desc limit 1) end
$$;

-- An amount in the workspace's currency by the latest rates of its day, rounded once, half away from zero.
create function insight_value(p_minor bigint, p_currency text, p_at timestamptz) returns bigint
language plpgsql stable as $$
declare
  own text := (select currency from workspace);
  over numeric;
  under numeric;
begin
  if p_currency = own then
    return p_minor;
  end if;
  over := abs(p_minor) * insight_rate(own, p_at) * 10::numeric ^ insight_digits(own);
  under := insight_rate(p_currency, p_at) * 10::numeric ^ insight_digits(p_currency);
  return sign(p_minor) * div(2 * over + under, 2 * under);
end $$;

-- A lead as it stands, how long it took to the contract, how long it stayed where, whether its score was right.
create function insight_of_leads(p_leads text[]) returns setof insight_row language sql stable as $$
  with l as materialized (
    select l.*, m.place, m.won_at from lead l cross join lateral (
      select coalesce(max(insight_place(to_stage)), 0)::smallint as place,
        min(at) filter (where insight_place(to_stage) >= insight_place('ACTIVE')) as won_at
      from lead_move where lead_id = l.id) m
    where l.id = any (p_leads))
  select id, 'lead', '', created_at, id, client_id, source, stage, place, currency, value_estimate_minor,
    value_estimate_minor from l
  union all
  select id, 'cycle', '', created_at, id, client_id, source, '', 0::smallint, '', seconds, seconds
  from l cross join lateral (select extract(epoch from converted_at - created_at)::bigint as seconds) s
  where converted_at is not null
  union all
  select id, 'verdict', '', coalesce(lost_at, won_at), id, client_id, source,
    case when (qualification_data->'score'->>'qualified')::boolean = (lost_at is null) then 'right' else 'wrong' end,
    0::smallint, '', score::bigint, score::bigint
  from l where qualification_data ? 'score' and coalesce(lost_at, won_at) is not null
  union all
  select l.id, 'stay', m.id::text, m.at, l.id, l.client_id, l.source, m.from_stage, 0::smallint, '', seconds, seconds
  from l cross join lateral (select id, from_stage, at, lag(at) over (order by id) as since from lead_move
    where lead_id = l.id) m
  cross join lateral (select extract(epoch from greatest(m.at - m.since, '0'))::bigint as seconds) s
  where m.from_stage is not null and m.since is not null
$$;

-- Money. A payment that was taken back is none; what it brought and took is revenue. A payment's channel is that of the
-- lead of its project, else what brought the client. Each look-up is by key, whatever the planner knows of the tables:
-- no other way is ever as quick.
create function insight_of_postings(p_postings bigint[]) returns setof insight_row language sql stable as $$
  select p.id::text, a.measure, e.account_id::text, p.event_at, coalesce(p.memo, p.reference), nullif(a.owner, ''),
    coalesce(lead_source, client_source, 'unknown'),
    case when a.measure = 'payment' then coalesce(y.method, '') else p.kind end, 0::smallint, e.currency,
    -e.amount_minor, case when e.currency = own.currency then -e.amount_minor
      else insight_value(-e.amount_minor, e.currency, p.event_at) end
  from unnest(p_postings) i (id) cross join (select currency from workspace) own
  cross join lateral (select * from ledger_posting where id = i.id limit 1) p
  cross join lateral (select * from ledger_entry where posting_id = p.id offset 0) e
  cross join lateral (select owner, case when purpose = 'revenue' then 'revenue'
      when purpose = 'commission_revenue' then 'commission'
      when purpose = 'receivable' and p.kind in ('payment_received', 'credit_spent') then 'payment' end as measure
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

-- The first payment of a client that was not taken back.
create function insight_first(p_client text) returns timestamptz language sql stable as $$
  select min(received_at) from payment where client_id = p_client and reversed_at is null
$$;

create function insight_of_attempts(p_attempts text[]) returns setof insight_row language sql stable as $$
  select id, 'attempt', '', created_at, id, client_id, '', case when state = 'succeeded' then 'succeeded'
    when state = 'refused' or failure_code is not null then 'failed' when state = 'canceled' then 'canceled'
    else 'open' end, 0::smallint, '', 0::bigint, 0::bigint from payment_attempt where id = any (p_attempts)
$$;

-- What each contact of a project answered last.
create function insight_of_surveys(p_projects text[]) returns setof insight_row language sql stable as $$
  select distinct on (s.project_id, s.contact) s.project_id, 'survey', s.contact, s.answered_at, s.project_id,
    j.client_id, coalesce(l.source, ''),
    case when s.score >= 9 then 'promoter' when s.score >= 7 then 'passive' else 'detractor' end, 0::smallint, '',
    s.score::bigint, s.score::bigint
  from survey_answer s join project j on j.id = s.project_id left join lead l on l.id = j.lead_id
  where s.project_id = any (p_projects) order by s.project_id, s.contact, s.revision desc
$$;

create function insight_of_clients(p_clients text[]) returns setof insight_row language sql stable as $$
  select c.id, 'client', '', c.created_at, c.id, c.id, coalesce((select min(f.data->>'source') from fact f
    where f.subject = c.id and f.kind = 'ClientCreated'), 'unknown'), '', 0::smallint, '',
    0::bigint, 0::bigint
  from client c where c.id = any (p_clients) and c.merged_into is null
$$;

-- What the rows of the touched nouns become (1) and what they were (-1), where that differs. Customers, that is
-- clients that have paid at all, follow from the money: counted once a family, on the day of its first payment.
create function insight_diff(t insight_touch) returns setof insight_change language sql stable as $$
  with recursive fresh as materialized (
    select f as r from insight_of_leads(t.leads) f union all select f from insight_of_postings(t.postings) f
    union all select f from insight_of_attempts(t.attempts) f union all select f from insight_of_surveys(t.projects) f
    union all select f from insight_of_clients(t.clients) f),
  stale as materialized (select s as r from insight_row s
    where noun = any (t.leads || t.postings::text[] || t.attempts || t.projects || t.clients)),
  change as materialized (
    select d.sign, d.r from fresh f full join stale s
      on ((f.r).noun, (f.r).measure, (f.r).key) = ((s.r).noun, (s.r).measure, (s.r).key)
    cross join lateral (values (-1, s.r), (1, f.r)) d (sign, r)
    where f.r is distinct from s.r and (d.r).noun is not null),
  paid as materialized (
    select (r).client_id, bool_or(sign = -1 and (r).measure = 'payment') as anew,
      min((r).at) filter (where sign = 1 and (r).measure = 'payment') as first_at,
      coalesce(sum(sign) filter (where (r).measure = 'payment'), 0) as payments,
      coalesce(sum(sign * (r).value_minor) filter (where (r).measure = 'revenue'), 0) as value_minor
    from change where (r).measure in ('payment', 'revenue') and (r).client_id is not null group by (r).client_id),
  touched as materialized (select unnest(t.clients) as id union select client_id from paid),
  chain (id, at, next) as (select x.id, x.id, c.merged_into from touched x left join client c on c.id = x.id
    union all select chain.id, c.id, c.merged_into from chain join client c on c.id = chain.next),
  family (root, id) as (select distinct at, at from chain where next is null
    union all select family.root, c.id from family join client c on c.merged_into = family.id),
  customer as materialized (
    select row('customer:' || s.id, 'customer', '', s.first_at, s.id, s.id, coalesce((select min(f.data->>'source')
        from fact f where f.subject = s.id and f.kind = 'ClientCreated'), 'unknown'), '',
      0, (select currency from workspace), s.value_minor, s.value_minor)::insight_row as r
    from (select f.root as id, min(case when paid.anew then insight_first(f.id)
          else least(k.first_at, paid.first_at) end) as first_at,
        sum(coalesce(k.value_minor, 0) + coalesce(paid.value_minor, 0)) as value_minor,
        sum(coalesce(k.payments, 0) + coalesce(paid.payments, 0)) as payments
      from family f left join insight_client k on k.client_id = f.id left join paid on paid.client_id = f.id
      group by f.root) s
    where s.payments > 0),
  former as materialized (select s as r from insight_row s where noun in (
    select 'customer:' || id from touched union select 'customer:' || root from family))
  select sign, r from change
  union all
  select d.sign, d.r from customer f full join former s on (f.r).noun = (s.r).noun
  cross join lateral (values (-1, s.r), (1, f.r)) d (sign, r)
  where f.r is distinct from s.r and (d.r).noun is not null
$$;

-- Everything that is visible and not folded yet, as changes; null when there is nothing.
create function insight_tail() returns insight_change[] language plpgsql stable set enable_seqscan = off as $$
declare
  c insight_cursor;
  t insight_touch;
begin
  select * into c from insight_cursor;
  if c.revalue_from is null
      and not exists (select from (select xid, id from fact order by xid desc, id desc limit 1) f
        where (f.xid, f.id) > (c.fact_xid, c.fact_id))
      and not exists (select from (select xid, id from ledger_posting order by xid desc, id desc limit 1) p
        where (p.xid, p.id) > (c.posting_xid, c.posting_id)) then
    return null;
  end if;
  t := insight_touched(null, null, null, null);
  if t.revalue_from is not null then
    t.postings := array(select distinct unnest(t.postings || insight_foreign(t.revalue_from, t.revalue_to)));
  end if;
  return array(select d from insight_diff(t) d);
end $$;

-- Folding -------------------------------------------------------------------------------------------------------------

create function insight_apply(p_changes insight_change[]) returns void language plpgsql as $$
begin
  delete from insight_row r using unnest(p_changes) c
  where c.sign = -1 and r.noun = (c.r).noun and r.measure = (c.r).measure and r.key = (c.r).key;
  insert into insight_row select (c.r).* from unnest(p_changes) c where c.sign = 1;
  insert into insight_sum as s (measure, grain, start, currency, source, what, place, n, amount_minor, value_minor,
    unvalued, unvalued_minor)
  select c.measure, g.grain, date_trunc(g.grain, c.at at time zone 'UTC'), c.currency, c.source, c.what, c.place,
    sum(c.sign), sum(c.sign * c.amount_minor), coalesce(sum(c.sign * c.value_minor), 0),
    coalesce(sum(c.sign) filter (where c.value_minor is null), 0),
    coalesce(sum(c.sign * c.amount_minor) filter (where c.value_minor is null), 0)
  from (select c.sign, (c.r).* from unnest(p_changes) c) c cross join (values ('hour'), ('day'), ('month')) g (grain)
  group by 1, 2, 3, 4, 5, 6, 7
  on conflict (measure, grain, start, currency, source, what, place) do update set n = s.n + excluded.n,
    amount_minor = s.amount_minor + excluded.amount_minor, value_minor = s.value_minor + excluded.value_minor,
    unvalued = s.unvalued + excluded.unvalued, unvalued_minor = s.unvalued_minor + excluded.unvalued_minor;
  delete from insight_sum s using (select distinct (c.r).measure, g.grain, (c.r).currency, (c.r).source, (c.r).what,
      (c.r).place, date_trunc(g.grain, (c.r).at at time zone 'UTC') as start
    from unnest(p_changes) c cross join (values ('hour'), ('day'), ('month')) g (grain) where c.sign = -1) d
  where s.n = 0 and (s.measure, s.grain, s.start, s.currency, s.source, s.what, s.place)
    = (d.measure, d.grain, d.start, d.currency, d.source, d.what, d.place);
  insert into insight_client as k (client_id, first_at, payments, value_minor, unvalued)
  select (c.r).client_id, min((c.r).at) filter (where c.sign = 1 and (c.r).measure = 'payment'),
    coalesce(sum(c.sign) filter (where (c.r).measure = 'payment'), 0),
    coalesce(sum(c.sign * (c.r).value_minor) filter (where (c.r).measure = 'revenue'), 0),
    coalesce(sum(c.sign) filter (where (c.r).measure = 'revenue' and (c.r).value_minor is null), 0)
  from unnest(p_changes) c where (c.r).measure in ('payment', 'revenue') and (c.r).client_id is not null group by 1
  on conflict (client_id) do update set first_at = least(k.first_at, excluded.first_at),
    payments = k.payments + excluded.payments, value_minor = k.value_minor + excluded.value_minor,
    unvalued = k.unvalued + excluded.unvalued;
  update insight_client k set first_at = insight_first(k.client_id)
  from (select distinct (c.r).client_id as id from unnest(p_changes) c
    where c.sign = -1 and (c.r).measure = 'payment') gone
  where k.client_id = gone.id;
end $$;

-- Forgets all that is folded; what follows is folded from the beginning.
create function insight_forget() returns void language plpgsql as $$
begin
  perform from insight_cursor for update;
  delete from insight_row;
  delete from insight_sum;
  delete from insight_client;
  update insight_cursor set fact_xid = default, fact_id = default, posting_xid = default, posting_id = default,
    revalue_from = null, revalue_to = null;
end $$;

-- Folds at most p_limit facts and as many postings of transactions that have ended: everything below the oldest
-- running one has, so no late commit is missed. Returns how much was folded; 0 when somebody else folds.
create function insight_fold(p_limit int) returns bigint language plpgsql set enable_seqscan = off as $$
declare
  c insight_cursor;
  f record;
  p record;
  t insight_touch;
  v_day timestamptz;
  v_folded bigint;
begin
  select * into c from insight_cursor for update skip locked;
  if not found then
    return 0;
  end if;
  if greatest(c.fact_xid, c.posting_xid) > pg_snapshot_xmax(pg_current_snapshot()) then
    perform insight_forget();       -- the database was restored from a dump: transaction ids count anew
    select * into c from insight_cursor;
  end if;
  select s.xid, s.id, s.n into f from (select xid, id, row_number() over (order by xid, id) as n from fact
    where (xid, id) > (c.fact_xid, c.fact_id) and xid < pg_snapshot_xmin(pg_current_snapshot())
    order by xid, id limit p_limit) s order by s.n desc limit 1;
  select s.xid, s.id, s.n into p from (select xid, id, row_number() over (order by xid, id) as n from ledger_posting
    where (xid, id) > (c.posting_xid, c.posting_id) and xid < pg_snapshot_xmin(pg_current_snapshot())
    order by xid, id limit p_limit) s order by s.n desc limit 1;
  if f.n is null and p.n is null and c.revalue_from is null then
    return 0;
  end if;
  t := insight_touched(coalesce(f.xid, c.fact_xid), coalesce(f.id, c.fact_id), coalesce(p.xid, c.posting_xid),
    coalesce(p.id, c.posting_id));
  v_folded := coalesce(f.n, 0) + coalesce(p.n, 0);
  if t.revalue_from is not null then
    v_day := (select min(at) from insight_row where measure in ('revenue', 'commission', 'payment')
      and at >= t.revalue_from and at < t.revalue_to);
    v_day := date_trunc('day', v_day at time zone 'UTC') at time zone 'UTC' + interval '24 hours';
    t.postings := array(select distinct unnest(t.postings || insight_foreign(t.revalue_from, least(v_day,
      t.revalue_to))));
    v_folded := v_folded + 1;
  end if;
  perform insight_apply(array(select d from insight_diff(t) d));
  update insight_cursor set fact_xid = coalesce(f.xid, c.fact_xid), fact_id = coalesce(f.id, c.fact_id),
    posting_xid = coalesce(p.xid, c.posting_xid), posting_id = coalesce(p.id, c.posting_id),
    revalue_from = case when v_day < t.revalue_to then v_day end,
    revalue_to = case when v_day < t.revalue_to then t.revalue_to end;
  return v_folded;
end $$;

-- Reading -------------------------------------------------------------------------------------------------------------

-- The first whole hour, day or month at or after a moment.
create function insight_ceil(p_grain text, p_at timestamp) returns timestamp language sql immutable as $$
  select case when date_trunc(p_grain, p_at) = p_at then p_at
    else date_trunc(p_grain, p_at) + ('1 ' || p_grain)::interval end
$$;

-- Sums of measures over spans of time [start, stop), null for no bound, to the microsecond: whole months, days and
-- hours from the sums, the rest from rows, and what is not folded yet.
create function insight_read(p_measures text[], p_starts timestamptz[], p_stops timestamptz[])
returns table (span int, measure text, currency text, source text, what text, place smallint, n bigint,
  amount_minor numeric, value_minor numeric, unvalued bigint, unvalued_minor numeric)
language plpgsql stable set enable_seqscan = off as $$
declare
  v_tail insight_change[] := insight_tail();
begin
  return query
  with span as (
    select w.no::int as no, u.start, u.stop from unnest(p_starts, p_stops) with ordinality w (start, stop, no)
    cross join lateral (select coalesce(w.start, '-infinity') at time zone 'UTC' as start,
      coalesce(w.stop, 'infinity') at time zone 'UTC' as stop) u),
  hours as (select s.*, insight_ceil('hour', s.start) as hour0, date_trunc('hour', s.stop) as hour1 from span s),
  days as (select h.*, insight_ceil('day', h.hour0) as day0, date_trunc('day', h.hour1) as day1 from hours h),
  cut as (select d.*, insight_ceil('month', d.day0) as month0, date_trunc('month', d.day1) as month1 from days d)
  select c.no, x.measure, x.currency, x.source, x.what, x.place, sum(x.n)::bigint, sum(x.amount_minor),
    sum(x.value_minor), sum(x.unvalued)::bigint, sum(x.unvalued_minor)
  from cut c cross join lateral (
    select s.measure, s.currency, s.source, s.what, s.place, s.n, s.amount_minor, s.value_minor, s.unvalued,
      s.unvalued_minor
    from (values ('month', c.month0, c.month1), ('day', c.day0, least(c.month0, c.day1)),
      ('day', greatest(c.month0, c.month1), c.day1), ('hour', c.hour0, least(c.day0, c.hour1)),
      ('hour', greatest(c.day0, c.day1), c.hour1)) g (grain, low, high)
    cross join lateral (select * from insight_sum where insight_sum.measure = any (p_measures)
      and insight_sum.grain = g.grain and insight_sum.start >= g.low and insight_sum.start < g.high offset 0) s
    union all
    select r.measure, r.currency, r.source, r.what, r.place, 1, r.amount_minor, coalesce(r.value_minor, 0),
      (r.value_minor is null)::int, case when r.value_minor is null then r.amount_minor else 0 end
    from (values (c.start, least(c.hour0, c.stop)), (greatest(c.hour0, c.hour1), c.stop)) g (low, high)
    cross join lateral (select * from insight_row where insight_row.measure = any (p_measures)
      and insight_row.at >= g.low at time zone 'UTC' and insight_row.at < g.high at time zone 'UTC' offset 0) r
    union all
    select (t.r).measure, (t.r).currency, (t.r).source, (t.r).what, (t.r).place, t.sign, t.sign * (t.r).amount_minor,
      t.sign * coalesce((t.r).value_minor, 0), case when (t.r).value_minor is null then t.sign else 0 end,
      case when (t.r).value_minor is null then t.sign * (t.r).amount_minor else 0 end
    from unnest(v_tail) t
    where (t.r).measure = any (p_measures) and (t.r).at >= c.start at time zone 'UTC'
      and (t.r).at < c.stop at time zone 'UTC') x
  group by 1, 2, 3, 4, 5, 6 having sum(x.n) <> 0;
end $$;

-- The rows of a measure in the order of time, after the one named.
create function insight_rows(p_measure text, p_whats text[], p_start timestamptz, p_stop timestamptz,
  p_at timestamptz, p_noun text, p_key text, p_limit int)
returns setof insight_row language plpgsql stable set enable_seqscan = off as $$
declare
  v_tail insight_change[] := insight_tail();
begin
  return query
  select * from (
    (select r.* from insight_row r
     where r.measure = p_measure and r.at >= p_start and r.at < p_stop and (p_whats is null or r.what = any (p_whats))
       and (p_at is null or (r.at, r.noun, r.key) > (p_at, p_noun, p_key))
       and not exists (select from unnest(v_tail) t where t.sign = -1 and (t.r).noun = r.noun
         and (t.r).measure = r.measure and (t.r).key = r.key)
     order by r.at, r.noun, r.key limit p_limit)
    union all
    (select (t.r).* from unnest(v_tail) t
     where t.sign = 1 and (t.r).measure = p_measure and (t.r).at >= p_start and (t.r).at < p_stop
       and (p_whats is null or (t.r).what = any (p_whats))
       and (p_at is null or ((t.r).at, (t.r).noun, (t.r).key) > (p_at, p_noun, p_key)))) x
  order by x.at, x.noun, x.key limit p_limit;
end $$;

do $$ begin
  if exists (select from pg_roles where rolname = 'grace_app') then
    grant select, insert, update, delete on insight_row, insight_sum, insight_client to grace_app;
    grant select, update on insight_cursor to grace_app;
  end if;
end $$;
