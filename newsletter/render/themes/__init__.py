"""Themes: find, load, validate, copy."""
