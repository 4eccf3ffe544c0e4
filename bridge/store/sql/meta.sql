-- name: get
select value from meta where name = :name

-- name: put
insert into meta (name, value) values (:name, :value) on conflict (name) do update set value = excluded.value

-- name: put_once
insert into meta (name, value) values (:name, :value) on conflict (name) do nothing

-- name: model
select version, body from models where kind = :kind order by installed_at desc, version desc limit 1

-- name: install_model
insert into models (kind, version, body, installed_at) values (:kind, :version, :body, :at)
on conflict (kind, version) do update set installed_at = excluded.installed_at

-- name: records_there
select count(*) from (select 1 from deliveries limit 1) first_one

-- name: keep_model
insert into models (kind, version, body, installed_at) values (:kind, :version, :body, :at)
on conflict (kind, version) do update set body = excluded.body

-- name: model_version
select kind, version, body, installed_at from models where kind = :kind and version = :version

-- name: models
select kind, version, body, installed_at from models where kind = :kind order by installed_at desc, version desc

-- name: like
select name, value from meta where name like :name order by name

-- name: drop
delete from meta where name = :name
