"""The table of every key, for docs/configuration.md."""

from __future__ import annotations

from newsletter.config.fault_messages import toml
from newsletter.config.section import Key, keys_of
from newsletter.config.settings import LABELS, RELAYS, SECTIONS


def describe() -> str:
    """Every key in a Markdown table: its default and its meaning."""
    rows = ["| Section | Key | Default | Meaning |", "|---|---|---|---|"]
    for section, keys in SECTIONS.items():
        if section == "relays":
            rows.append(f"| `[[relays]]` | any |  | {RELAYS} |")
        elif keys is None:
            rows.append(f"| `[{section}]` | any |  | {LABELS.about} |")
        else:
            rows += (_row(section, name, key) for name, (_, key) in keys_of(keys).items())
    return "\n".join(rows) + "\n"


def _row(section: str, name: str, key: Key) -> str:
    default = f"`{toml(key.default)}`" if key.default else ""
    example = f" Example: `{name} = {toml(key.example)}`" if key.example != key.default else ""
    return f"| `[{section}]` | `{name}` | {default} | {key.about}{example} |"
