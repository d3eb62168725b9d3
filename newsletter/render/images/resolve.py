"""Resolve an issue's pictures: left on the web, embedded in the mail, or mirrored to the author's site.

A path is looked up relative to the post, then to the project's folder; without a file it becomes a URL on the author's
site. An unavailable picture never stops an issue: it is left out, its words link to its address, and a finding says
why.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Literal
from urllib.parse import unquote, urlsplit

from newsletter.errors import ConfigError
from newsletter.files import write_atomically
from newsletter.frozen import frozen
from newsletter.model.findings import Finding
from newsletter.model.issue import Image, Inlines, Issue, Link, Text
from newsletter.model.rendered_email import Attachment
from newsletter.model.transform import map_images
from newsletter.post.markdown.story import says_nothing
from newsletter.render.images.cache import Cache
from newsletter.render.images.convert import look_at, prepare_pictures
from newsletter.render.images.picture import Picture, PictureError
from newsletter.render.images.sources import Files, Gathered, elsewhere, gather, read_data, scheme_of, shown

if TYPE_CHECKING:
    from newsletter.render.images.fetch import Fetcher

ImageMode = Literal["remote", "embed", "mirror"]

MAX_FILE_BYTES = 5 * 1024 * 1024
"""A larger picture belongs on the web: Gmail accepts messages of 25 MB, many relays only 10."""


_UNSHOWN = re.compile(r"\.(webp|avif|svg)(?:[?#]|$)", re.IGNORECASE)


@frozen
class Resolved:
    """An issue with its final pictures, the embedded ones, and findings.

    `files_written` are those that mirroring added to the site's folder; a repeated run adds none.
    """

    issue: Issue
    attachments: tuple[Attachment, ...] = ()
    findings: tuple[Finding, ...] = ()
    files_written: tuple[Path, ...] = ()


def resolve_images(
    issue: Issue,
    *,
    mode: ImageMode,
    post_folder: Path,
    project: Path,
    base_url: str,
    layout_width: int,
    cache: Cache,
    max_total_kb: int,
    mirror_folder: Path | None = None,
    mirror_url: str = "",
    fetcher: Fetcher | None = None,
    on_progress: Callable[[int, int], None] = lambda done, total: None,
) -> Resolved:
    """Resolve every picture according to `mode`. Only `embed` and `mirror` use the network.

    `max_total_kb` bounds the embedded pictures. `on_progress` gets the number of fetched pictures and the total. Raises
    ConfigError if `mirror` has no folder or address, or the folder cannot be written.
    """
    files = Files(post_folder, project, base_url)
    if mode == "remote":
        reader = _Reader(files, cache)
        changed = map_images(issue, reader.change)
        return Resolved(changed, tuple(dict.fromkeys(reader.attachments.values())), tuple(reader.findings))
    if mode == "mirror" and (mirror_folder is None or not mirror_url):
        raise ConfigError(
            'the mode "mirror" needs [images] folder and [images] url in newsletter.toml',
            'write folder = "../blog/assets/newsletter" and url = "https://blog.example.com/assets/newsletter", '
            'or choose "embed"',
        )
    gathered = gather(issue, files, cache, fetcher, on_progress)
    budget = max_total_kb * 1024 if mode == "embed" else None

    pictures = prepare_pictures(gathered.contents, max_width=2 * layout_width, max_total_bytes=budget)
    findings = _keep(gathered, pictures, cache)
    placer = _Placer(gathered, pictures, mirror_url if mode == "mirror" else "")
    changed = map_images(issue, placer.change)
    if any(isinstance(picture, Picture) and picture.step for picture in pictures.values()):
        what = f"pictures were compressed further, to weigh at most {max_total_kb} KB together"
        findings.append(Finding("image-budget", what, "raise [images] max_total_kb, or take pictures out"))
    findings = [*placer.findings, *findings]
    if mode == "mirror" and mirror_folder is not None:
        files_written = tuple(path for picture in placer.placed.values() if (path := _write(picture, mirror_folder)))
        return Resolved(changed, (), tuple(findings), files_written)
    attachments = (
        Attachment(_content_id(picture), picture.media_type, _file_name(picture), picture.data)
        for picture in placer.placed.values()
    )
    return Resolved(changed, tuple(attachments), tuple(findings))


# --- remote pictures ------------------------------------------------------------------------------------------------


class _Reader:
    """Local files and data: URLs are attached unmodified, other addresses stay.

    Reads files and the cache, no network.
    """

    def __init__(self, files: Files, cache: Cache) -> None:
        self.files = files
        self.cache = cache
        self.attachments: dict[Path | str, Attachment] = {}
        self.sizes: dict[Path | str, tuple[int, int]] = {}
        self.findings: list[Finding] = []

    def change(self, image: Image) -> Image | Inlines | None:
        try:
            place = self.files.locate(image.src)
        except PictureError as error:
            what = f"there is no picture {shown(image.src)} and it is left out"
            self.findings.append(Finding("image-missing", what, error.remedy, image.line))
            return (Text(image.alt),) if image.alt and not image.href and not says_nothing(image.alt) else None
        if isinstance(place, Path) or scheme_of(place) == "data":
            if place not in self.attachments and not self._read(place, image):
                return None
            width, height = self.sizes[place]
            return replace(image, src=f"cid:{self.attachments[place].content_id}", width=width, height=height)
        self.findings += elsewhere(image, place)
        if scheme_of(place) == "http":
            what = f"the picture {shown(place)} is on http://, where many clients show none"
            remedy = 'write https://, or set [images] mode = "embed"'
            self.findings.append(Finding("image-insecure", what, remedy, image.line))
        elif found := _UNSHOWN.search(place):
            what = f"the picture {shown(place)} is {found[1].upper()}, which Outlook does not show"
            remedy = 'use JPEG or PNG, or set [images] mode = "embed", which converts it'
            self.findings.append(Finding("image-format", what, remedy, image.line))
        size = None if image.width else self.cache.size(place)
        return replace(image, src=place, width=size[0], height=size[1]) if size else replace(image, src=place)

    def _read(self, place: Path | str, image: Image) -> bool:
        try:
            if isinstance(place, Path) and place.stat().st_size > MAX_FILE_BYTES:
                remedy = f"make it smaller than {MAX_FILE_BYTES // 1024 // 1024} MB"
                self._note("image-size", f"the picture {shown(image.src)} is too large to mail", remedy, image)
                return False
            data = place.read_bytes() if isinstance(place, Path) else read_data(place)
        except OSError as error:
            what = f"the picture {shown(image.src)} cannot be read ({error.strerror}) and is left out"
            self._note("image-unreadable", what, "check its permissions", image)
            return False
        except PictureError as error:
            what = f"the picture {shown(image.src)} is left out: {error.what}"
            self._note("image-unreadable", what, error.remedy, image)
            return False

        try:
            media_type, size = look_at(data)
        except PictureError as error:
            self._note("image-size", f"the picture {shown(image.src)} is too large: {error}", error.remedy, image)
            return False
        if not media_type:
            what = f"the picture {shown(image.src)} is no PNG, JPEG or GIF, and is left out"
            remedy = 'convert it, or set [images] mode = "embed": mail clients show no other format'
            self._note("image-format", what, remedy, image)
            return False
        # The content's hash as the Content-ID: a picture used twice is sent once, and a resend has the same bytes.
        name = hashlib.sha256(data).hexdigest()[:16]
        filename = place.name if isinstance(place, Path) else f"{name}.{media_type.removeprefix('image/')}"
        taken = any(attachment.filename == filename for attachment in self.attachments.values())
        fresh = Attachment(f"{name}@newsletter", media_type, f"{name}-{filename}" if taken else filename, data)
        same = (other for other in self.attachments.values() if other.content_id == fresh.content_id)
        self.attachments[place] = next(same, fresh)
        self.sizes[place] = size
        return True

    def _note(self, code: str, what: str, remedy: str, image: Image) -> None:
        self.findings.append(Finding(code, what, remedy, image.line))


# --- embed and mirror -----------------------------------------------------------------------------------------------


def _keep(gathered: Gathered, pictures: Mapping[str, Picture | PictureError], cache: Cache) -> list[Finding]:
    """Cache a valid picture. A failing cache does not stop the issue: the next run fetches again."""
    try:
        for src in gathered.urls:
            key = gathered.keys[src]
            picture = pictures.get(key) if isinstance(key, str) else None
            if src in gathered.fetched and isinstance(key, str) and isinstance(picture, Picture):
                cache.write(gathered.urls[src], gathered.contents[key], picture.original)
    except ConfigError as error:
        return [Finding("image-cache", f"pictures are fetched anew each time: {error}")]
    return []


class _Placer:
    """Puts the prepared pictures into the issue, and text in place of missing ones."""

    def __init__(self, gathered: Gathered, pictures: Mapping[str, Picture | PictureError], site_url: str) -> None:
        self.gathered = gathered
        self.pictures = pictures
        self.site_url = site_url
        self.placed: dict[str, Picture] = {}
        self.findings: list[Finding] = []

    def change(self, image: Image) -> Image | Inlines | None:
        self.findings += elsewhere(image, self.gathered.urls.get(image.src, image.src))
        key = self.gathered.keys[image.src]
        picture = self.pictures[key] if isinstance(key, str) else key
        if isinstance(picture, PictureError):
            what = f"the picture {shown(image.src)} is left out: {picture.what}"
            self._note("image-failed", what, picture.remedy, image)
            return self._placeholder(image)
        if picture.stilled:
            what = f"the picture {shown(image.src)} moves and is too heavy for mail; its first frame stands in for it"
            self._note("image-still", what, "make it a GIF of less than 1 MB, or link to a video", image)
        name = _file_name(picture)
        self.placed[name] = picture
        src = f"{self.site_url}/{name}" if self.site_url else f"cid:{_content_id(picture)}"
        return replace(image, src=src, width=picture.width, height=picture.height)

    def _placeholder(self, image: Image) -> Inlines | None:
        url = self.gathered.urls.get(image.src)
        if url is None or image.href:
            return None
        place = urlsplit(url)
        words = image.alt.strip() or image.title.strip() or PurePosixPath(unquote(place.path)).name or place.netloc
        return (Link(url, (Text(words),)),)

    def _note(self, code: str, what: str, remedy: str, image: Image) -> None:
        self.findings.append(Finding(code, what, remedy, image.line))


def _digest(picture: Picture) -> str:
    # The content's hash as the name: a picture used twice is sent once, and a resend has the same bytes.
    return hashlib.sha256(picture.data).hexdigest()[:16]


def _content_id(picture: Picture) -> str:
    return f"{_digest(picture)}@newsletter"


def _file_name(picture: Picture) -> str:
    return f"{_digest(picture)}.{picture.extension}"


def _write(picture: Picture, folder: Path) -> Path | None:
    """The written file; None if it exists with the same content."""
    path = folder / _file_name(picture)
    if path.is_file() and path.stat().st_size == len(picture.data) and path.read_bytes() == picture.data:
        return None
    write_atomically(path, picture.data)
    return path
