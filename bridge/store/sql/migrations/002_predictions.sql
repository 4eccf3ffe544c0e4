-- What was said of customers, and what they then did.

create table predictions (
  customer @text not null,
  said_at bigint not null,
  model @text not null,
  probability double precision not null,
  signals @text not null,
  due_at bigint not null,
  outcome @text,
  settled_at bigint,
  primary key (customer, said_at)
) @rowless;
create index predictions_said on predictions (said_at, customer);
create index predictions_open on predictions (due_at) where outcome is null;

alter table decisions add column probability double precision;
alter table decisions add column scored_by @text;
alter table decisions add column signals @text;

-- Decisions of before say none of it: all are made anew, and nobody is written to because of that.
update customers set due_at = 0, due_origin = 'refresh' where merged_into is null
