-- name: register
insert into sources (name, adapter, registered_at, live_since) values (:name, :adapter, :at, :live_since)
on conflict (name) do update set adapter = excluded.adapter

-- name: all
select name, adapter, registered_at, live_since, seen_at, error, error_at from sources order by name

-- name: go_live
update sources set live_since = :at where name = :name and live_since is null

-- name: seen
update sources set seen_at = :at, error = null, error_at = null where name = :name

-- name: failed
update sources set error = :error, error_at = :at where name = :name

-- name: add_stream
insert into cursors (source, stream, updated_at) values (:source, :stream, :at) on conflict (source, stream) do nothing

-- name: streams
select source, stream, cursor, position, total, done, due_at, failures, error, updated_at, read_at from cursors
where (:source::text is null or source = :source) order by source, stream

-- name: take_stream @sqlite
update cursors set lease_owner = :owner, lease_until = :now + :lease
where source = :source and stream = :stream and lease_until <= :now and due_at <= :now
returning cursor, position, total, done, failures

-- name: take_stream @postgres
update cursors
set lease_owner = :owner, lease_until = (extract(epoch from clock_timestamp()) * 1000000)::bigint + :lease::bigint
where source = :source and stream = :stream and due_at <= :now
  and lease_until <= (extract(epoch from clock_timestamp()) * 1000000)::bigint
returning cursor, position, total, done, failures

-- name: advance
update cursors set cursor = :cursor, position = position + :items, total = coalesce(:total, total), error = null,
  failures = 0, updated_at = :at, lease_until = lease_until + :lease
where source = :source and stream = :stream and lease_owner = :owner

-- name: rest
update cursors set done = :done, due_at = :due_at, failures = :failures, error = :error, updated_at = :at,
  read_at = case when :error::text is null then :at::bigint else read_at end, lease_owner = null, lease_until = 0
where source = :source and stream = :stream and lease_owner = :owner

-- name: ask_again
update cursors set due_at = 0 where source = :source

-- name: restart
update cursors set cursor = '', position = 0, done = 0, due_at = 0, failures = 0, error = null where source = :source
