"""The folders beside newsletter.toml whose posts are mails to one reader, and no issues."""

from __future__ import annotations

import os
from pathlib import Path

LETTERS_FOLDER = "letters"
SERIES_FOLDER = "series"


def is_own_mail(folder: Path, root: Path) -> bool:
    """Whether a post of that folder is a mail of the sign-up pages or of the series: no page on the web shows it."""
    place = os.path.realpath(folder)
    return place in (os.path.realpath(root / LETTERS_FOLDER), os.path.realpath(root / SERIES_FOLDER))
