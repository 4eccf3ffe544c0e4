-- name: current
select source, object, source_id, ord, hash, effective_at, known_at, subject, body, deleted from records
where source = :source and object = :object and source_id = any(:ids)
order by source_id

-- name: heads
select source_id, ord, hash from records
where source = :source and object = :object and source_id = any(:ids)
order by source_id

-- name: versions
select source, object, source_id, ord, hash, kind, effective_at, known_at, subject, body, delivery from record_versions
where source = :source and object = :object and source_id = any(:ids) and retracted = 0
order by source_id, ord, hash

-- name: versions_as_of
select source, object, source_id, ord, hash, kind, effective_at, known_at, subject, body, delivery from record_versions
where source = :source and object = :object and source_id = any(:ids) and retracted = 0 and known_at <= :known_at
order by source_id, ord, hash

-- name: named_as_of
select distinct source, object, source_id from record_versions
where subject = any(:subjects) and retracted = 0 and known_at <= :known_at
order by source, object, source_id

-- name: of_deliveries
select delivery, source, object, source_id, ord, hash from record_versions
where delivery = any(:deliveries::bigint[]) and retracted = 0

-- name: add_version
insert into record_versions (source, object, source_id, ord, hash, kind, effective_at, known_at, subject, body, delivery)
values (:source, :object, :source_id, :ord, :hash, :kind, :effective_at, :known_at, :subject, :body, :delivery)
on conflict (source, object, source_id, ord, hash) do update set retracted = 0

-- name: retract
update record_versions set retracted = 1
where delivery = :delivery and source = :source and object = :object and source_id = :source_id and ord = :ord and hash = :hash

-- name: put
insert into records (source, object, source_id, ord, hash, effective_at, known_at, subject, body, deleted)
values (:source, :object, :source_id, :ord, :hash, :effective_at, :known_at, :subject, :body, :deleted)
on conflict (source, object, source_id) do update set
  ord = excluded.ord, hash = excluded.hash, effective_at = excluded.effective_at, known_at = excluded.known_at,
  subject = excluded.subject, body = excluded.body, deleted = excluded.deleted

-- name: drop
delete from records where source = :source and object = :object and source_id = :source_id

-- name: by_subject
select source, object, source_id, ord, hash, effective_at, known_at, subject, body, deleted from records
where subject = any(:subjects) and deleted = 0
order by effective_at desc, source, object, source_id

-- name: heads_by_subject
select source, object, source_id, hash from records
where subject = any(:subjects) and deleted = 0
order by effective_at desc, source, object, source_id

-- name: people
select source, object, source_id, ord, hash, effective_at, known_at, subject, body, deleted from records
where subject = any(:subjects) and object = 'customer' and deleted = 0
order by effective_at desc, source, object, source_id

-- name: told
select v.source, v.object, v.source_id, v.ord, v.hash, v.kind, v.effective_at, v.known_at, v.subject, v.body
from (select distinct source, object, source_id from record_versions where subject = any(:subjects) and retracted = 0) named
join record_versions v on v.source = named.source and v.object = named.object and v.source_id = named.source_id
where v.retracted = 0
order by v.source, v.object, v.source_id, v.ord, v.hash

-- name: page
select source_id, effective_at, known_at, subject, body from records
where source = :source and object = :object and deleted = 0 and source_id > :after
order by source_id limit :most

-- name: counted
select count(*) from records where object = any(:objects) and deleted = 0

-- name: sources
select distinct source from records where object = any(:objects) order by source

-- name: saying
select subject from records where object = :object and deleted = 0 and body like :pattern
