-- name: answer_for_customer
with recursive chain (id, merged_into) as (
  select id, merged_into from customers where id = :customer
  union
  select c.id, c.merged_into from customers c join chain on c.id = chain.merged_into
)
select 'exact', c.id, '', 1, coalesce(d.tier, ''), coalesce(d.priority, 3), coalesce(d.route_hint, ''),
       d.id, d.computed_at, d.valid_until, d.as_of, d.routing, d.detail, d.language, d.loop_due
from chain c
left join decisions d on d.customer = c.id
  and case when :language::text is null then d.main = 1 else d.language = :language::text end
where c.merged_into is null

-- name: survivor
with recursive chain (id, merged_into) as (
  select id, merged_into from customers where id = :customer
  union
  select c.id, c.merged_into from customers c join chain on c.id = chain.merged_into
)
select id from chain where merged_into is null

-- name: dip
select customer, decision from dips where interaction = :interaction

-- name: put_dip
insert into dips (interaction, customer, decision, at) values (:interaction, :customer, :decision, :at)
on conflict (interaction) do update set customer = excluded.customer, decision = excluded.decision, at = excluded.at

-- name: mark_shown
update decisions set shown_at = coalesce(shown_at, :at) where id = :id

-- name: mark_shown_log
update decision_log set shown_at = coalesce(shown_at, :at) where id = :id

-- name: failing_sources
select name from sources where error is not null and (seen_at is null or seen_at < :before) order by name

-- name: decision
select customer, language, computed_at, null as superseded_at, shown_at, made_of, card, 0 as place
from decisions where id = :id
union all
select customer, language, computed_at, superseded_at, shown_at, made_of, card, 1 as place
from decision_log where id = :id
order by language, place

-- name: outcome
select decision, kind, result, offer, amount_minor, currency, note, disposition, agent from outcomes where key = :key

-- name: add_outcome
insert into outcomes (key, decision, customer, at, kind, result, offer, amount_minor, currency, cost_minor, cost_currency,
  epoch, situation, note, disposition, agent, actor)
values (:key, :decision, :customer, :at, :kind, :result, :offer, :amount_minor, :currency, :cost_minor, :cost_currency,
  :epoch, :situation, :note, :disposition, :agent, :actor)
on conflict (key) do nothing

-- name: add_grant
insert into grants (customer, offer, decision, at, until, amount_minor, currency)
values (:customer, :offer, :decision, :at, :until, :amount_minor, :currency)
on conflict (customer, offer) do update set
  decision = excluded.decision, at = excluded.at, until = excluded.until,
  amount_minor = excluded.amount_minor, currency = excluded.currency
where grants.until <= excluded.at

-- name: oldest_waiting
select source, min(received_at) from deliveries where state in ('new', 'waiting') group by source order by source

-- name: delivery
select id, source, state, origin from deliveries where id = :id

-- name: alive
select 1

-- name: card
select id, as_of, card from decisions where customer = :customer and language = :language

-- name: heard
update sources set seen_at = :at where name = :name

-- name: timeline
select effective_at, source, object, source_id, known_at, body from records
where subject = any(:subjects) and deleted = 0 and (
  effective_at < :at
  or (effective_at = :at and (source, object, source_id) > (:source, :object, :source_id)))
order by effective_at desc, source, object, source_id limit :most

-- name: dips
select interaction, customer from dips where interaction = any(:interactions)

-- name: current
select customer, id from decisions where customer = any(:customers) and main = 1

-- name: candidates
select distinct p.customer, q.source, q.source_id, r.object, r.source, r.source_id, r.body
from identities i
join profiles p on p.source = i.source and p.source_id = i.source_id
join profiles q on q.customer = p.customer
left join records r on r.subject = 'id:' || q.source || ':' || q.source_id
  and r.object in ('customer', 'contract') and r.deleted = 0
where i.kind = :kind and i.value = :value
order by p.customer, q.source, q.source_id, r.object, r.source, r.source_id
limit :most

-- name: try_answer
insert into answers_tried (subject, answer, at) values (:subject, :answer, :at) on conflict (subject, answer) do nothing

-- name: answers_tried
select count(*) from answers_tried where subject = :subject and at >= :since

-- name: forget_answers
delete from answers_tried where at < :before

-- name: outcomes_of
select at, kind, result, offer, amount_minor, currency, cost_minor, cost_currency, note, disposition, actor
from outcomes where decision = :decision order by at, key

-- name: material
select body from materials where hash = :hash
