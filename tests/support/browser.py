"""The tests' Chromium, driven by Playwright in the thread of the test."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from machine import CHROMIUM, RequireProgram, missing

if TYPE_CHECKING:
    from playwright.sync_api import Browser

# As root it has no sandbox; without a display's driver it draws in software; a container's /dev/shm may be small.
FLAGS = (
    *("--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync", "--no-first-run"),
)


# Not for the session: while it is open, Playwright's event loop runs in this thread, and no other test may run one.
@pytest.fixture(scope="module")
def browser(require_program: RequireProgram) -> Iterator[Browser]:
    program = require_program(*CHROMIUM)
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        missing("playwright is not installed")
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=program, args=list(FLAGS))
        yield running
        running.close()
