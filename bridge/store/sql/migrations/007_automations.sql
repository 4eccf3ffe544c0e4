-- Automations with their versions, what each set off (runs) and what became of every step, who wants no more, and what an
-- action in the outbox belongs to.

create table automations (
  id @text primary key,
  version @text not null,
  mode @text not null,
  origin @text not null,
  live_since bigint,
  updated_at bigint not null,
  updated_by @text not null
);

create table automation_versions (
  id @text not null,
  version @text not null,
  body @text not null,
  at bigint not null,
  by_whom @text not null,
  primary key (id, version)
);

create table runs (
  id @text primary key,
  automation @text not null,
  version @text not null,
  mode @text not null,
  customer @text not null,
  cause @text not null,
  fact @text not null,
  kind @text not null,
  data @text not null,
  occurred_at bigint not null,
  created_at bigint not null,
  state @text not null,
  step integer not null default 0,
  done integer not null default 0,
  due_at bigint not null,
  waits_since bigint,
  reason @text not null default '',
  finished_at bigint,
  lease_owner @text,
  lease_until bigint not null default 0
);
create index runs_open on runs (due_at, id) where state = 'waiting';
create index runs_customer on runs (customer, created_at);
create index runs_automation on runs (automation, created_at);

create table run_steps (
  run @text not null,
  number integer not null,
  step integer not null,
  at bigint not null,
  action @text not null,
  result @text not null,
  reason @text not null,
  until bigint,
  customer @text not null,
  primary key (run, number)
);
create index run_steps_customer on run_steps (customer);

create table automation_spending (
  automation @text not null,
  period @text not null,
  spent_minor bigint not null,
  primary key (automation, period)
);

create table automation_sweeps (
  occasion @text primary key,
  begun_at bigint not null,
  position @text not null,
  found bigint not null,
  done_at bigint
);

create table opt_outs (
  hash @text not null,
  channel @text not null,
  at bigint not null,
  reason @text not null,
  primary key (hash, channel)
);

alter table outbox add column run @text not null default '';
alter table outbox add column automation @text not null default '';
alter table outbox add column step integer;
alter table outbox add column channel @text not null default '';
alter table outbox add column address @text not null default '';
alter table outbox add column purpose @text not null default '';
alter table outbox add column apology integer not null default 0;
alter table outbox add column cost_minor bigint not null default 0;
create index outbox_address on outbox (address, created_at) where address <> '';
create index outbox_run on outbox (run) where run <> '';
create index outbox_troubled on outbox (state, created_at) where state in ('uncertain', 'dead');
create index outbox_finished on outbox (finished_at) where automation <> '';
create index outcomes_age on outcomes (at);
create index customers_merged on customers (merged_into) where merged_into is not null
