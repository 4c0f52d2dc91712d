-- Money that came beyond what was due: it can be given back, or spent on another invoice, and never more of it than
-- came. And money that came after its attempt had ended otherwise is booked.

alter table invoice add excess_minor bigint not null default 0 check (excess_minor >= 0);
comment on column invoice.excess_minor is 'What was paid beyond what was due; it became the client''s credit';

create or replace function invoice_guard() returns trigger language plpgsql as $$
declare
  free constant text[] := array['state', 'paid_minor', 'excess_minor', 'paid_at', 'voided_at', 'void_reason',
    'payment_method', 'transaction_id', 'stripe_payment_intent', 'version', 'updated_at'];
begin
  if new.state <> old.state and (old.state, new.state) not in (
      ('draft', 'issued'), ('draft', 'void'), ('issued', 'part_paid'), ('issued', 'paid'), ('issued', 'void'),
      ('part_paid', 'paid')) then
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

update invoice i set excess_minor = a.excess_minor
  from (select invoice_id, sum(excess_minor)::bigint as excess_minor from payment_attempt group by invoice_id) a
  where a.invoice_id = i.id and a.excess_minor > 0;

-- An attempt that ended without money stays so, unless money came after all.
create or replace function payment_attempt_guard() returns trigger language plpgsql as $$
begin
  if old.state = 'succeeded' and new.state <> old.state
     or old.state in ('canceled', 'refused') and new.state not in (old.state, 'succeeded') then
    raise exception 'an attempt that ended as % stays so', old.state using errcode = 'integrity_constraint_violation';
  end if;
  if (new.id, new.invoice_id, new.client_id, new.currency) is distinct from (old.id, old.invoice_id, old.client_id, old.currency)
     or old.intent is not null and new.intent is distinct from old.intent
     or old.charge is not null and new.charge is distinct from old.charge
     or old.payment_id is not null and new.payment_id is distinct from old.payment_id
     or old.excess_minor <> 0 and new.excess_minor <> old.excess_minor
     or old.movement is not null and new.movement is distinct from old.movement then
    raise exception 'what an attempt is of does not change' using errcode = 'integrity_constraint_violation';
  end if;
  return new;
end $$;

alter table payment_attempt add constraint only_a_success_has_excess check (excess_minor = 0 or state = 'succeeded');
create index payment_attempt_excess on payment_attempt (client_id, number) where excess_minor > 0;

alter table payment add excess_of text references payment_attempt (id);
alter table payment add constraint credit_comes_from_an_excess check ((provider = 'credit') = (excess_of is not null));
comment on column payment.excess_of is 'The attempt whose excess was spent here; no money moved';
create index payment_excess on payment (excess_of) where excess_of is not null;

alter table refund_part alter payment_id drop not null;
alter table refund_part add excess_of text references payment_attempt (id);
alter table refund_part add constraint a_part_is_of_one_thing check (num_nonnulls(payment_id, excess_of) = 1);
alter table refund_part add constraint an_excess_has_no_revenue check (excess_of is null or net_minor = 0);
comment on column refund_part.excess_of is 'The attempt of whose excess it goes back';
create index refund_part_excess on refund_part (excess_of) where excess_of is not null;
-- One refund made at the provider may be of an excess and of payments.
alter table refund_part drop constraint refund_part_provider_provider_refund_key;
create unique index refund_part_told on refund_part (provider, provider_refund, coalesce(payment_id, excess_of));

-- What is left of an attempt's excess; whoever asks holds the attempt's lock.
create function excess_left(attempt text) returns bigint language sql stable as $$
  select a.excess_minor
    - (select coalesce(sum(p.amount_minor), 0) from payment p where p.excess_of = a.id)::bigint
    - (select coalesce(sum(r.amount_minor), 0) from refund_part r where r.excess_of = a.id and r.state <> 'failed')::bigint
  from payment_attempt a where a.id = attempt
$$;

create function payment_from_credit() returns trigger language plpgsql as $$
begin
  perform from payment_attempt where id = new.excess_of and currency = new.currency for update;
  if not found or new.amount_minor > excess_left(new.excess_of) then
    raise exception 'more credit would be spent than is left' using errcode = 'integrity_constraint_violation';
  end if;
  return new;
end $$;
create trigger from_credit before insert on payment for each row when (new.excess_of is not null)
  execute function payment_from_credit();

create or replace function refund_part_guard() returns trigger language plpgsql as $$
begin
  if tg_op = 'UPDATE' then
    if (old.state, new.state) not in (('pending', 'pending'), ('pending', 'succeeded'), ('pending', 'failed'),
        ('succeeded', 'succeeded'), ('succeeded', 'failed'), ('failed', 'failed')) then
      raise exception 'a refund does not go from % to %', old.state, new.state using errcode = 'integrity_constraint_violation';
    end if;
    if (new.payment_id, new.excess_of, new.amount_minor) is distinct from (old.payment_id, old.excess_of, old.amount_minor) then
      raise exception 'what goes back of a thing does not change' using errcode = 'integrity_constraint_violation';
    end if;
    return new;
  end if;
  perform from payment where id = new.payment_id for update;
  perform from payment_attempt where id = new.excess_of for update;
  if new.provider_refund is not null then
    return new;
  end if;
  if new.payment_id is not null and new.amount_minor + (
      select coalesce(sum(amount_minor), 0) from refund_part where payment_id = new.payment_id and state <> 'failed')
      > (select amount_minor from payment where id = new.payment_id)
     or new.excess_of is not null and new.amount_minor > excess_left(new.excess_of) then
    raise exception 'more would go back than was paid' using errcode = 'integrity_constraint_violation';
  end if;
  return new;
end $$;
