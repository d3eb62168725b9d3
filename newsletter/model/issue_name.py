"""The name of an issue: from the front matter, the file's name, the folder's, or the title.

Two posts may have the same name; the ledger stores an `Identity` beside it to distinguish them.
"""

from __future__ import annotations

import re
import unicodedata
from datetime import date
from pathlib import PurePath

from newsletter.frozen import frozen

FOLDER_PAGES = frozenset({"index", "_index", "readme"})
"""Stems that are generic: the post is its folder's page (Hugo's bundles, MkDocs, GitHub), and the folder names it."""

MAX_NAME = 80


@frozen
class Identity:
    """The identity of a post beside its name. `name` is the name before slugging, such as `C++` for `c`; empty for
    standard input. `newsletter` is the sender's List-Id.

    None if the ledger does not know: it was written by an older version.
    """

    title: str
    day: date | None = None
    name: str | None = None
    newsletter: str | None = None


def slug_of(name: str) -> str:
    """A name safe as a file name and readable in the ledger: letters and digits of any script, `-` between."""
    slug = re.sub(r"[^\w]+", "-", unicodedata.normalize("NFC", name)).strip("-_").lower()
    return slug[:MAX_NAME].rstrip("-") or "issue"


def is_folder_page(stem: str) -> bool:
    return stem.lower() in FOLDER_PAGES


def name_of_file(path: str | PurePath, folder: str = "") -> str:
    """The name given by a post's file: its stem, or the folder's name for a folder's page.

    `folder` is that name if the path does not contain it, as for `index.md` alone.
    """
    file = PurePath(path)
    return (folder or file.parent.name or file.stem) if is_folder_page(file.stem) else file.stem


def differences(known: Identity, mine: Identity) -> frozenset[str]:
    """The fields in which a post differs from the ledger's: `name`, `title`, `day`, `newsletter`; empty if none.

    Unknown fields of the ledger differ from nothing.
    """
    found = set()
    if known.title and _plain(known.title) != _plain(mine.title):
        found.add("title")
    if known.day is not None and known.day != mine.day:
        found.add("day")
    if known.name is not None and mine.name is not None and _plain(known.name) != _plain(mine.name):
        found.add("name")
    if known.newsletter and mine.newsletter and known.newsletter != mine.newsletter:
        found.add("newsletter")
    return frozenset(found)


def _plain(text: str) -> str:
    """Normalized: without differences of spaces and of composed accents, which editors and file systems introduce."""
    return " ".join(unicodedata.normalize("NFC", text).split())
