"""post."""
