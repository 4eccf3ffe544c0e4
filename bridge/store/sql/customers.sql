-- name: versions
select id, version, created_at, merged_into from customers where id = any(:ids) order by id

-- name: put
insert into customers (id, version, created_at, merged_into, due_at, due_origin)
values (:id, 1, :created_at, :merged_into, :due_at, :due_origin)
on conflict (id) do update set
  version = customers.version + 1, merged_into = excluded.merged_into, due_at = excluded.due_at, due_origin = excluded.due_origin

-- name: touch
update customers set due_at = :due_at, due_origin = :due_origin, version = version + 1
where id = any(:ids) and merged_into is null and due_at > :due_at

-- name: due
select id, due_origin from customers
where merged_into is null and due_at <= :now
order by due_at, id limit :most

-- name: due_count
select count(*) from customers where merged_into is null and due_at <= :now

-- name: all_due
update customers set due_at = 0, due_origin = :due_origin where merged_into is null

-- name: profiles
select source, source_id, customer, first_seen from profiles where customer = any(:ids) order by customer, source, source_id

-- name: owners
select kind, value, customer from keys where kind = :kind and value = any(:values) and match = 'exact' order by value

-- name: keys
select kind, value, match, customer, account, candidates, tier, priority, route_hint, language from keys
where kind = :kind and value = any(:values) order by value

-- name: put_key
insert into keys (kind, value, match, customer, account, candidates, tier, priority, route_hint, language)
values (:kind, :value, :match, :customer, :account, :candidates, :tier, :priority, :route_hint, :language)
on conflict (kind, value) do update set
  match = excluded.match, customer = excluded.customer, account = excluded.account, candidates = excluded.candidates,
  tier = excluded.tier, priority = excluded.priority, route_hint = excluded.route_hint, language = excluded.language

-- name: drop_key
delete from keys where kind = :kind and value = :value

-- name: decisions
select customer, language, id, computed_at, valid_until, as_of, tier, priority, route_hint, risk_band, value_minor, currency,
       made_of, shown_at
from decisions where customer = any(:ids) order by customer, main desc, language

-- name: put_decision
insert into decisions (customer, language, main, id, computed_at, valid_until, as_of, tier, priority, route_hint, risk_band,
  value_minor, currency, routing, detail, card, made_of, probability, scored_by, signals)
values (:customer, :language, :main, :id, :computed_at, :valid_until, :as_of, :tier, :priority, :route_hint, :risk_band,
  :value_minor, :currency, :routing, :detail, :card, :made_of, :probability, :scored_by, :signals)
on conflict (customer, language) do update set
  main = excluded.main, id = excluded.id, computed_at = excluded.computed_at, valid_until = excluded.valid_until, as_of = excluded.as_of,
  tier = excluded.tier, priority = excluded.priority, route_hint = excluded.route_hint, risk_band = excluded.risk_band,
  value_minor = excluded.value_minor, currency = excluded.currency, routing = excluded.routing, detail = excluded.detail,
  card = excluded.card, made_of = excluded.made_of, loop_due = null,
  probability = excluded.probability, scored_by = excluded.scored_by, signals = excluded.signals,
  shown_at = case when decisions.id = excluded.id then decisions.shown_at else null end

-- name: log_decision
insert into decision_log (id, language, customer, computed_at, as_of, superseded_at, shown_at, routing, detail, card, made_of)
select id, language, customer, computed_at, as_of, :now, shown_at, routing, detail, card, made_of
from decisions where customer = :customer and id <> :id
on conflict (id, language) do update set superseded_at = excluded.superseded_at,
  shown_at = coalesce(decision_log.shown_at, excluded.shown_at)

-- name: drop_decisions
delete from decisions where customer = :customer

-- name: forget_decisions
delete from decision_log where shown_at is null and superseded_at < :before

-- name: values
select value_minor from decisions
where value_minor is not null and currency = :currency and main = 1
order by value_minor

-- name: add_fact
insert into facts (id, kind, customer, occurred_at, known_at, origin, cause, data)
values (:id, :kind, :customer, :occurred_at, :known_at, :origin, :cause, :data)
on conflict (id) do nothing

-- name: facts
select id, kind, customer, occurred_at, known_at, origin, cause, data from facts
where customer = :customer order by occurred_at desc, id limit :most

-- name: keep_material
insert into materials (hash, kind, body, first_used_at) values (:hash, :kind, :body, :at) on conflict (hash) do nothing

-- name: forget_dips
delete from dips where at < :before

-- name: put_off
update customers set due_at = :due_at where id = :id

-- name: grants
with recursive mine (customer, id) as (
  select id, id from customers where id = any(:ids)
  union
  select mine.customer, c.id from mine
  join merges m on m.survivor = mine.id -- there is an index on it, and none on merged_into
  join customers c on c.id = m.absorbed and c.merged_into = mine.id
)
select mine.customer, g.offer, max(g.until), max(g.amount_minor) from mine join grants g on g.customer = mine.id
group by mine.customer, g.offer order by mine.customer, g.offer

-- name: after
select id from customers where merged_into is null and id > :after order by id limit :most

-- name: in_all
select count(*) from customers where merged_into is null
