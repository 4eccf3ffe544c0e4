-- What of the outbox waits for the vendor's word or a person's: asked for again and again, and few among very many.

create index outbox_unsettled on outbox (state, id) where state in ('uncertain', 'dead')
