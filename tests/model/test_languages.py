"""Language negotiation of pages, emails and starters is one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsletter.model.languages import accepted_languages, choose_language
from newsletter.pipeline.starter import best_language
from newsletter.render.wording import choose_labels

KNOWN = ("en", "zh", "zh-Hant", "de")


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        (["de-CH-1996"], "de"),
        (["zh-CN"], "zh"),
        (["ZH-tw"], "zh-Hant"),
        (["zh-Hant-HK"], "zh-Hant"),
        (["zh-HK-x-private"], "zh-Hant"),
        (["zh-Hans-CN"], "zh"),
        (["fr", "de"], "de"),
        (["", "x-y", "../../etc"], "en"),
        ([], "en"),
    ],
)
def test_languages_fall_back(wanted: list[str], found: str) -> None:
    assert choose_language(wanted, KNOWN, "en") == found


def test_accept_language_is_read_by_weight() -> None:
    assert accepted_languages("de;q=0.5, en, fr;q=0.9, *;q=0.1, ja;q=0, ko;q=nonsense") == ("en", "fr", "de")


@given(st.text(max_size=200))
def test_any_accept_language_is_read(header: str) -> None:
    assert choose_language(accepted_languages(header), KNOWN, "en") in KNOWN


def test_a_language_that_is_there_wins_over_its_script() -> None:
    assert choose_language(["zh-tw"], ("zh-Hant", "zh-TW", "zh"), "en") == "zh-TW"


@pytest.mark.parametrize(("tag", "found"), [("zh-HK", "zh-Hant"), ("zh-CN", "zh"), ("DE-at", "de"), ("tlh", "en")])
def test_an_email_a_page_and_a_starter_fall_back_alike(tag: str, found: str) -> None:
    words = {name: {"name": name} for name in (*KNOWN, "en")}
    assert choose_language([tag], KNOWN, "en") == choose_labels(words, tag, {})["name"] == best_language(tag) == found


def test_a_long_language_tag_is_none() -> None:
    """Its beginnings would each be looked up, at a cost of the square of its length."""
    tag = "-".join(["de", *"a" * 5_000])
    assert choose_language([tag], KNOWN, "en") == "en"
    assert choose_language([tag, "de"], KNOWN, "en") == "de"
    assert choose_language(accepted_languages(f"{tag}, de;q={'0' * 9_000}.5"), KNOWN, "en") == "en"
    words = {"de": {"a": "A"}, "en": {"a": "a"}}
    assert choose_labels(words, tag, {})["a"] == "a"


def test_a_tag_of_35_characters_is_one() -> None:
    longest = "-".join(["en", *"a" * 20])[:35]
    assert choose_language([longest], ["en"], "de") == "en"
    assert choose_language([longest + "-b"], ["en"], "de") == "de"
