"""Judges: records, replies and settings in, verdicts out. Pure."""
