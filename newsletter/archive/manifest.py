"""The archive's manifest: which files are ours, and what each issue's page was made of."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import field
from typing import Any

from newsletter.archive.entry import Entry, entry_json, read_entry
from newsletter.frozen import frozen

FILE_NAME = ".newsletter-archive.json"
FORMAT = 1

OUR_PATHS = re.compile(
    r"""index\.html|sitemap\.xml|rss\.xml|atom\.xml|feed\.json
    |issues/[^/\0]+\.html|months/\d{4}-\d{2}\.html|cards/[^/\0]+\.png
    |assets/(?:[a-z]+-)?[0-9a-f]{12,16}\.[a-z]{2,4}|search/\d{4}(?:-\d{1,3})?\.js""",
    re.VERBOSE,
)
"""Every path that the archive ever writes. Security: nothing else is removed, whatever a manifest says."""


@frozen
class PictureRecord:
    """A picture of an issue: the hash of its source, empty where there was none, and the file made of it."""

    digest: str
    path: str = ""
    width: int = 0
    height: int = 0


@frozen
class IssueRecord:
    """An issue as it was written last. `text`, `page` and `card` are fingerprints of all that these depend on."""

    entry: Entry
    text: str
    page: str
    pictures: Mapping[str, PictureRecord] = field(default_factory=dict)
    card: str = ""


@frozen
class Manifest:
    """`files` has the SHA-256 and the size of each file that is ours, by its path.

    `is_unfinished`: the build that wrote it was cut off, and files of ours may be there that are not in it.
    """

    files: Mapping[str, tuple[str, int]] = field(default_factory=dict)
    issues: Mapping[str, IssueRecord] = field(default_factory=dict)
    is_unfinished: bool = False

    def is_ours(self, path: str) -> bool:
        return OUR_PATHS.fullmatch(path) is not None and (path in self.files or self.is_unfinished)


def write_manifest(manifest: Manifest) -> bytes:
    data = {
        "newsletter-archive": FORMAT,
        **({"unfinished": True} if manifest.is_unfinished else {}),
        "files": {path: list(manifest.files[path]) for path in sorted(manifest.files)},
        "issues": {
            name: {
                "text": record.text,
                "page": record.page,
                "card": record.card,
                "pictures": {
                    src: [each.digest, each.path, each.width, each.height] for src, each in record.pictures.items()
                },
                "entry": entry_json(record.entry),
            }
            for name, record in sorted(manifest.issues.items())
        },
    }
    return (json.dumps(data, ensure_ascii=True, separators=(",", ":")) + "\n").encode()


def read_manifest(data: bytes) -> Manifest | None:
    """The manifest of these bytes; None where they are none, or of another format: then all is written anew."""
    try:
        found = json.loads(data)
        if found["newsletter-archive"] != FORMAT:
            # Of another version: the files are ours, and each is written again.
            return Manifest(_files(found), {}, bool(found.get("unfinished")))
        issues = {str(name): _record(each) for name, each in found["issues"].items()}
        return Manifest(_files(found), issues, bool(found.get("unfinished")))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None


def _files(found: Mapping[str, Any]) -> dict[str, tuple[str, int]]:
    files = {str(path): (str(digest), int(size)) for path, (digest, size) in found["files"].items()}
    return {path: kept for path, kept in files.items() if OUR_PATHS.fullmatch(path)}


def _record(found: Mapping[str, Any]) -> IssueRecord:
    pictures = {
        str(src): PictureRecord(str(digest), str(path), int(width), int(height))
        for src, (digest, path, width, height) in found["pictures"].items()
    }
    return IssueRecord(
        read_entry(found["entry"]), str(found["text"]), str(found["page"]), pictures, str(found.get("card", ""))
    )
