-- replaces: 481c7873164148046f62d0136df5b4ca45fd68c9f4755bd2fc9ac35fdb9cbcc8
-- The audit log. Entries and what seals them are append-only; payloads can be erased, not changed.

create table audit_entry (
  id bigint generated always as identity,
  xid xid8 not null default pg_current_xact_id(),
  at timestamptz not null,
  principal_id text not null,
  action text not null,
  subject_kind text not null,
  subject_id text not null,
  header bytea not null,
  commitment bytea not null check (length(commitment) = 32),
  primary key (xid, id)
);
comment on table audit_entry is 'Who did what; header and commitment are hashed as written; what is searched for is repeated in columns';
create index audit_entry_subject on audit_entry (subject_id);

create table audit_payload (
  entry_id bigint primary key,
  salt bytea not null check (length(salt) = 32),
  payload bytea not null
);
comment on table audit_payload is 'Why, before and after; erased without breaking a proof';

create table audit_leaf (
  index bigint primary key,
  xid xid8 not null,
  entry_id bigint not null unique,
  hash bytea not null check (length(hash) = 32)
);
comment on table audit_leaf is 'The place of each sealed entry in the tree, dense from 0';

create table audit_node (
  level smallint not null,
  index bigint not null,
  hash bytea not null check (length(hash) = 32),
  primary key (level, index)
);
comment on table audit_node is 'Full subtrees of 16, 256, 4096, … leaves (levels 4, 8, 12, …)';

create table audit_checkpoint (
  size bigint primary key,
  root bytea not null check (length(root) = 32),
  note text not null,
  sealed_at timestamptz not null default clock_timestamp()
);
comment on table audit_checkpoint is 'Signed tree heads, one per sealing pass';

create table audit_signer (
  only_row boolean primary key default true check (only_row),
  origin text not null,
  public_key bytea not null,
  sealed_private_key bytea not null,
  created_at timestamptz not null default clock_timestamp()
);
comment on table audit_signer is 'The log''s name and key; the private key is encrypted under the master key';

-- Where sealing stands: every entry up to (xid, entry_id) has a leaf. `cluster` tells when the database
-- was restored into another server, whose transaction ids start elsewhere.
create table audit_head (
  only_row boolean primary key default true check (only_row),
  size bigint not null,
  xid xid8 not null,
  entry_id bigint not null,
  cluster bigint not null
);
insert into audit_head (size, xid, entry_id, cluster)
select 0, '0', 0, system_identifier from pg_control_system();

create trigger append_only before update or delete or truncate on audit_entry
  for each statement execute function refuse_change();
create trigger append_only before update or delete or truncate on audit_leaf
  for each statement execute function refuse_change();
create trigger append_only before update or delete or truncate on audit_node
  for each statement execute function refuse_change();
create trigger append_only before update or delete or truncate on audit_checkpoint
  for each statement execute function refuse_change();
create trigger append_only before update or delete or truncate on audit_signer
  for each statement execute function refuse_change();

create function audit_guard_payload() returns trigger language plpgsql as $$
begin
  if tg_op = 'DELETE' and current_setting('search_path') = 'pg_catalog, public, pg_temp, erasing_payload' then
    return null;
  end if;
  raise exception 'audit_payload rows are never changed, and erased only by audit_erase_payload'
    using errcode = 'integrity_constraint_violation';
end
$$;
create trigger erase_only before update or delete or truncate on audit_payload
  for each statement execute function audit_guard_payload();

-- The one way to erase payloads. Called by audit's service, which records the erasure. While it runs it names
-- `erasing_payload`, which is no schema, in its search path: a setting of our own would need a superuser.
create function audit_erase_payload(kind text, id text) returns bigint
  language sql security definer
  set search_path = pg_catalog, public, pg_temp, erasing_payload
as $$
  with erased as (
    delete from audit_payload p using audit_entry e
    where e.subject_kind = kind and e.subject_id = audit_erase_payload.id and p.entry_id = e.id
    returning p.entry_id
  )
  select count(*) from erased
$$;
revoke execute on function audit_erase_payload from public;

do $$
begin
  if exists (select from pg_roles where rolname = 'grace_app') then
    grant select, insert on audit_entry, audit_payload, audit_signer to grace_app;
    grant select on audit_leaf, audit_node, audit_checkpoint, audit_head to grace_app;
    grant execute on function audit_erase_payload to grace_app;
  end if;
end
$$;
