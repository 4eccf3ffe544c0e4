-- Surveys: when each customer came up, with which probability they were invited, what they answered, and the tranches of
-- each plan with what they were sized by.

create table survey_occasions (
  id @text primary key,
  plan @text not null,
  metric @text not null,
  customer @text not null,
  cause @text not null,
  mode @text not null,
  came_up_at bigint not null,
  state @text not null default 'waiting',
  reason @text not null default '',
  tranche @text not null default '',
  owner @text not null default '',
  tier @text not null default '',
  band @text not null default '',
  bad double precision,
  answers double precision,
  propensity double precision,
  drawn_at bigint,
  run @text not null default '',
  answered_at bigint,
  score double precision,
  scale double precision,
  response @text not null default ''
);
create index survey_occasions_plan on survey_occasions (plan, state, id);
create index survey_occasions_customer on survey_occasions (customer, drawn_at);
create index survey_occasions_drawn on survey_occasions (drawn_at) where drawn_at is not null;

create table survey_tranches (
  id @text primary key,
  plan @text not null,
  day @text not null,
  mode @text not null,
  begun_at bigint not null,
  after_at bigint not null,
  until_at bigint not null,
  stage @text not null,
  position @text not null default '',
  sizes @text not null default '',
  done_at bigint
);
create index survey_tranches_plan on survey_tranches (plan, begun_at);

create index facts_known on facts (kind, known_at)
