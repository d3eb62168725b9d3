"""Draws docs/images/archive.png: the archive of the examples on a desktop and a phone. Needs Chromium."""

from __future__ import annotations

import io
import shutil
import sys
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import sqlalchemy as sa
from PIL import Image
from playwright.sync_api import sync_playwright

from newsletter.archive.build import build_archive
from newsletter.config.load import load_config
from newsletter.ledger.database.schema import identities, issues
from newsletter.ledger.database.timestamps import stamp_of
from newsletter.ledger.ledger import Ledger
from newsletter.post.parse import decode_post, parse_post

CHECKOUT = Path(__file__).parent.parent
OUT = CHECKOUT / "docs" / "images" / "archive.png"
HEIGHT, GAP = 1080, 24
FRAMES = (
    ("index.html?q=tools", 820, "light"),
    ("issues/2026-03-05-slow-software.html", 1180, "light"),
    ("issues/2026-03-07-tools-we-kept.html", 390, "dark"),
    ("issues/2026-03-02-ai-daily.html", 390, "light"),
)
SETTINGS = """\
[newsletter]
name = "The Evening Shelf"
from = "The Evening Shelf <shelf@example.com>"
[serve]
url = "https://news.example.com"
[archive]
dir = "site"
"""
EARLIER = (
    (
        "2026-02-21-quiet-tools",
        "The quiet tools",
        "A calendar on paper, a clock that is never wrong twice, and a list that ends.",
    ),
    (
        "2026-02-14-what-a-map-leaves-out",
        "What a map leaves out",
        "Three maps of one valley, and the path that is on none of them.",
    ),
    (
        "2026-01-31-letters-to-the-machine",
        "Letters to the machine",
        "People who write to the programs they use, and what they get back.",
    ),
)


def main() -> None:
    browser = shutil.which("chromium") or shutil.which("google-chrome") or sys.exit("Chromium is not installed")
    with tempfile.TemporaryDirectory() as folder:
        site = archive_of_examples(Path(folder), SETTINGS)
        width = sum(frame[1] for frame in FRAMES) + GAP * (len(FRAMES) + 1)
        sheet = Image.new("RGB", (width, HEIGHT + 2 * GAP), "#cfc9be")
        left = GAP
        with sync_playwright() as playwright:
            chromium = playwright.chromium.launch(executable_path=browser, args=["--no-sandbox", "--disable-gpu"])
            for path, frame_width, scheme in FRAMES:
                page = chromium.new_page(viewport={"width": frame_width, "height": HEIGHT}, locale="en")
                page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
                page.goto(f"{site.as_uri()}/{path}")
                if "?" in path:
                    page.wait_for_function("document.querySelector('.found').children.length > 0")
                page.wait_for_load_state("networkidle")
                with Image.open(io.BytesIO(page.screenshot())) as shot:
                    sheet.paste(shot.convert("RGB"), (left, GAP))
                left += frame_width + GAP
            chromium.close()
    sheet.quantize(192, dither=Image.Dither.NONE).save(OUT, optimize=True)
    print(OUT)


def archive_of_examples(root: Path, settings: str) -> Path:
    """The folder of an archive in which the examples have gone out."""
    (root / "newsletter.toml").write_text(settings, "utf-8")
    posts = root / "posts"
    shutil.copytree(CHECKOUT / "examples" / "images", posts / "images")
    for name, title, words in EARLIER:
        (posts / f"{name}.md").write_text(f"---\ntitle: {title}\ndescription: {words}\n---\n\n{words} And more.\n")
    for path in (CHECKOUT / "examples").glob("*.md"):
        shutil.copy(path, posts)
    config = load_config(None, {}, root)
    sent = datetime(2026, 1, 1, 8, tzinfo=UTC)
    with Ledger.open(config.ledger_place, lambda: sent) as ledger:
        with ledger.storage.write() as db:
            for number, path in enumerate(sorted(posts.glob("*.md")), 1):
                issue = parse_post(decode_post(path.read_bytes(), str(path)), path=str(path)).issue
                day = issue.date.isoformat() if issue.date else ""
                row = {
                    "id": number,
                    "issue": issue.slug,
                    "subject": issue.title,
                    "version": 1,
                    "plan": 1,
                    "last_plan": 1,
                }
                stamp = stamp_of(sent + timedelta(days=number))
                db.execute(sa.insert(issues), {**row, "post": str(path), "audience": "list.csv", "first_sent": stamp})
                own = {"issue": number, "name": issue.name, "title": issue.title, "day": day}
                db.execute(sa.insert(identities), {**own, "newsletter": config.sample_sender.list_id})
        build_archive(config, ledger, root / "site")
    return root / "site"


if __name__ == "__main__":
    main()
