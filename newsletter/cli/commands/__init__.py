"""The commands: their options and their help, one file each. What they do is loaded when they run."""
