"""Whether links are alive."""
