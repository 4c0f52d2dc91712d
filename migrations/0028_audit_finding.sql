-- What was found wrong with the audit log, until a verification finds nothing: every page of the console says it.

create table audit_finding (
  only_row boolean primary key default true check (only_row),
  since timestamptz not null default clock_timestamp(),
  detail text not null check (length(detail) between 1 and 1000),
  outside boolean not null
);
comment on table audit_finding is 'That the log is broken and since when that is known; empty while it is whole';
comment on column audit_finding.outside is 'Found with a checkpoint kept outside: without one no verification clears it';

do $$ begin
  if exists (select from pg_roles where rolname = 'grace_app') then
    grant select on audit_finding to grace_app;
  end if;
end $$;
