"""Words inside `<code>` as code, the links, pictures and line breaks among them kept."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import groupby

from newsletter.model.issue import Break, Code, Emphasis, Image, Inline, Inlines, Link, Note, Strike, Strong, plain_text


def as_code(inlines: Inlines) -> Iterator[Inline]:
    """`<code>see <a href="…">open</a></code>`: code, and a link whose label is code."""
    for is_kept, run in groupby(inlines, key=_leads_somewhere):
        if not is_kept:
            words = plain_text(run)
            yield from (Code(words),) if words else ()
            continue
        for node in run:
            match node:
                case Link(children=children) | Strong(children) | Emphasis(children) | Strike(children):
                    yield replace(node, children=tuple(as_code(children)))
                case _:
                    yield node


def _leads_somewhere(node: Inline) -> bool:
    match node:
        case Link() | Image() | Break() | Note():
            return True
        case Strong(children) | Emphasis(children) | Strike(children):
            return any(map(_leads_somewhere, children))
    return False
