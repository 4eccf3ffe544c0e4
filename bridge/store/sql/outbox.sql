-- name: put
insert into outbox (dedupe_key, source, action, args, customer, fact, state, created_at, due_at, run, automation, step, channel,
  address, purpose, apology, cost_minor)
values (:dedupe_key, :source, :action, :args, :customer, :fact, 'due', :created_at, :due_at, :run, :automation, :step, :channel,
  :address, :purpose, :apology, :cost_minor)
on conflict (dedupe_key) do nothing

-- name: doubt @sqlite
update outbox set state = 'uncertain', error = :error, finished_at = :now
where state = 'sending' and lease_until <= :now
returning id

-- name: doubt @postgres
update outbox set state = 'uncertain', error = :error, finished_at = :now
where state = 'sending' and lease_until <= (extract(epoch from clock_timestamp()) * 1000000)::bigint
returning id

-- name: take @sqlite
update outbox set lease_owner = :owner, lease_until = :now + :lease
where id in (
  select id from outbox
  where state = 'due' and due_at <= :now and lease_until <= :now
  order by due_at, id limit :most
)
returning id, dedupe_key, source, action, args, customer, fact, attempts, created_at, run, automation, step, channel, address, purpose,
  apology, cost_minor

-- name: take @postgres
update outbox
set lease_owner = :owner, lease_until = (extract(epoch from clock_timestamp()) * 1000000)::bigint + :lease::bigint
where id in (
  select id from outbox
  where state = 'due' and due_at <= :now::bigint
    and lease_until <= (extract(epoch from clock_timestamp()) * 1000000)::bigint
  order by due_at, id limit :most
  for update skip locked
)
returning id, dedupe_key, source, action, args, customer, fact, attempts, created_at, run, automation, step, channel, address, purpose,
  apology, cost_minor

-- name: begin @sqlite
update outbox set state = 'sending', attempts = attempts + 1, lease_until = :now + :lease
where id = :id and lease_owner = :owner and state = 'due' and due_at <= :now
returning id

-- name: begin @postgres
update outbox
set state = 'sending', attempts = attempts + 1,
    lease_until = (extract(epoch from clock_timestamp()) * 1000000)::bigint + :lease::bigint
where id = :id and lease_owner = :owner and state = 'due' and due_at <= :now::bigint
returning id

-- name: finish
update outbox set state = :state, reference = :reference, error = :error, finished_at = :now, lease_owner = null, lease_until = 0
where id = :id and lease_owner = :owner and state in ('sending', 'uncertain')
returning id

-- name: postpone
update outbox set
  state = case when attempts >= :most then 'dead' else 'due' end,
  finished_at = case when attempts >= :most then :now::bigint else null end,
  due_at = :due_at, error = :error, lease_owner = null, lease_until = 0
where id = :id and lease_owner = :owner and state in ('sending', 'uncertain')
returning state

-- name: decline
update outbox set state = :state, error = :error, finished_at = :now, lease_owner = null, lease_until = 0
where id = :id and lease_owner = :owner and state = 'due'

-- name: defer
update outbox set due_at = :due_at, error = :error, lease_owner = null, lease_until = 0
where id = :id and lease_owner = :owner and state = 'due'

-- name: rest @sqlite
update outbox set due_at = :until
where id in (
  select id from outbox where state = 'due' and source = :source and due_at <= :now order by due_at, id limit :most
)

-- name: rest @postgres
update outbox set due_at = :until::bigint
where id in (
  select id from outbox where state = 'due' and source = :source and due_at <= :now::bigint order by due_at, id limit :most
  for update skip locked
)

-- name: stumble
update outbox set attempts = attempts + 1, due_at = :due_at, error = :error, lease_owner = null, lease_until = 0
where id = :id and lease_owner = :owner and state = 'due'

-- name: release
update outbox set lease_owner = null, lease_until = 0
where id = any(:ids::bigint[]) and lease_owner = :owner and state = 'due'

-- name: states
select state, count(*) from outbox group by state order by state

-- name: ask
update outbox set due_at = :now::bigint
  + case when :now::bigint - finished_at > :first::bigint then :now::bigint - finished_at else :first::bigint end
where id in (
  select id from outbox
  where state = 'uncertain' and due_at <= :now::bigint and finished_at <= :now::bigint - :first::bigint
    and source || ':' || action = any(:askable)
  order by due_at, id limit :most
)
returning id, dedupe_key, source, action, args, customer, fact, attempts, created_at, run, automation, step, channel, address, purpose,
  apology, cost_minor, finished_at

-- name: find
select id, dedupe_key, source, action, args, customer, fact, attempts, created_at, run, automation, step, channel, address, purpose,
  apology, cost_minor, state
from outbox where id = :id

-- name: state_of
select state from outbox where id = :id

-- name: settle_doubt
update outbox set state = :state, reference = coalesce(:reference, reference), error = :error, finished_at = :now
where id = :id and state = 'uncertain'

-- name: revive
-- Ordered anew: its patience, and the period that it is paid in, begin again.
update outbox set state = 'due', attempts = 0, created_at = :now, due_at = :now, finished_at = null, lease_owner = null,
  lease_until = 0
where id = :id and state = 'dead'

-- name: dead_at
select id from outbox where state = 'dead' and source = :source order by id limit :most

-- name: unsettled
select state, count(*) from outbox where state in ('uncertain', 'dead') group by state order by state

-- name: in_state
select id, source, action, customer, automation, run, created_at, due_at, attempts, reference, error, finished_at from outbox
where state = :state and id > :after order by id limit :most
