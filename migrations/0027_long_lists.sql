-- What lists of the console are ordered, filtered and searched by, so that a page of them costs the same however long
-- the history is. A list's order is one of these columns and the id.

drop index lead_score;
create index lead_score on lead (score, id);
create index lead_value on lead (value_estimate_minor, id);
create index lead_stage_since on lead (stage_since, id);
drop index lead_stage;
create index lead_stage on lead (stage, stage_since, id);
create index lead_source on lead (source, created_at, id);
create index lead_words on lead using gin (
  to_tsvector('simple', translate(coalesce(project_type, '') || ' ' || coalesce(requirements, ''), '@._+/-', '      '))
);

create index client_created on client (created_at, id);
create index client_lifetime_value on client (lifetime_value_minor, id);
create index client_by_name on client (lower(name), id);
create index client_by_company on client (lower(coalesce(company, '')), id);
create index client_inactive on client (created_at, id) where status <> 'active';

create index invoice_state on invoice (state, number, id);
create index invoice_total on invoice (total_minor, id);
create index invoice_due_or_never on invoice (coalesce(due_at, 'infinity'), id);
create index invoice_words on invoice using gin (to_tsvector('simple', translate(
  coalesce(invoice_number, '') || ' ' || coalesce(client ->> 'company', '') || ' ' || coalesce(client ->> 'name', ''),
  '@._+/-', '      ')));

create index payment_invoice on payment (invoice_id, id);
create index payment_received on payment (received_at, id);
create index payment_amount on payment (amount_minor, id);
create index payment_by_method on payment (method, received_at, id);
create index payment_not_kept on payment (status, received_at, id) where status <> 'paid';
create index payment_words on payment using gin (
  to_tsvector('simple', translate(coalesce(reference, ''), '@._+/-', '      '))
);
