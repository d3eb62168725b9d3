"""TOML files of an operator or theme author: declarative sections with validation and documentation."""
