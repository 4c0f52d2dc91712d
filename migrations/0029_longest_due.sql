-- The reaction that has been due longest, locked for this transaction, nobody else's. A planner that expects few of them
-- reads and sorts all that are due to find the first, for each of a backlog: here only the order of the index is left.
create function longest_due_reaction(out fact_id bigint, out subscriber text, out attempts int) language plpgsql
  set enable_bitmapscan = off set enable_seqscan = off set enable_sort = off as $$
begin
  select r.fact_id, r.subscriber, r.attempts into longest_due_reaction.fact_id, longest_due_reaction.subscriber,
    longest_due_reaction.attempts
  from reaction r
  where r.state = 'due' and r.due_at <= clock_timestamp()
    and (r.claimed_until is null or r.claimed_until < clock_timestamp())
  order by r.due_at, r.fact_id limit 1 for update skip locked;
end $$;
