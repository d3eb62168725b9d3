"""The folders beside newsletter.toml whose posts are mails to one reader, and no issues."""

from __future__ import annotations

import os
from pathlib import Path

LETTERS_FOLDER = "letters"
SERIES_FOLDER = "series"


def is_in(folder: Path, root: Path, name: str) -> bool:
    """Whether a post's folder is the one of this name beside newsletter.toml."""
    return os.path.realpath(folder) == os.path.realpath(root / name)


def is_own_mail(folder: Path, root: Path) -> bool:
    """Whether a post of that folder is a mail of the sign-up pages or of the series: no page on the web shows it."""
    return is_in(folder, root, LETTERS_FOLDER) or is_in(folder, root, SERIES_FOLDER)
