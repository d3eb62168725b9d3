"""axe-core on our own pages, light and dark: where people join and leave, preview, catcher's inbox, report, dry run."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import pytest
from axe import COLOURS, grave_findings
from command_line import DIGEST, newsletter, write_list
from machine import CHECKOUT, PATIENT_MS
from report_fixture import FULL, GONE, LOST, TAKEN, IssueLedger, cycle, people
from web_site import LISTS, TOML, running

from newsletter.config.load import load_config
from newsletter.report.as_page import render_page
from newsletter.web.catcher.server import Catcher
from newsletter.web.preview.live_rendering import LiveRendering
from newsletter.web.preview.server import PreviewServer

if TYPE_CHECKING:
    from playwright.sync_api import Browser

Schemes = Mapping[Literal["light", "dark"], Sequence[str]]
SCHEMES: Schemes = {"light": (), "dark": COLOURS}


def found(
    browser: Browser, url: str, ready: str = "body", width: int = 1280, schemes: Schemes = SCHEMES
) -> dict[str, list[str]]:
    """The findings by colour scheme, where there are any."""
    grave: dict[str, list[str]] = {}
    # What the pages may load is not ours to widen, but the script comes from outside.
    window = {"width": width, "height": 720}
    page = browser.new_context(locale="en", bypass_csp=True, viewport=window).new_page()
    page.set_default_timeout(PATIENT_MS)
    page.emulate_media(color_scheme="light")
    page.goto(url)
    page.wait_for_selector(ready, state="attached")
    for scheme, rules in schemes.items():
        page.emulate_media(color_scheme=scheme)
        if findings := grave_findings(page, rules):
            grave[scheme] = findings
    page.context.close()
    return grave


def test_the_pages_where_people_join_and_leave(browser: Browser, tmp_path: Path) -> None:
    with running(tmp_path, TOML + LISTS) as site:
        paths = [
            "/join",
            "/u/nonsense",
            "/f/2026-03-01/up",
            f"/p/{site.link('preferences')}",
            f"/u/{site.link('unsubscribe')}",
        ]
        assert {path: grave for path in paths if (grave := found(browser, f"{site.url}{path}"))} == {}


def test_the_preview(browser: Browser, tmp_path: Path) -> None:
    posts = tmp_path / "posts"
    shutil.copytree(CHECKOUT / "examples", posts)
    post = posts / "2026-03-07-tools-we-kept.md"
    with PreviewServer(LiveRendering(post, lambda: load_config(None, {}, posts))) as server:
        ready = "body[data-shown][data-facts$=inspected]"
        views = {view: found(browser, f"{server.url}{view}", ready) for view in ("", "#view=text", "#view=headers")}
        assert {view: grave for view, grave in views.items() if grave} == {}


def test_the_catchers_inbox(browser: Browser) -> None:
    with Catcher() as catcher:
        assert found(browser, catcher.inbox_url) == {}


@pytest.fixture
def report(tmp_path: Path) -> Path:
    """The page of a send as mixed as they come."""
    ledger = IssueLedger(tmp_path / "newsletter.db", people(60))
    ledger.run(cycle(FULL, GONE, TAKEN, LOST))
    page = tmp_path / "report.html"
    page.write_text(render_page(ledger.report(), UTC, datetime(2026, 3, 3, 9, 0, tzinfo=UTC)), "utf-8")
    ledger.store.close()
    return page


@pytest.fixture
def dry_run(tmp_path: Path) -> Path:
    """The page of a real dry run, with a list that its table has to scroll."""
    write_list(tmp_path, *(f"reader{number:03}@example.com" for number in range(120)))
    run = newsletter("send", DIGEST, "--to", "list.csv", "--dry-run", "--out", "out", cwd=tmp_path)
    assert run.code == 0, run.err
    (page,) = tmp_path.glob("out/**/index.html")
    return page


SCROLLED = """[...document.querySelectorAll("*")].filter((e) => {
  const style = getComputedStyle(e);
  return /auto|scroll/.test(style.overflowY + style.overflowX) && e !== document.documentElement &&
    (e.scrollHeight > e.clientHeight + 1 || e.scrollWidth > e.clientWidth + 1) && e.tabIndex < 0;
}).map((e) => e.outerHTML.slice(0, 80))"""


@pytest.mark.parametrize("name", ["report", "dry_run"])
def test_a_page_that_is_a_file(browser: Browser, name: str, request: pytest.FixtureRequest) -> None:
    """Nothing serious; at 200 % of 1280 pixels nothing is lost; whatever scrolls, the keyboard reaches."""
    page_file: Path = request.getfixturevalue(name)
    for width in (1280, 640):
        schemes = SCHEMES if width == 1280 else {"light": ()}  # its colours are the same
        assert found(browser, page_file.as_uri(), width=width, schemes=schemes) == {}
        page = browser.new_context(viewport={"width": width, "height": 360}).new_page()
        page.goto(page_file.as_uri())
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert page.evaluate(SCROLLED) == []
        every = page.evaluate(
            "[...document.querySelectorAll('a, summary, iframe, [tabindex=\"0\"]')].filter(e => e.checkVisibility())"
            ".map(e => e.outerHTML.slice(0, 120))"
        )
        left = set(every)
        for _ in range(60):
            page.keyboard.press("Tab")
            left.discard(page.evaluate("document.activeElement.outerHTML.slice(0, 120)"))
            if not left:
                break
        assert left == set()
        page.context.close()
