"""A post's text -> `Issue`. Pure: no clock, files, network or environment."""
