"""Render and send an email newsletter written as a Markdown post."""
