"""The frame's words, parsed by language: the same as the whole file gives."""

from __future__ import annotations

import tomllib

import pytest
from machine import CHECKOUT

from newsletter.errors import ConfigError
from newsletter.render.themes.frame_words import FrameWords

LABELS = CHECKOUT / "templates" / "labels.toml"


def test_each_language_is_what_the_whole_file_says() -> None:
    text = LABELS.read_text("utf-8")
    whole = tomllib.loads(text)
    words = FrameWords(str(LABELS), text)
    assert list(words) == list(whole)
    assert len(words) == len(whole)
    assert dict(words) == whole
    assert "en" in words
    assert "xx" not in words
    with pytest.raises(KeyError):
        words["xx"]


def test_a_fault_is_told_with_its_line_and_only_where_its_language_is_asked_for() -> None:
    words = FrameWords("labels.toml", '# all\n\n[en]\na = "x"\n\n[de]\nb = 1\nb = 2\n')
    assert words["en"] == {"a": "x"}
    with pytest.raises(ConfigError, match=r"^labels\.toml:8:6: not TOML"):
        words["de"]
