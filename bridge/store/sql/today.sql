-- name: dead_letters
select count(*), min(received_at) from deliveries where state = 'dead'

-- name: troubled
select state, count(*), min(created_at) from outbox where state in ('uncertain', 'dead') group by state order by state

-- name: sent
-- What became of messages since an instant.
select state, count(*) from outbox
where automation <> '' and finished_at >= :since and state in ('sent', 'refused') group by state order by state

-- name: saved
select result, count(*) from outcomes where at >= :since and result in ('saved', 'lost', 'pending') group by result order by result

-- name: switched_on
select count(*) from automations where mode = 'on'

-- name: loops
-- Loops that work is waiting on: whose next clock ran out, and whose runs out before an instant.
select sum(case when due <= :now then 1 else 0 end), sum(case when due > :now and due <= :until then 1 else 0 end),
  min(case when due <= :now then due end)
from (
  select case when replied_at is null then coalesce(reply_due, resolve_due) else resolve_due end as due from loops
  where state = 'open'
) as open_loops where due is not null
