"""Read the bytes of pictures: files beside the post, data: URIs, the web."""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from urllib.parse import unquote, unquote_to_bytes, urljoin, urlsplit

from newsletter.frozen import frozen
from newsletter.model.findings import Finding
from newsletter.model.issue import Image, Issue
from newsletter.model.transform import map_images
from newsletter.render.images.cache import Cache
from newsletter.render.images.fetch import Fetcher
from newsletter.render.images.picture import PictureError
from newsletter.text import printable

MAX_SOURCE_BYTES = 10 * 1024 * 1024
"""The largest file that is read to be reduced; the same as for pictures from the web."""


@dataclass(frozen=True)
class Files:
    """The folders of a post's pictures, and the site for pictures without a file."""

    post_folder: Path
    project: Path
    base_url: str

    @cached_property
    def _homes(self) -> tuple[Path, ...]:
        return self.post_folder.resolve(), self.project.resolve()

    def find(self, src: str) -> Path | None:
        name = unquote(urlsplit(src).path)
        if "\0" in name:
            return None
        for root in (self.post_folder, self.project):
            try:
                path = (root / name.lstrip("/")).resolve()
                # Security: posts may be untrusted; they get no file from outside the project or their own folder.
                if path.is_file() and any(path.is_relative_to(home) for home in self._homes):
                    return path
            except (OSError, RuntimeError):  # a name too long for a file, a symlink loop
                continue
        return None

    def locate(self, src: str) -> str | Path:
        """A URL or a file. Raises PictureError if it is neither."""
        if scheme_of(src) or src.startswith("nlfield"):  # an address, or a list's column that contains one
            return src
        if src.startswith("//"):
            return f"https:{src}"
        path = self.find(src)
        if path is not None:
            return path
        if self.base_url:
            below = urlsplit(self.base_url).path
            rooted = src.startswith("/") and not src.startswith(below)
            return self.base_url + src[1:] if rooted else urljoin(self.base_url, src)
        remedy = "put it beside the post, or set [site] url in newsletter.toml"
        raise PictureError("there is no such file", remedy)


def elsewhere(image: Image, place: str) -> Iterator[Finding]:
    """The URL that a path without a file has become, which may not exist."""
    if place == image.src or image.src.startswith("/"):  # a path from the root is meant to be the site's
        return
    what = f"there is no file {shown(image.src)} beside the post, so it is taken from {shown(place)}"
    yield Finding("image-elsewhere", what, "put it there, or check the address", image.line)


def scheme_of(src: str) -> str:
    try:
        return urlsplit(src).scheme
    except ValueError:  # brackets without a valid IPv6 address
        return "invalid"


@frozen
class Gathered:
    """For each `src` the key of its content, or why there is none. `contents` is deduplicated."""

    keys: Mapping[str, str | PictureError]
    contents: Mapping[str, bytes]
    urls: Mapping[str, str]
    fetched: frozenset[str]


def gather(
    issue: Issue, files: Files, cache: Cache, fetcher: Fetcher | None, on_progress: Callable[[int, int], None]
) -> Gathered:
    """Read every picture's bytes, in document order, each source once."""
    found: dict[str, bytes | PictureError] = {}
    urls: dict[str, str] = {}
    sources: dict[str, None] = {}

    def note(image: Image) -> Image:
        sources[image.src] = None
        return image

    map_images(issue, note)  # exactly the pictures that are placed later, in the same order
    for src in sources:
        try:
            place = files.locate(src)
            if isinstance(place, Path):
                found[src] = _read_file(place)
            elif scheme_of(place) not in {"http", "https"}:
                found[src] = read_data(place)
            else:
                urls[src] = place
                cached = cache.read(place)
                if cached is not None:
                    found[src] = cached
        except PictureError as error:
            found[src] = error
    wanted = {src: url for src, url in urls.items() if src not in found}
    fetched = _fetch(tuple(wanted.values()), fetcher, on_progress) if wanted else {}
    found.update({src: fetched[url] for src, url in wanted.items()})
    keys: dict[str, str | PictureError] = {}
    contents: dict[str, bytes] = {}
    for src in sources:
        content = found[src]
        keys[src] = content if isinstance(content, PictureError) else hashlib.sha256(content).hexdigest()
        if isinstance(content, bytes):
            contents[hashlib.sha256(content).hexdigest()] = content
    return Gathered(keys, contents, urls, frozenset(wanted))


def _fetch(
    urls: tuple[str, ...], fetcher: Fetcher | None, on_progress: Callable[[int, int], None]
) -> dict[str, bytes | PictureError]:
    # Imported here: a run without fetches need not load an HTTP client.

    return (fetcher or Fetcher()).fetch(urls, on_progress)


def _read_file(path: Path) -> bytes:
    try:
        if path.stat().st_size > MAX_SOURCE_BYTES:
            raise PictureError(f"it is larger than {MAX_SOURCE_BYTES // 1024 // 1024} MB", "use a smaller one")
        return path.read_bytes()
    except OSError as error:
        raise PictureError(f"it cannot be read ({error.strerror})", "check its permissions") from error


def read_data(src: str) -> bytes:
    """The content of a `data:` URL (RFC 2397), which Gmail does not show."""
    if scheme_of(src) != "data":
        raise PictureError("its address is not http:// or https://", "write one, or put it beside the post")
    head, _, body = src.partition(",")
    try:
        content = unquote_to_bytes(body)
        return base64.b64decode(content, validate=True) if head.rstrip().endswith(";base64") else content
    except binascii.Error as error:
        raise PictureError("its data: address is broken", "put the picture beside the post") from error


def shown(src: str) -> str:
    """A picture's address for a message: no password, `data:` truncated, safe to print."""
    scheme, separator, rest = src.partition("://")
    if separator and "@" in rest.partition("/")[0]:
        src = f"{scheme}://{rest.partition('/')[0].rpartition('@')[2]}/{rest.partition('/')[2]}"
    limit = 40 if src.startswith("data:") else 200
    return printable(src if len(src) <= limit else src[: limit - 1] + "…")
