"""What can be said of an email by looking at it: pure functions of the issue, its email, and given data."""
