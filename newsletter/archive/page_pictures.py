"""Copy an issue's pictures beside its page: named after their content, without what a camera wrote.

No network is read. A picture on the web stays at its address, unless [images] has it fetched: then the copy that is
kept for the mail is taken.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

from newsletter.archive.blocks import COLUMN
from newsletter.archive.manifest import PictureRecord
from newsletter.frozen import frozen
from newsletter.model.findings import Finding
from newsletter.model.issue import Image, Inlines, Issue
from newsletter.model.transform import map_images
from newsletter.render.images.cache import Cache
from newsletter.render.images.convert import prepare_picture
from newsletter.render.images.picture import PictureError
from newsletter.render.images.sources import MAX_SOURCE_BYTES, Files, read_data, scheme_of, shown

WIDEST = 2 * COLUMN
"""Pixels: twice the column, for screens with two to a point."""


@frozen
class Placed:
    """An issue whose pictures are in the archive or on the web, and what is known of each source."""

    issue: Issue
    records: Mapping[str, PictureRecord]
    findings: tuple[Finding, ...]


class PagePictures:
    """The pictures of pages one level below the archive's folder."""

    def __init__(
        self,
        files: Files,
        cache: Cache | None,
        known: dict[str, PictureRecord],
        *,
        put: Callable[[str, bytes], None],
        reuse: Callable[[str], bool],
    ) -> None:
        """`known` has what was made of a source, by its hash, and gets what is made now: issues share their pictures.

        `put` writes a file of the archive, `reuse` keeps one that is there.
        """
        self._files = files
        self._cache = cache
        self._put = put
        self._reuse = reuse
        self._known = known
        self._records: dict[str, PictureRecord] = {}
        self._findings: list[Finding] = []

    def place(self, issue: Issue) -> Placed:
        changed = map_images(issue, self._change)
        return Placed(changed, self._records, tuple(self._findings))

    def is_same(self, records: Mapping[str, PictureRecord]) -> bool:
        """Whether each source is what it was."""
        return all(self._digest(src) == record.digest for src, record in records.items())

    def _digest(self, src: str) -> str:
        try:
            data = self._read(src)
        except PictureError:
            return ""
        return hashlib.sha256(data).hexdigest() if data is not None else WEB

    def _change(self, image: Image) -> Image | Inlines | None:
        try:
            data = self._read(image.src)
            if data is None:
                self._records[image.src] = PictureRecord(WEB)
                place = self._files.locate(image.src)
                return image if isinstance(place, Path) else replace(image, src=place)
            digest = hashlib.sha256(data).hexdigest()
            record = self._known.get(digest)
            if record is None or not self._reuse(record.path):
                record = self._made(data, digest)
        except PictureError as error:
            self._records.setdefault(image.src, PictureRecord(self._digest(image.src)))
            what = f"the picture {shown(image.src)} is left out: {error.what}"
            self._findings.append(Finding("image-missing", what, error.remedy, image.line))
            return None
        self._known[digest] = record
        self._records[image.src] = record
        return replace(image, src=f"../{record.path}", width=record.width, height=record.height)

    def _made(self, data: bytes, digest: str) -> PictureRecord:
        picture = prepare_picture(data, max_width=WIDEST)
        path = f"assets/{hashlib.sha256(picture.data).hexdigest()[:16]}.{picture.extension}"
        self._put(path, picture.data)
        return PictureRecord(digest, path, picture.width, picture.height)

    def _read(self, src: str) -> bytes | None:
        """The bytes of a file, of a `data:` address, or of a fetched copy; None for what stays on the web."""
        place = self._files.locate(src)
        if isinstance(place, Path):
            try:
                if place.stat().st_size > MAX_SOURCE_BYTES:
                    raise PictureError(f"it is larger than {MAX_SOURCE_BYTES // 1024 // 1024} MB", "use a smaller one")
                return place.read_bytes()
            except OSError as error:
                raise PictureError(f"it cannot be read ({error.strerror})", "check its permissions") from error
        if scheme_of(place) == "data":
            return read_data(place)
        return self._cache.read(place) if self._cache is not None else None


WEB = "web"
"""In place of a hash: the picture is on the web, and stays there."""
