-- What a granted offer really costs, as of when it was granted, and the trial that an outcome belongs to, whichever of the
-- decisions for the customer it was recorded on.

alter table outcomes add column cost_minor bigint;
alter table outcomes add column cost_currency @text;
alter table outcomes add column epoch bigint;
alter table outcomes add column situation @text
