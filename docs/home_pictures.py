"""Draws docs/images/home.png and home-send.png: the home and a send from it, desktop and phone. Needs Chromium."""

from __future__ import annotations

import contextlib
import io
import os
import shutil
import sys
import tempfile
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import sync_playwright
from screenshots import save

from newsletter.cli.home_send import HomeDesk
from newsletter.config.config import Config
from newsletter.config.load import load_config
from newsletter.ledger.ledger import Claim, Ledger, Move
from newsletter.model.delivery import State
from newsletter.model.issue_name import Identity
from newsletter.web.catcher.server import Catcher
from newsletter.web.home.server import HomeServer
from newsletter.web.home.survey import Inputs

CHECKOUT = Path(__file__).parent.parent
IMAGES = CHECKOUT / "docs" / "images"
HEIGHT, GAP, AROUND = 1000, 24, "#d9d4ca"
NOW = datetime(2026, 3, 11, 7, 30, tzinfo=UTC)
SETTINGS = """\
[newsletter]
name = "AI Daily"
from = "AI Daily <daily@letters.test>"
postal_address = "12 Quay Street, Springfield"
unsubscribe_url = "https://letters.letters.test/u/{token}"
[relay]
url = "smtp://127.0.0.1:1025"
[publish]
send_at = "08:00"
latest = "20:00"
[ledger]
backups = "backups"
[delivery]
time_zone = "Europe/Berlin"
rate = "4/s"
"""
TITLES = (
    "Small models that fit a watch",
    "周末 AI 日报：模型、芯片与开源",
    "What moved in AI this weekend",
    "The licence that was not one",
    "Ten papers, two that matter",
    "A compiler that asks back",
)


def write_newsletter(folder: Path) -> None:
    posts = folder / "posts"
    posts.mkdir()
    (folder / "newsletter.toml").write_text(SETTINGS, "utf-8")
    (folder / "readers.csv").write_text("email\n" + "".join(f"r{n}@example.org\n" for n in range(1_548)), "utf-8")

    def post(day: date, title: str, *lines: str, name: str) -> str:
        head = "\n".join((f"title: {title}", *lines))
        (posts / f"{day}-{name}.md").write_text(
            f"---\n{head}\n---\n\nA paragraph of news, and [one link](https://example.com/).\n", "utf-8"
        )
        return f"{day}-{name}"

    clock = [NOW]
    with Ledger.open(folder / "newsletter.db", lambda: clock[0]) as ledger:
        for back in range(40, 0, -2):
            day = NOW.date() - timedelta(days=back)
            title = TITLES[back // 2 % len(TITLES)]
            issue = post(day, title, name=f"issue-{60 - back // 2}")
            clock[0] = datetime(day.year, day.month, day.day, 7, 1, tzinfo=UTC)
            people = [f"r{number}@example.org" for number in range(1_560 - back * 9)]
            send(ledger, issue, title, day, people, refused=2 if back in (2, 8) else 0)
    post(NOW.date(), "Five papers that are worth an evening", name="today")
    post(NOW.date() + timedelta(days=2), "The week in models", name="week")
    post(NOW.date() - timedelta(days=1), "On reading mail aloud", "draft: true", name="draft")


def send(ledger: Ledger, issue: str, title: str, day: date, people: list[str], *, refused: int) -> None:
    ledger.plan(issue, people, content_hash="1", subject=title, identity=Identity(title, day, issue))
    run = ledger.begin_run(issue, "demo")
    claims = ledger.claim(issue, len(people))
    ledger.write(issue, [Move(claim.row, State.COMMITTING, message_id=f"<{claim.row}@x>") for claim in claims])

    def outcome(place: int, claim: Claim) -> Move:
        if place < refused:
            return Move(claim.row, State.REJECTED, stage="RCPT", code=550, reply="5.1.1 no such user")
        return Move(claim.row, State.SENT, stage="dot", code=250)

    ledger.write(issue, [outcome(place, claim) for place, claim in enumerate(claims)])
    ledger.end_run(run, "")


def shot(page: Any, width: int, scheme: str) -> Image.Image:
    page.set_viewport_size({"width": width, "height": HEIGHT})
    page.emulate_media(color_scheme=scheme)
    with Image.open(io.BytesIO(page.screenshot())) as picture:
        return picture.convert("RGB")


def write_sheet(name: str, shots: list[Image.Image]) -> None:
    sheet = Image.new("RGB", (sum(each.width + GAP for each in shots) + GAP, HEIGHT + 2 * GAP), AROUND)
    left = GAP
    for each in shots:
        sheet.paste(each, (left, GAP))
        left += each.width + GAP
    save(sheet, IMAGES / f"{name}.png")
    print(IMAGES / f"{name}.png")


def draw(browser: str, folder: Path) -> None:
    def read() -> Config:
        return load_config(None, os.environ | {"NEWSLETTER_SECRET": "of-the-pictures-alone-0123456789"}, folder)

    lists = (str(folder / "readers.csv"),)
    with Catcher() as catcher, sync_playwright() as playwright:
        url = str(catcher.relay)
        desk = HomeDesk(read, lists, url)
        with HomeServer(Inputs(read, None, lists), desk, clock=lambda: NOW, relay_url=url) as server:
            chromium = playwright.chromium.launch(executable_path=browser, args=["--no-sandbox", "--disable-gpu"])
            page = chromium.new_page()
            page.goto(server.url)
            page.wait_for_selector("#live[data-state=on]")
            write_sheet("home", [shot(page, 1180, "light"), shot(page, 390, "dark")])
            page.locator(".next a.button", has_text="Send").click()
            form = shot(page, 700, "light")
            page.get_by_role("button", name="Plan the send").click()
            page.wait_for_selector("#ask")
            write_sheet("home-send", [form, shot(page, 700, "light"), shot(page, 390, "dark")])
            chromium.close()


def main() -> None:
    browser = shutil.which("chromium") or shutil.which("google-chrome") or sys.exit("Chromium is not installed")
    with tempfile.TemporaryDirectory() as folder:
        write_newsletter(Path(folder))
        with contextlib.chdir(folder):
            draw(browser, Path(folder))


if __name__ == "__main__":
    main()
