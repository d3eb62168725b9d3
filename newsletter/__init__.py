"""Render and send an email newsletter written as a Markdown post."""

__version__ = "0.1.0"

DISTRIBUTION = "newsletter-press"
"""The distribution's name on PyPI; the package and the command are `newsletter`. That name belongs to another project
there.
"""
