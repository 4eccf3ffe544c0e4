-- name: profiles
select source, source_id, customer, first_seen from profiles
where source = :source and source_id = any(:ids)
order by source_id

-- name: keys_of
select kind, value, source, source_id, shared from identities
where source = :source and source_id = any(:ids)
order by source_id, kind, value

-- name: holders
select kind, value, source, source_id, shared from (
  select kind, value, source, source_id, shared,
         row_number() over (partition by kind, value order by source, source_id) as place
  from identities where kind = :kind and value = any(:values)
) held
where place <= :most
order by kind, value, source, source_id

-- name: accounts_of
select account, source, source_id from memberships
where source = :source and source_id = any(:ids)
order by source_id, account

-- name: members
select distinct p.customer from memberships m
join profiles p on p.source = m.source and p.source_id = m.source_id
where m.account = :account
order by p.customer limit :most

-- name: assertions
select id, a, b, same, at from assertions
where (a = any(:names) or b = any(:names)) and undone_at is null
order by at, id

-- name: blocked
select kind, value from blocks where kind = :kind and value = any(:values) order by kind, value

-- name: put_profile
insert into profiles (source, source_id, customer, first_seen) values (:source, :source_id, :customer, :first_seen)
on conflict (source, source_id) do update set customer = excluded.customer

-- name: put_key
insert into identities (kind, value, source, source_id, shared) values (:kind, :value, :source, :source_id, :shared)
on conflict (kind, value, source, source_id) do update set shared = excluded.shared

-- name: drop_key
delete from identities where kind = :kind and value = :value and source = :source and source_id = :source_id

-- name: put_member
insert into memberships (account, source, source_id) values (:account, :source, :source_id)
on conflict (account, source, source_id) do nothing

-- name: drop_member
delete from memberships where account = :account and source = :source and source_id = :source_id

-- name: assert
insert into assertions (id, a, b, same, origin, evidence, actor, at)
values (:id, :a, :b, :same, :origin, :evidence, :actor, :at)
on conflict (id) do update set undone_at = null

-- name: assertion
select id, a, b, same, origin, evidence, actor, at, undone_at from assertions where id = :id

-- name: undo
update assertions set undone_at = :at where id = :id and undone_at is null

-- name: block
insert into blocks (kind, value, reason, actor, at) values (:kind, :value, :reason, :actor, :at)
on conflict (kind, value) do update set reason = excluded.reason, actor = excluded.actor, at = excluded.at

-- name: unblock
delete from blocks where kind = :kind and value = :value

-- name: log_merge
insert into merges (at, kind, survivor, absorbed, evidence) values (:at, :kind, :survivor, :absorbed, :evidence)

-- name: merges_of
select id, at, kind, survivor, absorbed, evidence from merges
where survivor = :customer or absorbed = :customer
order by id

-- name: assertions_of
select id, a, b, same, origin, evidence, actor, at, undone_at from assertions
where a = any(:names) or b = any(:names)
order by at, id
