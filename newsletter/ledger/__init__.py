"""The ledger: a durable record of who was mailed."""
