-- name: all
select a.id, a.version, a.mode, a.origin, a.live_since, a.updated_at, a.updated_by, v.body
from automations a join automation_versions v on v.id = a.id and v.version = a.version order by a.id

-- name: put
insert into automations (id, version, mode, origin, live_since, updated_at, updated_by)
values (:id, :version, :mode, :origin, :live_since, :at, :by_whom)
on conflict (id) do update set version = excluded.version, mode = excluded.mode, origin = excluded.origin,
  live_since = excluded.live_since, updated_at = excluded.updated_at, updated_by = excluded.updated_by

-- name: remove
delete from automations where id = :id

-- name: keep_version
insert into automation_versions (id, version, body, at, by_whom) values (:id, :version, :body, :at, :by_whom)
on conflict (id, version) do nothing

-- name: version
select body from automation_versions where id = :id and version = :version

-- name: versions
select version, body, at, by_whom from automation_versions where id = :id order by at desc, version

-- name: known_facts
select id from facts where id = any(:ids) order by id

-- name: runs_beside
select id, occurred_at from runs where id = any(:ids) order by id

-- name: put_run
insert into runs (id, automation, version, mode, customer, cause, fact, kind, data, occurred_at, created_at, state, due_at, reason,
  finished_at)
values (:id, :automation, :version, :mode, :customer, :cause, :fact, :kind, :data, :occurred_at, :created_at, :state, :due_at, :reason,
  :finished_at)
on conflict (id) do nothing

-- name: take @sqlite
update runs set lease_owner = :owner, lease_until = :now + :lease
where id in (
  select id from runs where state = 'waiting' and due_at <= :now and lease_until <= :now order by due_at, id limit :most
)
returning id, automation, version, mode, customer, cause, fact, kind, data, occurred_at, created_at, step, done, due_at, waits_since,
  reason

-- name: take @postgres
update runs
set lease_owner = :owner, lease_until = (extract(epoch from clock_timestamp()) * 1000000)::bigint + :lease::bigint
where id in (
  select id from runs
  where state = 'waiting' and due_at <= :now::bigint
    and lease_until <= (extract(epoch from clock_timestamp()) * 1000000)::bigint
  order by due_at, id limit :most
  for update skip locked
)
returning id, automation, version, mode, customer, cause, fact, kind, data, occurred_at, created_at, step, done, due_at, waits_since,
  reason

-- name: advance
update runs set step = :step, done = :done, due_at = :due_at, waits_since = :waits_since, state = :state, reason = :reason,
  finished_at = :finished_at
where id = :id and state = 'waiting' and lease_owner = :owner

-- name: let_go
update runs set lease_owner = null, lease_until = 0 where id = :id and lease_owner = :owner

-- name: put_off
update runs set lease_owner = null, lease_until = 0, due_at = :due_at where id = :id and lease_owner = :owner

-- name: add_step
insert into run_steps (run, number, step, at, action, result, reason, until, customer)
select :run, coalesce((select max(number) from run_steps where run = :run), 0) + 1, :step::integer, :at::bigint, :action, :result,
  :reason, :until::bigint, :customer
where true
on conflict (run, number) do nothing

-- name: run
select id, automation, version, mode, customer, cause, fact, kind, data, occurred_at, created_at, step, done, due_at, waits_since,
  reason, state, finished_at
from runs where id = :id

-- name: runs_of
select id, customer, cause, kind, occurred_at, created_at, state, step, due_at, reason, finished_at, mode, version from runs
where automation = :automation and created_at >= :since order by created_at desc, id limit :most

-- name: counts
select automation, mode, state, reason, count(*) from runs where created_at >= :since
group by automation, mode, state, reason order by automation, mode, state, reason

-- name: messages
-- What reached a customer and when, or may yet and when its turn is: by who they are, and by the addresses that are
-- theirs now.
select dedupe_key, automation, channel, address, purpose, apology,
  case when state in ('due', 'sending') then due_at else coalesce(finished_at, created_at) end, state from outbox
where channel <> ''
  and (state in ('due', 'sending') or state in ('sent', 'uncertain') and coalesce(finished_at, created_at) >= :since)
  and customer = any(:customers)
union
select dedupe_key, automation, channel, address, purpose, apology,
  case when state in ('due', 'sending') then due_at else coalesce(finished_at, created_at) end, state from outbox
where channel <> ''
  and (state in ('due', 'sending') or state in ('sent', 'uncertain') and coalesce(finished_at, created_at) >= :since)
  and address = any(:addresses)
order by 7, 1

-- name: absorbed
-- Ids under which customers were known too, before they were merged.
with recursive chain (customer, id) as (
  select merged_into, id from customers where merged_into = any(:customers)
  union
  select chain.customer, c.id from customers c join chain on c.merged_into = chain.id
)
select customer, id from chain order by customer, id

-- name: enqueued
select state from outbox where dedupe_key = :dedupe_key

-- name: done_before
-- What was ordered for the same step and window under another name that the customer had.
select o.dedupe_key from outbox o join runs r on r.id = o.run
where o.automation = :automation and o.step = :step::integer and o.customer = any(:customers) and r.cause = ''
  and r.occurred_at >= :begins::bigint and r.occurred_at < :ends::bigint and o.state in ('due', 'sending', 'sent', 'uncertain')
order by o.dedupe_key

-- name: own_ticket
select id from outbox where customer = any(:customers) and source = :source and action = 'create_ticket' and reference = :reference

-- name: ticket_under_way
select id from outbox where customer = any(:customers) and source = :source and action = 'create_ticket'
  and (state = 'sending' or state = 'uncertain' and reference is null and finished_at > :doubted)

-- name: opened_tickets
select source, reference from outbox where run = :run and run <> '' and action = 'create_ticket' and reference is not null
order by id

-- name: opted_out
select hash, channel from opt_outs where hash = any(:hashes) order by hash, channel

-- name: opt_out
-- What somebody wrote or said stays when a link is taken back.
insert into opt_outs (hash, channel, at, reason) values (:hash, :channel, :at, :reason)
on conflict (hash, channel) do update set at = excluded.at, reason = excluded.reason
where opt_outs.reason like 'link:%' and excluded.reason not like 'link:%'

-- name: opt_in
delete from opt_outs where hash = :hash and channel = :channel

-- name: spent
select spent_minor from automation_spending where automation = :automation and period = :period

-- name: begin_spending
insert into automation_spending (automation, period, spent_minor) values (:automation, :period, 0)
on conflict (automation, period) do nothing

-- name: spend
update automation_spending set spent_minor = spent_minor + :minor::bigint
where automation = :automation and period = :period and spent_minor + :minor::bigint <= :most::bigint

-- name: give_back
update automation_spending set spent_minor = spent_minor - :minor::bigint where automation = :automation and period = :period

-- name: begin_sweep
insert into automation_sweeps (occasion, begun_at, position, found) values (:occasion, :at, '', 0) on conflict (occasion) do nothing

-- name: open_sweeps
select occasion, begun_at, position, found from automation_sweeps where done_at is null order by begun_at, occasion

-- name: move_sweep
update automation_sweeps set position = :position, found = found + :found::bigint, done_at = :done_at
where occasion = :occasion and position = :was and done_at is null

-- name: forget_sweeps
delete from automation_sweeps where done_at is not null and begun_at < :before

-- name: sweep
select begun_at, position, found, done_at from automation_sweeps where occasion = :occasion

-- name: last_day_swept
select max(occasion) from automation_sweeps where occasion like 'day:%' and done_at is not null
