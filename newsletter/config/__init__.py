"""newsletter.toml and the environment -> `Config`."""
