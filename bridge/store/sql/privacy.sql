-- name: suppressed
select hash from suppressions where hash = any(:hashes) order by hash

-- name: suppress
insert into suppressions (hash, at) values (:hash, :at) on conflict (hash) do nothing

-- name: any_suppressed
select count(*) from (select 1 from suppressions limit 1) first_one

-- name: blank_delivery
update deliveries set raw = '{}', place = '', error = :error, note = null, state = 'ignored', record = '', lease_owner = null, lease_until = 0
where id = :id

-- name: records_of_subjects
select source, object, source_id from records where subject = any(:subjects) order by source, object, source_id

-- name: versions_of_subjects
select id, delivery from record_versions where subject = any(:subjects) order by id

-- name: versions_of_records
select id, delivery from record_versions
where source = :source and object = :object and source_id = any(:ids) order by id

-- name: deliveries_of_records
select id from deliveries where source = :source and record = any(:records) order by id

-- name: unread_deliveries
select id, source, raw, state from deliveries
where (state <> 'mapped' or record = '') and raw <> '{}' and id > :after order by id limit :most

-- name: drop_versions
delete from record_versions where id = any(:ids::bigint[])

-- name: drop_records
delete from records where subject = any(:subjects)

-- name: drop_identities
delete from identities where source = :source and source_id = :source_id

-- name: drop_memberships
delete from memberships where source = :source and source_id = :source_id

-- name: drop_assertions
delete from assertions where a = any(:names) or b = any(:names)

-- name: drop_profiles
delete from profiles where source = :source and source_id = :source_id

-- name: drop_keys
delete from keys where customer = any(:customers)

-- name: drop_log
delete from decision_log where customer = any(:customers)

-- name: drop_decisions
delete from decisions where customer = any(:customers)

-- name: drop_facts
delete from facts where customer = any(:customers)

-- name: drop_outbox
delete from outbox where customer = any(:customers)

-- name: drop_outbox_to
delete from outbox where address = any(:addresses)

-- name: drop_loops
delete from loops where customer = any(:customers)

-- name: drop_loop_events
delete from loop_events where customer = any(:customers)

-- name: drop_loop_lessons
delete from loop_lessons where loop in (select id from loops where customer = any(:customers))

-- name: drop_runs
delete from runs where customer = any(:customers)

-- name: drop_surveys
delete from survey_occasions where customer = any(:customers)

-- name: drop_run_steps
delete from run_steps where customer = any(:customers)

-- name: drop_links
delete from links where customer = any(:customers)

-- name: drop_links_to
delete from links where address = any(:hashes)

-- name: drop_outcomes
delete from outcomes where customer = any(:customers)

-- name: drop_grants
delete from grants where customer = any(:customers)

-- name: drop_dips
delete from dips where customer = any(:customers)

-- name: drop_exposures
delete from exposures where customer = any(:customers)

-- name: drop_predictions
delete from predictions where customer = any(:customers)

-- name: drop_merges
delete from merges where survivor = any(:customers) or absorbed = any(:customers)

-- name: drop_customers
delete from customers where id = any(:customers)

-- name: drop_audit
delete from audit where subject = any(:customers)

-- name: absorbed
with recursive chain (id) as (
  select id from customers where merged_into = :customer
  union
  select c.id from customers c join chain on c.merged_into = chain.id
)
select id from chain order by id

-- name: count_all
select
  (select count(*) from records where subject = any(:subjects)),
  (select count(*) from decisions where customer = any(:customers)),
  (select count(*) from decision_log where customer = any(:customers)),
  (select count(*) from facts where customer = any(:customers)),
  (select count(*) from outbox where customer = any(:customers) or address = any(:subjects)),
  (select count(*) from runs where customer = any(:customers)),
  (select count(*) from loops where customer = any(:customers)),
  (select count(*) from links where customer = any(:customers) or address = any(:hashes)),
  (select count(*) from outcomes where customer = any(:customers)),
  (select count(*) from grants where customer = any(:customers)),
  (select count(*) from dips where customer = any(:customers)),
  (select count(*) from predictions where customer = any(:customers)),
  (select count(*) from exposures where customer = any(:customers)),
  (select count(*) from survey_occasions where customer = any(:customers)),
  (select count(*) from audit where subject = any(:seen))

-- name: versions
select source, object, source_id, kind, effective_at, known_at, body from record_versions
where id = any(:ids::bigint[]) order by known_at, id

-- name: received
select source, object, via, received_at, state, raw from deliveries where id = any(:deliveries::bigint[]) order by id

-- name: decisions
select id, language, computed_at, card from decisions where customer = any(:customers)
union all
select id, language, computed_at, card from decision_log where customer = any(:customers)
order by 3, 1, 2

-- name: outcomes
select decision, at, kind, result, offer, amount_minor, currency, note, disposition, agent from outcomes
where customer = any(:customers) order by at, key

-- name: grants
select offer, decision, at, until, amount_minor, currency from grants where customer = any(:customers) order by at, offer

-- name: facts
select kind, occurred_at, known_at, origin, cause, data from facts
where customer = any(:customers) order by occurred_at, id

-- name: dips
select interaction, decision, at from dips where customer = any(:customers) order by at, interaction

-- name: exposures
select decision, at, situation, arm, cell, became, later, settled_at from exposures
where customer = any(:customers) order by at, situation

-- name: predictions
select said_at, probability, model, signals, due_at, outcome, settled_at from predictions
where customer = any(:customers) order by said_at

-- name: actions
select source, action, args, state, due_at from outbox where customer = any(:customers) or address = any(:addresses) order by id

-- name: loops
select matter, state, owner, cause, opened_at, replied_at, closed_at, closed_by, reason, done from loops
where customer = any(:customers) order by opened_at, id

-- name: loop_events
select e.at, e.kind, e.by_whom, e.record, e.text, e.data from loop_events e
where e.customer = any(:customers) order by e.at, e.loop, e.number

-- name: runs
select automation, kind, cause, data, occurred_at, state, reason from runs where customer = any(:customers)
order by created_at, id

-- name: links
select purpose, automation, channel, contract, offer, amount_minor, currency, made_at, expires_at, used_at, used_how from links
where customer = any(:customers) or address = any(:hashes) order by made_at, hash

-- name: surveys
select plan, metric, came_up_at, state, reason, owner, tier, band, propensity, drawn_at, answered_at, score from survey_occasions
where customer = any(:customers) order by came_up_at, id

-- name: assertions
select a, b, same, origin, evidence, at, undone_at from assertions
where a = any(:names) or b = any(:names) order by at, id

-- name: audit
select at, actor, action from audit where subject = any(:seen) order by at, id

-- name: all_profiles
select source, source_id, customer from profiles
where source > :source or (source = :source and source_id > :source_id)
order by source, source_id limit :most

-- name: drop_match_tokens
delete from match_tokens where source = :source and source_id = :source_id

-- name: drop_proposals
delete from proposals where (a_source = :source and a_id = :source_id) or (b_source = :source and b_id = :source_id)

-- name: proposals
select state, score, evidence, found_at, decided_at from proposals
where a_source || ':' || a_id = any(:names) or b_source || ':' || b_id = any(:names) order by found_at, id
