-- Card payments: customers and methods at a provider, attempts to collect an invoice, calls to the provider that are
-- written down before they are made, refunds with their parts, webhook endpoints, and how far missed events were asked for.

create table provider_customer (
  client_id text not null references client (id),
  provider text not null,
  customer text not null check (length(customer) between 1 and 255),
  primary key (client_id, provider),
  unique (provider, customer)
);

create table payment_method (
  id text primary key check (id ~ '^card_[0-9a-hjkmnp-tv-z]{26}$'),
  number bigint generated always as identity unique,
  client_id text not null references client (id),
  provider text not null,
  provider_method text not null check (length(provider_method) between 1 and 255),
  brand text,
  last4 text check (length(last4) <= 4),
  exp_month int,
  exp_year int,
  is_default boolean not null default false,
  state text not null default 'pending' check (state in ('pending', 'active', 'refused')),
  failure_code text,
  failure_message text,
  version bigint not null default 1,
  created_at timestamptz not null,
  constraint only_a_usable_method_is_default check (not is_default or state = 'active')
);
create unique index payment_method_once on payment_method (provider, provider_method) where state = 'active';
create unique index payment_method_default on payment_method (client_id) where is_default;
create index payment_method_client on payment_method (client_id, id);

create table payment_attempt (
  id text primary key check (id ~ '^att_[0-9a-hjkmnp-tv-z]{26}$'),
  number bigint generated always as identity unique,
  invoice_id text not null references invoice (id),
  client_id text not null references client (id),
  provider text not null,
  currency text not null check (currency ~ '^[A-Z]{3}$'),
  amount_minor bigint not null check (amount_minor > 0),
  state text not null default 'pending' check (state in (
    'pending', 'requires_payment_method', 'requires_action', 'processing', 'succeeded', 'canceled', 'refused')),
  intent text check (length(intent) between 1 and 255),
  client_secret bytea,
  failure_code text,
  failure_message text,
  charge text check (length(charge) between 1 and 255),
  payment_id text unique references payment (id),
  excess_minor bigint not null default 0 check (excess_minor >= 0),
  movement text unique,
  fee_minor bigint,
  fee_at timestamptz,
  seen_at timestamptz,
  event_at timestamptz,
  version bigint not null default 1,
  created_at timestamptz not null,
  ended_at timestamptz,
  unique (provider, intent),
  unique (provider, charge),
  constraint an_end_has_its_time check ((state in ('succeeded', 'canceled', 'refused')) = (ended_at is not null)),
  constraint a_success_has_its_charge check (state <> 'succeeded' or charge is not null)
);
comment on column payment_attempt.client_secret is 'Sealed under the workspace''s key "client_secrets"';
comment on column payment_attempt.excess_minor is 'What was paid beyond what was due; it became customer credit';
comment on column payment_attempt.seen_at is 'Real time from which the provider''s word is known (asked directly)';
comment on column payment_attempt.event_at is 'The provider''s time of the last event that was believed';
comment on column payment_attempt.fee_at is 'When its fee is asked for next (real time); null once it is booked';
create unique index payment_attempt_open on payment_attempt (invoice_id)
  where state in ('pending', 'requires_payment_method', 'requires_action', 'processing');
create index payment_attempt_invoice on payment_attempt (invoice_id, number);
create index payment_attempt_fee on payment_attempt (fee_at) where fee_at is not null;

create function payment_attempt_guard() returns trigger language plpgsql as $$
begin
  if old.state in ('succeeded', 'canceled', 'refused') and new.state <> old.state then
    raise exception 'an attempt that ended as % stays so', old.state using errcode = 'integrity_constraint_violation';
  end if;
  if (new.id, new.invoice_id, new.client_id, new.currency) is distinct from (old.id, old.invoice_id, old.client_id, old.currency)
     or old.intent is not null and new.intent is distinct from old.intent
     or old.charge is not null and new.charge is distinct from old.charge
     or old.payment_id is not null and new.payment_id is distinct from old.payment_id
     or old.movement is not null and new.movement is distinct from old.movement then
    raise exception 'what an attempt is of does not change' using errcode = 'integrity_constraint_violation';
  end if;
  return new;
end $$;
create trigger guard before update on payment_attempt for each row execute function payment_attempt_guard();
create trigger keep before delete on payment_attempt for each row execute function refuse_change();

create table provider_call (
  id text primary key check (id ~ '^call_[0-9a-hjkmnp-tv-z]{26}$'),
  number bigint generated always as identity unique,
  kind text not null check (length(kind) between 1 and 40),
  work text not null,
  noun text not null,
  key text not null unique check (length(key) between 1 and 255),
  arguments jsonb not null check (jsonb_typeof(arguments) = 'object'),
  state text not null default 'pending' check (state in ('pending', 'unknown', 'done', 'refused', 'case', 'dropped')),
  tries int not null default 0,
  retry_at timestamptz,
  error text,
  ordered_at timestamptz not null,
  created_at timestamptz not null default clock_timestamp(),
  ended_at timestamptz,
  check ((state in ('pending', 'unknown')) = (retry_at is not null)),
  check ((state in ('done', 'refused', 'dropped')) = (ended_at is not null))
);
comment on table provider_call is 'A call to a provider, written before it is made; its key makes it have one effect';
comment on column provider_call.work is 'What waits for the call (an attempt, a refund, …); noun is what it is about';
comment on column provider_call.arguments is 'Without what is personal (customer_details) once the call has ended';
comment on column provider_call.retry_at is 'When it is taken up again if nobody else did (real time)';
create unique index provider_call_open on provider_call (noun) where state in ('pending', 'unknown', 'case');
create index provider_call_work on provider_call (work, number);
create index provider_call_retry on provider_call (retry_at) where retry_at is not null;
create index provider_call_case on provider_call (number) where state = 'case';
create trigger keep before delete on provider_call for each row execute function refuse_change();

