-- name: told
-- Everything ever told of the records of some kinds that were about these subjects at some time.
select v.source, v.object, v.source_id, v.ord, v.hash, v.kind, v.effective_at, v.known_at, v.subject, v.body
from (
  select distinct source, object, source_id from record_versions
  where subject = any(:subjects) and object = any(:objects) and retracted = 0
) named
join record_versions v on v.source = named.source and v.object = named.object and v.source_id = named.source_id
where v.retracted = 0
order by v.source, v.object, v.source_id, v.ord, v.hash

-- name: messages
-- What really reached a customer, or may yet, from `since` on.
select dedupe_key, automation, channel, purpose, apology, coalesce(finished_at, created_at) at, customer, address from outbox
where channel <> '' and state in ('due', 'sending', 'sent', 'uncertain') and coalesce(finished_at, created_at) >= :since
  and customer = any(:customers)
union
select dedupe_key, automation, channel, purpose, apology, coalesce(finished_at, created_at) at, customer, address from outbox
where channel <> '' and state in ('due', 'sending', 'sent', 'uncertain') and coalesce(finished_at, created_at) >= :since
  and address = any(:addresses)
order by 6, 1

-- name: opted_out
select hash, channel, at from opt_outs where hash = any(:hashes) order by hash, channel

-- name: grants
select customer, offer, at, until from grants where customer = any(:customers) order by customer, offer

-- name: facts
select id, kind, customer, occurred_at, known_at, origin, cause, data from facts
where customer = any(:customers) and occurred_at >= :since and occurred_at < :until
order by known_at, id

-- name: values
select customer, value_minor from decisions
where customer = any(:customers) and main = 1 and value_minor is not null and currency = :currency
order by customer

-- name: members
select m.account, p.customer from memberships m
join profiles p on p.source = m.source and p.source_id = m.source_id
where m.account = any(:accounts)
order by m.account, p.customer

-- name: responded
select customer, occurred_at from facts
where kind = 'customer.responded' and customer = any(:customers) order by customer, occurred_at

-- name: closed
select customer, closed_at from loops where customer = any(:customers) and closed_at is not null order by customer, closed_at

-- name: own_tickets
select customer, source, reference from outbox
where customer = any(:customers) and action = 'create_ticket' and reference is not null and reference <> ''
order by customer, source, reference
