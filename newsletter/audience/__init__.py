"""The recipients of an issue: lists and subscribers."""
