"""axe-core on each theme's email and on the gallery, light and dark; what the keyboard reaches; a zoom of 200 %."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from axe import COLOURS, grave_findings
from machine import CHECKOUT
from themes import THEMES

from newsletter.config.load import load_config
from newsletter.message.fill_slots import fill, slot_values
from newsletter.pipeline.render_post import SAMPLE, render_post
from newsletter.pipeline.theme_gallery import write_gallery

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

EXAMPLES = sorted((CHECKOUT / "examples").glob("*.md"))
TOML = """[newsletter]
name = "N"
from = "n@example.com"
postal_address = "1 Street"
[serve]
url = "https://n.example"
[site]
url = "https://a.example"
permalink = "/:title/"
[footer]
feedback = "serve"
forward = true
archive = "https://a.example/all"
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("posts") / "examples"
    shutil.copytree(CHECKOUT / "examples", place)
    (place / "newsletter.toml").write_text(TOML, "utf-8")
    return place


def opened(browser: Browser, path: Path, **options: Any) -> Page:
    page = browser.new_page(viewport={"width": 640, "height": 900}, **options)
    page.goto(path.as_uri())
    return page


def email_file(folder: Path, theme: str, name: str) -> Path:
    config = load_config(None, {}, folder)
    email = render_post(str(folder / name), config, theme_name=theme).email
    path = folder / f"{theme}-{name}.html"
    path.write_text(fill(email.html, slot_values(config.sample_sender, SAMPLE)), "utf-8")
    return path


def emails() -> Iterator[Any]:
    """Each theme with one of the examples by turns, and with each in the whole."""
    for (turn, theme), (number, path) in product(enumerate(THEMES), enumerate(EXAMPLES)):
        marks = () if number == turn % len(EXAMPLES) else pytest.mark.whole
        yield pytest.param(theme, path.name, marks=marks)


@pytest.mark.parametrize(("theme", "name"), [*emails()])
def test_an_email_keeps_nobody_out(browser: Browser, folder: Path, theme: str, name: str) -> None:
    page = opened(browser, email_file(folder, theme, name))
    assert grave_findings(page) == []
    page.emulate_media(color_scheme="dark")
    assert grave_findings(page, COLOURS) == []
    page.close()


def test_what_keeps_readers_out_is_found(browser: Browser, tmp_path: Path) -> None:
    path = tmp_path / "bad.html"
    path.write_text('<!doctype html><html lang="en"><title>x</title><img src="a.png"><a href="/x"></a>', "utf-8")
    page = opened(browser, path)
    assert {found.split(":")[0] for found in grave_findings(page)} >= {"image-alt", "link-name"}
    page.close()


@pytest.mark.parametrize("theme", THEMES)
def test_the_keyboard_reaches_every_link_and_a_zoom_of_200_per_cent_loses_nothing(
    browser: Browser, folder: Path, theme: str
) -> None:
    """640 pixels at 200 % are a window of 320, with letters of twice the size."""
    page = opened(browser, email_file(folder, theme, EXAMPLES[-1].name))
    wanted = page.evaluate("""() => {
      window.links = [...document.querySelectorAll('a[href]')];
      window.reached = new Set();
      document.addEventListener("focusin", (event) => window.reached.add(window.links.indexOf(event.target)));
      return window.links.length;
    }""")
    for _ in range(wanted):
        page.keyboard.press("Tab")
    assert set(page.evaluate("[...window.reached]")) == set(range(wanted))
    page.set_viewport_size({"width": 320, "height": 900})
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
    page.close()


def test_the_gallery_keeps_nobody_out(browser: Browser, folder: Path) -> None:
    write_gallery(str(folder / EXAMPLES[-1].name), load_config(None, {}, folder), folder / "themes")
    page = opened(browser, folder / "themes" / "index.html")
    assert grave_findings(page) == []
    page.emulate_media(color_scheme="dark")
    assert grave_findings(page, COLOURS) == []
    page.close()
