-- Clients: the people and companies that the business deals with, their callers' own ids, and their merges.

create table client (
  id text primary key check (id ~ '^cust_[0-9a-hjkmnp-tv-z]{26}$'),
  number bigint generated always as identity unique,
  name text not null check (length(name) between 1 and 256),
  email text check (length(email) between 3 and 256),
  company text check (length(company) <= 256),
  industry text check (length(industry) <= 128),
  budget_range text check (length(budget_range) <= 64),
  source text not null check (length(source) between 1 and 64),
  country text check (length(country) <= 64),
  timezone text check (length(timezone) <= 64),
  preferred_contact text not null default 'email' check (length(preferred_contact) between 1 and 64),
  address text check (length(address) <= 1000),
  tax_id text check (length(tax_id) <= 64),
  notes text check (length(notes) <= 20000),
  metadata jsonb not null default '{}' check (jsonb_typeof(metadata) = 'object'),
  status text not null default 'active' check (status in ('active', 'inactive')),
  -- Figures that others compute: money in minor units of the workspace's currency.
  lifetime_value_minor bigint not null default 0,
  total_projects int not null default 0 check (total_projects >= 0),
  satisfaction_score numeric(5, 2),
  -- What duplicates are found by (rules/identity).
  email_key text,
  domain_key text,
  name_key text,
  merged_into text references client (id) check (merged_into <> id),
  version bigint not null default 1,
  created_at timestamptz not null,
  updated_at timestamptz
);
create unique index client_email_key on client (email_key) where merged_into is null;
create unique index client_domain_name_key on client (domain_key, name_key) where merged_into is null;
-- Look-ups ask standing and merged clients at once; a partial index answers for neither.
create index client_email_key_any on client (email_key);
create index client_domain_name_key_any on client (domain_key, name_key);
create index client_merged_into on client (merged_into) where merged_into is not null;
create index client_name on client (name, id);

create function client_guard() returns trigger language plpgsql as $$
begin
  if new.id <> old.id or new.created_at <> old.created_at then
    raise exception 'a client keeps its id' using errcode = 'integrity_constraint_violation';
  end if;
  if new.merged_into is not null and new.merged_into is distinct from old.merged_into
     and exists (select from client where id = new.merged_into and merged_into is not null) then
    raise exception 'a client is merged into one that is not merged itself' using errcode = 'integrity_constraint_violation';
  end if;
  return new;
end $$;
create trigger guard before update on client for each row execute function client_guard();
create trigger keep before delete on client for each row execute function refuse_change();

create table client_external_id (
  external_id text primary key check (length(external_id) between 1 and 128),
  client_id text not null references client (id),
  position bigint generated always as identity
);
create index client_external_id_client on client_external_id (client_id);
comment on table client_external_id is 'The ids that callers use for a client; each names one client for ever';

create table client_merge (
  id bigint generated always as identity primary key,
  winner_id text not null references client (id),
  loser_id text not null references client (id),
  filled text[] not null,
  reason text check (length(reason) <= 1000),
  merged_at timestamptz not null,
  undone_at timestamptz
);
create unique index client_merge_standing on client_merge (loser_id) where undone_at is null;
comment on column client_merge.filled is 'Columns that were empty in the winner and were taken from the loser';

do $$ begin
  if exists (select from pg_roles where rolname = 'grace_app') then
    grant select, insert, update on client, client_merge to grace_app;
    grant select, insert, delete on client_external_id to grace_app;
  end if;
end $$;
