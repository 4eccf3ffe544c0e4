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
-- Of each: whether the agent used it, recorded a save in the end, and what was granted cost. Outcomes belong to the trial and not to one
-- decision: what is granted changes the card, so that the save is recorded on the next one.
select e.customer, e.epoch, e.situation, e.arm, e.arms, e.cell, e.value_minor, e.currency, e.became,
  coalesce((select max(case when o.kind in ('accepted', 'edited') then 1 else 0 end) from outcomes o
    where o.customer = e.customer and o.epoch = e.epoch and o.situation = e.situation), 0) as used,
  coalesce((select case when o.result = 'saved' then 1 else 0 end from outcomes o
    where o.customer = e.customer and o.epoch = e.epoch and o.situation = e.situation and o.result is not null
    order by o.at desc, o.key desc limit 1), 0) as saved,
  coalesce((select sum(o.cost_minor) from outcomes o
    where o.customer = e.customer and o.epoch = e.epoch and o.situation = e.situation
      and o.cost_currency = :currency::text), 0) as cost
from exposures e
where e.at >= :since and (e.customer > :customer
  or (e.customer = :customer and (e.epoch > :epoch or (e.epoch = :epoch and e.situation > :situation))))
order by e.customer, e.epoch, e.situation limit :most

-- name: counts
select situation, arm, count(*), sum(case when became is null then 1 else 0 end),
  sum(case when became = 'not_asked' then 1 else 0 end), min(at), max(at)
from exposures where at >= :since group by situation, arm order by situation, arm

-- name: granted
select e.situation, e.arm, o.offer, count(*), coalesce(sum(o.cost_minor), 0)
from exposures e
join outcomes o on o.customer = e.customer and o.epoch = e.epoch and o.situation = e.situation
where e.at >= :since and e.became in ('left', 'stayed') and o.offer is not null and o.cost_currency = :currency::text
group by e.situation, e.arm, o.offer order by o.offer, e.situation, e.arm

-- name: shown_lately
select s.id, s.card, s.shown_at from (
  select id, card, shown_at from decisions where customer = :customer
  union all
  select id, card, shown_at from decision_log where customer = :customer
) s where s.shown_at >= :after and s.shown_at <= :now order by s.shown_at desc, s.id limit 1

-- name: newest
select max(epoch) from exposures

-- name: first_settled
select min(epoch) from exposures where became is not null
