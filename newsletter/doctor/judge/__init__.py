"""What answers mean: records, replies and settings in, verdicts out. Pure."""
