"""People: rows of the database for sign-ups, consent, bounces and suppressions."""
