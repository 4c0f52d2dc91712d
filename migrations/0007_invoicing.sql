-- Invoices with their lines, frozen once issued, and their gapless numbers.

-- The last number of each series (and fiscal year, where its pattern has one). Issuing locks the row.
create table invoice_counter (
  series text not null check (length(series) between 1 and 40),
  period text not null,
  last bigint not null check (last > 0),
  primary key (series, period)
);

create function invoice_counter_guard() returns trigger language plpgsql as $$
begin
  if (new.series, new.period) is distinct from (old.series, old.period) or new.last <> old.last + 1 then
    raise exception 'invoice numbers are given one by one' using errcode = 'integrity_constraint_violation';
  end if;
  return new;
end $$;
create trigger one_by_one before update on invoice_counter for each row execute function invoice_counter_guard();
create trigger keep before delete on invoice_counter for each row execute function refuse_change();

create table invoice (
  id text primary key check (id ~ '^in_[0-9a-hjkmnp-tv-z]{26}$'),
  number bigint generated always as identity unique,
  client_id text not null references client (id),
  project_id text,
  project_ref jsonb,
  state text not null default 'draft' check (state in ('draft', 'issued', 'part_paid', 'paid', 'void')),
  series text not null check (length(series) between 1 and 40),
  series_period text,
  series_number bigint check (series_number > 0),
  invoice_number text unique check (length(invoice_number) between 1 and 64),
  currency text not null check (currency ~ '^[A-Z]{3}$'),
  net_minor bigint not null check (net_minor >= 0),
  tax_minor bigint not null check (tax_minor >= 0),
  total_minor bigint not null check (total_minor = net_minor + tax_minor),
  paid_minor bigint not null default 0 check (paid_minor between 0 and total_minor),
  taxes jsonb not null,
  notes text check (length(notes) <= 20000),
  metadata jsonb not null default '{}' check (jsonb_typeof(metadata) = 'object'),
  issuer jsonb,
  client jsonb,
  issued_at timestamptz,
  due_at timestamptz,
  paid_at timestamptz,
  voided_at timestamptz,
  void_reason text check (length(void_reason) <= 1000),
  payment_method text,
  transaction_id text,
  stripe_payment_intent text,
  version bigint not null default 1,
  created_at timestamptz not null,
  updated_at timestamptz,
  unique (series, series_period, series_number),
  constraint a_draft_has_no_number check ((state = 'draft' or state = 'void' and issued_at is null)
    = (invoice_number is null and series_period is null and series_number is null)),
  constraint an_issued_invoice_is_whole check (invoice_number is null
    or (issued_at is not null and due_at is not null and issuer is not null and client is not null and total_minor > 0)),
  constraint the_state_follows_what_is_paid check (case state
    when 'part_paid' then paid_minor > 0 and paid_minor < total_minor
    when 'paid' then paid_minor = total_minor and paid_at is not null
    else paid_minor = 0 end),
  check ((state = 'void') = (voided_at is not null))
);
create index invoice_client on invoice (client_id, id);
create index invoice_due on invoice (due_at) where state in ('issued', 'part_paid');

create table invoice_line (
  invoice_id text not null references invoice (id),
  position int not null check (position between 1 and 1000),
  description text not null check (length(description) between 1 and 2000),
  quantity numeric(18, 6) not null check (quantity > 0),
  unit_price_minor bigint not null check (unit_price_minor >= 0),
  tax_rate numeric(6, 3) not null check (tax_rate between 0 and 100),
  net_minor bigint not null check (net_minor >= 0),
  primary key (invoice_id, position)
);

-- The state machine, and what may still change once an invoice is issued.
create function invoice_guard() returns trigger language plpgsql as $$
declare
  free constant text[] := array['state', 'paid_minor', 'paid_at', 'voided_at', 'void_reason', 'payment_method',
    'transaction_id', 'stripe_payment_intent', 'version', 'updated_at'];
begin
  if new.state <> old.state and (old.state, new.state) not in (
      ('draft', 'issued'), ('draft', 'void'), ('issued', 'part_paid'), ('issued', 'paid'), ('issued', 'void'),
      ('part_paid', 'paid')) then
    raise exception 'an invoice does not go from % to %', old.state, new.state
      using errcode = 'integrity_constraint_violation';
  end if;
  if old.state <> 'draft' and to_jsonb(new) - free is distinct from to_jsonb(old) - free then
    raise exception 'an issued invoice is frozen' using errcode = 'integrity_constraint_violation';
  end if;
  if new.id <> old.id or new.number <> old.number then
    raise exception 'an invoice keeps its id' using errcode = 'integrity_constraint_violation';
  end if;
  return new;
end $$;
create trigger guard before update on invoice for each row execute function invoice_guard();
create trigger keep before delete on invoice for each row execute function refuse_change();

create function invoice_line_guard() returns trigger language plpgsql as $$
begin
  if exists (select from invoice where id in (new.invoice_id, old.invoice_id) and state <> 'draft') then
    raise exception 'the lines of an issued invoice are frozen' using errcode = 'integrity_constraint_violation';
  end if;
  return coalesce(new, old);
end $$;
create trigger guard before insert or update or delete on invoice_line
  for each row execute function invoice_line_guard();

do $$ begin
  if exists (select from pg_roles where rolname = 'grace_app') then
    grant select, insert, update on invoice_counter, invoice to grace_app;
    grant select, insert, delete on invoice_line to grace_app;
  end if;
end $$;
