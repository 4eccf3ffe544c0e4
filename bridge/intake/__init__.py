"""How records come in: the inbox that keeps deliveries, the folding of versions, sync and live asking."""
