-- Loops that are to be closed, what happened to each, what was learnt from them, and when the next clock of a customer's
-- loop runs out, beside the answer that the look-up reads.

create table loops (
  id @text primary key,
  customer @text not null,
  matter @text not null,
  opener @text not null,
  cause @text not null,
  records @text not null,
  state @text not null,
  owner @text not null,
  round integer not null,
  answers integer not null,
  opened_at bigint not null,
  asked_at bigint not null,
  reply_due bigint,
  resolve_due bigint,
  reply_left bigint,
  resolve_left bigint,
  replied_at bigint,
  waits_since bigint,
  waits_until bigint,
  reply_escalated integer not null,
  resolve_escalated integer not null,
  check_at bigint,
  closed_at bigint,
  closed_by @text not null,
  reason @text not null,
  done @text not null,
  version bigint not null
);
create index loops_customer on loops (customer);
create index loops_open on loops (owner, state) where state <> 'closed';
create index loops_check on loops (check_at) where check_at is not null;
create index loops_closed on loops (closed_at) where closed_at is not null;

create table loop_events (
  loop @text not null,
  number integer not null,
  customer @text not null,
  at bigint not null,
  kind @text not null,
  by_whom @text not null,
  record @text not null,
  text @text not null,
  data @text not null,
  primary key (loop, number)
);
create index loop_events_customer on loop_events (customer);

create table lessons (
  id @text primary key,
  at bigint not null,
  by_whom @text not null,
  reason @text not null,
  product @text not null,
  since @text not null,
  text @text not null,
  changed @text not null,
  told_de @text not null,
  told_en @text not null,
  folded @text not null
);
create index lessons_at on lessons (at);

create table loop_lessons (
  loop @text not null,
  lesson @text not null,
  at bigint not null,
  primary key (loop, lesson)
);
create index loop_lessons_lesson on loop_lessons (lesson);

alter table decisions add column loop_due bigint
