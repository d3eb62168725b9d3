"""The reference table of a declared TOML file's keys, for its page in docs/."""

from __future__ import annotations

from newsletter.toml_file.fault_messages import toml
from newsletter.toml_file.section import Key, Schema


def describe(schema: Schema) -> str:
    """A Markdown table of every key: its default and its meaning."""
    rows = ["| Section | Key | Default | Meaning |", "|---|---|---|---|"]
    rows += (_row("", name, key) for name, key in schema.top_keys.items())
    for section in schema.sections:
        free = schema.free_key(section)
        if section in schema.repeated:
            rows.append(f"| `[[{section}]]` | any |  | {schema.repeated[section]} |")
        elif free is not None:
            rows.append(f"| `[{section}]` | any |  | {free.about} |")
        else:
            rows += (_row(f"`[{section}]`", name, key) for name, key in schema.keys(section).items())
    return "\n".join(rows) + "\n"


def _row(section: str, name: str, key: Key) -> str:
    default = f"`{toml(key.default)}`" if key.default else ""
    example = f" Example: `{name} = {toml(key.example)}`" if key.example != key.default else ""
    return f"| {section} | `{name}` | {default} | {key.about}{example} |"
