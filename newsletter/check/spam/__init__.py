"""SpamAssassin's score."""
