"""Mark pictures that may be ink on nothing: in dark mode the light card is behind these, and behind no other.

A backing behind all of them is a white bar wherever one is not loaded. JPEGs have none; of a file that travels with the
mail its bytes tell, of an address on the web its name. The picture above the text is taken for a photograph unless one
of these says otherwise.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from html import unescape
from pathlib import PurePosixPath
from urllib.parse import urlsplit

from newsletter.model.rendered_email import Attachment

BACKED = "t"
"""The class of a picture that may be transparent. One letter: an issue has dozens."""

_PHOTOGRAPHS = frozenset({"jpg", "jpeg", "jfif", "pjpeg"})
_DRAWINGS = frozenset({"png", "gif", "webp", "svg", "avif", "apng"})
_ASKED_FORMAT = re.compile(r"(?:^|&)[A-Za-z_]{1,12}=(jpe?g|png|gif|webp|avif)(?=&|$)", re.IGNORECASE)


def mark_backed(html: str, hero: str, attachments: Iterable[Attachment]) -> str:
    """The HTML with the class on each `<img>` that may need it; `hero` is the address of the picture above the text."""
    opaque = {f"cid:{file.content_id}": is_opaque(file.media_type, file.data) for file in attachments}
    before, *tags = html.split("<img ")
    parts = [before]
    for rest in tags:
        address = unescape(rest[: rest.find(">")].partition('src="')[2].partition('"')[0])
        if not may_show_through(address, opaque, is_hero=address == hero):
            parts.append(rest)
        elif rest.startswith('class="'):
            parts.append(f'class="{BACKED} {rest[7:]}')
        else:
            parts.append(f'class="{BACKED}" {rest}')
    return "<img ".join(parts)


def may_show_through(address: str, opaque: Mapping[str, bool], *, is_hero: bool = False) -> bool:
    if address in opaque:
        return not opaque[address]
    try:
        parts = urlsplit(address)
    except ValueError:
        return True
    asked = _ASKED_FORMAT.search(parts.query)
    kind = asked[1] if asked else PurePosixPath(parts.path).suffix.removeprefix(".")
    if kind.lower() in _PHOTOGRAPHS:
        return False
    return kind.lower() in _DRAWINGS or not is_hero


def is_opaque(media_type: str, data: bytes) -> bool:
    """Whether a file's header rules out that anything shows through it (PNG 1.2, 4.1.1 and 4.2.1)."""
    if media_type == "image/jpeg":
        return True
    if media_type != "image/png" or len(data) < 26:
        return False
    has_alpha = bool(data[25] & 4)
    return not has_alpha and b"tRNS" not in data[: data.find(b"IDAT")]
