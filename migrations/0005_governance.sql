-- Policies, decisions with their votes, and the exchange rates that thresholds are measured with.

create table policy_set (
    version integer primary key check (version > 0),
    text text not null,
    cases jsonb not null check (jsonb_typeof(cases) = 'array'),
    sha256 text not null check (length(sha256) = 64),
    source text not null check (source in ('shipped', 'workspace')),
    activated_at timestamptz not null,
    activated_by text not null,
    recorded_at timestamptz not null default clock_timestamp()
);
comment on table policy_set is 'Every policy text that was ever in force; the highest version is in force now.';

create table decision (
    id text primary key,
    number bigint generated always as identity unique,
    action text not null,
    effect text not null,
    arguments jsonb not null,
    arguments_sha256 text not null check (length(arguments_sha256) = 64),
    state_sha256 text check (length(state_sha256) = 64),
    context jsonb not null,
    inputs_sha256 text not null check (length(inputs_sha256) = 64),
    policy_version integer references policy_set,
    reasons jsonb not null check (jsonb_typeof(reasons) = 'array'),
    status text not null check (status in
        ('allowed', 'denied', 'awaiting_approval', 'executed', 'rejected', 'expired', 'stale')),
    proposer_kind text not null,
    proposer_id text not null,
    proposer_name text not null,
    proposer_owner text,
    proposer_roles text[] not null,
    proposed_at timestamptz not null,
    expires_at timestamptz,
    decided_at timestamptz,
    result jsonb,
    version integer not null default 1,
    recorded_at timestamptz not null default clock_timestamp(),
    check ((status = 'awaiting_approval') = (decided_at is null)),
    check (status not in ('awaiting_approval', 'executed', 'rejected', 'expired', 'stale')
        or (state_sha256 is not null and expires_at is not null and policy_version is not null)),
    check (result is null or status in ('allowed', 'executed'))
);
create unique index decision_pending_key on decision (action, arguments_sha256, proposer_id)
    where status = 'awaiting_approval';
create index decision_due on decision (expires_at) where status = 'awaiting_approval';
create index decision_by_status on decision (status, number);

create function decision_ends_once() returns trigger language plpgsql as $$
begin
    raise exception 'decision % has ended as % and is never changed', old.id, old.status
        using errcode = 'restrict_violation';
end $$;
create trigger decision_ends_once before update or delete on decision for each row
    when (old.status <> 'awaiting_approval') execute function decision_ends_once();

create table vote (
    decision_id text not null references decision,
    person text not null,
    voter_kind text not null check (voter_kind in ('user', 'agent')),
    voter_id text not null,
    voter_name text not null,
    approve boolean not null,
    reason text not null,
    solo boolean not null,
    cast_at timestamptz not null,
    recorded_at timestamptz not null default clock_timestamp(),
    primary key (decision_id, person)
);
comment on column vote.person is 'The voting user; for an agent its owner: one person, one vote.';

create table exchange_rate (
    currency text not null check (currency ~ '^[A-Z]{3}$' and currency <> 'USD'),
    on_date date not null,
    per_usd numeric not null check (per_usd > 0),
    recorded_at timestamptz not null default clock_timestamp(),
    primary key (currency, on_date)
);

-- A policy version is never changed. A decision keeps for ever what was asked, by whom and on what facts.
do $$ begin
    if exists (select from pg_roles where rolname = 'grace_app') then
        grant select, insert on policy_set to grace_app;
        grant select, insert on decision to grace_app;
        grant update (status, reasons, policy_version, decided_at, result, version) on decision to grace_app;
        grant select, insert, update on vote, exchange_rate to grace_app;
    end if;
end $$;
