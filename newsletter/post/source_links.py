"""Addresses of links to source files, such as `other.md` or Pelican's `{filename}other.md`, on the published site.

Sources: https://docs.getpelican.com/en/latest/content.html (linking to internal content), Zola's internal links
(https://www.getzola.org/documentation/content/linking/), https://github.com/benbalter/jekyll-relative-links.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import field
from pathlib import PurePosixPath
from urllib.parse import quote, unquote, urljoin, urlsplit

from newsletter.frozen import frozen
from newsletter.post.permalink import post_path
from newsletter.post.post_dates import named_day, without_date

ENDINGS = frozenset({".md", ".mdx", ".markdown", ".mkd", ".mkdn"})
_MARKED_ENDINGS = ENDINGS | {".rst", ".ipynb", ".html", ".htm", ".adoc"}
_INDEXES = frozenset({"index", "_index", "README"})
_MARK = re.compile(r"(?:%7B([a-z]{3,10})%7D|%7C([a-z]{3,10})%7C|\{([a-z]{3,10})\}|\|([a-z]{3,10})\|)", re.IGNORECASE)
_FILES = frozenset({"static", "attach", "photo"})
_MARKS = _FILES | {"filename", "author", "category", "tag", "index"}
_HOSTS_OF_SOURCES = ("github.com", "gitlab.com", "codeberg.org", "gitee.com", "bitbucket.org", "githubusercontent.com")
"""Sites that show the source files themselves."""


@frozen
class PageAddress:
    """The page of a source file; `is_known` is False for a guess. `url` is empty if not even that can be made."""

    url: str
    is_known: bool = True


@frozen
class SourceLinks:
    """Finds pages by their source files, for one post. `pages` and `permalink` as in `Site`."""

    base_url: str = ""
    page_url: str = ""
    permalink: str = ""
    pages: Mapping[str, str] = field(default_factory=dict)

    def file(self, url: str) -> str:
        """The address of a file, without Pelican's `{static}`."""
        mark = _MARK.match(url)
        return url[mark.end() :] if mark and _name(mark) in _FILES | {"filename"} else url

    def page(self, url: str) -> PageAddress | None:
        """The page that a link to a source file means; None for any other link. `url` is percent-encoded."""
        mark = _MARK.match(url)
        if mark and _name(mark) in _MARKS:
            return self._marked(_name(mark), url[mark.end() :])
        path, rest = _split(url)
        file = PurePosixPath(unquote(path))
        if file.suffix not in ENDINGS or self._shows_sources():
            return None
        if path.startswith("@/"):  # Zola's, below its folder `content`
            return PageAddress(self._at(_without_ending(path[1:], "/", dated=True)) + rest)
        own = path.removeprefix("@site")  # Docusaurus
        below = urlsplit(self.base_url).path
        if len(below) > 1 and own.startswith(below):  # `relative_url` has put the site's own path before it
            own = own[len(below) - 1 :]
        known = self._listed(unquote(own)) or self._neighbour(own)
        if known or not (self.base_url or self.page_url):
            return PageAddress(known + rest) if known else None
        guess = _without_ending(own, self._page_ending())
        if own.startswith("/"):
            return PageAddress(self._at(guess) + rest, is_known=False)
        base = self.page_url.rstrip("/") if self.page_url else self.base_url
        return PageAddress(_joined(base, guess) + rest, is_known=False)

    def _marked(self, name: str, path: str) -> PageAddress | None:
        path, rest = _split(path)
        if name == "index":
            return PageAddress(self.base_url)
        if PurePosixPath(path).suffix not in _MARKED_ENDINGS or name in _FILES:
            return PageAddress("", is_known=False) if name not in _FILES | {"filename"} else None
        file = PurePosixPath(unquote(path)).name
        found = self._listed(unquote(path)) or self._neighbour(quote(file))
        return PageAddress(found + rest if found else "", is_known=bool(found))

    def _listed(self, path: str) -> str:
        """The address of a page that the site's folder has."""
        name = re.sub(r"^(?:\.{0,2}/)+", "", path)
        found = self.pages.get(name) or self.pages.get(name.removesuffix(PurePosixPath(name).suffix)) or ""
        return self._at(found) if found else ""

    def _neighbour(self, path: str) -> str:
        """The address of a post in the same folder, by the site's permalinks."""
        stem = PurePosixPath(unquote(path).removeprefix("./")).stem
        if path.removeprefix("./").startswith((".", "/")) or "/" in path.removeprefix("./"):
            return ""
        if not self.base_url or not self.permalink or ":categories" in self.permalink or stem in _INDEXES:
            return ""
        found = post_path(self.permalink, title=without_date(stem), day=named_day(stem), categories=())
        return self._at(found) if found else ""

    def _at(self, path: str) -> str:
        return f"{self.base_url.rstrip('/')}/{path.lstrip('/')}"

    def _page_ending(self) -> str:
        return "/" if self.page_url.endswith("/") else ".html" if self.page_url.endswith(".html") else ""

    def _shows_sources(self) -> bool:
        here = urlsplit(self.page_url or self.base_url)
        return PurePosixPath(here.path).suffix in ENDINGS or (here.hostname or "").endswith(_HOSTS_OF_SOURCES)


def _name(mark: re.Match[str]) -> str:
    return next(group for group in mark.groups() if group).lower()


def _split(url: str) -> tuple[str, str]:
    """A path, and what follows it from `?` or `#` on."""
    end = next((at for at, char in enumerate(url) if char in "?#"), len(url))
    return url[:end], url[end:]


def _without_ending(path: str, ending: str, *, dated: bool = False) -> str:
    folder, _, name = path.rpartition("/")
    stem = name.rpartition(".")[0]
    before = f"{folder}/" if folder or path.startswith("/") else ""
    if stem in _INDEXES:
        return before
    return f"{before}{without_date(stem) if dated else stem}{ending}"


def _joined(base: str, path: str) -> str:
    try:
        return urljoin(base, path)
    except ValueError:
        return ""
