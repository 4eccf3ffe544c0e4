-- Figures that were reckoned, as they are shown: sums over customers, none of a single one.

create table metrics (
  part @text primary key,
  body @text not null,
  computed_at bigint not null
)
