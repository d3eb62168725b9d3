"""What more than one test file needs: programs of the machine, the reference implementations, and the real posts.

A missing program skips its tests on a developer's machine, by name; with CI=true it fails them, since nothing may be
left unchecked there.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn
from urllib.parse import unquote

import pytest
from hypothesis import settings

# A busy machine is no failure: how long a thing takes is for benchmarks/ to say.
settings.register_profile("newsletter", deadline=None)
settings.load_profile("newsletter")

pytest_plugins = ["postgres", "spamd"]

TESTS = Path(__file__).parent
CHECKOUT = TESTS.parent

RequireProgram = Callable[..., str]
NodeScript = Callable[[str, Any], Any]
Evaluate = Callable[..., Any]


def missing(what: str) -> NoReturn:
    if os.environ.get("CI") == "true":
        pytest.fail(f"{what}, and CI may not skip what it checks")
    pytest.skip(what)


@pytest.fixture(scope="session")
def require_program() -> RequireProgram:
    """`require_program("chromium", "google-chrome")` gives the path of the first of these that is installed."""

    def find(*names: str) -> str:
        path = next((found for name in names if (found := shutil.which(name))), None)
        return path or missing(f"{names[0]} is not installed")

    return find


@pytest.fixture(scope="session")
def posts() -> Path:
    """The real posts. They lie beside the checkout and are no part of it, so a clone without them skips, in CI too."""
    folder = CHECKOUT.parent / "shared" / "posts"
    if not folder.is_dir():
        pytest.skip("the real posts are not beside the checkout")
    return folder


@pytest.fixture(scope="session")
def node(require_program: RequireProgram) -> Path:
    """The tests' own `node_modules`, made by `npm ci --prefix tests/node`."""
    require_program("node")
    modules = TESTS / "node" / "node_modules"
    if not modules.is_dir():
        missing("tests/node/node_modules is missing; run `npm ci --prefix tests/node`")
    return modules


@pytest.fixture(scope="session")
def node_script(require_program: RequireProgram, node: Path) -> NodeScript:
    """Runs a script of tests/node: JSON on its standard input, JSON on its standard output."""
    program = require_program("node")

    def run(name: str, data: Any) -> Any:
        script = node.parent / f"{name}.mjs"
        done = subprocess.run([program, script], input=json.dumps(data).encode(), capture_output=True, timeout=90)
        assert done.returncode == 0, done.stderr.decode()
        return json.loads(done.stdout)

    return run


@pytest.fixture
def evaluate(require_program: RequireProgram, tmp_path: Path) -> Evaluate:
    """Opens a page in Chromium, without a network, and gives the value of a JavaScript expression in it."""
    program = require_program("chromium", "chromium-browser", "google-chrome")

    def run(html: str, expression: str, *, width: int = 640, dark: bool = False) -> Any:
        script = f'<script>document.title = "@@" + encodeURIComponent(JSON.stringify({expression})) + "@@"</script>'
        page = tmp_path / "page.html"
        page.write_text(html + script, "utf-8")
        done = subprocess.run(
            [
                program,
                "--headless",
                "--no-sandbox",
                "--disable-gpu",
                "--disable-background-networking",
                "--host-resolver-rules=MAP * ~NOTFOUND",
                f"--user-data-dir={tmp_path / 'chromium'}",
                f"--window-size={width},1200",
                f"--blink-settings=preferredColorScheme={0 if dark else 1}",
                "--dump-dom",
                page.as_uri(),
            ],
            capture_output=True,
            timeout=90,
        )
        answer = re.search("<title>@@([^@]*)@@</title>", done.stdout.decode())
        assert answer, done.stderr.decode()[-2000:]
        return json.loads(unquote(answer[1]))

    return run


@pytest.fixture
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Makes every socket impossible: code that would open one fails its test."""

    def refuse(*args: object, **kwargs: object) -> NoReturn:
        raise AssertionError(f"opened a socket: {args}")

    monkeypatch.setattr(socket.socket, "__init__", refuse)
    monkeypatch.setattr(socket, "create_connection", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
