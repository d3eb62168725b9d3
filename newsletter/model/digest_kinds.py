"""The kinds of digests: posts that are made of several issues, for readers who want less mail."""

from __future__ import annotations

DIGESTS = ("weekly", "monthly")
"""How often a digest comes; the subscribers' preference has the same words."""
