"""How the ledger names the lists and the segment of a send, so that `resume` finds them again."""

from __future__ import annotations

_MARK = "\nwhere "


def join_segment(path: str, source: str) -> str:
    """A list and the segment of it that a send went to, as the ledger keeps them in one text."""
    return f"{path}{_MARK}{source}" if source else path


def split_segment(text: str) -> tuple[str, str]:
    """The path and the segment again; an empty segment for a whole list."""
    path, _, source = text.partition(_MARK)
    return path, source
