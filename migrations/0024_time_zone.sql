-- Where the business is: times are kept in UTC, and shown in this zone.
alter table workspace add column time_zone text not null default 'UTC' check (length(time_zone) between 1 and 64);
comment on column workspace.time_zone is 'The IANA name of the zone in which people read times';
