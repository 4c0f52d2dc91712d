-- Who may act: users and agents, their API keys, browser sessions and one-time sign-in links.

create table principal (
  id text primary key,
  number bigint generated always as identity unique,
  kind text not null check (kind in ('user', 'agent')),
  name text not null check (length(name) between 1 and 256),
  email text unique,
  password_hash text,
  roles text[] not null check (roles <@ '{owner,admin,operator,member,agent,viewer}'::text[]),
  parliament boolean not null default false,
  owner_id text references principal,
  version bigint not null default 1,
  created_at timestamptz not null,
  disabled_at timestamptz,
  constraint user_has_email check ((kind = 'user') = (email is not null)),
  constraint agent_has_owner check ((kind = 'agent') = (owner_id is not null)),
  constraint agent_has_no_password check (kind = 'user' or password_hash is null)
);
comment on column principal.parliament is 'Whether it is a member of Parliament';
comment on column principal.owner_id is 'The user an agent acts for';
create index principal_owner on principal (owner_id) where owner_id is not null;

-- Tokens are random; only their SHA-256 is kept. What expires does so in real time.
create table api_key (
  id text primary key,
  number bigint generated always as identity unique,
  principal_id text not null references principal,
  name text not null check (length(name) between 1 and 256),
  scopes text[],
  token_hash bytea not null unique check (length(token_hash) = 32),
  created_at timestamptz not null,
  last_used_at timestamptz,
  revoked_at timestamptz
);
comment on column api_key.scopes is 'What the key may do of what its principal may; null is all of it';
create index api_key_principal on api_key (principal_id);

create table session (
  id text primary key,
  principal_id text not null references principal,
  token_hash bytea not null unique check (length(token_hash) = 32),
  created_at timestamptz not null,
  authenticated_at timestamptz not null,
  expires_at timestamptz not null
);
comment on column session.authenticated_at is 'When the person last gave proof: at sign-in, or again since';
create index session_principal on session (principal_id);

create table sign_in_link (
  id text primary key,
  principal_id text not null references principal,
  token_hash bytea not null unique check (length(token_hash) = 32),
  created_at timestamptz not null,
  expires_at timestamptz not null,
  used_at timestamptz
);
create index sign_in_link_principal on sign_in_link (principal_id);

-- Attempts with a password that have not succeeded, per account and per address, within the present window.
create table sign_in_attempt (
  subject bytea primary key check (length(subject) = 32),
  failures int not null,
  since timestamptz not null
);
comment on column sign_in_attempt.subject is 'A hash of the e-mail or the address, whether or not there is such a user';
create index sign_in_attempt_age on sign_in_attempt (since);

do $$ begin
  if exists (select from pg_roles where rolname = 'grace_app') then
    grant select, insert, update on principal, api_key to grace_app;
    grant select, insert, update, delete on session, sign_in_link, sign_in_attempt to grace_app;
  end if;
end $$;
