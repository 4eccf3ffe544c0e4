-- name: told
select v.source, v.object, v.source_id, v.ord, v.hash, v.kind, v.effective_at, v.known_at, v.subject, v.body
from (
  select distinct source, object, source_id from record_versions
  where subject = any(:subjects) and object in ('contract', 'account') and retracted = 0
) named
join record_versions v on v.source = named.source and v.object = named.object and v.source_id = named.source_id
where v.retracted = 0
order by v.source, v.object, v.source_id, v.ord, v.hash

-- name: held
select subject, object, effective_at, body from records
where subject = any(:subjects) and object in ('customer', 'purchase', 'survey_response') and deleted = 0
order by effective_at desc, source, object, source_id

-- name: tiers
select customer, tier from decisions where customer = any(:ids) and main = 1

-- name: worth
select avg(value_minor), count(*) from decisions where value_minor is not null and currency = :currency::text and main = 1

-- name: outcomes
select o.key, o.at, o.customer, o.result, o.disposition, o.cost_minor, o.cost_currency, d.tier
from outcomes o left join decisions d on d.customer = o.customer and d.main = 1
where o.at >= :since and (o.at > :at or (o.at = :at and o.key > :key))
order by o.at, o.key limit :most

-- name: sent
select created_at, automation, cost_minor from outbox
where state in ('sent', 'uncertain') and cost_minor > 0 and created_at >= :since order by created_at

-- name: kept
select body, computed_at from metrics where part = :part

-- name: keep
insert into metrics (part, body, computed_at) values (:part, :body, :at)
on conflict (part) do update set body = excluded.body, computed_at = excluded.computed_at

-- name: loops
select opened_at, replied_at, closed_at, reply_escalated, resolve_escalated from loops where opened_at >= :since order by opened_at, id
