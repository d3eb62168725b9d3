"""Liquid, subscriber placeholders and conditions in a post."""
