"""The cache of fetched pictures, content-addressed."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from newsletter.files import write_atomically
from newsletter.frozen import frozen


@frozen
class Cache:
    """Fetched pictures, unmodified: `URL's hash.json` names the content's hash, the file beside it.

    A hit never uses the network, however old it is. A file that does not match its hash is a miss.
    """

    folder: Path

    def read(self, url: str) -> bytes | None:
        digest = self._entry(url).get("sha256")
        if not isinstance(digest, str) or not digest.isalnum():
            return None
        try:
            data = (self.folder / digest).read_bytes()
        except OSError:
            return None
        return data if hashlib.sha256(data).hexdigest() == digest else None

    def size(self, url: str) -> tuple[int, int] | None:
        """Width and height in pixels, without decoding the picture."""
        match self._entry(url).get("size"):
            case [int(width), int(height)] if width > 0 and height > 0:
                return width, height
        return None

    def write(self, url: str, data: bytes, size: tuple[int, int]) -> None:
        """Store a valid picture. Raises ConfigError if the folder cannot be written."""
        digest = hashlib.sha256(data).hexdigest()
        write_atomically(self.folder / digest, data)
        entry = {"url": url, "sha256": digest, "size": list(size)}
        write_atomically(self._entry_path(url), (json.dumps(entry, ensure_ascii=False) + "\n").encode())

    def _entry_path(self, url: str) -> Path:
        return self.folder / f"{hashlib.sha256(url.encode('utf-8', 'surrogatepass')).hexdigest()[:32]}.json"

    def _entry(self, url: str) -> dict[str, object]:
        try:
            entry = json.loads(self._entry_path(url).read_bytes())
        except (OSError, ValueError):
            return {}
        return entry if isinstance(entry, dict) and entry.get("url") == url else {}
