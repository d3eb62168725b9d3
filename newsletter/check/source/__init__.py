"""Rules and fixes on the post's source."""
