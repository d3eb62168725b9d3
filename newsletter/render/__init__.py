"""`Issue` + theme -> `Email`."""
