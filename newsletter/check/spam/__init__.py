"""SpamAssassin's opinion."""
