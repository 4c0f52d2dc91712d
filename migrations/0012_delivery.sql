-- Projects with their milestones, deliveries with their files, and what clients say about them.

create table project (
  id text primary key check (id ~ '^proj_[0-9a-hjkmnp-tv-z]{26}$'),
  number bigint generated always as identity unique,
  client_id text not null references client (id),
  lead_id text references lead (id),
  proposal_id text unique references proposal (id),
  title text not null check (length(title) between 1 and 256),
  kind text not null check (length(kind) between 1 and 64),
  description text,
  scope text not null,
  deliverables jsonb not null default '[]' check (jsonb_typeof(deliverables) = 'array'),
  payment_plan jsonb not null default '[]' check (jsonb_typeof(payment_plan) = 'array'),
  timeline text check (length(timeline) <= 128),
  start_date date,
  end_date date,
  currency text not null check (currency ~ '^[A-Z]{3}$'),
  budget_minor bigint not null check (budget_minor >= 0),
  actual_cost_minor bigint not null default 0 check (actual_cost_minor >= 0),
  status text not null default 'proposed'
    check (status in ('proposed', 'in_progress', 'delivered', 'completed', 'cancelled')),
  progress numeric(4, 1) not null default 0 check (progress between 0 and 100),
  proposal_generated boolean not null default false,
  proposal_approved boolean not null default false,
  contract_signed boolean not null default false,
  grace_architect_used boolean not null default false,
  automated_delivery boolean not null default false,
  nps_score int check (nps_score between 0 and 10),
  client_feedback text check (length(client_feedback) <= 20000),
  metadata jsonb not null default '{}' check (jsonb_typeof(metadata) = 'object'),
  parties jsonb not null check (jsonb_typeof(parties) = 'object'),
  delivered_at timestamptz,
  completed_at timestamptz,
  cancelled_at timestamptz,
  cancel_reason text check (length(cancel_reason) <= 1000),
  version bigint not null default 1,
  created_at timestamptz not null,
  updated_at timestamptz,
  check (end_date >= start_date),
  constraint delivered_at_some_time check (status not in ('delivered', 'completed') or delivered_at is not null),
  constraint completed_at_some_time check ((status = 'completed') = (completed_at is not null)),
  constraint cancelled_at_some_time check ((status = 'cancelled') = (cancelled_at is not null))
);
create index project_client on project (client_id, id);
create index project_lead on project (lead_id);
create index project_status on project (status, id);

create function project_guard() returns trigger language plpgsql as $$
begin
  if new.status <> old.status and (old.status, new.status) not in (
      ('proposed', 'in_progress'), ('proposed', 'cancelled'), ('in_progress', 'delivered'),
      ('in_progress', 'cancelled'), ('delivered', 'completed')) then
    raise exception 'a project does not go from % to %', old.status, new.status
      using errcode = 'integrity_constraint_violation';
  end if;
  if (new.id, new.client_id, new.proposal_id, new.currency, new.budget_minor, new.created_at)
     is distinct from (old.id, old.client_id, old.proposal_id, old.currency, old.budget_minor, old.created_at) then
    raise exception 'a project keeps its client, its proposal and its price'
      using errcode = 'integrity_constraint_violation';
  end if;
  return new;
end $$;
create trigger guard before update on project for each row execute function project_guard();
create trigger keep before delete on project for each row execute function refuse_change();

-- What others keep of a project.
alter table invoice add foreign key (project_id) references project (id);
alter table payment add foreign key (project_id) references project (id);
alter table interaction add foreign key (project_id) references project (id);
create index invoice_project on invoice (project_id) where project_id is not null;

create table milestone (
  id text primary key check (id ~ '^mile_[0-9a-hjkmnp-tv-z]{26}$'),
  project_id text not null references project (id),
  number int not null check (number > 0),
  title text not null check (length(title) between 1 and 256),
  kind text not null,
  hours int not null check (hours >= 0),
  starts_on date not null,
  due_on date not null check (due_on >= starts_on),
  weight_percent int not null check (weight_percent between 0 and 100),
  hours_spent numeric(8, 2) check (hours_spent >= 0),
  completed_at timestamptz,
  completed_by text,
  unique (project_id, number),
  check ((completed_at is null) = (completed_by is null))
);

create table delivery (
  id text primary key check (id ~ '^dlv_[0-9a-hjkmnp-tv-z]{26}$'),
  number bigint generated always as identity unique,
  project_id text not null references project (id),
  spec text not null check (length(spec) <= 20000),
  status text not null default 'queued' check (status in ('queued', 'built', 'failed')),
  result jsonb,
  scan_severity text,
  requested_at timestamptz not null,
  requested_by text not null,
  finished_at timestamptz,
  check ((status = 'queued') = (finished_at is null)),
  check ((status = 'queued') = (result is null))
);
create unique index delivery_queued on delivery (project_id) where status = 'queued';
create index delivery_project on delivery (project_id, number);
comment on index delivery_queued is 'A project is built once at a time';

create function delivery_guard() returns trigger language plpgsql as $$
begin
  if old.status <> 'queued' then
    raise exception 'a finished delivery is not changed' using errcode = 'integrity_constraint_violation';
  end if;
  return new;
end $$;
create trigger guard before update on delivery for each row execute function delivery_guard();
create trigger keep before delete on delivery for each row execute function refuse_change();

create table artefact (
  id text primary key check (id ~ '^art_[0-9a-hjkmnp-tv-z]{26}$'),
  delivery_id text not null references delivery (id),
  project_id text not null references project (id),
  path text not null check (length(path) between 1 and 512),
  media_type text not null check (length(media_type) between 1 and 128),
  size_bytes int not null check (size_bytes >= 0),
  sha256 text not null check (sha256 ~ '^[0-9a-f]{64}$'),
  content bytea not null check (encode(sha256(content), 'hex') = artefact.sha256),
  scan jsonb not null,
  created_at timestamptz not null,
  unique (delivery_id, path)
);
create index artefact_project on artefact (project_id, delivery_id);
create trigger keep before update or delete on artefact for each row execute function refuse_change();

create table survey_answer (
  id bigint generated always as identity primary key,
  project_id text not null references project (id),
  contact text not null,
  revision int not null check (revision > 0),
  score int not null check (score between 0 and 10),
  comment text check (length(comment) between 1 and 20000),
  answered_at timestamptz not null,
  unique (project_id, contact, revision)
);
comment on table survey_answer is 'What a contact answered, each change of mind a revision; the last one counts';
create trigger append_only before update or delete on survey_answer for each row execute function refuse_change();

do $$ begin
  if exists (select from pg_roles where rolname = 'grace_app') then
    grant select, insert, update on project, milestone, delivery to grace_app;
    grant select, insert on artefact, survey_answer to grace_app;
  end if;
end $$;
