-- Long work that somebody begins: its progress, its files, what came of it.

create table work (
  id text primary key check (id ~ '^work_[0-9a-hjkmnp-tv-z]{26}$'),
  number bigint generated always as identity unique,
  kind text not null check (kind in ('lead_import', 'invoice_pdfs', 'audit_export', 'verification')),
  state text not null default 'waiting' check (state in ('waiting', 'running', 'ready', 'done', 'failed', 'stopped')),
  arguments jsonb not null check (jsonb_typeof(arguments) = 'object'),
  begun_by text not null references principal (id),
  key text check (length(key) between 1 and 255),
  digest text check (digest ~ '^[0-9a-f]{64}$'),
  doing text not null default '' check (length(doing) <= 200),
  done bigint not null default 0 check (done >= 0),
  total bigint check (total >= 0),
  position bigint not null default 0 check (position >= 0),
  result jsonb not null default '{}' check (jsonb_typeof(result) = 'object'),
  error text check (length(error) between 1 and 1000),
  file_name text check (length(file_name) between 1 and 128),
  attempt int not null default 0 check (attempt >= 0),
  begun_at timestamptz not null,
  taken_at timestamptz,
  taken_done bigint not null default 0 check (taken_done >= 0),
  moved_at timestamptz not null,
  confirmed_by text references principal (id),
  stopped_by text,
  ended_at timestamptz,
  expires_at timestamptz,
  version bigint not null default 1,
  unique (begun_by, key),
  constraint no_more_than_all check (done <= total),
  constraint key_with_digest check ((key is null) = (digest is null)),
  constraint ended_at_some_time check ((state in ('done', 'failed', 'stopped')) = (ended_at is not null)),
  constraint failed_because check ((state = 'failed') = (error is not null)),
  constraint stopped_by_somebody check ((state = 'stopped') = (stopped_by is not null)),
  constraint only_imports_ask check (kind = 'lead_import' or (state <> 'ready' and confirmed_by is null)),
  constraint running_was_taken check (state <> 'running' or (attempt > 0 and taken_at is not null))
);
create index work_open on work (number) where state in ('waiting', 'running', 'ready');
create index work_expires on work (expires_at) where expires_at is not null;
comment on column work.expires_at is 'Business time: when its files go, or when it no longer waits to be confirmed';
comment on column work.attempt is 'Which taking up it is: an earlier one that comes back to life writes nothing';

create function work_guard() returns trigger language plpgsql as $$
begin
  if new.state <> old.state and (old.state, new.state) not in (
      ('waiting', 'running'), ('waiting', 'stopped'), ('waiting', 'failed'), ('running', 'ready'),
      ('running', 'done'), ('running', 'failed'), ('running', 'stopped'), ('ready', 'waiting'), ('ready', 'stopped'))
  then
    raise exception 'work does not go from % to %', old.state, new.state
      using errcode = 'integrity_constraint_violation';
  end if;
  if (new.id, new.kind, new.begun_by, new.key, new.digest, new.begun_at)
     is distinct from (old.id, old.kind, old.begun_by, old.key, old.digest, old.begun_at) then
    raise exception 'work keeps its kind and who began it' using errcode = 'integrity_constraint_violation';
  end if;
  return new;
end $$;
create trigger guard before update on work for each row execute function work_guard();
create trigger keep before delete on work for each row execute function refuse_change();
create trigger keep_all before truncate on work for each statement execute function refuse_change();

-- A file in pieces: what it works on ('in') until it ends, what it made ('out') until that expires. Pieces with names
-- are files of their own, given as one archive.
create table work_piece (
  work_id text not null references work (id),
  side text not null check (side in ('in', 'out')),
  number bigint not null check (number > 0),
  name text check (length(name) between 1 and 128),
  content bytea not null check (octet_length(content) between 1 and 16777216),
  primary key (work_id, side, number)
);

do $$ begin
  if exists (select from pg_roles where rolname = 'grace_app') then
    grant select, insert, update on work to grace_app;
    grant select, insert, delete on work_piece to grace_app;
  end if;
end $$;
