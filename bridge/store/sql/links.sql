-- name: put
insert into links (hash, purpose, message, run, automation, customer, channel, address, language, contract, offer, amount_minor, currency,
  made_at, expires_at)
values (:hash, :purpose, :message, :run, :automation, :customer, :channel, :address, :language, :contract, :offer, :amount_minor, :currency,
  :made_at, :expires_at)

-- name: one
select purpose, message, run, automation, customer, channel, address, language, contract, offer, amount_minor, currency, made_at,
  expires_at, used_at, used_how, uses
from links where hash = :hash

-- name: use
update links set used_at = :at, used_how = :how, uses = uses + 1 where hash = :hash and used_at is null and expires_at > :at

-- name: take_back
update links set used_at = null, used_how = '' where hash = :hash and used_at = :used_at

-- name: opt_in
delete from opt_outs where reason = :reason

-- name: opt_in_by_link
delete from opt_outs where hash = :hash and channel = :channel and reason like 'link:%'

-- name: responded
select customer, occurred_at from facts
where kind = 'customer.responded' and customer = any(:customers) order by customer, occurred_at

-- name: forget
delete from links where expires_at < :before
