"""The folder of the archive: write what changed, remove what is no longer made, touch nothing of anybody else."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

from newsletter.archive.manifest import FILE_NAME, OUR_PATHS, IssueRecord, Manifest, read_manifest, write_manifest
from newsletter.errors import ConfigError, located
from newsletter.files import is_folder, is_missing, open_regular, write_atomically

ANYWHERE = frozenset({"CNAME", "robots.txt"})
"""What hosts of static sites ask for beside the pages; names that begin with a dot are as good."""


class SiteFolder:
    """An archive's folder during one build. Nothing is written where `dry`."""

    def __init__(self, folder: Path, *, dry: bool = False) -> None:
        """Raises ConfigError where the folder has files that are not an archive's."""
        self.folder = folder
        self.dry = dry
        self.known = self._read()
        self.written: list[str] = []
        self.removed: list[str] = []
        self._files: dict[str, tuple[str, int]] = {}
        self._made: dict[str, bytes] = {}  # of a dry run: what later pages are made of
        self._is_claimed = False

    # --- before -------------------------------------------------------------------------------------------------------

    def _read(self) -> Manifest:
        try:
            with open_regular(self.folder / FILE_NAME) as file:
                found = read_manifest(file.read())
        except (FileNotFoundError, NotADirectoryError):
            found = None
        except OSError as error:
            what = f"cannot be read ({error.strerror})"
            raise ConfigError(located(self.folder / FILE_NAME, None, what, "check its permissions")) from error
        if found is not None:
            return found
        if is_missing(self.folder):
            return Manifest()
        if not is_folder(self.folder):
            raise ConfigError(located(self.folder, None, "this is a file", "name a folder for the archive"))
        names = (place.name for place in self.folder.iterdir())
        others = sorted(name for name in names if not name.startswith(".") and name not in ANYWHERE)
        if others:
            shown = ", ".join(others[:3]) + (" …" if len(others) > 3 else "")
            what = f"has files that are not an archive's ({shown}), and nothing was written"
            raise ConfigError(located(self.folder, None, what, "name a new folder, or an empty one"))
        return Manifest()

    def require_ours(self, paths: Iterable[str]) -> None:
        """ConfigError where one of these is there and somebody else's."""
        for path in paths:
            if not self.known.is_ours(path) and not is_missing(self.folder / path, follow=False):
                what = "this is not the archive's, and would be overwritten; nothing was written"
                raise ConfigError(located(self.folder / path, None, what, "move it away, or choose another folder"))

    # --- reading ------------------------------------------------------------------------------------------------------

    def has(self, path: str) -> bool:
        """Whether a file is as it was left, by its size."""
        known = self.known.files.get(path)
        try:
            return known is not None and (self.folder / path).stat().st_size == known[1]
        except OSError:
            return False

    def read(self, path: str) -> str | None:
        """A page as it was, or is, written; None where it is gone, or somebody has changed it."""
        if path in self._made:
            return self._made[path].decode()
        known = self._files.get(path) or self.known.files.get(path)
        try:
            with open_regular(self.folder / path) as file:
                data = file.read()
        except OSError:
            return None
        return data.decode() if known and hashlib.sha256(data).hexdigest() == known[0] else None

    def data(self, path: str) -> bytes | None:
        """A file that this build has kept or put; None where it is gone."""
        try:
            return (self.folder / path).read_bytes()
        except OSError:
            return None

    def digest_of(self, path: str) -> str:
        """Of a file that this build has kept or put."""
        return self._files[path][0]

    # --- writing ------------------------------------------------------------------------------------------------------

    def keep(self, path: str) -> None:
        """Leave a file as it is."""
        self._files[path] = self.known.files[path]

    def reuse(self, path: str) -> bool:
        """Leave a file as it is, if it is there."""
        if path in self._files:
            return True
        if self.has(path):
            self.keep(path)
            return True
        return False

    def put(self, path: str, data: bytes) -> None:
        """Write a file, unless it is there as it shall be."""
        digest = (hashlib.sha256(data).hexdigest(), len(data))
        if self._files.get(path) == digest:
            return
        self._files[path] = digest
        if self.known.files.get(path) == digest and self.has(path):
            return
        self.written.append(path)
        if self.dry:
            if path.endswith(".html"):
                self._made[path] = data
            return
        self.require_ours([path])
        self._claim()
        write_atomically(self.folder / path, data, durable=False)

    def finish(self, issues: Mapping[str, IssueRecord]) -> list[str]:
        """Remove what is no longer made, and write down what is there. A sentence for each file that is left there."""
        notes: list[str] = []
        for path in sorted(path for path in self.known.files if path not in self._files):
            if self._is_changed(path):
                notes.append(f"{self.folder / path}: not made any more, and left there: somebody has changed it")
                continue
            self.removed.append(path)
            if not self.dry:
                self._claim()
                self._remove(path)
        manifest = Manifest(self._files, issues)
        if not self.dry and (self._is_claimed or manifest != self.known):
            write_atomically(self.folder / FILE_NAME, write_manifest(manifest))
        return notes

    def _is_changed(self, path: str) -> bool:
        """Whether a file is there, and not as we left it."""
        try:
            data = (self.folder / path).read_bytes()
        except OSError:
            return False
        return hashlib.sha256(data).hexdigest() != self.known.files[path][0]

    def _claim(self) -> None:
        """Say before the first change that files of our names are ours: a build that is cut off is gone on with."""
        if not self._is_claimed:
            self._is_claimed = True
            write_atomically(self.folder / FILE_NAME, write_manifest(replace(self.known, is_unfinished=True)))

    def _remove(self, path: str) -> None:
        if OUR_PATHS.fullmatch(path) is None:
            return
        place = self.folder / path
        try:
            place.unlink(missing_ok=True)
        except OSError as error:
            what = f"cannot be removed ({error.strerror})"
            raise ConfigError(located(place, None, what, "check the folder's permissions")) from error
