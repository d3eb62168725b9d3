"""The database of ledger and people: SQLite or PostgreSQL."""
