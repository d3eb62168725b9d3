"""The database of ledger and subscribers: SQLite or PostgreSQL."""
