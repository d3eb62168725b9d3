"""The cache of pictures: what was put in comes out, and nothing else does."""

from __future__ import annotations

from pathlib import Path

import pytest

from newsletter.errors import ConfigError
from newsletter.render.images.cache import Cache


def test_the_cache_gives_back_what_it_was_given(tmp_path: Path) -> None:
    cache = Cache(tmp_path / "images")
    assert cache.read("https://a.test/x.png") is None
    assert cache.size("https://a.test/x.png") is None
    cache.write("https://a.test/x.png", b"picture", (30, 20))
    cache.write("https://b.test/y.png", b"picture", (30, 20))
    assert cache.read("https://a.test/x.png") == b"picture"
    assert cache.size("https://b.test/y.png") == (30, 20)
    assert len(list((tmp_path / "images").iterdir())) == 3


@pytest.mark.parametrize("damage", [b"", b"pictur", b"picture and more"])
def test_a_damaged_content_counts_as_absent(tmp_path: Path, damage: bytes) -> None:
    cache = Cache(tmp_path)
    cache.write("https://a.test/x.png", b"picture", (30, 20))
    (content,) = (path for path in tmp_path.iterdir() if path.suffix != ".json")
    content.write_bytes(damage)
    assert cache.read("https://a.test/x.png") is None


@pytest.mark.parametrize(
    "damage",
    [
        *(b"", b"{", b"[]", b"3", b"\xff", b'{"url": "https://other.test/"}', b'{"url": "https://a.test/x.png"}'),
        b'{"url": "https://a.test/x.png", "sha256": "../../etc/passwd", "size": ["a", 2]}',
        b'{"url": "https://a.test/x.png", "sha256": 3, "size": [0, -2]}',
    ],
)
def test_a_damaged_entry_counts_as_absent(tmp_path: Path, damage: bytes) -> None:
    cache = Cache(tmp_path)
    cache.write("https://a.test/x.png", b"picture", (30, 20))
    (entry,) = tmp_path.glob("*.json")
    entry.write_bytes(damage)
    assert cache.read("https://a.test/x.png") is None
    assert cache.size("https://a.test/x.png") is None


def test_a_cache_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(ConfigError):
        Cache(tmp_path / "file").write("https://a.test/x.png", b"picture", (1, 1))
