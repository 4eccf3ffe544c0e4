-- name: keep
insert into deliveries (source, dedupe_key, via, object, raw, patch, place, origin, received_at, state, error)
values (:source, :dedupe_key, :via, :object, :raw, :patch, :place, :origin, :received_at, :state, :error)
on conflict (source, dedupe_key) do nothing

-- name: take @sqlite
update deliveries set lease_owner = :owner, lease_until = :now + :lease, attempts = attempts + 1
where id in (
  select id from deliveries
  where state in ('new', 'waiting') and due_at <= :now and lease_until <= :now
  order by due_at, id limit :most
)
returning id, source, object, raw, patch, place, origin, received_at, via, attempts

-- name: take @postgres
update deliveries
set lease_owner = :owner, attempts = attempts + 1,
    lease_until = (extract(epoch from clock_timestamp()) * 1000000)::bigint + :lease::bigint
where id in (
  select id from deliveries
  where state in ('new', 'waiting') and due_at <= :now::bigint
    and lease_until <= (extract(epoch from clock_timestamp()) * 1000000)::bigint
  order by due_at, id limit :most
  for update skip locked
)
returning id, source, object, raw, patch, place, origin, received_at, via, attempts

-- name: take_named
update deliveries set lease_owner = :owner, lease_until = :now + :lease, attempts = attempts + 1
where source = :source and dedupe_key = any(:dedupe_keys) and state in ('new', 'waiting') and lease_until <= :now
returning id, source, object, raw, patch, place, origin, received_at, via, attempts

-- name: leased
select count(*) from deliveries where id = any(:ids::bigint[]) and lease_owner = :owner

-- name: finish
update deliveries set state = :state, error = :error, record = :record, due_at = :due_at, lease_owner = null, lease_until = 0
where id = :id

-- name: release
update deliveries set lease_owner = null, lease_until = 0, attempts = attempts - 1
where id = any(:ids::bigint[]) and lease_owner = :owner

-- name: replay_one
update deliveries set state = 'new', error = null, note = null, origin = :origin, due_at = 0, attempts = 0, lease_until = 0
where id = :id and state in ('dead', 'discarded')
returning id

-- name: replay_all
-- What was blanked for an erased person says nothing any more, and stays as it is.
update deliveries set state = 'new', error = null, note = null, origin = :origin, due_at = 0, attempts = 0, lease_until = 0
where source = :source and state = any(:states) and raw <> '{}'
returning id

-- name: waiting_count
select count(*) from deliveries where state in ('new', 'waiting')

-- name: waiting
select state, count(*) from deliveries where state in ('new', 'waiting') group by state
union all
select state, count(*) from deliveries where state in ('dead', 'discarded') group by state

-- name: states
select source, state, count(*) from deliveries group by source, state order by source, state

-- name: dead
select id, source, object, place, error, received_at, attempts from deliveries
where state = 'dead' and (:source::text is null or source = :source) and id > :after
order by id limit :most

-- name: raw
select raw from deliveries where id = :id

-- name: letters
select id, source, object, place, error, received_at, attempts, note, via, state from (
  select d.*, case when d.place <> '' and substr(d.error, 1, length(d.place) + 2) = d.place || ': '
    then substr(d.error, length(d.place) + 3) else coalesce(d.error, '') end as reason
  from deliveries d where d.state in ('dead', 'discarded') and d.state = :state and d.id > :after and (:source::text is null or d.source = :source)
) told
where (:object::text is null or object = :object) and (:reason::text is null or reason = :reason)
order by id limit :most

-- name: letter
select id, source, object, place, error, received_at, attempts, note, via, state, raw from deliveries
where id = :id and state in ('dead', 'discarded')

-- name: letter_kinds
select source, object, reason, count(*), min(received_at), max(received_at) from (
  select d.source, d.object, d.received_at, case when d.place <> '' and substr(d.error, 1, length(d.place) + 2) = d.place || ': '
    then substr(d.error, length(d.place) + 3) else coalesce(d.error, '') end as reason
  from deliveries d where d.state in ('dead', 'discarded') and d.state = :state
) told
group by source, object, reason order by 4 desc, source, object, reason limit :most

-- name: replay_letters
update deliveries set state = 'new', error = null, note = null, origin = :origin, due_at = 0, attempts = 0, lease_until = 0
where id = any(:ids::bigint[]) and state = :state
returning id

-- name: discard_one
update deliveries set state = 'discarded', note = :note where id = :id and state = 'dead' returning id

-- name: discard_letters
update deliveries set state = 'discarded', note = :note where id = any(:ids::bigint[]) and state = 'dead' returning id

-- name: arrived
select source, received_at / 3600000000, count(*) from deliveries where received_at >= :since
group by source, received_at / 3600000000 order by 1, 2
