-- replaces: 05bac55ef829d6747205d9d41f874a99dd3cac9b0de6c2ce0a0736cce5bd34e4
-- The ledger: accounts, postings, entries and held money.
--
-- Amounts are minor units; a line's amount is positive for a debit, negative for a credit, and a posting's lines sum to
-- zero in each currency. Balances stand on the account's normal side. A locked account carries a running balance and a
-- gap-free entry number, both kept under its row lock, so that its floor is exact. A tail account (hot, without a floor)
-- is never locked by a posting: its balance is what was rolled plus the entries since the watermark `rolled_to`.
--
-- The guards are triggers and constraints first (they hold for every role, the owner too), privileges second (the
-- application role may only read and call the functions).

create table ledger_purpose (
    purpose text primary key check (purpose ~ '^[a-z_]+$'),
    normal smallint not null check (normal in (1, -1)),     -- the side on which it grows: 1 debit, -1 credit
    tail boolean not null,
    allow_negative boolean not null,                        -- false: may never fall below zero on its normal side
    owned boolean,                                          -- true: has an owner; false: has none; null: may have one
    check (not tail or allow_negative)
);

insert into ledger_purpose (purpose, normal, tail, allow_negative, owned) values
    ('receivable',          1, false, true,  true),
    ('customer_credit',    -1, false, false, true),
    ('held_funds',         -1, false, false, true),
    ('seller_payable',     -1, false, false, true),
    ('seller_debt',         1, false, false, true),
    ('bank',                1, true,  true,  null),
    ('clearing',            1, true,  true,  true),
    ('processor_fees',      1, true,  true,  true),
    ('refunds_in_flight',  -1, true,  true,  true),
    ('disputes_in_flight',  1, true,  true,  true),
    ('suspense',           -1, true,  true,  null),
    ('revenue',            -1, true,  true,  null),
    ('commission_revenue', -1, true,  true,  false),
    ('unpaid_revenue',     -1, true,  true,  true),
    ('deferred_revenue',   -1, true,  true,  null),
    ('tax_payable',        -1, true,  true,  null),
    ('bad_debt',            1, true,  true,  false),
    ('fx_liquidity',        1, true,  true,  false),
    ('fx_result',           1, true,  true,  false),
    ('rounding',            1, true,  true,  false);

create table ledger_account (
    id bigint generated always as identity primary key,
    purpose text not null references ledger_purpose,
    owner text not null default '',                         -- public id of the client, provider, job …; '' = the business itself
    currency text not null,
    normal smallint not null,
    tail boolean not null,
    allow_negative boolean not null,
    balance_minor bigint not null default 0,                -- tail account: rolled up to rolled_to only
    held_minor bigint not null default 0,                   -- reserved away from the normal side
    account_seq bigint not null default 0,                  -- number of entries; 0 on a tail account
    rolled_to xid8 not null default '0',                    -- tail: entries of earlier transactions are in balance_minor
    opened_at timestamptz not null default clock_timestamp(),
    unique (owner, purpose, currency),
    constraint ledger_account_floor check (allow_negative or balance_minor >= held_minor)
) with (fillfactor = 50);
create index ledger_account_tail on ledger_account (id) where tail;

create table ledger_posting (
    id bigint generated always as identity primary key,
    reference varchar(200) not null unique,
    kind varchar(60) not null,
    event_at timestamptz not null,                          -- business time
    recorded_at timestamptz not null default clock_timestamp(),     -- real time
    memo varchar(500),                                      -- never personal data: postings stay for ever
    xid xid8 not null default pg_current_xact_id()
);
create index ledger_posting_event on ledger_posting using brin (event_at) with (autosummarize = on);

create table ledger_entry (
    posting_id bigint not null,
    account_id bigint not null,
    amount_minor bigint not null,                           -- debit positive, credit negative, never 0
    account_seq bigint,                                     -- 1, 2, 3 …; null on a tail account
    balance_minor bigint,                                   -- of the account after this entry; null on a tail account
    xid xid8 not null default pg_current_xact_id(),
    currency text not null,                                 -- of the account
    primary key (posting_id, account_id)
);
create unique index ledger_entry_seq on ledger_entry (account_id, account_seq) where account_seq is not null;
create index ledger_entry_tail on ledger_entry (account_id, xid) where account_seq is null;

