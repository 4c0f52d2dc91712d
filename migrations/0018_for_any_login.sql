-- Brings databases that were migrated by the first texts of 0003 and 0004 to the same functions: these set a parameter of
-- our own while they ran, which only a superuser may give to a function. On a new database nothing changes.

do $$
declare
    f regprocedure;
begin
    for f in select oid from pg_proc where proconfig && array['ledger.writes=on'] loop
        execute format('alter function %s reset ledger.writes', f);
        execute format('alter function %s set search_path = pg_catalog, public, pg_temp, ledger_writes', f);
    end loop;
    for f in select oid from pg_proc where proconfig && array['grace.erasing_payload=on'] loop
        execute format('alter function %s reset grace.erasing_payload', f);
        execute format('alter function %s set search_path = pg_catalog, public, pg_temp, erasing_payload', f);
    end loop;
end $$;

create or replace function ledger_by_function() returns trigger language plpgsql as $$
begin
    if current_setting('search_path') <> 'pg_catalog, public, pg_temp, ledger_writes' then
        raise exception '% on % is refused: call the ledger''s functions', tg_op, tg_table_name using errcode = 'GL004';
    end if;
    return null;
end $$;

create or replace function audit_guard_payload() returns trigger language plpgsql as $$
begin
  if tg_op = 'DELETE' and current_setting('search_path') = 'pg_catalog, public, pg_temp, erasing_payload' then
    return null;
  end if;
  raise exception 'audit_payload rows are never changed, and erased only by audit_erase_payload'
    using errcode = 'integrity_constraint_violation';
end
$$;

-- What refuses DELETE row by row must refuse TRUNCATE, which asks no row.
do $$
declare
    t regclass;
begin
    for t in select distinct g.tgrelid from pg_trigger g join pg_proc p on p.oid = g.tgfoid
        where not g.tgisinternal and p.proname = 'refuse_change' and g.tgtype & 8 = 8 and not exists (
            select from pg_trigger o where o.tgrelid = g.tgrelid and not o.tgisinternal and o.tgtype & 32 = 32)
    loop
        execute format('create trigger keep_all before truncate on %s for each statement execute function refuse_change()', t);
    end loop;
end $$;
create trigger keep_all before truncate on decision for each statement execute function refuse_change();

-- What the application may only insert into, privilege alone held so far; it does not hold for the owner.
create trigger append_only before update or delete or truncate on inbox
  for each statement execute function refuse_change();
create trigger append_only before update or delete or truncate on policy_set
  for each statement execute function refuse_change();
create trigger append_only before update or delete or truncate on refused_event
  for each statement execute function refuse_change();
