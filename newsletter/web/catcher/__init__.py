"""catcher."""
