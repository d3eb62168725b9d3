"""Parse a post's text into an `Issue`. Pure: no clock, files, network or environment."""
