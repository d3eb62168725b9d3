"""A title as part of a file name."""

from __future__ import annotations

import re
import unicodedata

_MAX_STEM = 60


def file_stem(title: str) -> str:
    """A title as part of a file name: letters and digits of any script, `-` between them, 60 characters at most."""
    stem = re.sub(r"[^\w]+", "-", unicodedata.normalize("NFC", title)).strip("-_").lower()
    return stem[:_MAX_STEM].rstrip("-") or "issue"
