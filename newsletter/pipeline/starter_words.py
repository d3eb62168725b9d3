"""What the starter's files say, by language: the words of the first post, the comments of newsletter.toml."""

from __future__ import annotations

import tomllib
from functools import lru_cache

from newsletter.files import package_folder


@lru_cache(maxsize=1)
def starter_words() -> dict[str, dict[str, str]]:
    """Language -> the words of a post."""
    return tomllib.loads((package_folder("templates", "starter") / "words.toml").read_text("utf-8"))


def languages() -> tuple[str, ...]:
    """The languages that an example post can be written in."""
    return tuple(starter_words())
