"""Save to repaint: `python benchmarks/preview.py [POST]` saves a post 20 times and watches its preview in Chromium.

Prints, by the clock, (a) how long it takes from just before the new file takes its name to the frame after which the
new email stands on the screen, (b) how long the rendering alone takes, in turns with it, and (c) what the page weighs.
"""

from __future__ import annotations

import argparse
import itertools
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from figures import in_turns, machine, print_table
from playwright.sync_api import sync_playwright

from newsletter.config.load import Config, load_config
from newsletter.pipeline.render_post import render_post
from newsletter.web.local_pages import SHARED_ASSETS, LocalPages
from newsletter.web.page_templates import page_folder
from newsletter.web.preview.app import ASSETS

CHECKOUT = Path(__file__).resolve().parents[1]
DEFAULT_POST = CHECKOUT / "examples" / "2026-03-02-ai-daily.md"
ROUNDS = 20
FLAGS = ("--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-sync", "--no-first-run")

# The clock of the wall is the one that both processes share. A frame's callback runs before it is painted, the next
# one's after.
WATCH = """(() => {
  window.painted = [];
  new MutationObserver(() => {
    const frame = document.querySelector("#device iframe:not(.coming)");
    requestAnimationFrame(() => requestAnimationFrame(() => {
      window.painted.push([Date.now(), frame.contentDocument.body.innerText.includes(window.wanted)]);
    }));
  }).observe(document.body, { attributes: true, attributeFilter: ["data-shown"] });
})()"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("post", nargs="?", type=Path, default=DEFAULT_POST)
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="saves of the post")
    arguments = parser.parse_args()
    post, rounds = arguments.post.resolve(), arguments.rounds
    browser = shutil.which("chromium") or shutil.which("google-chrome") or sys.exit("Chromium is not installed")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "posts"
        shutil.copytree(post.parent, folder)
        print(f"{machine()}; {post.name}, {rounds} saves, in turns with a rendering\n")
        found = measure(browser, folder / post.name, rounds)
    wanted = {"save to repaint": "100 ms", "the rendering alone": "45 ms"}
    rows = [
        [what, *(f"{figure(times):,.0f} ms" for figure in (statistics.median, min, max)), wanted[what]]
        for what, times in found.items()
    ]
    print_table(
        ["", "median", "least", "most", "wanted"],
        [*rows, ["the page: markup, style and script", f"{page_weight():,} bytes", "", "", "150,000 bytes"]],
    )


def page_weight() -> int:
    """Bytes of the page as a browser loads it, uncompressed: markup, style and script."""
    values = {"post": "post.md", "revision": 1, "listed": True, "base": ""}
    page = LocalPages("preview", ASSETS).render("page.html.j2", values)
    folders = {name: page_folder("local" if name in SHARED_ASSETS else "preview") for name in ASSETS}
    return len(page.body) + sum((folder / name).stat().st_size for name, folder in folders.items())


def measure(browser: str, post: Path, rounds: int) -> dict[str, list[float]]:
    """Milliseconds from each save to the paint of what it changed, and of a rendering in this process after it."""
    text = re.sub(r"(?m)^title:.*$", "title: Save 0", post.read_text("utf-8"), count=1)
    post.write_text(text, "utf-8")
    with preview_of(post) as url, sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=browser, args=list(FLAGS))
        page = chromium.new_page(viewport={"width": 1280, "height": 900})
        page.goto(url)
        page.wait_for_selector("body[data-shown][data-facts$=inspected]", state="attached")
        page.evaluate(WATCH)
        numbers = itertools.count(1)

        def save() -> float:
            words = f"Save {next(numbers)}"
            return save_once(page, post, text.replace("Save 0", words), words)

        config = load_config(None, os.environ, post.parent)
        render_once(post, config)
        times = in_turns({"save to repaint": save, "the rendering alone": lambda: render_once(post, config)}, rounds)
        chromium.close()
    return times


@contextmanager
def preview_of(post: Path) -> Iterator[str]:
    """The address of the real command, running."""
    command = [sys.executable, "-c", "from newsletter.cli.main import main; main()"]
    process = subprocess.Popen(
        [*command, "preview", str(post), "--no-open", "--port", "0"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdout is not None
    yield process.stdout.readline().decode().split()[-1]
    process.terminate()
    process.communicate()


def save_once(page: Any, post: Path, text: str, words: str) -> float:
    page.evaluate(f"window.painted = []; window.wanted = {words!r};")
    new = post.with_suffix(".tmp")
    new.write_text(text, "utf-8")
    saved = time.time()
    new.replace(post)
    painted = page.evaluate(
        """new Promise((resolve) => {
          const look = () => {
            const shown = window.painted.find(([, isNew]) => isNew);
            if (shown) resolve(shown[0]); else requestAnimationFrame(look);
          };
          look();
        })"""
    )
    # The findings are read after the repaint; the next save comes when an author's would, once all is calm.
    page.wait_for_selector("body[data-facts$=inspected]", state="attached")
    time.sleep(0.4)
    return float(painted) - 1_000 * saved


def render_once(post: Path, config: Config) -> float:
    started = time.perf_counter()
    render_post(str(post), config)
    return 1_000 * (time.perf_counter() - started)


if __name__ == "__main__":
    main()
