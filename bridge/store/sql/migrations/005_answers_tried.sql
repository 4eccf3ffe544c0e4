-- What callers answered to the question which of several people they are, as hashes: only so many are tried.

create table answers_tried (
  subject @text not null,
  answer @text not null,
  at bigint not null,
  primary key (subject, answer)
) @rowless;
create index answers_tried_age on answers_tried (at);
