"""Render and send an email newsletter written as a Markdown post."""

__version__ = "0.1.0"

DISTRIBUTION = "newsletter-press"
"""The name to install, where the package and the command are `newsletter`: that one is another project's."""
