"""`newsletter stats`."""
