-- Tokens of hosts that were exchanged for a ticket, until they end: none is taken twice, by whatever process.

create table used_tokens (
  hash @text primary key,
  until bigint not null
) @rowless;
