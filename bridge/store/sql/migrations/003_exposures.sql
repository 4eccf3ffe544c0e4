-- Scripts that were shown, how they had been drawn, and what became of the customer.

create table exposures (
  customer @text not null,
  epoch bigint not null,
  situation @text not null,
  decision @text not null,
  at bigint not null,
  arm @text not null,
  arms @text not null,
  cell @text not null,
  value_minor bigint,
  currency @text,
  due_at bigint not null,
  became @text,
  later @text,
  settled_at bigint,
  primary key (customer, epoch, situation)
) @rowless;
create index exposures_open on exposures (due_at) where became is null;
create index exposures_epoch on exposures (epoch, situation);
create index exposures_decision on exposures (decision)
