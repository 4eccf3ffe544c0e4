-- name: changed
select id, source, source_id from record_versions where object = 'customer' and id > :after order by id limit :most

-- name: put_token
insert into match_tokens (token, source, source_id) values (:token, :source, :source_id)
on conflict (token, source, source_id) do nothing

-- name: drop_tokens
delete from match_tokens where source = :source and source_id = :source_id

-- name: holders
select token, source, source_id from (
  select token, source, source_id, row_number() over (partition by token order by source, source_id) as place
  from match_tokens where token = any(:tokens)
) held
where place <= :most
order by token, source, source_id

-- name: open_of
select id, a_source, a_id, b_source, b_id, score from proposals
where state = 'open' and ((a_source = :source and a_id = any(:ids)) or (b_source = :source and b_id = any(:ids)))
order by id

-- name: put
insert into proposals (id, a_source, a_id, b_source, b_id, score, evidence, state, found_at)
values (:id, :a_source, :a_id, :b_source, :b_id, :score, :evidence, 'open', :found_at)
on conflict (id) do update set score = excluded.score, evidence = excluded.evidence where proposals.state = 'open'

-- name: drop_open
delete from proposals where id = :id and state = 'open'

-- name: open
-- Whom somebody has told apart since is left out, in whatever way that was said.
select p.id, p.a_source, p.a_id, x.customer, p.b_source, p.b_id, y.customer, p.score, p.evidence, p.state, p.found_at,
       p.decided_by, p.decided_at
from proposals p
join profiles x on x.source = p.a_source and x.source_id = p.a_id
join profiles y on y.source = p.b_source and y.source_id = p.b_id
where p.state = 'open' and x.customer <> y.customer and not exists (
    select 1 from assertions s where s.same = 0 and s.undone_at is null
      and ((s.a = p.a_source || ':' || p.a_id and s.b = p.b_source || ':' || p.b_id)
        or (s.b = p.a_source || ':' || p.a_id and s.a = p.b_source || ':' || p.b_id))
  ) and (p.score < :score::bigint or (p.score = :score::bigint and p.id > :after))
order by p.score desc, p.id limit :most

-- name: decided
select p.id, p.a_source, p.a_id, x.customer, p.b_source, p.b_id, y.customer, p.score, p.evidence, p.state, p.found_at,
       p.decided_by, p.decided_at
from proposals p
join profiles x on x.source = p.a_source and x.source_id = p.a_id
join profiles y on y.source = p.b_source and y.source_id = p.b_id
where p.state = :state and (p.decided_at < :before or (p.decided_at = :before and p.id > :after))
order by p.decided_at desc, p.id limit :most

-- name: one
select p.id, p.a_source, p.a_id, x.customer, p.b_source, p.b_id, y.customer, p.score, p.evidence, p.state, p.found_at,
       p.decided_by, p.decided_at, p.decision
from proposals p
join profiles x on x.source = p.a_source and x.source_id = p.a_id
join profiles y on y.source = p.b_source and y.source_id = p.b_id
where p.id = :id

-- name: counted
select p.state, count(*) from proposals p
join profiles x on x.source = p.a_source and x.source_id = p.a_id
join profiles y on y.source = p.b_source and y.source_id = p.b_id
where p.state <> 'open' or (x.customer <> y.customer and not exists (
  select 1 from assertions s where s.same = 0 and s.undone_at is null
    and ((s.a = p.a_source || ':' || p.a_id and s.b = p.b_source || ':' || p.b_id)
      or (s.b = p.a_source || ':' || p.a_id and s.a = p.b_source || ':' || p.b_id))
))
group by p.state order by p.state

-- name: decide
update proposals set state = :state, decided_by = :by, decided_at = :at, decision = :decision
where id = :id and state = :was returning id

-- name: drop_between
-- What else was proposed of two customers, of whom it has been said that they are two people.
delete from proposals where state = 'open' and exists (
  select 1 from profiles x join profiles y on y.source = proposals.b_source and y.source_id = proposals.b_id
  where x.source = proposals.a_source and x.source_id = proposals.a_id
    and ((x.customer = :a and y.customer = :b) or (x.customer = :b and y.customer = :a))
) returning id

-- name: reopened
update proposals set state = 'open', decided_by = null, decided_at = null, decision = null where decision = :decision

-- name: merges
select a.id, a.a, a.b, a.actor, a.at, a.evidence, p.id from assertions a
left join proposals p on p.decision = a.id
where a.origin = 'person' and a.same = 1 and a.undone_at is null and a.at < :before
order by a.at desc, a.id limit :most