create table ledger_hold (
    id bigint generated always as identity primary key,
    reference varchar(200) not null unique,
    kind varchar(60) not null,
    event_at timestamptz not null,
    expires_at timestamptz,                                 -- business time; null: held until settled or released
    recorded_at timestamptz not null default clock_timestamp(),
    memo varchar(500),
    state text not null default 'pending' check (state in ('pending', 'settled', 'released', 'expired')),
    posting_id bigint unique references ledger_posting,
    check ((state = 'settled') = (posting_id is not null)),
    check (expires_at > event_at)
);
create index ledger_hold_due on ledger_hold (expires_at) where state = 'pending';

create table ledger_hold_line (
    hold_id bigint not null references ledger_hold,
    account_id bigint not null references ledger_account,
    amount_minor bigint not null check (amount_minor <> 0),
    open boolean not null default true,                     -- counts in the account's held_minor
    primary key (hold_id, account_id)
);
create index ledger_hold_line_open on ledger_hold_line (account_id) where open;

-- What may be read: the exact balance of every account, tail accounts included, in one statement's snapshot.
create view ledger_balance as
select a.id, a.purpose, nullif(a.owner, '') as owner, a.currency, a.normal, a.tail, a.allow_negative, a.held_minor,
       a.account_seq, a.balance_minor + case when a.tail then coalesce((
           select a.normal * sum(e.amount_minor) from ledger_entry e
           where e.account_id = a.id and e.account_seq is null and e.xid >= a.rolled_to), 0)::bigint else 0 end
       as balance_minor
from ledger_account a;

-- Every entry with its posting. Two arms, so that each kind of account is found by its own index.
create view ledger_line as
select e.*, p.reference, p.kind, p.event_at, p.recorded_at, p.memo
from (select * from ledger_entry where account_seq is not null
      union all select * from ledger_entry where account_seq is null) e
join ledger_posting p on p.id = e.posting_id;

-- Guards --------------------------------------------------------------------------------------------------------

create function ledger_refuse() returns trigger language plpgsql as $$
begin
    raise exception '% on % is refused: the ledger is append-only', tg_op, tg_table_name using errcode = 'GL004';
end $$;

create trigger ledger_append_only before update or delete or truncate on ledger_posting
    for each statement execute function ledger_refuse();
create trigger ledger_append_only before update or delete or truncate on ledger_entry
    for each statement execute function ledger_refuse();
create trigger ledger_kept before delete or truncate on ledger_account
    for each statement execute function ledger_refuse();
create trigger ledger_kept before delete or truncate on ledger_hold
    for each statement execute function ledger_refuse();
create trigger ledger_kept before delete or truncate on ledger_hold_line
    for each statement execute function ledger_refuse();

-- Everything else is written by the functions below alone: each names `ledger_writes`, which is no schema, last in its
-- search path while it runs. A setting of our own could only be given to a function by a superuser.
create function ledger_by_function() returns trigger language plpgsql as $$
begin
    if current_setting('search_path') <> 'pg_catalog, public, pg_temp, ledger_writes' then
        raise exception '% on % is refused: call the ledger''s functions', tg_op, tg_table_name using errcode = 'GL004';
    end if;
    return null;
end $$;

create trigger ledger_by_function before insert on ledger_posting
    for each statement execute function ledger_by_function();
create trigger ledger_by_function before insert on ledger_entry
    for each statement execute function ledger_by_function();
create trigger ledger_by_function before insert or update on ledger_account
    for each statement execute function ledger_by_function();
create trigger ledger_by_function before insert or update on ledger_hold
    for each statement execute function ledger_by_function();
create trigger ledger_by_function before insert or update on ledger_hold_line
    for each statement execute function ledger_by_function();

