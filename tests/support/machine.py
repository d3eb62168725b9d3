"""Shared resources of the tests: system programs, reference implementations, and the real posts.

Without a program its tests are skipped by name on a developer's machine; with CI=true they fail, since nothing may be
left unchecked there.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NoReturn

import pytest
from hypothesis import settings


def examples(count: int) -> int:
    """`max_examples` relative to the usual hundred: half by default, twenty times in a soak."""
    return count * settings().max_examples // 100


TESTS = Path(__file__).parent.parent
CHECKOUT = TESTS.parent

RequireProgram = Callable[..., str]
NodeScript = Callable[[str, Any], Any]
Evaluate = Callable[..., Any]


CHROMIUM = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
"""Names of a browser's program. The shell draws the same and has no windows, for half of the CPU."""

PATIENT_MS = 600_000
"""The time-out of a browser, which only a hang exceeds, even on a busy machine."""


def missing(what: str) -> NoReturn:
    if os.environ.get("CI") == "true":
        pytest.fail(f"{what}, and CI may not skip what it checks")
    pytest.skip(what)


@pytest.fixture(scope="session")
def require_program() -> RequireProgram:
    """`require_program("chromium", "google-chrome")` returns the path of the first one that is installed."""

    def find(*names: str) -> str:
        path = next((found for name in names if (found := shutil.which(name))), None)
        return path or missing(f"{names[0]} is not installed")

    return find


@pytest.fixture(scope="session")
def posts() -> Path:
    """The real posts. They are outside the checkout, so without them tests are skipped, in CI too."""
    folder = CHECKOUT.parent / "shared" / "posts"
    if not folder.is_dir():
        pytest.skip("the real posts are not beside the checkout")
    return folder


@pytest.fixture(scope="session")
def node(require_program: RequireProgram) -> Path:
    """The tests' own `node_modules`, installed by `npm ci --prefix tests/node`."""
    require_program("node")
    modules = TESTS / "node" / "node_modules"
    if not modules.is_dir():
        missing("tests/node/node_modules is missing; run `npm ci --prefix tests/node`")
    return modules


@pytest.fixture(scope="session")
def node_script(require_program: RequireProgram, node: Path) -> NodeScript:
    """Run a script of tests/node: JSON on its standard input, JSON on its standard output."""
    program = require_program("node")

    def run(name: str, data: Any) -> Any:
        script = node.parent / f"{name}.mjs"
        done = subprocess.run([program, script], input=json.dumps(data).encode(), capture_output=True, timeout=600)
        assert done.returncode == 0, done.stderr.decode()
        return json.loads(done.stdout)

    return run


@pytest.fixture(scope="session")
def chromium(require_program: RequireProgram) -> Iterator[Callable[[Callable[[Any], Any]], Any]]:
    """`chromium(work)` calls `work` with the tests' one browser, which has no network."""
    program = require_program(*CHROMIUM)
    try:
        from playwright.sync_api import sync_playwright
    except ModuleNotFoundError:
        missing("playwright is not installed")
    # In a thread of its own, since Playwright's event loop runs in it, and other tests run their own loops.
    with ThreadPoolExecutor(1) as thread:
        playwright = thread.submit(sync_playwright().start).result()
        options = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--host-resolver-rules=MAP * ~NOTFOUND"]
        browser = thread.submit(lambda: playwright.chromium.launch(executable_path=program, args=options)).result()
        yield lambda work: thread.submit(work, browser).result()
        thread.submit(browser.close).result()
        thread.submit(playwright.stop).result()


@pytest.fixture(scope="session")
def page(chromium: Callable[[Callable[[Any], Any]], Any]) -> Any:
    """The only page of that browser. A new one for each email would start a new process."""
    page = chromium(lambda browser: browser.new_page())
    chromium(lambda _browser: page.set_default_timeout(PATIENT_MS))
    return page


@pytest.fixture
def evaluate(chromium: Callable[[Callable[[Any], Any]], Any], page: Any, tmp_path: Path) -> Evaluate:
    """Open a page in Chromium, without a network, and return the value of a JavaScript expression in it.

    The same page again, at another width or in other colours, is not loaded anew.
    """
    opened = None

    def run(html: str, expression: str, *, width: int = 640, dark: bool = False) -> Any:
        nonlocal opened
        path = tmp_path / "page.html"
        path.write_text(html, "utf-8")
        is_open, opened = html == opened, html

        def look(_browser: Any) -> Any:
            page.set_viewport_size({"width": width, "height": 1200})
            page.emulate_media(color_scheme="dark" if dark else "light")
            if not is_open:
                page.goto(path.as_uri())
            return page.evaluate(expression)

        return chromium(look)

    return run


@pytest.fixture
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make every socket fail, and so every test that opens one."""

    def refuse(*args: object, **kwargs: object) -> NoReturn:
        raise AssertionError(f"opened a socket: {args}")

    monkeypatch.setattr(socket.socket, "__init__", refuse)
    monkeypatch.setattr(socket, "create_connection", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
