"""TOML files of an operator or a theme's author: sections declared once, read, judged and documented alike."""
