"""Queries: DNS, relay, web, database, file system."""
