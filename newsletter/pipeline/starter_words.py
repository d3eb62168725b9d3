"""What the starter's files say, by language: the words of the first post, the comments of newsletter.toml."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import lru_cache

from newsletter.files import package_folder
from newsletter.frozen import frozen


@frozen
class SettingsWords:
    """Comments of the starter's settings in one language, and what they say of mail services, by preset."""

    says: Mapping[str, str]
    relays: Mapping[str, Mapping[str, str]]


def settings_words(language: str) -> SettingsWords:
    """In a language of `languages()`; English where it has none of its own."""
    text = (package_folder("templates", "starter") / "settings.toml").read_text("utf-8")
    found = dict(tomllib.loads(text).get(language) or tomllib.loads(text)["en"])
    relays = found.pop("relays", {})
    return SettingsWords(found, relays)


@lru_cache(maxsize=1)
def starter_words() -> dict[str, dict[str, str]]:
    """Language -> the words of a post."""
    return tomllib.loads((package_folder("templates", "starter") / "words.toml").read_text("utf-8"))


def languages() -> tuple[str, ...]:
    """The languages that an example post can be written in."""
    return tuple(starter_words())
