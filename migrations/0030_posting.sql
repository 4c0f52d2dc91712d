-- A statement over a set of lines was planned anew for each call, as the planner believes that it gains by knowing how
-- many there are: most of what a posting of four lines cost. One posting goes line by line now, each statement planned
-- once, and a batch is planned once for any number.

-- A posting of any lines but the two of a transfer, for `ledger_post`.
create function ledger_post_lines(p_reference text, p_kind text, p_event_at timestamptz, p_memo text,
    p_purposes text[], p_owners text[], p_currencies text[], p_amounts bigint[]) returns bigint
language plpgsql as $$
declare
    v_id bigint;
    v_account bigint;
    v_tail boolean;
    v_seq bigint;
    v_balance bigint;
    v_accounts bigint[];
    v_locked bigint[];          -- those of them that are no tails, others null
    v_seqs bigint[];
    v_balances bigint[];
    v_locks int := 0;
begin
    if cardinality(p_amounts) = 0 or 0 = any (p_amounts) then
        raise exception 'A posting without lines, or a line of zero' using errcode = 'GL001';
    end if;
    for n in 1..cardinality(p_amounts) loop
        loop
            select id, tail into v_account, v_tail from ledger_account
            where owner = p_owners[n] and purpose = p_purposes[n] and currency = p_currencies[n];
            exit when found;
            perform ledger_accounts(p_purposes, p_owners, p_currencies);
        end loop;
        v_accounts[n] := v_account;
        v_seqs[n] := null;
        v_balances[n] := null;
        v_locked[n] := null;
        if not v_tail then
            v_locked[n] := v_account;
            v_locks := v_locks + 1;
        end if;
    end loop;
    insert into ledger_posting (reference, kind, event_at, memo) values (p_reference, p_kind, p_event_at, p_memo)
    on conflict (reference) do nothing returning id into v_id;
    if v_id is null then
        return ledger_posted(p_reference, p_kind, v_accounts, p_amounts);
    end if;
    if v_locks > 1 then
        perform from ledger_account where id = any (v_locked) order by id for no key update;
    end if;
    for n in 1..cardinality(p_amounts) loop
        if v_locked[n] is not null then
            update ledger_account set balance_minor = balance_minor + normal * p_amounts[n], account_seq = account_seq + 1
            where id = v_locked[n] returning account_seq, balance_minor into v_seq, v_balance;
            v_seqs[n] := v_seq;
            v_balances[n] := v_balance;
        end if;
    end loop;
    insert into ledger_entry (posting_id, account_id, amount_minor, account_seq, balance_minor, currency)
    select v_id, * from unnest(v_accounts, p_amounts, v_seqs, v_balances, p_currencies);
    return v_id;
end $$;

-- Posts one balanced set and returns its id; the usual one, a transfer between two accounts, by the short way.
create or replace function ledger_post(p_reference text, p_kind text, p_event_at timestamptz, p_memo text,
    p_purposes text[], p_owners text[], p_currencies text[], p_amounts bigint[]) returns bigint
language plpgsql security definer set search_path = pg_catalog, public, pg_temp, ledger_writes as $$
declare
    v_id bigint;
    v_one bigint;
    v_two bigint;
    v_tail_one boolean;
    v_tail_two boolean;
    v_seq_one bigint;
    v_seq_two bigint;
    v_balance_one bigint;
    v_balance_two bigint;
begin
    if cardinality(p_amounts) = 2 and p_amounts[1] <> 0 then
        select id, tail into v_one, v_tail_one from ledger_account
        where owner = p_owners[1] and purpose = p_purposes[1] and currency = p_currencies[1];
        select id, tail into v_two, v_tail_two from ledger_account
        where owner = p_owners[2] and purpose = p_purposes[2] and currency = p_currencies[2];
    end if;
    if v_one is null or v_two is null then
        return ledger_post_lines(p_reference, p_kind, p_event_at, p_memo, p_purposes, p_owners, p_currencies, p_amounts);
    end if;
    insert into ledger_posting (reference, kind, event_at, memo) values (p_reference, p_kind, p_event_at, p_memo)
    on conflict (reference) do nothing returning id into v_id;
    if v_id is null then
        return ledger_posted(p_reference, p_kind, array[v_one, v_two], p_amounts);
    end if;
    if not v_tail_two and v_two < v_one then
        update ledger_account set balance_minor = balance_minor + normal * p_amounts[2], account_seq = account_seq + 1
        where id = v_two returning account_seq, balance_minor into v_seq_two, v_balance_two;
    end if;
    if not v_tail_one then
        update ledger_account set balance_minor = balance_minor + normal * p_amounts[1], account_seq = account_seq + 1
        where id = v_one returning account_seq, balance_minor into v_seq_one, v_balance_one;
    end if;
    if not v_tail_two and v_two > v_one then
        update ledger_account set balance_minor = balance_minor + normal * p_amounts[2], account_seq = account_seq + 1
        where id = v_two returning account_seq, balance_minor into v_seq_two, v_balance_two;
    end if;
    insert into ledger_entry (posting_id, account_id, amount_minor, account_seq, balance_minor, currency) values
        (v_id, v_one, p_amounts[1], v_seq_one, v_balance_one, p_currencies[1]),
        (v_id, v_two, p_amounts[2], v_seq_two, v_balance_two, p_currencies[2]);
    return v_id;
end $$;

alter function ledger_post_many set plan_cache_mode = force_generic_plan;
revoke execute on function ledger_post_lines from public;

-- An issued invoice is frozen but for what is named here; rows are compared, not their JSON.
create or replace function invoice_guard() returns trigger language plpgsql as $$
declare
  kept invoice := new;
begin
  if new.state <> old.state and (old.state, new.state) not in (
      ('draft', 'issued'), ('draft', 'void'), ('issued', 'part_paid'), ('issued', 'paid'), ('issued', 'void'),
      ('part_paid', 'paid'), ('paid', 'part_paid'), ('paid', 'issued'), ('part_paid', 'issued'))
     and not (old.state = 'draft' and new.state = 'paid' and new.total_minor = 0) then
    raise exception 'an invoice does not go from % to %', old.state, new.state
      using errcode = 'integrity_constraint_violation';
  end if;
  if old.state <> 'draft' then
    kept.state := old.state;
    kept.paid_minor := old.paid_minor;
    kept.earned_minor := old.earned_minor;
    kept.excess_minor := old.excess_minor;
    kept.paid_at := old.paid_at;
    kept.voided_at := old.voided_at;
    kept.void_reason := old.void_reason;
    kept.payment_method := old.payment_method;
    kept.transaction_id := old.transaction_id;
    kept.stripe_payment_intent := old.stripe_payment_intent;
    kept.version := old.version;
    kept.updated_at := old.updated_at;
    if kept is distinct from old then
      raise exception 'an issued invoice is frozen' using errcode = 'integrity_constraint_violation';
    end if;
  end if;
  if new.id <> old.id or new.number <> old.number then
    raise exception 'an invoice keeps its id' using errcode = 'integrity_constraint_violation';
  end if;
  return new;
end $$;
