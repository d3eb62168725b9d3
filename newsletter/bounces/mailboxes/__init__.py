"""Mailboxes to read from."""
