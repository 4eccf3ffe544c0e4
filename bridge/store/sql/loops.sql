-- name: of_customers
-- What is open, or was closed lately, of customers as they are called by now.
with recursive mine (customer, id) as (
  select id, id from customers where id = any(:ids)
  union
  select mine.customer, c.id from mine
  join merges m on m.survivor = mine.id
  join customers c on c.id = m.absorbed and c.merged_into = mine.id
)
select mine.customer, l.id, l.customer, l.matter, l.opener, l.cause, l.records, l.state, l.owner, l.round, l.answers, l.opened_at, l.asked_at,
  l.reply_due, l.resolve_due, l.reply_left, l.resolve_left, l.replied_at, l.waits_since, l.waits_until, l.reply_escalated,
  l.resolve_escalated, l.check_at, l.closed_at, l.closed_by, l.reason, l.done, l.version
from mine join loops l on l.customer = mine.id
where l.state <> 'closed' or l.closed_at >= :since
order by mine.customer, l.opened_at, l.id

-- name: get
select id, customer, matter, opener, cause, records, state, owner, round, answers, opened_at, asked_at, reply_due, resolve_due, reply_left,
  resolve_left, replied_at, waits_since, waits_until, reply_escalated, resolve_escalated, check_at, closed_at, closed_by, reason, done,
  version
from loops where id = :id

-- name: due
select id, customer, matter, opener, cause, records, state, owner, round, answers, opened_at, asked_at, reply_due, resolve_due, reply_left,
  resolve_left, replied_at, waits_since, waits_until, reply_escalated, resolve_escalated, check_at, closed_at, closed_by, reason, done,
  version
from loops where check_at <= :now order by check_at, id limit :most

-- name: page
-- By when something is next to happen: a clock runs out, nobody waits any longer. Closed ones come last, the newest first.
select id, customer, matter, opener, cause, records, state, owner, round, answers, opened_at, asked_at, reply_due, resolve_due, reply_left,
  resolve_left, replied_at, waits_since, waits_until, reply_escalated, resolve_escalated, check_at, closed_at, closed_by, reason, done,
  version
from loops
where state = any(:states)
  and (:owner::text = '' or owner = :owner::text)
  and (:reason::text = '' or reason = :reason::text)
  and (state <> 'closed' or closed_at >= :closed_since)
  and (:overdue = 0 or (state = 'open' and (reply_due < :now or resolve_due < :now)))
  and (coalesce(case when resolve_due < reply_due then resolve_due else reply_due end, resolve_due, waits_until, 4611686018427387904 - closed_at) > :after_at
    or (coalesce(case when resolve_due < reply_due then resolve_due else reply_due end, resolve_due, waits_until, 4611686018427387904 - closed_at) = :after_at and id > :after_id))
order by coalesce(case when resolve_due < reply_due then resolve_due else reply_due end, resolve_due, waits_until, 4611686018427387904 - closed_at), id limit :most

-- name: put
insert into loops (id, customer, matter, opener, cause, records, state, owner, round, answers, opened_at, asked_at, reply_due, resolve_due,
  reply_left, resolve_left, replied_at, waits_since, waits_until, reply_escalated, resolve_escalated, check_at, closed_at, closed_by,
  reason, done, version)
values (:id, :customer, :matter, :opener, :cause, :records, :state, :owner, :round, :answers, :opened_at, :asked_at, :reply_due, :resolve_due,
  :reply_left, :resolve_left, :replied_at, :waits_since, :waits_until, :reply_escalated, :resolve_escalated, :check_at, :closed_at,
  :closed_by, :reason, :done, 1)
on conflict (id) do nothing

-- name: keep
update loops set records = :records, state = :state, owner = :owner, round = :round, answers = :answers, opened_at = :opened_at, asked_at = :asked_at, reply_due = :reply_due,
  resolve_due = :resolve_due, reply_left = :reply_left, resolve_left = :resolve_left, replied_at = :replied_at,
  waits_since = :waits_since, waits_until = :waits_until, reply_escalated = :reply_escalated,
  resolve_escalated = :resolve_escalated, check_at = :check_at, closed_at = :closed_at, closed_by = :closed_by, reason = :reason,
  done = :done, version = version + 1
where id = :id and version = :version

-- name: look_again
update loops set check_at = :check_at where id = :id and version = :version

-- name: add_event
insert into loop_events (loop, number, customer, at, kind, by_whom, record, text, data)
select :loop, coalesce((select max(number) from loop_events where loop = :loop), 0) + 1, :customer, :at::bigint, :kind, :by_whom,
  :record, :text, :data

-- name: events
select number, at, kind, by_whom, record, text, data from loop_events where loop = :loop order by number

-- name: show_due
update decisions set loop_due = :due where customer = :customer

-- name: open_by_owner
select owner, count(*) from loops where state <> 'closed' group by owner order by owner

-- name: counts
select state, count(*),
  sum(case when reply_due < :now or resolve_due < :now then 1 else 0 end),
  sum(case when closed_at >= :since then 1 else 0 end)
from loops where state <> 'closed' or closed_at >= :since group by state order by state

-- name: overdue_by_owner
select owner, count(*) from loops where state = 'open' and (reply_due < :now or resolve_due < :now) group by owner order by owner

-- name: closings
select customer, closed_at from loops where customer = any(:customers) and closed_at is not null order by customer, closed_at

-- name: reasons
-- By the quarter of an hour: in no time zone does a day begin within one.
select reason, closed_at / 900000000, count(*) from loops where closed_at >= :since
group by reason, closed_at / 900000000 order by 2, reason

-- name: facts_since
select id, kind, customer, occurred_at, known_at, origin, cause, data from facts
where kind = any(:kinds) and occurred_at >= :since and occurred_at <= :until order by occurred_at, id

-- name: put_lesson
insert into lessons (id, at, by_whom, reason, product, since, text, changed, told_de, told_en, folded)
values (:id, :at, :by_whom, :reason, :product, :since, :text, :changed, :told_de, :told_en, :folded)

-- name: lesson
select id, at, by_whom, reason, product, since, text, changed, told_de, told_en,
  (select count(*) from loop_lessons where lesson = lessons.id)
from lessons where id = :id

-- name: lessons
select id, at, by_whom, reason, product, since, text, changed, told_de, told_en,
  (select count(*) from loop_lessons where lesson = lessons.id)
from lessons
where (:reason::text = '' or reason = :reason::text) and folded like :like escape '\' and folded like :like_too escape '\'
  and (at < :before_at or (at = :before_at and id > :after_id))
order by at desc, id limit :most

-- name: link_lesson
insert into loop_lessons (loop, lesson, at) values (:loop, :lesson, :at) on conflict (loop, lesson) do nothing

-- name: lessons_of
select l.id, l.at, l.by_whom, l.reason, l.product, l.since, l.text, l.changed, l.told_de, l.told_en,
  (select count(*) from loop_lessons where lesson = l.id)
from loop_lessons x join lessons l on l.id = x.lesson where x.loop = :loop order by x.at, l.id
