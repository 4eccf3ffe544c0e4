-- name: dead_letters
select count(*), min(received_at) from deliveries where state = 'dead'

-- name: troubled
select state, count(*), min(created_at) from outbox where state in ('uncertain', 'dead') group by state order by state

-- name: sent
-- What became of messages since an instant.
select state, count(*) from outbox
where automation <> '' and finished_at >= :since and state in ('sent', 'refused') group by state order by state

-- name: saved
select result, count(*) from outcomes where at >= :since and result in ('saved', 'lost', 'pending') group by result order by result

-- name: switched_on
select count(*) from automations where mode = 'on'
