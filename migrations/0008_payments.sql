-- Payments: money that a client gave towards an invoice.

create table payment (
  id text primary key check (id ~ '^pay_[0-9a-hjkmnp-tv-z]{26}$'),
  number bigint generated always as identity unique,
  invoice_id text not null references invoice (id),
  client_id text not null references client (id),
  project_id text,
  provider text not null check (provider ~ '^[a-z][a-z0-9_]{0,39}$'),
  method text not null check (method ~ '^[a-z][a-z0-9_]{0,39}$'),
  reference text check (length(reference) between 1 and 128),
  currency text not null check (currency ~ '^[A-Z]{3}$'),
  amount_minor bigint not null check (amount_minor > 0),
  net_minor bigint not null check (net_minor between 0 and amount_minor),
  status text not null check (status in ('pending', 'paid', 'failed', 'refunded')),
  received_at timestamptz not null,
  recorded_by text not null,
  verification_signature text not null check (length(verification_signature) between 1 and 256),
  created_at timestamptz not null,
  unique (invoice_id, method, reference)
);
comment on column payment.net_minor is 'The part that is revenue; the rest is tax';
comment on column payment.reference is 'Of whoever moved the money; one that comes twice for an invoice is one payment';
create index payment_client on payment (client_id, id);

create function payment_guard() returns trigger language plpgsql as $$
begin
  if to_jsonb(new) - 'status' is distinct from to_jsonb(old) - 'status' then
    raise exception 'a payment is not changed' using errcode = 'integrity_constraint_violation';
  end if;
  if new.status <> old.status and (old.status, new.status) not in (
      ('pending', 'paid'), ('pending', 'failed'), ('paid', 'refunded'), ('refunded', 'paid')) then
    raise exception 'a payment does not go from % to %', old.status, new.status
      using errcode = 'integrity_constraint_violation';
  end if;
  return new;
end $$;
create trigger guard before update on payment for each row execute function payment_guard();
create trigger keep before delete on payment for each row execute function refuse_change();

do $$ begin
  if exists (select from pg_roles where rolname = 'grace_app') then
    grant select, insert, update on payment to grace_app;
  end if;
end $$;
