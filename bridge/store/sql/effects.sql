-- name: assigned
-- Runs that were begun for somebody, or not, by the hold-out alone: before that both went the same way.
select r.id, r.customer, r.version, r.state, r.created_at, c.merged_into is not null, d.value_minor, d.currency
from runs r join customers c on c.id = r.customer
left join decisions d on d.customer = r.customer and d.main = 1
where r.automation = :automation and r.mode = 'on' and r.created_at >= :since
  and (r.state = 'held_out' or r.step > 0 or exists (select 1 from run_steps s where s.run = r.id))
order by r.created_at, r.id

-- name: costs
select run, sum(cost_minor) from outbox
where automation = :automation and run <> '' and state in ('sent', 'uncertain', 'sending') and created_at >= :since
group by run order by run
