-- name: suppressed
select hash from suppressions where hash = any(:hashes) order by hash

-- name: suppress
insert into suppressions (hash, at) values (:hash, :at) on conflict (hash) do nothing

-- name: any_suppressed
select count(*) from (select 1 from suppressions limit 1) first_one

-- name: blank_delivery
update deliveries set raw = '{}', place = '', error = :error, state = 'ignored', record = '', lease_owner = null, lease_until = 0
where id = :id

-- name: deliveries_of_subjects
select distinct delivery from record_versions where subject = any(:subjects) and delivery is not null order by delivery

-- name: deliveries_of_records
select id from deliveries where source = :source and record = any(:records) order by id

-- name: unread_deliveries
select id, source, raw from deliveries where state in ('new', 'waiting', 'dead') and id > :after order by id limit :most

-- name: drop_versions
delete from record_versions where subject = any(:subjects)

-- name: drop_records
delete from records where subject = any(:subjects)

-- name: drop_identities
delete from identities where source = :source and source_id = :source_id

-- name: drop_memberships
delete from memberships where source = :source and source_id = :source_id

-- name: drop_assertions
delete from assertions where a = any(:names) or b = any(:names)

-- name: drop_profiles
delete from profiles where customer = :customer

-- name: drop_keys
delete from keys where customer = :customer

-- name: drop_log
delete from decision_log where customer = any(:customers)

-- name: drop_decisions
delete from decisions where customer = any(:customers)

-- name: drop_facts
delete from facts where customer = any(:customers)

-- name: drop_outbox
delete from outbox where customer = any(:customers)

-- name: drop_outcomes
delete from outcomes where customer = any(:customers)

-- name: drop_grants
delete from grants where customer = any(:customers)

-- name: drop_dips
delete from dips where customer = any(:customers)

-- name: drop_merges
delete from merges where survivor = any(:customers) or absorbed = any(:customers)

-- name: drop_customers
delete from customers where id = any(:customers)

-- name: drop_audit
delete from audit where subject = any(:customers)

-- name: absorbed
select id from customers where merged_into = :customer order by id

-- name: count_all
select
  (select count(*) from record_versions where subject = any(:subjects)),
  (select count(*) from records where subject = any(:subjects)),
  (select count(*) from profiles where customer = any(:customers)),
  (select count(*) from decisions where customer = any(:customers)),
  (select count(*) from decision_log where customer = any(:customers)),
  (select count(*) from facts where customer = any(:customers)),
  (select count(*) from outbox where customer = any(:customers)),
  (select count(*) from outcomes where customer = any(:customers)),
  (select count(*) from grants where customer = any(:customers)),
  (select count(*) from dips where customer = any(:customers))

-- name: versions
select source, object, source_id, kind, effective_at, known_at, body from record_versions
where subject = any(:subjects) and retracted = 0 order by known_at, id

-- name: outcomes
select decision, at, kind, result, offer, amount_minor, currency, note, disposition, agent from outcomes
where customer = :customer order by at

-- name: decisions
select id, language, computed_at, card from decisions where customer = :customer
union all
select id, language, computed_at, card from decision_log where customer = :customer
order by 3, 1, 2

-- name: audit
select at, actor, action from audit where subject = :customer order by at, id

-- name: all_profiles
select source, source_id, customer from profiles
where source > :source or (source = :source and source_id > :source_id)
order by source, source_id limit :most
