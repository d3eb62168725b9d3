"""Where the archive has an issue: paths that never change, made of the ledger's name."""

from __future__ import annotations

import hashlib
from datetime import date
from urllib.parse import quote

from newsletter.model.issue_name import slug_of

MAX_STEM_BYTES = 200
"""File systems take 255 bytes, and an ending and a temporary name want room; 80 letters may have 320."""


def issue_path(name: str) -> str:
    """The page of the issue that the ledger has under this name."""
    return f"issues/{issue_stem(name)}.html"


def card_path(name: str) -> str:
    """The picture that shows the issue where its page is shared."""
    return f"cards/{issue_stem(name)}.png"


def issue_stem(name: str) -> str:
    """A file's name without its ending, another one for each name of the ledger."""
    stem = slug_of(name)
    data = stem.encode()
    if stem == name and len(data) <= MAX_STEM_BYTES:
        return stem
    # Security: a name of another program's making may hold anything; what is left of it cannot lead out of the folder.
    mark = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:8]
    return f"{data[: MAX_STEM_BYTES - 9].decode(errors='ignore').rstrip('-')}-{mark}"


def month_path(day: date) -> str:
    return f"months/{day.year:04}-{day.month:02}.html"


def address_of(base: str, path: str) -> str:
    """A file of the archive on the web; the front page for no path. Empty where the archive has no address."""
    return f"{base}/{quote(path)}" if base else ""
