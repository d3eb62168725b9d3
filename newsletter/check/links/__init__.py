"""Check that links work."""
