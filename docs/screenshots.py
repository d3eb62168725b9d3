"""Draws the pictures of the documentation: `python docs/screenshots.py` needs Chromium and writes docs/images/.

Each theme is shown light and dark, at 640 and at 390 pixels, some scrolled. A frame's `color-scheme` is what the email
inside takes for its reader's.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from PIL import Image

CHECKOUT = Path(__file__).parent.parent
IMAGES = CHECKOUT / "docs" / "images"
DIGEST = "2026-03-02-ai-daily.md"
ESSAY = "2026-03-05-slow-software.md"
HEIGHT = 1180
GAP = 24

# Name of the picture: theme, post, colour around it, and the frames as (width, scheme, scrolled by).
PICTURES = {
    "email": ("classic", DIGEST, "#d9d4ca", ((640, "light", 0), (390, "dark", 0), (390, "light", 1900))),
    "theme-classic": (
        *("classic", DIGEST, "#d9d4ca"),
        ((640, "light", 0), (640, "dark", 1250), (390, "light", 2400), (390, "dark", 0)),
    ),
    "theme-brief": (
        *("brief", DIGEST, "#ccd6d2"),
        ((640, "light", 0), (640, "dark", 900), (390, "light", 0), (390, "dark", 2100)),
    ),
    "theme-essay": (
        *("essay", ESSAY, "#d8cebc"),
        ((640, "light", 0), (640, "dark", 1250), (390, "light", 0), (390, "dark", 2300)),
    ),
}


def draw(browser: str, name: str, folder: Path) -> None:
    theme, post, around, frames = PICTURES[name]
    (folder / "newsletter.toml").write_text(
        f'[newsletter]\nname = "{"AI 日报" if post == DIGEST else "Slow Letters"}"\n'
        f'postal_address = "1 Example Street"\nunsubscribe_mailto = "leave@example.com"\n[theme]\nname = "{theme}"\n'
    )
    command = [
        sys.executable,
        "-c",
        "from newsletter.cli import main; main()",
        "render",
        str(CHECKOUT / "examples" / post),
    ]
    options = ["--out", str(folder), "--config", str(folder / "newsletter.toml")]
    subprocess.run([*command, *options], check=True, capture_output=True)
    views = "".join(
        f'<div style="width:{width}px"><iframe src="email.html" style="width:{width}px;margin-top:-{top}px;'
        f'height:{HEIGHT + top}px;color-scheme:{scheme}" scrolling="no"></iframe></div>'
        for width, scheme, top in frames
    )
    style = (
        f"body{{margin:0;padding:{GAP}px;display:flex;gap:{GAP}px;background:{around}}}"
        f"div{{height:{HEIGHT}px;overflow:hidden;border-radius:6px}}iframe{{border:0;display:block}}"
    )
    (folder / "page.html").write_text(f"<!doctype html><style>{style}</style>{views}", "utf-8")
    width = sum(frame[0] for frame in frames) + GAP * (len(frames) + 1)
    shot = folder / "shot.png"
    subprocess.run(
        [
            *(browser, "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--hide-scrollbars"),
            *(
                "--disable-background-networking",
                "--allow-file-access-from-files",
                f"--user-data-dir={folder / 'profile'}",
            ),
            *(f"--window-size={width},{HEIGHT + 2 * GAP}", f"--screenshot={shot}", (folder / "page.html").as_uri()),
        ],
        check=True,
        capture_output=True,
    )
    with Image.open(shot) as picture:
        small = picture.convert("RGB").quantize(160, dither=Image.Dither.NONE)
        small.save(IMAGES / f"{name}.png", optimize=True)


def main() -> None:
    browser = shutil.which("chromium") or shutil.which("google-chrome") or sys.exit("Chromium is not installed")
    for name in PICTURES:
        with tempfile.TemporaryDirectory() as folder:
            draw(browser, name, Path(folder))
            print(IMAGES / f"{name}.png")


if __name__ == "__main__":
    main()
