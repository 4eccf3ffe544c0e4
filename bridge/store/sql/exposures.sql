-- name: add
insert into exposures (customer, epoch, situation, decision, at, arm, arms, cell, value_minor, currency, due_at)
values (:customer, :epoch, :situation, :decision, :at, :arm, :arms, :cell, :value_minor, :currency, :due_at)
on conflict (customer, epoch, situation) do nothing

-- name: due
select customer, epoch, situation, decision, at, due_at from exposures
where became is null and due_at <= :now
order by due_at, customer, epoch, situation limit :most

-- name: settle
update exposures set became = :became, later = :later, settled_at = :at
where customer = :customer and epoch = :epoch and situation = :situation and became is null

-- name: drop
delete from exposures where customer = any(:customers)

-- name: of_decision
select situation, epoch, arm, at, due_at, became, later, settled_at from exposures where decision = :decision

-- name: done
-- Of each decision: whether the agent used it, recorded a save, and what was granted.
select e.customer, e.epoch, e.situation, e.decision, e.at, e.arm, e.arms, e.cell, e.value_minor, e.currency, e.became,
  coalesce((select max(case when o.kind in ('accepted', 'edited') then 1 else 0 end) from outcomes o
    where o.decision = e.decision), 0) as used,
  coalesce((select max(case when o.result = 'saved' then 1 else 0 end) from outcomes o
    where o.decision = e.decision), 0) as saved,
  coalesce((select sum(o.amount_minor) from outcomes o
    where o.decision = e.decision and o.offer is not null and o.currency = e.currency), 0) as granted
from exposures e
where (e.customer > :customer or (e.customer = :customer and (e.epoch > :epoch or (e.epoch = :epoch and e.situation > :situation))))
order by e.customer, e.epoch, e.situation limit :most

-- name: newest
select max(epoch) from exposures

-- name: first_settled
select min(epoch) from exposures where became is not null
