-- name: begin
insert into survey_tranches (id, plan, day, mode, begun_at, after_at, until_at, stage)
values (:id, :plan, :day, :mode, :at, :after_at, :until_at, 'collect') on conflict (id) do nothing

-- name: tranche
select id, plan, day, mode, begun_at, after_at, until_at, stage, position, sizes, done_at from survey_tranches where id = :id

-- name: open_tranches
select id, plan, day, mode, begun_at, after_at, until_at, stage, position, sizes, done_at from survey_tranches
where done_at is null order by begun_at, plan

-- name: last_tranche
select id, plan, day, mode, begun_at, after_at, until_at, stage, position, sizes, done_at from survey_tranches
where plan = :plan order by begun_at desc, id desc limit 1

-- name: tranches_of
select id, plan, day, mode, begun_at, after_at, until_at, stage, position, sizes, done_at from survey_tranches
where plan = :plan order by begun_at desc, id desc limit :most

-- name: move
update survey_tranches set stage = :stage, position = :position, done_at = :done_at
where id = :id and stage = :was_stage and position = :was_position and done_at is null

-- name: keep_sizes
update survey_tranches set sizes = :sizes where id = :id

-- name: put_occasion
insert into survey_occasions (id, plan, metric, customer, cause, mode, came_up_at)
values (:id, :plan, :metric, :customer, :cause, :mode, :came_up_at) on conflict (id) do nothing

-- name: facts_between
select id, kind, customer, occurred_at, known_at, origin, cause, data from facts
where kind = :kind and known_at > :after_at and known_at <= :until_at
  and (known_at > :from_at or (known_at = :from_at and id > :after))
order by known_at, id limit :most

-- name: waiting
select id, customer, cause, came_up_at, mode from survey_occasions
where plan = :plan and state = 'waiting' and id > :after order by id limit :most

-- name: assess
update survey_occasions set customer = :customer, state = :state, reason = :reason, tranche = :tranche, owner = :owner, tier = :tier, band = :band,
  bad = :bad, answers = :answers
where id = :id and state = 'waiting'

-- name: settled
select id from survey_occasions where id = any(:ids) and state <> 'waiting' order by id

-- name: among_ready
select customer from survey_occasions where plan = :plan and state = 'ready' and customer = any(:customers) order by customer

-- name: ready
select id, owner, tier, band, bad, answers, customer, cause, came_up_at from survey_occasions
where plan = :plan and state = 'ready' and id > :after order by id limit :most

-- name: settle
update survey_occasions set state = :state, propensity = :propensity, drawn_at = :drawn_at, run = :run
where id = :id and state = 'ready'

-- name: lapse
update survey_occasions set state = 'lapsed', reason = 'nobody_has_time' where plan = :plan and state = 'waiting' and came_up_at < :before

-- name: turn_back
update survey_occasions set state = 'waiting', tranche = '' where id = :id and state = 'ready'

-- name: drop_unused
delete from survey_occasions
where plan = :plan and state in ('waiting', 'ready') and (mode <> :mode or came_up_at < :live_since)

-- name: look_again
update survey_occasions set state = 'waiting', tranche = '' where plan = :plan and state = 'ready'

-- name: invited_before
select drawn_at, answered_at from survey_occasions
where customer = any(:customers) and state = 'invited'
union all
select o.created_at, null from outbox o
where o.customer = any(:customers) and o.action = 'invite_survey' and o.state in ('due', 'sending', 'sent', 'uncertain')
  and o.run not in (select run from survey_occasions where customer = any(:customers) and run <> '' and state = 'invited')
order by 1

-- name: in_flight
select owner, sum(bad * answers) from survey_occasions
where state = 'invited' and answered_at is null and drawn_at > :since group by owner order by owner

-- name: rates
-- Invitations whose answers have come in, and what came: to count with for those who are asked next.
select tier, band, count(*), sum(case when answered_at is not null then 1 else 0 end),
  sum(case when score <= :bad::float or score <= :share::float * coalesce(scale, 5) then 1 else 0 end)
from survey_occasions
where plan = :plan and state = 'invited' and drawn_at > :since and (answered_at is not null or drawn_at <= :over)
group by tier, band order by tier, band

-- name: first_drawn
select 1 from survey_occasions where drawn_at is not null limit 1

-- name: open_of
select id, plan, customer, drawn_at, response from survey_occasions
where customer = any(:customers) and metric = :metric and state = 'invited' and drawn_at <= :answered_at and drawn_at >= :since
  and (answered_at is null or response = :response)
order by drawn_at desc, id

-- name: answer
update survey_occasions set answered_at = :answered_at, score = :score, scale = :scale, response = :response
where id = :id and state = 'invited' and (answered_at is null or response = :response)

-- name: not_sent
-- Drawn, and then refused by a gate or given up: they were never asked.
select s.id, case when r.reason = '' then 'not_sent' else r.reason end from survey_occasions s join runs r on r.id = s.run
where s.state = 'invited' and s.answered_at is null and s.drawn_at >= :since
  and (r.state in ('refused', 'stopped', 'held_out')
    or exists (select 1 from outbox o where o.run = s.run and o.state in ('refused', 'dead')))
order by s.id limit :most

-- name: take_back
update survey_occasions set state = 'barred', reason = :reason where id = :id and state = 'invited' and answered_at is null

-- name: forget
delete from survey_occasions where came_up_at < :before and (state <> 'invited')

-- name: states
select plan, state, reason, count(*) from survey_occasions where came_up_at >= :since and mode = 'on'
group by plan, state, reason order by plan, state, reason

-- name: drawn
select tier, band, count(*) from survey_occasions
where plan = any(:plans) and mode = 'on' and state in ('invited', 'passed') and drawn_at >= :since and drawn_at < :until
group by tier, band order by tier, band

-- name: asked
select tier, band, propensity, answered_at, score, scale from survey_occasions
where plan = any(:plans) and mode = 'on' and state = 'invited' and drawn_at >= :since and drawn_at < :until
order by id

-- name: barred
select state, reason, count(*) from survey_occasions
where plan = any(:plans) and mode = 'on' and state in ('barred', 'lapsed') and came_up_at >= :since and came_up_at < :until
group by state, reason order by state, reason

-- name: responses
select response from survey_occasions
where plan = any(:plans) and mode = 'on' and state = 'invited' and response <> '' and drawn_at >= :since and drawn_at < :until
order by response

-- name: bodies
select body from records where source = :source and object = :object and source_id = any(:ids) and deleted = 0 order by source_id

-- name: response
select count(*), sum(case when answered_at is not null then 1 else 0 end) from survey_occasions
where plan = :plan and mode = 'on' and state = 'invited' and drawn_at >= :since
