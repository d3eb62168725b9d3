"""Lint a post and its email: `newsletter check`."""
