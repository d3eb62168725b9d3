"""Who gets an issue."""
