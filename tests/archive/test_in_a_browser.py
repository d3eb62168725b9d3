"""The archive in Chromium: narrow and wide, light and dark, printed, and what axe-core says."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from archived import SETTINGS, Shelf
from axe import COLOURS, grave_findings
from machine import CHECKOUT
from whole import part_of

WIDTHS = (320, 390, 768, 1280)
THEMES = ("classic", "brief", "essay", "magazine", "mono")
NASTY = """
A word that is long: https://example.com/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa

| One | Two | Three | Four | Five | Six |
|---|---|---|---|---|---|
| Donaudampfschifffahrtsgesellschaft | b | c | d | e | Donaudampfschifffahrtsgesellschaft |

```
a line of code that is much longer than any telephone is wide, and then some more of it to be sure of that
```
"""


@pytest.fixture(scope="module", params=THEMES)
def site(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp(request.param)
    shelf = Shelf(
        folder, settings=f'{SETTINGS}[theme]\nname = "{request.param}"\n[serve]\nurl = "https://n.example.com"\n'
    )
    shutil.copytree(CHECKOUT / "examples" / "images", folder / "posts" / "images")
    for post in sorted((CHECKOUT / "examples").glob("*.md")):
        shelf.send(Path(shutil.copy(post, folder / "posts" / post.name)))
    shelf.publish(
        "2026-02-10-rtl", "نص عربي.\n\n1. **خبر**: نص. [المصدر](https://example.org/a)", lang="ar", title="النشرة"
    )
    shelf.publish("2026-02-11-nasty", NASTY, title="Many words " + "w" * 120)
    shelf.build()
    return shelf.site


Look = Callable[[Callable[[Any], Any]], Any]


def pages(site: Path) -> list[Path]:
    return [site / "index.html", *sorted((site / "issues").iterdir()), *sorted((site / "months").iterdir())]


@pytest.mark.parametrize("every", part_of((len(THEMES), 1), len(THEMES)), ids=["by_turns", "whole"])
def test_nothing_sticks_out_and_axe_is_content(site: Path, every: int, chromium: Look, page: Any) -> None:
    """Each page in one theme, by turns; in the whole in each. The first page and the widest one in each theme."""
    turn = THEMES.index(site.parent.name.rstrip("0123456789"))

    def look(_browser: Any) -> list[str]:
        found = []
        for number, path in enumerate(pages(site)):
            is_turn = (number + turn) % every == 0
            if not (is_turn or path.stem in ("index", "2026-02-11-nasty")):
                continue
            page.emulate_media(color_scheme="light", media="screen")
            page.goto(path.as_uri())
            for width in WIDTHS:
                page.set_viewport_size({"width": width, "height": 900})
                wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
                found += [f"{path.name} at {width}: {wide} px too wide"] if wide > 0 else []
            if is_turn:
                found += [f"{path.name}: {each}" for each in grave_findings(page)]
                page.emulate_media(color_scheme="dark")
                found += [f"{path.name}: {each}" for each in grave_findings(page, COLOURS)]
        return found

    assert chromium(look) == []


@pytest.mark.parametrize("site", part_of(THEMES, "essay"), indirect=True)
def test_printed_it_has_the_text_and_nothing_to_press(site: Path, chromium: Look, page: Any) -> None:
    def look(_browser: Any) -> tuple[str, list[str]]:
        page.emulate_media(media="print", color_scheme="light")
        page.set_viewport_size({"width": 700, "height": 900})
        page.goto((site / "issues" / "2026-03-05-slow-software.html").as_uri())
        shown = page.evaluate("document.body.innerText")
        buttons = page.evaluate(
            "[...document.querySelectorAll('header nav, .turn, footer.site')]"
            ".filter((each) => each.offsetHeight).map((each) => each.className)"
        )
        page.emulate_media(media="screen")
        return shown, buttons

    shown, buttons = chromium(look)
    assert "bread knife" in shown
    assert buttons == []


@pytest.mark.parametrize("site", part_of(THEMES, "essay"), indirect=True)
def test_it_reads_without_scripts_by_keys_alone(site: Path, chromium: Look) -> None:
    def look(browser: Any) -> list[str]:
        context = browser.new_context(java_script_enabled=False)
        plain = context.new_page()
        plain.goto((site / "index.html").as_uri())
        seen = [plain.inner_text("noscript")] if plain.locator("noscript").count() else []
        plain.keyboard.press("Tab")
        plain.keyboard.press("Enter")  # past the frame, to the text
        plain.keyboard.press("Tab")
        plain.keyboard.press("Enter")
        plain.wait_for_url("**/issues/*.html")
        seen.append(plain.inner_text("h1"))
        context.close()
        return seen

    assert chromium(look)[-1] == "Three tools that outlived their makers"


@pytest.mark.parametrize("count", [0, 1])
def test_an_archive_of_no_issue_or_one_is_whole(tmp_path: Path, count: int, chromium: Look, page: Any) -> None:
    shelf = Shelf(tmp_path)
    for number in range(count):
        shelf.publish(
            f"2026-02-0{number + 1}-post", "1. **A story**: text.\n2. **More**: text.\n", title="The only one"
        )
    shelf.build()

    def look(_browser: Any) -> list[str]:
        found = []
        for path in (path for path in sorted(shelf.site.rglob("*.html"))):
            page.set_viewport_size({"width": 320, "height": 700})
            page.goto(path.as_uri())
            wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
            found += [f"{path.name}: {wide} px too wide"] if wide > 0 else []
            found += [f"{path.name}: {each}" for each in grave_findings(page)]
        return found

    assert chromium(look) == []
