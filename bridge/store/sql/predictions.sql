-- name: note
insert into predictions (customer, said_at, model, probability, signals, due_at)
select customer, :said_at::bigint, scored_by, probability, signals, :due_at::bigint from decisions
where customer >= :low and customer < :high and main = 1 and probability is not null
on conflict (customer, said_at) do nothing

-- name: due
select customer, said_at, due_at from predictions
where outcome is null and due_at <= :now
order by due_at, customer limit :most

-- name: settle
update predictions set outcome = :outcome, settled_at = :at
where customer = :customer and said_at = :said_at and outcome is null

-- name: drop
delete from predictions where customer = any(:customers)

-- name: forget
delete from predictions where said_at < :before

-- name: said
select said_at, customer, probability, signals, outcome, due_at from predictions
where (said_at > :said_at or (said_at = :said_at and customer > :customer)) and said_at <= :until and model = :model
order by said_at, customer limit :most

-- name: first_said
select said_at from predictions where model = :model order by said_at limit 1

-- name: scored
select customer, signals from decisions
where main = 1 and probability is not null and customer > :after
order by customer limit :most

-- name: next_due
select due_at from predictions where outcome is null order by due_at limit 1
