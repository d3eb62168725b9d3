"""The mail catcher."""
