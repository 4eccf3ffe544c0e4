-- name: keys
select id, hash, name, scopes, created_at, expires_at, revoked_at from access_keys order by id

-- name: by_hash
select id, hash, name, scopes, created_at, expires_at, revoked_at from access_keys where hash = :hash

-- name: put
insert into access_keys (id, hash, name, scopes, created_at, expires_at, revoked_at)
values (:id, :hash, :name, :scopes, :created_at, :expires_at, :revoked_at)
on conflict (id) do update set expires_at = excluded.expires_at, revoked_at = excluded.revoked_at

-- name: audit
insert into audit (at, actor, action, subject, detail) values (:at, :actor, :action, :subject, :detail)

-- name: revoke
update access_keys set revoked_at = :at where id = :id and revoked_at is null returning id

-- name: use_token
insert into used_tokens (hash, until) values (:hash, :until) on conflict (hash) do nothing

-- name: forget_tokens
delete from used_tokens where until < :now

-- name: ended_sessions
-- Sessions of the console that were ended before their time stand among the used tokens, under names of their own.
select hash from used_tokens where hash >= 'session:' and hash < 'session;' order by hash