-- An account opens empty, with the traits of its purpose.
create function ledger_account_opens() returns trigger language plpgsql as $$
declare
    p ledger_purpose;
begin
    select * into p from ledger_purpose where purpose = new.purpose;
    if p is null or new.currency !~ '^[A-Z]{3}$' or p.owned and new.owner = '' or not p.owned and new.owner <> '' then
        raise exception 'No account "%" of "%" in "%": an unknown purpose, an owner lacking or too many, or no currency',
            new.purpose, new.owner, new.currency using errcode = 'GL003';
    elsif (new.balance_minor, new.held_minor, new.account_seq, new.rolled_to) is distinct from (0, 0, 0, '0'::xid8) then
        raise exception 'An account opens empty' using errcode = 'GL004';
    end if;
    new.normal := p.normal;
    new.tail := p.tail;
    new.allow_negative := p.allow_negative;
    return new;
end $$;
create trigger ledger_account_opens before insert on ledger_account
    for each row execute function ledger_account_opens();

-- What an account is stays; whether it is a tail may still be corrected while it has no entries.
create function ledger_account_keeps() returns trigger language plpgsql as $$
begin
    if (old.id, old.purpose, old.owner, old.currency, old.normal, old.opened_at)
        is distinct from (new.id, new.purpose, new.owner, new.currency, new.normal, new.opened_at)
        or exists (select from ledger_entry where account_id = old.id) then
        raise exception 'What an account is cannot change' using errcode = 'GL004';
    end if;
    return new;
end $$;
create trigger ledger_account_keeps before update of id, purpose, owner, currency, normal, tail, opened_at
    on ledger_account for each row execute function ledger_account_keeps();

-- Every INSERT of entries is whole: each posting in it sums to zero in each currency.
create function ledger_entry_guard() returns trigger language plpgsql as $$
begin
    perform from inserted group by posting_id, currency having sum(amount_minor) <> 0;
    if found then
        raise exception 'A posting does not sum to zero in each currency' using errcode = 'GL001';
    end if;
    return null;
end $$;
create trigger ledger_entry_guard after insert on ledger_entry referencing new table as inserted
    for each statement execute function ledger_entry_guard();

create function ledger_hold_guard() returns trigger language plpgsql as $$
begin
    if exists (select from inserted e join ledger_account a on a.id = e.account_id
            group by e.hold_id, a.currency having sum(e.amount_minor) <> 0) then
        raise exception 'A hold does not sum to zero in each currency' using errcode = 'GL001';
    end if;
    return null;
end $$;
create trigger ledger_hold_guard after insert on ledger_hold_line referencing new table as inserted
    for each statement execute function ledger_hold_guard();

-- Verbs ---------------------------------------------------------------------------------------------------------
-- Lines come as parallel arrays; an account is named by purpose, owner ('' = none) and currency, and opens on its
-- first use. The order of locks is the same everywhere, so that no two calls can deadlock: accounts are opened, then
-- the reference is taken, then accounts are locked in the order of their ids.

create function ledger_accounts(p_purposes text[], p_owners text[], p_currencies text[]) returns bigint[]
language plpgsql as $$
declare
    v_ids bigint[];
begin
    for attempt in 1..2 loop
        select array_agg(a.id order by k.n) into v_ids
        from unnest(p_purposes, p_owners, p_currencies) with ordinality k (purpose, owner, currency, n)
        left join ledger_account a on (a.owner, a.purpose, a.currency) = (k.owner, k.purpose, k.currency);
        exit when array_position(v_ids, null) is null;
        insert into ledger_account (purpose, owner, currency)
        select distinct k.purpose, k.owner, k.currency
        from unnest(p_purposes, p_owners, p_currencies) k (purpose, owner, currency)
        order by 2, 1, 3 on conflict do nothing;
    end loop;
    return v_ids;
end $$;

-- The same reference again: the earlier posting when kind and lines are the same, else an error.
create function ledger_posted(p_reference text, p_kind text, p_accounts bigint[], p_amounts bigint[]) returns bigint
language plpgsql as $$
declare
    v_id bigint;
