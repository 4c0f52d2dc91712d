-- A workspace may be restored under another handle, beside the one it was backed up from. What is sealed or signed in it
-- stays under the keys of the handle under which it was made.
alter table workspace add column keys_of text check (keys_of ~ '^[a-z][a-z0-9]{0,31}$');
comment on column workspace.keys_of is 'The handle under which its keys are derived, where that is another one';

create or replace function guard_workspace() returns trigger language plpgsql as $$
begin
  if new.kind <> old.kind or new.handle <> old.handle or new.keys_of is distinct from old.keys_of then
    raise exception 'a workspace keeps its kind, its handle and its keys' using errcode = 'integrity_constraint_violation';
  end if;
  if new.clock_offset < old.clock_offset then
    raise exception 'business time never goes back' using errcode = 'integrity_constraint_violation';
  end if;
  return new;
end $$;
