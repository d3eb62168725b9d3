"""The public pages in each language that an email's frame has."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from string import Formatter

import pytest
from web_site import LISTS, TOML, Site, running

from newsletter.files import package_folder
from newsletter.web.page_templates import page_folder, page_words

WORDS = page_words(page_folder("web"))
FRAME = tomllib.loads((package_folder("templates") / "labels.toml").read_text("utf-8"))
RIGHT_TO_LEFT = {"ar", "he", "fa"}
ADDRESS = "a.very.long.name.without.any.place.to.break.it@subdomain.of.a.long.domain.example.com"


def holes(text: str) -> list[str]:
    return sorted(name for _, name, _, _ in Formatter().parse(text) if name)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with running(tmp_path_factory.mktemp("site"), TOML + LISTS) as opened:
        yield opened


def paths(site: Site) -> list[str]:
    purposes = (("u", "unsubscribe"), ("p", "preferences"), ("r", "undo"), ("c", "confirm"))
    own = [f"/{path}/{site.link(purpose, ADDRESS)}" for path, purpose in purposes]  # type: ignore[arg-type]
    return [
        "/join",
        "/join/form",
        *own,
        f"/c/{site.link('confirm', ADDRESS, within_s=-1)}",
        "/u/x",
        "/f/march/up",
        "/x",
    ]


def test_every_language_of_the_emails_is_one_of_the_pages() -> None:
    assert set(WORDS) == set(FRAME)


@pytest.mark.parametrize("lang", WORDS)
def test_a_language_has_every_word_with_what_is_put_in(lang: str) -> None:
    assert list(WORDS[lang]) == list(WORDS["en"])
    for key, text in WORDS[lang].items():
        assert text.strip() == text != "", key
        # A language may leave the newsletter's name out, or say it once more.
        assert set(holes(text)) <= {*holes(WORDS["en"][key]), "name"}, key
        assert "address" not in holes(WORDS["en"][key]) or "address" in holes(text), key
    for key in ("feedback_up", "feedback_down", "feedback"):
        page = {"feedback": "vote_title"}.get(key, key.replace("feedback", "vote"))
        assert WORDS[lang][page] == FRAME[lang][key], "a thumb and its page say the same"


@pytest.mark.parametrize("lang", WORDS)
def test_a_language_is_spoken_on_every_page(site: Site, lang: str) -> None:
    for path in paths(site):
        page = site.get(f"{path}?lang={lang}").text
        assert f'<html lang="{lang}"' in page, path
        assert ('dir="rtl"' in page) == (lang in RIGHT_TO_LEFT)
        assert "{" not in page.partition("<main>")[2], path
