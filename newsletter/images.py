"""The pictures that stand beside the post: read from disk, to travel with the mail.

A picture on the web stays on the web. A path is looked up beside the post, then from the project's folder; without a
file it becomes an address on the author's site. What can be neither is left out with a finding, never in silence.
"""

from __future__ import annotations

import hashlib
import io
from dataclasses import replace
from pathlib import Path
from urllib.parse import unquote, urljoin, urlsplit

from PIL import Image as Pillow
from PIL import UnidentifiedImageError

from newsletter.model import Attachment, Finding, Image, Issue
from newsletter.tree import map_images

MAX_FILE_BYTES = 5 * 1024 * 1024
"""A larger picture belongs on the web: Gmail takes messages of 25 MB, many relays only 10."""

# What every mail client shows; WebP, AVIF and SVG do not reach Outlook on Windows, SVG not even Gmail (caniemail.com).
_MEDIA_TYPES = {"PNG": "image/png", "JPEG": "image/jpeg", "GIF": "image/gif"}


def attach_local_images(
    issue: Issue, post_folder: Path, project: Path, base_url: str
) -> tuple[Issue, tuple[Attachment, ...], tuple[Finding, ...]]:
    """The issue with its local pictures as `cid:` references, the files, and what could not be found."""
    reader = _Reader(post_folder, project, base_url)
    changed = map_images(issue, reader.change)
    return changed, tuple(reader.attachments.values()), tuple(reader.findings)


class _Reader:
    def __init__(self, post_folder: Path, project: Path, base_url: str) -> None:
        self.roots = (post_folder, project)
        self.base_url = base_url
        self.attachments: dict[Path, Attachment] = {}
        self.sizes: dict[Path, tuple[int, int]] = {}
        self.findings: list[Finding] = []

    def change(self, image: Image) -> Image | None:
        if urlsplit(image.src).scheme:
            return image
        path = self._find(image.src)
        if path is not None:
            if path not in self.attachments and not self._read(path, image):
                return None
            width, height = self.sizes[path]
            return replace(image, src=f"cid:{self.attachments[path].content_id}", width=width, height=height)
        if self.base_url:
            return replace(image, src=urljoin(self.base_url, image.src))
        remedy = f"put it beside the post, or set [site] url in {self.roots[1].name or 'the project'}/newsletter.toml"
        self._note("image-missing", f"there is no picture {image.src} and it is left out", remedy, image)
        return None

    def _find(self, src: str) -> Path | None:
        name = unquote(urlsplit(src).path)
        for root in self.roots:
            path = (root / name.lstrip("/")).resolve()
            # Security: a post may come from elsewhere; it gets no file from outside the project or its own folder.
            if path.is_file() and any(path.is_relative_to(home.resolve()) for home in self.roots):
                return path
        return None

    def _read(self, path: Path, image: Image) -> bool:
        if path.stat().st_size > MAX_FILE_BYTES:
            remedy = f"make it smaller than {MAX_FILE_BYTES // 1024 // 1024} MB"
            self._note("image-size", f"the picture {image.src} is too large to mail", remedy, image)
            return False
        data = path.read_bytes()
        try:
            with Pillow.open(io.BytesIO(data)) as picture:
                media_type, size = _MEDIA_TYPES.get(picture.format or ""), picture.size
        except (UnidentifiedImageError, OSError, ValueError, Pillow.DecompressionBombError):
            media_type, size = None, (0, 0)
        if media_type is None:
            what = f"the picture {image.src} is no PNG, JPEG or GIF, and is left out"
            self._note("image-format", what, "convert it: mail clients show no other format", image)
            return False
        # The content's hash as the Content-ID: the same picture twice is sent once, and a resend is the same bytes.
        name = hashlib.sha256(data).hexdigest()[:16]
        self.attachments[path] = Attachment(f"{name}@newsletter", media_type, path.name, data)
        self.sizes[path] = size
        return True

    def _note(self, code: str, what: str, remedy: str, image: Image) -> None:
        self.findings.append(Finding(code, what, remedy, image.line))
