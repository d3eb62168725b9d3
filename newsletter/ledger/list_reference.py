"""Encode a send's lists and segment as one text, so that `resume` can read them again."""

from __future__ import annotations

_MARK = "\nwhere "


def join_segment(path: str, source: str) -> str:
    """A list and the segment of a send as one text."""
    return f"{path}{_MARK}{source}" if source else path


def split_segment(text: str) -> tuple[str, str]:
    """The path and the segment of that text; an empty segment for a whole list."""
    path, _, source = text.partition(_MARK)
    return path, source
