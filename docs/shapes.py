"""Draws the pictures of docs/digests.md, one for each of its examples: `python docs/shapes.py` needs Chromium.

Each example is shown in every theme, at 390 pixels.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from PIL import Image, ImageChops

from newsletter.message.fill_slots import fill
from newsletter.model.rendered_email import Masthead
from newsletter.post.parse import parse_post
from newsletter.render.render_issue import render_issue
from newsletter.render.themes.load import load_theme

CHECKOUT = Path(__file__).parent.parent
PAGE = CHECKOUT / "docs" / "digests.md"
THEMES = ("classic", "brief", "essay")
WIDTH = 390
HEIGHT = 1_400
GAP = 20
AROUND = "#d9d4ca"
_EXAMPLE = re.compile(r"```markdown\n(?P<post>.*?)\n```\s+!\[[^\]]*\]\((?P<picture>[^)]+)\)", re.DOTALL)


def examples() -> dict[str, str]:
    """The page's examples, by the names of their pictures."""
    return {found["picture"]: found["post"] for found in _EXAMPLE.finditer(PAGE.read_text("utf-8"))}


def page_of(post: str, theme: str) -> str:
    issue = parse_post(f"---\ntitle: The Ferry Post\ndate: 2026-03-02\n---\n{post}\n", path="post.md").issue
    return fill(render_issue(issue, load_theme(theme, CHECKOUT), Masthead("The Ferry Post")).html, {})


def draw(browser: str, post: str, picture: Path, folder: Path) -> None:
    frames = ""
    for theme in THEMES:
        (folder / f"{theme}.html").write_text(page_of(post, theme), "utf-8")
        frames += f'<iframe src="{theme}.html" width="{WIDTH}" height="{HEIGHT}" scrolling="no"></iframe>'
    style = f"body{{margin:0;padding:{GAP}px;display:flex;gap:{GAP}px;background:{AROUND}}}iframe{{border:0}}"
    (folder / "page.html").write_text(f"<!doctype html><style>{style}</style>{frames}", "utf-8")
    width = len(THEMES) * (WIDTH + GAP) + GAP
    shot = folder / "shot.png"
    command = [browser, "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--hide-scrollbars"]
    command += ["--allow-file-access-from-files", f"--user-data-dir={folder / 'profile'}"]
    command += [f"--window-size={width},{HEIGHT + 2 * GAP}", f"--screenshot={shot}", (folder / "page.html").as_uri()]
    subprocess.run(command, check=True, capture_output=True)
    with Image.open(shot) as image:
        full = image.convert("RGB")
        full.crop((0, 0, width, _last_line(full) + GAP)).quantize(64, dither=Image.Dither.NONE).save(
            picture, optimize=True
        )


def _last_line(image: Image.Image) -> int:
    """Where the longest email's footer ends: below it every line is as the last but one of the frames."""
    box = (0, image.height - GAP - 2, image.width, image.height - GAP - 1)
    empty = image.crop(box).resize((image.width, image.height))
    changed = ImageChops.difference(image, empty).crop((0, 0, image.width, image.height - GAP)).getbbox()
    return changed[3] if changed else image.height


def main() -> None:
    browser = shutil.which("chromium") or shutil.which("google-chrome") or sys.exit("Chromium is not installed")
    for name, post in examples().items():
        with tempfile.TemporaryDirectory() as folder:
            draw(browser, post, PAGE.parent / name, Path(folder))
        print(PAGE.parent / name)


if __name__ == "__main__":
    main()
