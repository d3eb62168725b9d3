"""Markdown -> blocks and inlines."""
