"""Rules on the rendered email."""
