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
-- Results and grants; that something was shown, which most rows say, counts for nothing here.
select o.key, o.at, o.customer, o.result, o.disposition, o.cost_minor, o.cost_currency, d.tier
from outcomes o left join decisions d on d.customer = o.customer and d.main = 1
where o.at >= :since and (o.at > :at or (o.at = :at and o.key > :key)) and (o.result is not null or o.cost_minor is not null)
order by o.at, o.key limit :most

-- name: moved
-- Who was merged into another customer after a result was recorded.
select distinct o.customer from outcomes o join customers c on c.id = o.customer
where o.at >= :since and o.result is not null and c.merged_into is not null order by o.customer

-- name: sent
-- By quarters of an hour: months begin with one, in every time zone.
select created_at / 900000000 * 900000000, sum(cost_minor) from outbox
where state in ('sent', 'uncertain') and cost_minor > 0 and created_at >= :since
group by created_at / 900000000 order by 1

-- name: kept
select body, computed_at from metrics where part = :part

-- name: keep
insert into metrics (part, body, computed_at) values (:part, :body, :at)
on conflict (part) do update set body = excluded.body, computed_at = excluded.computed_at

-- name: loops
-- Since when each is open, its first reply since then, its end, when the clock of the reply ran out first, and whether those
-- of reply and resolution have. `replied_at` is taken back when somebody complains again; the history keeps the first.
select l.opened_at,
  coalesce((select min(e.at) from loop_events e where e.loop = l.id and e.kind = 'replied' and e.at >= l.opened_at), l.replied_at),
  l.closed_at,
  (select min(e.at) from loop_events e
   where e.loop = l.id and e.kind = 'overdue' and e.at >= l.opened_at and e.data like '%"reply"%'),
  case when l.reply_escalated > 0 or l.reply_due < :now then 1 else 0 end,
  case when l.resolve_escalated > 0 or l.resolve_due < :now then 1 else 0 end
from loops l where l.opened_at >= :since order by l.opened_at, l.id
