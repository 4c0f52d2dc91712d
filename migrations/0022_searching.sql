-- What the console searches and filters by. Texts are found by the beginnings of their words; the parts of an e-mail's
-- address are words like others.

create index client_words on client using gin (
  to_tsvector('simple', translate(name || ' ' || coalesce(company, '') || ' ' || coalesce(email, ''), '@._+/-', '      '))
);
create index project_words on project using gin (to_tsvector('simple', title));
create index proposal_words on proposal using gin (to_tsvector('simple', title));
create index invoice_number_beginning on invoice (lower(invoice_number) text_pattern_ops);

create index audit_entry_principal on audit_entry (principal_id, id);
create index audit_entry_action on audit_entry (action, id);
create index audit_entry_day on audit_entry using brin (at) with (autosummarize = on);
create index audit_leaf_beginning on audit_leaf (substring(hash from 1 for 8));
comment on index audit_leaf_beginning is 'A leaf is found by the first hexadecimal digits of its hash';
