"""Typed access to untrusted JSON."""

from __future__ import annotations

from typing import Any

MAX_LISTED = 5_000
"""Entries of one list that are looked at."""


def value_at(tree: object, *path: str) -> object:
    """What stands at a path of names; None where there is nothing."""
    for name in path:
        tree = tree.get(name) if isinstance(tree, dict) else None
    return tree


def text_at(tree: object, *path: str) -> str:
    """A string or a number as text; "" where there is neither."""
    found = value_at(tree, *path)
    if isinstance(found, bool) or not isinstance(found, str | int | float):
        return ""
    try:
        # A lone surrogate, which JSON can write, belongs to no text.
        return str(found).encode("utf-8", "replace").decode()
    except ValueError:  # a number of more digits than Python turns into text
        return ""


def list_at(tree: object, *path: str) -> list[Any]:
    found = value_at(tree, *path)
    return found[:MAX_LISTED] if isinstance(found, list) else []


def message_ids_of(*texts: str) -> tuple[str, ...]:
    """In angle brackets, as the header has them; some providers leave them out."""
    bare = (text.strip().strip("<>") for text in texts)
    return tuple(dict.fromkeys(f"<{text}>" for text in bare if "@" in text and len(text) < 500))