create function provider_call_guard() returns trigger language plpgsql as $$
begin
  if old.state in ('done', 'refused', 'dropped') then
    raise exception 'a call that ended is not changed' using errcode = 'integrity_constraint_violation';
  end if;
  if (new.id, new.kind, new.work, new.noun, new.key, new.arguments - 'customer_details') is distinct from
     (old.id, old.kind, old.work, old.noun, old.key, old.arguments - 'customer_details') then
    raise exception 'a call is repeated exactly as it was written' using errcode = 'integrity_constraint_violation';
  end if;
  return new;
end $$;
create trigger guard before update on provider_call for each row execute function provider_call_guard();

create table refund (
  id text primary key check (id ~ '^re_[0-9a-hjkmnp-tv-z]{26}$'),
  number bigint generated always as identity unique,
  invoice_id text not null references invoice (id),
  client_id text not null references client (id),
  currency text not null check (currency ~ '^[A-Z]{3}$'),
  amount_minor bigint not null check (amount_minor > 0),
  reason text not null check (length(reason) <= 2000),
  ordered_by text,
  state text not null default 'pending' check (state in ('pending', 'succeeded', 'failed')),
  version bigint not null default 1,
  created_at timestamptz not null,
  ended_at timestamptz
);
comment on column refund.ordered_by is 'The principal; null when it was made at the provider';
create index refund_invoice on refund (invoice_id, number);
create index refund_client on refund (client_id, created_at);
create trigger keep before delete on refund for each row execute function refuse_change();

create table refund_part (
  id text primary key check (id ~ '^rfp_[0-9a-hjkmnp-tv-z]{26}$'),
  number bigint generated always as identity unique,
  refund_id text not null references refund (id),
  payment_id text not null references payment (id),
  amount_minor bigint not null check (amount_minor > 0),
  net_minor bigint not null check (net_minor between 0 and amount_minor),
  state text not null default 'pending' check (state in ('pending', 'succeeded', 'failed')),
  provider text not null,
  provider_refund text,
  movement text unique,
  failure text,
  version bigint not null default 1,
  unique (provider, provider_refund)
);
comment on table refund_part is 'What of a refund goes back from one payment';
create index refund_part_refund on refund_part (refund_id);
create index refund_part_payment on refund_part (payment_id);
create trigger keep before delete on refund_part for each row execute function refuse_change();

-- What is ordered back can never exceed what was paid; what a provider has done already is written down whatever it is.
create function refund_part_guard() returns trigger language plpgsql as $$
begin
  if tg_op = 'UPDATE' then
    if (old.state, new.state) not in (('pending', 'pending'), ('pending', 'succeeded'), ('pending', 'failed'),
        ('succeeded', 'succeeded'), ('succeeded', 'failed'), ('failed', 'failed')) then
      raise exception 'a refund does not go from % to %', old.state, new.state using errcode = 'integrity_constraint_violation';
    end if;
    return new;
  end if;
  perform from payment where id = new.payment_id for update;
  if new.provider_refund is null and new.amount_minor + (
      select coalesce(sum(amount_minor), 0) from refund_part where payment_id = new.payment_id and state <> 'failed')
      > (select amount_minor from payment where id = new.payment_id) then
    raise exception 'more would go back than was paid' using errcode = 'integrity_constraint_violation';
  end if;
  return new;
end $$;
create trigger guard before insert or update on refund_part for each row execute function refund_part_guard();

create table webhook_endpoint (
  id text primary key check (id ~ '^hook_[0-9a-hjkmnp-tv-z]{26}$'),
  provider text not null,
  url text not null,
  token_hash bytea not null unique,
  provider_endpoint text,
  secret bytea,
  state text not null default 'pending' check (state in ('pending', 'active', 'off')),
  created_at timestamptz not null,
  check (state <> 'active' or (provider_endpoint is not null and secret is not null))
);
comment on column webhook_endpoint.secret is 'Sealed under the workspace''s key "webhooks"';
create unique index webhook_endpoint_one on webhook_endpoint (provider, url) where state <> 'off';

create table provider_poll (
  provider text primary key,
  since bigint not null,
  next_at timestamptz not null
);
comment on column provider_poll.since is 'The provider''s time, in Unix seconds, up to which all events are here';
comment on column provider_poll.next_at is 'When missed events are asked for next (real time)';

do $$ begin
  if exists (select from pg_roles where rolname = 'grace_app') then
    grant select, insert, update on provider_customer, payment_method, payment_attempt, provider_call, refund, refund_part,
      webhook_endpoint, provider_poll to grace_app;
  end if;
end $$;
