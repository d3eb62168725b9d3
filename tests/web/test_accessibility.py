"""axe-core on our own pages, light and dark: those where people join and leave, the preview, the catcher's inbox."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from axe import grave_findings
from email_page import FLAGS
from machine import CHECKOUT, PATIENT_MS, RequireProgram, missing
from web_site import LISTS, TOML, running

from newsletter.config.load import load_config
from newsletter.web.catcher.server import Catcher
from newsletter.web.preview.live_rendering import LiveRendering
from newsletter.web.preview.server import PreviewServer

if TYPE_CHECKING:
    from playwright.sync_api import Browser

SCHEMES = ("light", "dark")


@pytest.fixture(scope="module")
def browser(require_program: RequireProgram) -> Iterator[Browser]:
    program = require_program("chromium", "chromium-browser", "google-chrome")
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        missing("playwright is not installed")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=program, args=list(FLAGS))
        yield chromium
        chromium.close()


def found(browser: Browser, url: str, ready: str = "body") -> dict[str, list[str]]:
    """The findings by colour scheme, where there are any."""
    grave: dict[str, list[str]] = {}
    for scheme in SCHEMES:
        # What the pages may load is not ours to widen, but the script comes from outside.
        page = browser.new_context(color_scheme=scheme, locale="en", bypass_csp=True).new_page()
        page.set_default_timeout(PATIENT_MS)
        page.goto(url)
        page.wait_for_selector(ready, state="attached")
        if findings := grave_findings(page):
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
