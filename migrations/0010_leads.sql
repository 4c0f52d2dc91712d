-- Leads on the pipeline, the moves they made, and what was said with their clients.

create table lead (
  id text primary key check (id ~ '^lead_[0-9a-hjkmnp-tv-z]{26}$'),
  number bigint generated always as identity unique,
  client_id text not null references client (id),
  external_id text unique check (length(external_id) between 1 and 128),
  source text not null check (length(source) between 1 and 64),
  stage text not null default 'LEAD' check (stage in ('LEAD', 'QUALIFIED', 'PROPOSAL', 'NEGOTIATION', 'CONTRACT',
    'ACTIVE', 'DELIVERED', 'PAID', 'REPEAT', 'LOST')),
  score int not null default 0 check (score between 0 and 100),
  probability numeric(5, 4) not null default 0 check (probability between 0 and 1),
  currency text not null check (currency ~ '^[A-Z]{3}$'),
  value_estimate_minor bigint not null default 0 check (value_estimate_minor >= 0),
  budget_minor bigint check (budget_minor >= 0),
  project_type text check (length(project_type) <= 128),
  requirements text check (length(requirements) <= 20000),
  timeline text check (length(timeline) <= 128),
  notes text check (length(notes) <= 20000),
  metadata jsonb not null default '{}' check (jsonb_typeof(metadata) = 'object'),
  qualification_data jsonb not null default '{}',
  ml_features jsonb not null default '{}',
  qualified_at timestamptz,
  converted_at timestamptz,
  lost_at timestamptz,
  lost_reason text check (length(lost_reason) <= 256),
  next_action text check (length(next_action) <= 256),
  next_action_date timestamptz,
  follows text references lead (id),
  stage_since timestamptz not null,
  created_at timestamptz not null,
  updated_at timestamptz,
  version bigint not null default 1,
  constraint lost_has_a_time check ((stage = 'LOST') = (lost_at is not null))
);
create index lead_client on lead (client_id);
create index lead_stage on lead (stage, stage_since);
create index lead_score on lead (score);
create index lead_created on lead (created_at, id);
create unique index lead_follows on lead (follows);
comment on column lead.follows is 'The lead that ended in REPEAT when this one opened';
create trigger keep before delete on lead for each row execute function refuse_change();

create table lead_move (
  id bigint generated always as identity primary key,
  lead_id text not null references lead (id),
  from_stage text,
  to_stage text not null,
  at timestamptz not null,
  reason text,
  principal text not null
);
create index lead_move_lead on lead_move (lead_id, id);
create index lead_move_to on lead_move (to_stage, at);
create trigger append_only before update or delete on lead_move for each row execute function refuse_change();

create table interaction (
  id text primary key check (id ~ '^ia_[0-9a-hjkmnp-tv-z]{26}$'),
  client_id text not null references client (id),
  lead_id text references lead (id),
  project_id text,
  interaction_type text not null check (length(interaction_type) between 1 and 64),
  channel text not null check (length(channel) between 1 and 64),
  content text not null check (length(content) <= 20000),
  sentiment numeric(4, 3) check (sentiment between -1 and 1),
  automated boolean not null default false,
  grace_generated boolean not null default false,
  human_approved boolean not null default false,
  metadata jsonb not null default '{}' check (jsonb_typeof(metadata) = 'object'),
  created_at timestamptz not null
);
create index interaction_client on interaction (client_id, created_at desc);
create index interaction_lead on interaction (lead_id, created_at desc);

do $$ begin
  if exists (select from pg_roles where rolname = 'grace_app') then
    grant select, insert, update on lead, interaction to grace_app;
    grant select, insert on lead_move to grace_app;
  end if;
end $$;
