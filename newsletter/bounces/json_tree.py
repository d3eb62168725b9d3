"""Typed access to untrusted JSON."""

from __future__ import annotations

from typing import Any

MAX_LISTED = 5_000
"""How many entries of one list are considered."""


def value_at(tree: object, *path: str) -> object:
    """The value at a path of keys; None if there is none."""
    for name in path:
        tree = tree.get(name) if isinstance(tree, dict) else None
    return tree


def text_at(tree: object, *path: str) -> str:
    """A string or a number as text; "" for any other value."""
    found = value_at(tree, *path)
    if isinstance(found, bool) or not isinstance(found, str | int | float):
        return ""
    try:
        # A lone surrogate, which JSON can express, is no valid text.
        return str(found).encode("utf-8", "replace").decode()
    except ValueError:  # a number with more digits than Python converts to text
        return ""


def list_at(tree: object, *path: str) -> list[Any]:
    found = value_at(tree, *path)
    return found[:MAX_LISTED] if isinstance(found, list) else []


def message_ids_of(*texts: str) -> tuple[str, ...]:
    """Message-IDs in angle brackets, as in the header; some providers omit them."""
    bare = (text.strip().strip("<>") for text in texts)
    return tuple(dict.fromkeys(f"<{text}>" for text in bare if "@" in text and len(text) < 500))
