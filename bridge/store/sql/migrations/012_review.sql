-- What people decide about records that may be one person's, and what an operator sees of a source: when each stream was
-- read to its end, how much came in by the hour, and why a delivery that nobody could read was given up.

create table match_tokens (
  token @text not null,
  source @text not null,
  source_id @text not null,
  primary key (token, source, source_id)
) @rowless;
create index match_tokens_profile on match_tokens (source, source_id);

create table proposals (
  id @text primary key,
  a_source @text not null,
  a_id @text not null,
  b_source @text not null,
  b_id @text not null,
  score integer not null,
  evidence @text not null,
  state @text not null,
  found_at bigint not null,
  decided_by @text,
  decided_at bigint,
  decision @text
);
create index proposals_a on proposals (a_source, a_id);
create index proposals_b on proposals (b_source, b_id);
create index proposals_open on proposals (score) where state = 'open';
create index proposals_decided on proposals (decided_at) where state <> 'open';

create index assertions_by_people on assertions (at) where origin = 'person';
create index record_versions_people on record_versions (id) where object = 'customer';
create index deliveries_letters on deliveries (state, id) where state in ('dead', 'discarded');
create index deliveries_received on deliveries (received_at);
alter table cursors add column read_at bigint;
alter table deliveries add column note @text
