-- Proposals, frozen once they are sent, and the contracts made from accepted ones.

create table proposal (
  id text primary key check (id ~ '^prop_[0-9a-hjkmnp-tv-z]{26}$'),
  number bigint generated always as identity unique,
  client_id text not null references client (id),
  lead_id text references lead (id),
  revision int not null default 1 check (revision > 0),
  status text not null default 'draft'
    check (status in ('draft', 'sent', 'accepted', 'declined', 'expired', 'superseded')),
  title text not null check (length(title) between 1 and 256),
  kind text not null check (length(kind) between 1 and 64),
  summary text not null,
  requirements text not null check (length(requirements) between 1 and 20000),
  content text not null check (length(content) between 1 and 400000),
  sha256 text not null check (sha256 ~ '^[0-9a-f]{64}$'),
  deliverables jsonb not null check (jsonb_typeof(deliverables) = 'array'),
  left_out jsonb not null check (jsonb_typeof(left_out) = 'array'),
  phases jsonb not null check (jsonb_typeof(phases) = 'array'),
  payments jsonb not null check (jsonb_typeof(payments) = 'array'),
  assumptions text[] not null,
  exclusions text[] not null,
  questions text[] not null,
  currency text not null check (currency ~ '^[A-Z]{3}$'),
  budget_minor bigint check (budget_minor >= 0),
  hourly_rate_minor bigint not null check (hourly_rate_minor > 0),
  hours int not null check (hours >= 0),
  hours_per_week int not null check (hours_per_week > 0),
  weeks int not null check (weeks >= 0),
  subtotal_minor bigint not null check (subtotal_minor >= 0),
  discount_minor bigint not null check (discount_minor >= 0),
  total_minor bigint not null check (total_minor >= 0 and total_minor = subtotal_minor - discount_minor),
  over_budget_minor bigint not null check (over_budget_minor >= 0),
  parties jsonb not null check (jsonb_typeof(parties) = 'object'),
  scan jsonb not null check (jsonb_typeof(scan) = 'object'),
  written_by text not null,
  expires_at timestamptz not null,
  sent_at timestamptz,
  sent_by text,
  accepted_at timestamptz,
  accepted_by text check (length(accepted_by) between 1 and 256),
  declined_at timestamptz,
  decline_reason text check (length(decline_reason) <= 2000),
  version bigint not null default 1,
  created_at timestamptz not null,
  updated_at timestamptz,
  unique (lead_id, revision),
  constraint what_was_sent_has_a_time check (status in ('draft', 'superseded') or sent_at is not null),
  constraint accepted_by_somebody check ((status = 'accepted') = (accepted_at is not null and accepted_by is not null)),
  constraint declined_at_some_time check ((status = 'declined') = (declined_at is not null))
);
create index proposal_client on proposal (client_id, id);
create index proposal_lead on proposal (lead_id, id);
create index proposal_expiry on proposal (expires_at) where status = 'sent';
create unique index proposal_won on proposal (lead_id) where status = 'accepted';
comment on index proposal_won is 'A lead is won once: two versions of one offer are never both accepted';

-- The state machine, and what may still change once a client can have seen the proposal.
create function proposal_guard() returns trigger language plpgsql as $$
declare
  free constant text[] := array['status', 'sent_at', 'sent_by', 'accepted_at', 'accepted_by', 'declined_at',
    'decline_reason', 'version', 'updated_at'];
begin
  if new.status <> old.status and (old.status, new.status) not in (
      ('draft', 'sent'), ('draft', 'superseded'), ('sent', 'accepted'), ('sent', 'declined'), ('sent', 'expired'),
      ('sent', 'superseded')) then
    raise exception 'a proposal does not go from % to %', old.status, new.status
      using errcode = 'integrity_constraint_violation';
  end if;
  if to_jsonb(new) - free is distinct from to_jsonb(old) - free then
    raise exception 'what a proposal says is never changed: a new version is made'
      using errcode = 'integrity_constraint_violation';
  end if;
  return new;
end $$;
create trigger guard before update on proposal for each row execute function proposal_guard();
create trigger keep before delete on proposal for each row execute function refuse_change();

create table contract (
  id text primary key check (id ~ '^con_[0-9a-hjkmnp-tv-z]{26}$'),
  number bigint generated always as identity unique,
  contract_number text not null check (length(contract_number) between 1 and 64),
  proposal_id text not null references proposal (id),
  client_id text not null references client (id),
  lead_id text references lead (id),
  revision int not null check (revision > 0),
  status text not null default 'open' check (status in ('open', 'signed', 'superseded')),
  title text not null,
  content text not null,
  clauses_version text not null,
  sha256 text not null check (sha256 ~ '^[0-9a-f]{64}$'),
  parties jsonb not null check (jsonb_typeof(parties) = 'object'),
  currency text not null check (currency ~ '^[A-Z]{3}$'),
  total_minor bigint not null check (total_minor >= 0),
  signed_at timestamptz,
  signed_by text check (length(signed_by) between 1 and 256),
  version bigint not null default 1,
  created_at timestamptz not null,
  updated_at timestamptz,
  unique (proposal_id, revision),
  constraint signed_by_somebody check ((status = 'signed') = (signed_at is not null and signed_by is not null))
);
create unique index contract_standing on contract (proposal_id) where status <> 'superseded';
create index contract_client on contract (client_id, id);

create function contract_guard() returns trigger language plpgsql as $$
declare
  free constant text[] := array['status', 'signed_at', 'signed_by', 'version', 'updated_at'];
begin
  if new.status <> old.status and (old.status, new.status) not in (('open', 'signed'), ('open', 'superseded')) then
    raise exception 'a contract does not go from % to %', old.status, new.status
      using errcode = 'integrity_constraint_violation';
  end if;
  if to_jsonb(new) - free is distinct from to_jsonb(old) - free or old.status <> 'open' then
    raise exception 'what a contract says is never changed: a new version is made'
      using errcode = 'integrity_constraint_violation';
  end if;
  return new;
end $$;
create trigger guard before update on contract for each row execute function contract_guard();
create trigger keep before delete on contract for each row execute function refuse_change();

do $$ begin
  if exists (select from pg_roles where rolname = 'grace_app') then
    grant select, insert, update on proposal, contract to grace_app;
  end if;
end $$;
