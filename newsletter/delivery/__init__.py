"""Exactly-once delivery over SMTP."""
