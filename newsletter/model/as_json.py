"""An issue's tree as JSON, for `issue.json` and for tests."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from functools import cache
from typing import Any

from newsletter.model.issue import Heading, Link, ListBlock, Paragraph, Story, plain_text, walk


def as_json(value: Any) -> Any:
    """A tree as plain JSON data. Each node carries its `kind`: the class name in lower case (`list` for lists)."""
    names = _field_names(value.__class__)
    if names is not None:
        kind = "list" if isinstance(value, ListBlock) else type(value).__name__.lower()
        data: dict[str, Any] = {"kind": kind}
        for name in names:
            data[name] = as_json(getattr(value, name))
        match value:
            case Heading(inlines=inlines) | Paragraph(inlines=inlines):
                data["text"] = plain_text(inlines)
            case Story(body=body):
                data["text"] = "\n".join(plain_text(b.inlines) for b in walk(body) if isinstance(b, Paragraph))
            case Link():
                data["text"] = value.label
        return data
    if isinstance(value, Mapping):
        return {str(key): as_json(item) for key, item in value.items()}
    if isinstance(value, tuple | list):
        return [as_json(item) for item in value]
    if value is None or isinstance(value, bool | int | float | str):
        return value
    return str(value)


@cache
def _field_names(kind: type) -> tuple[str, ...] | None:
    """None if it is no dataclass."""
    return tuple(each.name for each in dataclasses.fields(kind)) if dataclasses.is_dataclass(kind) else None