begin
    select id into v_id from ledger_posting where reference = p_reference and kind = p_kind;
    if v_id is null or exists (
            select from (select account_id, amount_minor from ledger_entry where posting_id = v_id) e
            full join unnest(p_accounts, p_amounts) l (account_id, amount_minor) using (account_id, amount_minor)
            where e.account_id is null or l.account_id is null) then
        raise exception 'Reference "%" is posted already with other content', p_reference using errcode = 'GL002';
    end if;
    return v_id;
end $$;

-- Posts many balanced sets; line i belongs to posting p_posting_of[i]. Returns their ids in the order given.
create function ledger_post_many(p_references text[], p_kinds text[], p_event_ats timestamptz[], p_memos text[],
    p_posting_of int[], p_purposes text[], p_owners text[], p_currencies text[], p_amounts bigint[]) returns bigint[]
language plpgsql security definer set search_path = pg_catalog, public, pg_temp, ledger_writes
set enable_hashjoin = off set enable_mergejoin = off as $$
declare
    v_accounts bigint[] := ledger_accounts(p_purposes, p_owners, p_currencies);
    v_ids bigint[];         -- by posting; null where the reference was posted before
    v_line_ids bigint[];    -- by line
begin
    if (select count(distinct o) from unnest(p_posting_of) o) <> cardinality(p_references)
        or (select count(distinct r) from unnest(p_references) r) <> cardinality(p_references) or 0 = any (p_amounts) then
        raise exception 'A posting without lines, a line of zero, or a reference twice in one batch' using errcode = 'GL001';
    end if;
    with made as (
        insert into ledger_posting (reference, kind, event_at, memo)
        select * from unnest(p_references, p_kinds, p_event_ats, p_memos)
        on conflict (reference) do nothing returning id, reference)
    select array_agg(made.id order by r.n) into v_ids
    from unnest(p_references) with ordinality r (reference, n) left join made using (reference);

    select array_agg(v_ids[o] order by n) into v_line_ids from unnest(p_posting_of) with ordinality u (o, n);
    perform from ledger_account where id = any (v_accounts) and not tail order by id for no key update;
    update ledger_account a set balance_minor = a.balance_minor + a.normal * s.total, account_seq = a.account_seq + s.n
    from (select account_id, sum(amount) as total, count(*) as n
          from unnest(v_line_ids, v_accounts, p_amounts) l (posting_id, account_id, amount)
          where posting_id is not null group by account_id) s
    where a.id = s.account_id and not a.tail;
    insert into ledger_entry (posting_id, account_id, amount_minor, account_seq, balance_minor, currency)
    select l.posting_id, l.account_id, l.amount,
        case when not a.tail then a.account_seq + 1 - row_number() over later end,
        case when not a.tail then a.balance_minor + a.normal * (l.amount - sum(l.amount) over later) end, a.currency
    from unnest(v_line_ids, v_accounts, p_amounts, p_posting_of) with ordinality l (posting_id, account_id, amount, o, n)
    join ledger_account a on a.id = l.account_id
    where l.posting_id is not null
    window later as (partition by l.account_id order by l.o desc, l.n desc rows unbounded preceding);

    if array_position(v_ids, null) is not null then
        select array_agg(coalesce(v_ids[r.n], ledger_posted(r.reference, p_kinds[r.n], l.accounts, l.amounts)) order by r.n)
        into v_ids
        from unnest(p_references) with ordinality r (reference, n)
        left join (select o, array_agg(account_id) as accounts, array_agg(amount) as amounts
            from unnest(p_posting_of, v_accounts, p_amounts) u (o, account_id, amount) group by o) l on l.o = r.n;
    end if;
    return v_ids;
end $$;

-- Posts one balanced set and returns its id; the usual one, a transfer between two accounts, by the short way.
create function ledger_post(p_reference text, p_kind text, p_event_at timestamptz, p_memo text,
    p_purposes text[], p_owners text[], p_currencies text[], p_amounts bigint[]) returns bigint
