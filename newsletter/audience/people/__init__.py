"""Subscribers in the database: sign-ups, consent, preferences, bounces and suppressions."""
