"""Webhooks of mail providers, a file each."""
