-- name: suppressed
select hash from suppressions where hash = any(:hashes) order by hash

-- name: suppress
insert into suppressions (hash, at) values (:hash, :at) on conflict (hash) do nothing

-- name: any_suppressed
select count(*) from (select 1 from suppressions limit 1) first_one

-- name: blank_delivery
update deliveries set raw = '{}', place = '', error = :error, state = 'ignored', record = '', lease_owner = null, lease_until = 0
where id = :id
