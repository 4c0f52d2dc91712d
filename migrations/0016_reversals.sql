-- A mistyped manual payment is taken back; an invoice of nothing is paid when it is issued; when the provider was looked
-- at for an attempt; what of a refund was of more excess than there was.

alter table invoice add earned_minor bigint not null default 0;
comment on column invoice.earned_minor is 'What of paid_minor counts as revenue; the rest is tax';

create or replace function invoice_guard() returns trigger language plpgsql as $$
declare
  free constant text[] := array['state', 'paid_minor', 'earned_minor', 'excess_minor', 'paid_at', 'voided_at',
    'void_reason', 'payment_method', 'transaction_id', 'stripe_payment_intent', 'version', 'updated_at'];
begin
  if new.state <> old.state and (old.state, new.state) not in (
      ('draft', 'issued'), ('draft', 'void'), ('issued', 'part_paid'), ('issued', 'paid'), ('issued', 'void'),
      ('part_paid', 'paid'), ('paid', 'part_paid'), ('paid', 'issued'), ('part_paid', 'issued'))
     and not (old.state = 'draft' and new.state = 'paid' and new.total_minor = 0) then
    raise exception 'an invoice does not go from % to %', old.state, new.state
      using errcode = 'integrity_constraint_violation';
  end if;
  if old.state <> 'draft' and to_jsonb(new) - free is distinct from to_jsonb(old) - free then
    raise exception 'an issued invoice is frozen' using errcode = 'integrity_constraint_violation';
  end if;
  if new.id <> old.id or new.number <> old.number then
    raise exception 'an invoice keeps its id' using errcode = 'integrity_constraint_violation';
  end if;
  return new;
end $$;

update invoice i set earned_minor = p.net_minor
  from (select invoice_id, sum(net_minor)::bigint as net_minor from payment group by invoice_id) p
  where p.invoice_id = i.id and p.net_minor > 0;

alter table invoice drop constraint an_issued_invoice_is_whole;
alter table invoice add constraint an_issued_invoice_is_whole check (invoice_number is null
  or (issued_at is not null and due_at is not null and issuer is not null and client is not null));
alter table invoice add constraint nothing_is_not_owed check (state <> 'issued' or total_minor > 0);
alter table invoice add constraint revenue_and_tax_of_what_is_paid check (
  earned_minor between 0 and net_minor and paid_minor - earned_minor between 0 and tax_minor);

alter table payment add reversed_at timestamptz;
alter table payment add reversal_reason text check (length(reversal_reason) between 1 and 2000);
alter table payment add constraint a_reversal_has_its_reason check ((reversed_at is null) = (reversal_reason is null));
alter table payment add constraint a_reversed_payment_failed check (reversed_at is null or status = 'failed');
-- What was taken back may be recorded again, rightly.
alter table payment drop constraint payment_invoice_id_method_reference_key;
create unique index payment_reference on payment (invoice_id, method, reference) where status <> 'failed';

create or replace function payment_guard() returns trigger language plpgsql as $$
declare
  free constant text[] := array['status', 'reversed_at', 'reversal_reason'];
begin
  if to_jsonb(new) - free is distinct from to_jsonb(old) - free
     or old.reversed_at is not null and new is distinct from old then
    raise exception 'a payment is not changed' using errcode = 'integrity_constraint_violation';
  end if;
  if new.status <> old.status and (old.status, new.status) not in (
      ('pending', 'paid'), ('pending', 'failed'), ('paid', 'refunded'), ('refunded', 'paid'))
     and not (old.status = 'paid' and new.status = 'failed' and new.reversed_at is not null) then
    raise exception 'a payment does not go from % to %', old.status, new.status
      using errcode = 'integrity_constraint_violation';
  end if;
  if new.reversed_at is not null and (new.provider <> 'manual'
      or exists (select from refund_part where payment_id = new.id and state <> 'failed')) then
    raise exception 'only a manual payment of which nothing went back is reversed'
      using errcode = 'integrity_constraint_violation';
  end if;
  return new;
end $$;

alter table refund_part add over_minor bigint not null default 0;
alter table refund_part add failed_over_minor bigint not null default 0;
alter table refund_part add constraint over_is_of_an_excess check (
  over_minor between 0 and amount_minor and failed_over_minor between 0 and amount_minor
  and (excess_of is not null or over_minor = 0 and failed_over_minor = 0));
comment on column refund_part.over_minor is 'What a provider gave back although the excess had gone already: the client owed it';
comment on column refund_part.failed_over_minor is 'What of it, when it failed, the client did not owe any more';

alter table payment_attempt add looked_at timestamptz not null default clock_timestamp();
comment on column payment_attempt.looked_at is 'When somebody who reads its invoice last had the provider looked at (real time)';