language plpgsql security definer set search_path = pg_catalog, public, pg_temp, ledger_writes as $$
declare
    v_id bigint;
    v_currency text := p_currencies[1];
    v_amount bigint := p_amounts[1];
    v_one bigint;
    v_two bigint;
    v_tail_one boolean;
    v_tail_two boolean;
    v_seq_one bigint;
    v_seq_two bigint;
    v_balance_one bigint;
    v_balance_two bigint;
begin
    if cardinality(p_amounts) <> 2 or v_amount = 0 or p_amounts[2] <> -v_amount or p_currencies[2] <> v_currency then
        return (ledger_post_many(array[p_reference], array[p_kind], array[p_event_at], array[p_memo],
            array_fill(1, array[cardinality(p_amounts)]), p_purposes, p_owners, p_currencies, p_amounts))[1];
    end if;
    loop
        select id, tail into v_one, v_tail_one from ledger_account
        where owner = p_owners[1] and purpose = p_purposes[1] and currency = v_currency;
        select id, tail into v_two, v_tail_two from ledger_account
        where owner = p_owners[2] and purpose = p_purposes[2] and currency = v_currency;
        exit when v_one is not null and v_two is not null;
        perform ledger_accounts(p_purposes, p_owners, p_currencies);
    end loop;
    insert into ledger_posting (reference, kind, event_at, memo) values (p_reference, p_kind, p_event_at, p_memo)
    on conflict (reference) do nothing returning id into v_id;
    if v_id is null then
        return ledger_posted(p_reference, p_kind, array[v_one, v_two], p_amounts);
    end if;
    if not v_tail_two and v_two < v_one then
        update ledger_account set balance_minor = balance_minor - normal * v_amount, account_seq = account_seq + 1
        where id = v_two returning account_seq, balance_minor into v_seq_two, v_balance_two;
    end if;
    if not v_tail_one then
        update ledger_account set balance_minor = balance_minor + normal * v_amount, account_seq = account_seq + 1
        where id = v_one returning account_seq, balance_minor into v_seq_one, v_balance_one;
    end if;
    if not v_tail_two and v_two > v_one then
        update ledger_account set balance_minor = balance_minor - normal * v_amount, account_seq = account_seq + 1
        where id = v_two returning account_seq, balance_minor into v_seq_two, v_balance_two;
    end if;
    insert into ledger_entry (posting_id, account_id, amount_minor, account_seq, balance_minor, currency) values
        (v_id, v_one, v_amount, v_seq_one, v_balance_one, v_currency),
        (v_id, v_two, -v_amount, v_seq_two, v_balance_two, v_currency);
    return v_id;
end $$;

-- Takes holds out of their accounts' held money; the hold rows are locked by the caller.
create function ledger_unhold(p_holds bigint[]) returns void language plpgsql as $$
begin
    perform from ledger_account where id in (select account_id from ledger_hold_line where hold_id = any (p_holds))
    and not tail order by id for no key update;
    update ledger_account a set held_minor = a.held_minor - s.held
    from (select b.id, sum(greatest(-b.normal * l.amount_minor, 0)) as held
          from ledger_hold_line l join ledger_account b on b.id = l.account_id
          where l.hold_id = any (p_holds) and not b.tail group by b.id) s
    where a.id = s.id and s.held > 0;
    update ledger_hold_line set open = false where hold_id = any (p_holds);
end $$;

-- Reserves a balanced set until it is settled, released or expires: what it would take away from an account's
-- normal side is no longer available there. The same reference and content again returns the earlier hold.
create function ledger_reserve(p_reference text, p_kind text, p_event_at timestamptz, p_expires_at timestamptz, p_memo text,
    p_purposes text[], p_owners text[], p_currencies text[], p_amounts bigint[]) returns bigint
language plpgsql security definer set search_path = pg_catalog, public, pg_temp, ledger_writes as $$
declare
    v_id bigint;
    v_accounts bigint[] := ledger_accounts(p_purposes, p_owners, p_currencies);
