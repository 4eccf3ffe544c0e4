-- Links in messages: what each is about and what became of it. A link is known by the hash of its token, an address by its
-- keyed hash (as in opt_outs).

create table links (
  hash @text primary key,
  purpose @text not null,
  message @text not null,
  run @text not null,
  automation @text not null,
  customer @text not null,
  channel @text not null,
  address @text not null,
  language @text not null,
  contract @text not null,
  offer @text not null,
  amount_minor bigint,
  currency @text,
  made_at bigint not null,
  expires_at bigint not null,
  used_at bigint,
  used_how @text not null default '',
  uses integer not null default 0
);
create index links_customer on links (customer, used_at);
create index links_age on links (expires_at)
