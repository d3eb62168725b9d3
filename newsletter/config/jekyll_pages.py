"""Contents of a Jekyll blog's folder: `_data`, and the URL paths of its posts and pages.

Read on demand: a blog may have thousands of files.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Any

import yaml

from newsletter.errors import ContentError
from newsletter.model.issue import Site
from newsletter.post.front_matter import read_front_matter
from newsletter.post.parse import decode_post
from newsletter.post.permalink import STYLES, web_path

MAX_DATA_BYTES = 2 * 1024 * 1024
MAX_POSTS = 50_000
POST_ENDINGS = (".md", ".markdown", ".html", ".mkd", ".mkdown")


class BlogData(Mapping[str, Any]):
    """`site.data`: a file of `_data` by its name without extension, a folder by its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.read: dict[str, Any] = {}

    def __getitem__(self, name: str) -> Any:
        if name not in self.read:
            self.read[name] = self._load(name)
        return self.read[name]

    def __iter__(self) -> Iterator[str]:
        return iter(sorted({path.stem for path in self.folder.iterdir()})) if self.folder.is_dir() else iter(())

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def _load(self, name: str) -> Any:
        # Security: the name comes from the post's Liquid; it must not leave the folder.
        if "/" in name or "\\" in name or name.startswith("."):
            raise KeyError(name)
        if (self.folder / name).is_dir():
            return BlogData(self.folder / name)
        for ending, load in (
            (".yml", yaml.safe_load),
            (".yaml", yaml.safe_load),
            (".json", json.loads),
            (".csv", _rows),
        ):
            path = self.folder / f"{name}{ending}"
            try:
                if path.is_file() and path.stat().st_size <= MAX_DATA_BYTES:
                    return load(path.read_text("utf-8-sig"))
            except (OSError, ValueError, yaml.YAMLError, RecursionError):
                break
        raise KeyError(name)


def _rows(text: str) -> list[dict[str, str]]:
    return [dict(row) for row in csv.DictReader(text.splitlines())]


class BlogPages(Mapping[str, str]):
    """The URL path of a post by its file name (`2026-03-01-hello`), and of any page by its path in the blog."""

    def __init__(self, folder: Path, site: Site) -> None:
        self.folder = folder
        self.site = site

    def __getitem__(self, name: str) -> str:
        path = self._file(name)
        if path is None:
            raise KeyError(name)
        try:
            front = read_front_matter(decode_post(path.read_bytes(), str(path)), str(path))
        except (ContentError, OSError) as error:
            raise KeyError(name) from error
        is_post = "_posts" in path.parts
        site = self.site if is_post else replace(self.site, permalink="")
        if found := web_path(front.values, path.stem, site):
            return found
        if is_post:
            raise KeyError(name)
        relative = PurePosixPath(path.relative_to(self.folder).as_posix())
        below = "" if str(relative.parent) == "." else f"{relative.parent}/"
        if relative.stem == "index":
            return f"/{below}"
        style = STYLES.get(self.site.permalink, self.site.permalink)
        ending = "/" if style.endswith("/") else ".html" if style.endswith(":output_ext") or not style else ""
        return f"/{below}{relative.stem}{ending}"

    def _file(self, name: str) -> Path | None:
        # Security: the name comes from the post's Liquid; it must not leave the blog.
        if name.startswith("/") or ".." in PurePosixPath(name).parts or "\\" in name:
            name = name.lstrip("/")
        if ".." in PurePosixPath(name).parts:
            return None
        direct = self.folder / name
        if PurePosixPath(name).suffix and direct.is_file():
            return direct
        below, _, stem = name.rpartition("/")
        for folder in (self.folder / below / "_posts", self.folder / "_posts" / below, self.folder / below):
            for ending in POST_ENDINGS:
                if (folder / f"{stem}{ending}").is_file():
                    return folder / f"{stem}{ending}"
        return None

    def __iter__(self) -> Iterator[str]:
        posts = self.folder / "_posts"
        return iter(sorted(path.stem for path in posts.glob("*.m*"))[:MAX_POSTS]) if posts.is_dir() else iter(())

    def __len__(self) -> int:
        return sum(1 for _ in self)
