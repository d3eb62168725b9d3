"""Compare trees without the lines of the source that their nodes are from."""

from __future__ import annotations

import dataclasses


def without_lines(value: object) -> object:
    """A node as nested tuples, equal for nodes that say the same."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = (getattr(value, field.name) for field in dataclasses.fields(value) if field.name != "line")
        return (type(value).__name__, *map(without_lines, fields))
    if isinstance(value, tuple | list):
        return tuple(map(without_lines, value))
    return value
