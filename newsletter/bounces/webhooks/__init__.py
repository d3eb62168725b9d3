"""Webhooks of mail providers, a module per provider."""
