"""Rules that look at an issue and its email, and say what their reader would stumble over. Pure."""
