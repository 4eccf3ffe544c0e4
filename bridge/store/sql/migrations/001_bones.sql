-- Types that the engines spell differently: @text (compared byte by byte), @blob, @serial, @rowless.
-- Instants are bigint microseconds since 1970.

create table sources (
  name @text primary key,
  adapter @text not null,
  registered_at bigint not null,
  live_since bigint,
  seen_at bigint,
  error @text,
  error_at bigint
);

create table cursors (
  source @text not null,
  stream @text not null,
  cursor @text not null default '',
  position bigint not null default 0,
  total bigint,
  done integer not null default 0,
  due_at bigint not null default 0,
  lease_owner @text,
  lease_until bigint not null default 0,
  failures integer not null default 0,
  error @text,
  updated_at bigint not null,
  primary key (source, stream)
);

create table deliveries (
  id @serial,
  source @text not null,
  dedupe_key @text not null,
  via @text not null,
  object @text not null,
  raw @text not null,
  patch integer not null default 0,
  place @text not null default '',
  origin @text not null,
  received_at bigint not null,
  state @text not null,
  error @text,
  attempts integer not null default 0,
  due_at bigint not null default 0,
  lease_owner @text,
  lease_until bigint not null default 0,
  record @text not null default '',
  unique (source, dedupe_key)
);
create index deliveries_open on deliveries (due_at, id) where state in ('new', 'waiting');
create index deliveries_dead on deliveries (source, id) where state = 'dead';

create table record_versions (
  id @serial,
  source @text not null,
  object @text not null,
  source_id @text not null,
  ord @text not null,
  hash @text not null,
  kind @text not null,
  effective_at bigint,
  known_at bigint not null,
  subject @text not null,
  body @text not null,
  delivery bigint,
  retracted integer not null default 0,
  unique (source, object, source_id, ord, hash)
);
create index record_versions_delivery on record_versions (delivery);
create index record_versions_subject on record_versions (subject);

create table records (
  source @text not null,
  object @text not null,
  source_id @text not null,
  ord @text not null,
  hash @text not null,
  effective_at bigint not null,
  known_at bigint not null,
  subject @text not null,
  body @text not null,
  deleted integer not null default 0,
  primary key (source, object, source_id)
) @rowless;
create index records_subject on records (subject, effective_at);

create table profiles (
  source @text not null,
  source_id @text not null,
  customer @text not null,
  first_seen bigint not null,
  primary key (source, source_id)
) @rowless;
create index profiles_customer on profiles (customer);

create table identities (
  kind @text not null,
  value @text not null,
  source @text not null,
  source_id @text not null,
  shared integer not null default 0,
  primary key (kind, value, source, source_id)
) @rowless;
create index identities_profile on identities (source, source_id);

create table memberships (
  account @text not null,
  source @text not null,
  source_id @text not null,
  primary key (account, source, source_id)
) @rowless;
create index memberships_profile on memberships (source, source_id);

create table assertions (
  id @text primary key,
  a @text not null,
  b @text not null,
  same integer not null,
  origin @text not null,
  evidence @text not null,
  actor @text not null,
  at bigint not null,
  undone_at bigint
);
create index assertions_a on assertions (a);
create index assertions_b on assertions (b);

create table blocks (
  kind @text not null,
  value @text not null,
  reason @text not null,
  actor @text not null,
  at bigint not null,
  primary key (kind, value)
);

create table merges (
  id @serial,
  at bigint not null,
  kind @text not null,
  survivor @text not null,
  absorbed @text not null,
  evidence @text not null
);
create index merges_survivor on merges (survivor);
create index merges_absorbed on merges (absorbed);

create table customers (
  id @text primary key,
  version bigint not null,
  created_at bigint not null,
  merged_into @text,
  due_at bigint not null,
  due_origin @text not null default 'live'
);
create index customers_due on customers (due_at, id) where merged_into is null;

create table keys (
  kind @text not null,
  value @text not null,
  match @text not null,
  customer @text not null,
  account @text not null,
  candidates integer not null,
  tier @text not null,
  priority integer not null,
  route_hint @text not null,
  language @text not null,
  primary key (kind, value)
) @rowless;
create index keys_customer on keys (customer);

create table decisions (
  customer @text not null,
  language @text not null,
  main integer not null,
  id @text not null,
  computed_at bigint not null,
  valid_until bigint not null,
  as_of bigint not null,
  tier @text not null,
  priority integer not null,
  route_hint @text not null,
  risk_band @text not null,
  value_minor bigint,
  currency @text,
  routing @blob not null,
  detail @blob not null,
  card @blob not null,
  made_of @text not null,
  shown_at bigint,
  primary key (customer, language)
);
create index decisions_id on decisions (id);

create table decision_log (
  id @text not null,
  language @text not null,
  customer @text not null,
  computed_at bigint not null,
  as_of bigint not null,
  superseded_at bigint not null,
  shown_at bigint,
  routing @blob not null,
  detail @blob not null,
  card @blob not null,
  made_of @text not null,
  primary key (id, language)
);
create index decision_log_customer on decision_log (customer);
create index decision_log_age on decision_log (superseded_at) where shown_at is null;

create table materials (
  hash @text primary key,
  kind @text not null,
  body @text not null,
  first_used_at bigint not null
);

create table models (
  kind @text not null,
  version @text not null,
  body @text not null,
  installed_at bigint not null,
  primary key (kind, version)
);

create table facts (
  id @text primary key,
  kind @text not null,
  customer @text not null,
  occurred_at bigint not null,
  known_at bigint not null,
  origin @text not null,
  cause @text not null,
  data @text not null
);
create index facts_customer on facts (customer, occurred_at);

create table outbox (
  id @serial,
  dedupe_key @text not null unique,
  source @text not null,
  action @text not null,
  args @text not null,
  customer @text not null,
  fact @text not null,
  state @text not null,
  created_at bigint not null,
  due_at bigint not null,
  lease_owner @text,
  lease_until bigint not null default 0,
  attempts integer not null default 0,
  reference @text,
  error @text,
  finished_at bigint
);
create index outbox_open on outbox (due_at, id) where state in ('due', 'sending');
create index outbox_customer on outbox (customer);

create table outcomes (
  key @text primary key,
  decision @text not null,
  customer @text not null,
  at bigint not null,
  kind @text not null,
  result @text,
  offer @text,
  amount_minor bigint,
  currency @text,
  note @text,
  disposition @text,
  agent @text,
  actor @text not null
);
create index outcomes_customer on outcomes (customer, at);
create index outcomes_decision on outcomes (decision);

create table grants (
  customer @text not null,
  offer @text not null,
  decision @text not null,
  at bigint not null,
  until bigint not null,
  amount_minor bigint,
  currency @text,
  primary key (customer, offer)
);

create table dips (
  interaction @text primary key,
  customer @text not null,
  decision @text not null,
  at bigint not null
);
create index dips_age on dips (at);

create table access_keys (
  id @text primary key,
  hash @text not null unique,
  name @text not null,
  scopes @text not null,
  created_at bigint not null,
  expires_at bigint,
  revoked_at bigint
);

create table audit (
  id @serial,
  at bigint not null,
  actor @text not null,
  action @text not null,
  subject @text not null,
  detail @text not null
);
create index audit_subject on audit (subject);

create table suppressions (
  hash @text primary key,
  at bigint not null
);
