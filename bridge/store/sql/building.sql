-- name: standing
select version, mode, updated_at from automations where id = :id

-- name: languages
-- Customers by the language that their cards are in.
select language, count(*) from decisions where main = 1 group by language order by language

-- name: runs
select id, customer, cause, kind, occurred_at, created_at, state, step, due_at, reason, finished_at, mode, version from runs
where automation = :automation and (created_at < :at or (created_at = :at and id < :id))
order by created_at desc, id desc limit :most

-- name: steps
select run, number, step, at, action, result, reason, until from run_steps where run = any(:runs) order by run, number

-- name: sent
select run, step, action, source, state, finished_at from outbox where run = any(:runs) order by run, step

-- name: counts
select automation, mode, state, reason, count(*) from runs where automation = any(:automations) and created_at >= :since
group by automation, mode, state, reason order by automation, mode, state, reason

-- name: sent_lately
select automation, count(*) from outbox where automation <> '' and state = 'sent' and finished_at >= :since
group by automation order by automation