begin
    insert into ledger_hold (reference, kind, event_at, expires_at, memo)
    values (p_reference, p_kind, p_event_at, p_expires_at, p_memo) on conflict (reference) do nothing returning id into v_id;
    if v_id is null then
        select id into v_id from ledger_hold where reference = p_reference and kind = p_kind;
        if v_id is null or exists (
                select from (select account_id, amount_minor from ledger_hold_line where hold_id = v_id) e
                full join unnest(v_accounts, p_amounts) l (account_id, amount_minor) using (account_id, amount_minor)
                where e.account_id is null or l.account_id is null) then
            raise exception 'Reference "%" is held already with other content', p_reference using errcode = 'GL002';
        end if;
        return v_id;
    end if;
    perform from ledger_account where id = any (v_accounts) and not tail order by id for no key update;
    insert into ledger_hold_line (hold_id, account_id, amount_minor)
    select v_id, account_id, amount from unnest(v_accounts, p_amounts) l (account_id, amount);
    update ledger_account a set held_minor = a.held_minor - a.normal * l.amount
    from unnest(v_accounts, p_amounts) l (account_id, amount)
    where a.id = l.account_id and not a.tail and a.normal * l.amount < 0;
    return v_id;
end $$;

-- Posts a hold, whole (p_amounts null) or in part, and frees the rest. Lines must lie within those held.
create function ledger_settle(p_hold text, p_reference text, p_kind text, p_event_at timestamptz, p_memo text,
    p_purposes text[], p_owners text[], p_currencies text[], p_amounts bigint[]) returns bigint
language plpgsql security definer set search_path = pg_catalog, public, pg_temp, ledger_writes as $$
declare
    h ledger_hold;
    v_id bigint;
    v_before bigint;
begin
    select * into h from ledger_hold where reference = p_hold for update;
    if h.id is null or h.state in ('released', 'expired') or h.state = 'pending' and h.expires_at <= p_event_at
        or h.state = 'settled' and not exists (
            select from ledger_posting where id = h.posting_id and reference = p_reference) then
        raise exception 'Hold "%" is not pending (%)', p_hold, coalesce(h.state, 'unknown') using errcode = 'GL005';
    end if;
    if p_amounts is null then
        select array_agg(a.purpose), array_agg(a.owner), array_agg(a.currency), array_agg(l.amount_minor)
        into p_purposes, p_owners, p_currencies, p_amounts
        from ledger_hold_line l join ledger_account a on a.id = l.account_id where l.hold_id = h.id;
    elsif exists (
            select from unnest(ledger_accounts(p_purposes, p_owners, p_currencies), p_amounts) n (account_id, amount)
            left join ledger_hold_line l on l.hold_id = h.id and l.account_id = n.account_id
                and sign(l.amount_minor) = sign(n.amount) and abs(n.amount) <= abs(l.amount_minor)
            where l.hold_id is null) then
        raise exception 'The lines are not within hold "%"', p_hold using errcode = 'GL006';
    end if;
    if h.state = 'settled' then
        return ledger_post(p_reference, p_kind, p_event_at, p_memo, p_purposes, p_owners, p_currencies, p_amounts);
    end if;
    perform ledger_unhold(array[h.id]);
    v_before := (select id from ledger_posting where reference = p_reference);
    v_id := ledger_post(p_reference, p_kind, p_event_at, p_memo, p_purposes, p_owners, p_currencies, p_amounts);
    if v_id = v_before or (select xid from ledger_posting where id = v_id) <> pg_current_xact_id() then
        raise exception 'Reference "%" is posted already, not from hold "%"', p_reference, p_hold using errcode = 'GL002';
    end if;
    update ledger_hold set state = 'settled', posting_id = v_id where id = h.id;
    return v_id;
end $$;

-- Frees a hold; again, or after it expired, changes nothing.
create function ledger_release(p_hold text) returns void
language plpgsql security definer set search_path = pg_catalog, public, pg_temp, ledger_writes as $$
declare
    h ledger_hold;
