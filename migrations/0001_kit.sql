-- The kit's tables: the workspace itself, answers kept for repeated keys, facts and reactions, provider events.

create table workspace (
  only_row boolean primary key default true check (only_row),
  handle text not null check (handle ~ '^[a-z][a-z0-9]{0,31}$'),
  kind text not null check (kind in ('test', 'live')),
  name text not null check (length(name) between 1 and 256),
  currency text not null check (currency ~ '^[A-Z]{3}$'),
  clock_offset interval not null default '0',
  created_at timestamptz not null default clock_timestamp(),
  constraint live_time_is_real check (kind = 'test' or clock_offset = interval '0')
);

create function refuse_change() returns trigger language plpgsql as $$
begin
  raise exception '% rows are never changed or deleted', tg_table_name using errcode = 'integrity_constraint_violation';
end $$;

create function guard_workspace() returns trigger language plpgsql as $$
begin
  if new.kind <> old.kind or new.handle <> old.handle then
    raise exception 'a workspace keeps its kind and its handle' using errcode = 'integrity_constraint_violation';
  end if;
  if new.clock_offset < old.clock_offset then
    raise exception 'business time never goes back' using errcode = 'integrity_constraint_violation';
  end if;
  return new;
end $$;
create trigger guard before update on workspace for each row execute function guard_workspace();
create trigger keep before delete on workspace for each row execute function refuse_change();

create table idempotency (
  scope text not null,
  key text not null check (length(key) between 1 and 255),
  request_hash bytea not null,
  state text not null default 'started' check (state in ('started', 'answered')),
  intent text,
  touched_at timestamptz not null default clock_timestamp(),
  status int,
  answer bytea,
  created_at timestamptz not null default clock_timestamp(),
  primary key (scope, key)
);
create index idempotency_age on idempotency (created_at);

create table fact (
  id bigint generated always as identity,
  xid xid8 not null default pg_current_xact_id(),
  kind text not null,
  topic text not null,
  subject text not null,
  version bigint,
  data jsonb not null,
  at timestamptz not null,
  recorded_at timestamptz not null default clock_timestamp(),
  request_id text not null,
  principal text not null,
  primary key (xid, id)
);
create unique index fact_id on fact (id);
create index fact_subject on fact (subject, id);
create trigger append_only before update or delete on fact for each row execute function refuse_change();
create trigger append_only_truncate before truncate on fact for each statement execute function refuse_change();

create table fact_cursor (
  name text primary key,
  xid xid8 not null default '0',
  fact_id bigint not null default 0
);
insert into fact_cursor (name) values ('dispatcher');

create table reaction (
  fact_id bigint not null references fact (id),
  subscriber text not null,
  state text not null default 'due' check (state in ('due', 'done', 'stuck')),
  attempts int not null default 0,
  due_at timestamptz not null default clock_timestamp(),
  claimed_until timestamptz,
  error text,
  done_at timestamptz,
  primary key (fact_id, subscriber)
);
create index reaction_due on reaction (due_at, fact_id) where state = 'due';
create index reaction_stuck on reaction (fact_id) where state = 'stuck';

create table inbox (
  id bigint generated always as identity primary key,
  source text not null,
  account text not null,
  event_id text not null,
  kind text not null,
  body jsonb not null,
  received_at timestamptz not null default clock_timestamp(),
  unique (source, account, event_id)
);

create table refused_event (
  id bigint generated always as identity primary key,
  source text not null,
  reason text not null,
  remote text not null,
  at timestamptz not null default clock_timestamp()
);

create table link (
  id text primary key,
  kind text not null,
  subject text not null,
  version int not null,
  token_hash bytea not null unique,
  expires_at timestamptz not null,
  unique (kind, subject)
);

create table setting (
  name text primary key check (name ~ '^[a-z][a-z_]{0,63}$'),
  value jsonb not null check (jsonb_typeof(value) = 'object'),
  updated_at timestamptz not null
);

do $$ begin
  if exists (select from pg_roles where rolname = 'grace_app') then
    grant usage on schema public to grace_app;
    grant select, update on workspace, fact_cursor to grace_app;
    grant select, insert, update, delete on idempotency to grace_app;
    grant select, insert, update on reaction, link, setting to grace_app;
    grant select, insert on fact, inbox, refused_event to grace_app;
  end if;
end $$;
