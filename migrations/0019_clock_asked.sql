-- A move of the test clock that was interrupted can be asked for again, though business time has reached its goal.
alter table workspace add column clock_asked timestamptz;
comment on column workspace.clock_asked is 'Where the test clock was last asked to be';