begin
    select * into h from ledger_hold where reference = p_hold for update;
    if h.id is null or h.state = 'settled' then
        raise exception 'Hold "%" is not pending (%)', p_hold, coalesce(h.state, 'unknown') using errcode = 'GL005';
    elsif h.state = 'pending' then
        perform ledger_unhold(array[h.id]);
        update ledger_hold set state = 'released' where id = h.id;
    end if;
end $$;

-- Frees at most p_limit holds that ended by business time p_now; returns their references.
create function ledger_expire(p_now timestamptz, p_limit int) returns setof text
language plpgsql security definer set search_path = pg_catalog, public, pg_temp, ledger_writes as $$
declare
    v_holds bigint[];
begin
    select array_agg(id) into v_holds from (
        select id from ledger_hold where state = 'pending' and expires_at <= p_now
        order by expires_at limit p_limit for update) due;
    perform ledger_unhold(v_holds);
    return query update ledger_hold set state = 'expired' where id = any (v_holds) returning reference::text;
end $$;

-- Rebuilds the tail balances from the entries, and makes their transaction ids those of the distant past where they
-- are ahead of this server's: after a restore from a dump these count anew. Locks the ledger meanwhile.
create function ledger_rebuild() returns void
language plpgsql set search_path = pg_catalog, public, pg_temp, ledger_writes as $$
begin
    alter table ledger_entry disable trigger ledger_append_only;
    alter table ledger_posting disable trigger ledger_append_only;
    update ledger_entry set xid = '3' where xid > pg_current_xact_id();
    update ledger_posting set xid = '3' where xid > pg_current_xact_id();
    update ledger_account a set rolled_to = s.xmin, balance_minor = coalesce((select a.normal * sum(e.amount_minor)
        from ledger_entry e where e.account_id = a.id and e.account_seq is null and e.xid < s.xmin), 0)
    from (select pg_snapshot_xmin(pg_current_snapshot()) as xmin) s where a.tail;
    alter table ledger_entry enable trigger ledger_append_only;
    alter table ledger_posting enable trigger ledger_append_only;
end $$;

-- Folds the tails: moves each tail account's watermark to the oldest running transaction. Everything below it has
-- ended, so no late commit is missed. Returns the accounts moved; one at a time, a second caller gets 0.
create function ledger_roll() returns bigint
language plpgsql security definer set search_path = pg_catalog, public, pg_temp, ledger_writes as $$
declare
    v_moved bigint := 0;
begin
    if pg_try_advisory_xact_lock(hashtext('ledger_roll')) then
        if exists (select from ledger_account where tail and rolled_to > pg_snapshot_xmax(pg_current_snapshot())) then
            perform ledger_rebuild();
        end if;
        with s as materialized (select pg_snapshot_xmin(pg_current_snapshot()) as xmin)
        update ledger_account a set balance_minor = a.balance_minor + a.normal * t.total, rolled_to = t.xmin
        from (select b.id, s.xmin, (select sum(e.amount_minor) from ledger_entry e where e.account_id = b.id
                  and e.account_seq is null and e.xid >= b.rolled_to and e.xid < s.xmin) as total
              from s, ledger_account b where b.tail) t
        where a.id = t.id and t.total is not null;
        get diagnostics v_moved = row_count;
    end if;
    return v_moved;
end $$;

-- Privileges: nobody but the owner has any, save the application role, where there is one: read and call.
do $$
declare
    f regprocedure;
begin
    for f in select oid from pg_proc where proname like 'ledger\_%' loop
        execute format('revoke execute on function %s from public', f);
    end loop;
    if exists (select from pg_roles where rolname = 'grace_app') then
        grant select on ledger_purpose, ledger_account, ledger_posting, ledger_entry, ledger_hold, ledger_hold_line,
            ledger_balance, ledger_line to grace_app;
        grant execute on function ledger_post, ledger_post_many, ledger_reserve, ledger_settle, ledger_release,
            ledger_expire, ledger_roll to grace_app;
    end if;
end $$;
