"""Render an `Issue` with a theme into an `Email`."""
