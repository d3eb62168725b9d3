"""Load newsletter.toml and the environment into a `Config`."""
