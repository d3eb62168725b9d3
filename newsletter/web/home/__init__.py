"""The newsletter's home on this machine: its posts with their state, what goes out next, numbers, and sends."""
