-- Who reads figures adds what is not folded yet. After a restore, or while figures are rebuilt, that can be the whole
-- history: nobody waits for it in vain.
create or replace function insight_tail() returns insight_change[] language plpgsql stable set enable_seqscan = off as $$
declare
  c insight_cursor;
  t insight_touch;
begin
  select * into c from insight_cursor;
  if c.revalue_from is null
      and not exists (select from (select xid, id from fact order by xid desc, id desc limit 1) f
        where (f.xid, f.id) > (c.fact_xid, c.fact_id))
      and not exists (select from (select xid, id from ledger_posting order by xid desc, id desc limit 1) p
        where (p.xid, p.id) > (c.posting_xid, c.posting_id)) then
    return null;
  end if;
  if exists (select from fact f where (f.xid, f.id) > (c.fact_xid, c.fact_id)
      order by f.xid, f.id offset 50000 limit 1)
    or exists (select from ledger_posting p where (p.xid, p.id) > (c.posting_xid, c.posting_id)
      order by p.xid, p.id offset 50000 limit 1) then
    raise exception 'More than 50,000 facts or postings are not folded yet' using errcode = 'GI001';
  end if;
  t := insight_touched(null, null, null, null);
  if t.revalue_from is not null then
    t.postings := array(select distinct unnest(t.postings || insight_foreign(t.revalue_from, t.revalue_to)));
  end if;
  return array(select d from insight_diff(t) d);
end $$;
