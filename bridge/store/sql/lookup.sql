-- name: answer @sqlite
select k.match, k.customer, k.account, k.candidates, k.tier, k.priority, k.route_hint,
       d.id, d.computed_at, d.valid_until, d.as_of, d.routing, d.detail, d.language, d.loop_due
from keys k
left join decisions d on d.customer = k.customer and case when ?3 is null then d.main = 1 else d.language = ?3 end
where k.kind = ?1 and k.value = ?2
limit 1

-- name: answer @postgres
select w.number, k.match, k.customer, k.account, k.candidates, k.tier, k.priority, k.route_hint,
       d.id, d.computed_at, d.valid_until, d.as_of, d.routing, d.detail, d.language, d.loop_due
from unnest($1::text[], $2::text[], $3::text[]) with ordinality as w (kind, value, language, number)
join keys k on k.kind = w.kind and k.value = w.value
left join decisions d on d.customer = k.customer and case when w.language is null then d.main = 1 else d.language = w.language end
