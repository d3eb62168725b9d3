"""Draws the pictures of the documentation: `python docs/screenshots.py [NAME]...` needs Chromium, writes docs/images/.

Each theme is shown light and dark, at 640 and at 390 pixels, some scrolled. A frame's `color-scheme` is what the email
inside takes for its reader's.
"""

from __future__ import annotations

import contextlib
import io
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from PIL import Image, ImageDraw

from newsletter.ledger.ledger import Claim, Ledger, Move
from newsletter.model.delivery import State
from newsletter.report.as_page import render_page
from newsletter.report.read import read_report
from newsletter.stats.as_page import stats_page
from newsletter.stats.figures import Cadence, Growth, IssueNumbers, LinkNumbers, Readers, Share, Stats
from newsletter.tokens import Link, LinkPurpose, make_link

CHECKOUT = Path(__file__).parent.parent
IMAGES = CHECKOUT / "docs" / "images"
DIGEST = "2026-03-02-ai-daily.md"
ESSAY = "2026-03-05-slow-software.md"
LETTER = "2026-03-07-tools-we-kept.md"
HEIGHT = 1180
GAP = 24
MAX_BYTES = 200_000
"""Of a picture: a page of the documentation has several."""

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
    "theme-magazine": (
        *("magazine", LETTER, "#d6d3d0"),
        ((640, "light", 0), (640, "dark", 1250), (390, "light", 2400), (390, "dark", 0)),
    ),
    "theme-mono": (
        *("mono", LETTER, "#d2d4d2"),
        ((640, "light", 0), (640, "dark", 900), (390, "light", 0), (390, "dark", 2100)),
    ),
    "post-sponsor": ("classic", LETTER, "#d9d4ca", ((640, "light", 620), (390, "dark", 640)), 520),
    "post-notes": ("classic", LETTER, "#d9d4ca", ((640, "light", 2730), (390, "dark", 2950)), 560),
    "post-end": ("classic", LETTER, "#d9d4ca", ((640, "light", 3300), (390, "dark", 3890)), 760),
}
TOML = """
[newsletter]
name = "{name}"
from = "news@example.com"
postal_address = "1 Example Street"
unsubscribe_mailto = "leave@example.com"
subscribe_url = "https://example.com/subscribe"
[site]
url = "https://example.com"
permalink = "/:year/:month/:day/:title/"
[theme]
name = "{theme}"
[footer]
forward = true
feedback = "https://example.com/feedback"
"""
NAMES = {DIGEST: "AI 日报", ESSAY: "Slow Letters", LETTER: "Tools We Kept"}


def render_example(post: Path, theme: str, folder: Path) -> Path:
    """The page of an example's email, in a newsletter of its own."""
    folder.mkdir(exist_ok=True)
    (folder / "newsletter.toml").write_text(TOML.format(name=NAMES[post.name], theme=theme), "utf-8")
    command = [sys.executable, "-c", "from newsletter.cli.main import main; main()", "render", str(post)]
    options = ["--out", str(folder), "--config", str(folder / "newsletter.toml")]
    subprocess.run([*command, *options], check=True, capture_output=True)
    return folder / "email.html"


def draw(browser: str, name: str, folder: Path) -> None:
    theme, post, around, frames, height = (*PICTURES[name], HEIGHT)[:5]
    render_example(CHECKOUT / "examples" / post, theme, folder)
    shoot(browser, name, folder / "email.html", around, frames, height=height)


# --- every theme, every kind of issue -------------------------------------------------------------------------------

SHEETS_OF_ISSUES = {
    "issues-digest": (DIGEST, "45 stories"),
    "issues-letter": (LETTER, ""),
    "issues-essay": (ESSAY, ""),
    "issues-plain": (LETTER, "no pictures"),
}
THEMES = ("classic", "brief", "essay", "magazine", "mono")
FRAMES = ((640, "light"), (640, "dark"), (390, "light"), (390, "dark"))
SHARE = 0.36
"""Of its size that each email is shown in."""


def issue_source(post: str, change: str) -> str:
    """The text of an example, with as many stories or as few pictures as a picture asks for."""
    text = (CHECKOUT / "examples" / post).read_text("utf-8")
    if change == "no pictures":
        return re.sub(r"(?m)^image: .*\n|^> ?!\[.*\n", "", re.sub(r"(?m)^ *!\[[^\]]*\]\([^)]*\)\n", "", text))
    if change:
        head, *sections = re.split(r"(?m)^(?=#### )", text)
        again = [section.replace("：", "（下）：", 1) for section in sections]
        kept, stories = head, 0
        for section in (*sections, *again):
            first, *items = re.split(r"(?m)^(?=\d+\. )", section)
            kept += first + "".join(items[: 45 - stories])
            stories += len(items)
            if stories >= 45:
                break
        return kept
    return text


def draw_issues(browser: str, name: str, folder: Path) -> None:
    """An issue in the five themes, from left to right; desktop and phone, light and dark, from top to bottom."""
    from playwright.sync_api import sync_playwright

    post, change = SHEETS_OF_ISSUES[name]
    shutil.copytree(CHECKOUT / "examples" / "images", folder / "images")
    (folder / post).write_text(issue_source(post, change), "utf-8")
    gap, height = 12, round(780 * SHARE)
    rows: list[list[Image.Image]] = [[] for _ in FRAMES]
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=browser, args=["--no-sandbox", "--disable-gpu"])
        for theme in THEMES:
            page_file = render_example(folder / post, theme, folder / theme)
            for row, (width, scheme) in zip(rows, FRAMES, strict=True):
                page = chromium.new_page(
                    viewport={"width": width, "height": 780 if width > 400 else 960},
                    color_scheme=scheme,  # type: ignore[arg-type]
                    device_scale_factor=2 * SHARE,
                )
                page.goto(page_file.as_uri())
                with Image.open(io.BytesIO(page.screenshot())) as shot:
                    size = (round(width * SHARE), round(shot.height / 2))
                    row.append(shot.convert("RGB").resize(size, Image.Resampling.LANCZOS))
                page.close()
        chromium.close()
    column = round(640 * SHARE)
    # A phone's two pictures stand side by side beneath the desktop's.
    sheet = Image.new("RGB", (len(THEMES) * (column + gap) + gap, 3 * (height + gap) + gap), "#8f94ab")
    for index in range(len(THEMES)):
        left = gap + index * (column + gap)
        sheet.paste(rows[0][index], (left, gap))
        sheet.paste(rows[1][index], (left, gap + height + gap))
        half = (column - gap // 2) // 2
        for place, row in enumerate(rows[2:]):
            phone = row[index].resize(
                (half, round(row[index].height * half / row[index].width)), Image.Resampling.LANCZOS
            )
            sheet.paste(
                phone.crop((0, 0, half, min(height, phone.height))),
                (left + place * (half + gap // 2), gap + 2 * (height + gap)),
            )
    save(sheet, IMAGES / f"{name}.png", 160)


def save(picture: Image.Image, path: Path, colours: int = 250) -> None:
    """Write a picture with so many colours, with fewer or smaller where it would be larger than MAX_BYTES."""
    for scale in (1.0, 0.85, 0.7, 0.6):
        size = (round(picture.width * scale), round(picture.height * scale))
        scaled = picture if scale == 1.0 else picture.resize(size, Image.Resampling.LANCZOS)
        for count in (colours, *(fewer for fewer in (128, 64) if fewer < colours)):
            out = io.BytesIO()
            with_few_colours(scaled, count).save(out, "PNG", optimize=True)
            if out.tell() <= MAX_BYTES:
                path.write_bytes(out.getvalue())
                return


def with_few_colours(picture: Image.Image, count: int) -> Image.Image:
    """A small file that keeps the colours of large areas as they are, and some of each rare one."""
    found = picture.getcolors(picture.width * picture.height) or []
    common = [channel for _, colour in sorted(found, reverse=True)[: count * 3 // 4] for channel in colour]
    rest = count - len(common) // 3
    rare = picture.quantize(rest, Image.Quantize.MAXCOVERAGE).getpalette() or []
    palette = Image.new("P", (1, 1))
    palette.putpalette([*common, *rare[: rest * 3]])
    return picture.quantize(palette=palette, dither=Image.Dither.NONE)


def shoot(
    browser: str,
    name: str,
    page: Path,
    around: str,
    frames: tuple[tuple[int, str, int], ...],
    colours: int = 250,
    height: int = HEIGHT,
) -> None:
    """One picture of a page in several frames, side by side. With `colours` 0 it keeps all that it has."""
    folder = page.parent
    views = "".join(
        f'<div style="width:{width}px"><iframe src="{page.name}" style="width:{width}px;margin-top:-{top}px;'
        f'height:{height + top}px;color-scheme:{scheme}" scrolling="no"></iframe></div>'
        for width, scheme, top in frames
    )
    style = (
        f"body{{margin:0;padding:{GAP}px;display:flex;gap:{GAP}px;background:{around}}}"
        f"div{{height:{height}px;overflow:hidden;border-radius:6px}}iframe{{border:0;display:block}}"
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
            *(f"--window-size={width},{height + 2 * GAP}", f"--screenshot={shot}", (folder / "page.html").as_uri()),
        ],
        check=True,
        capture_output=True,
    )
    with Image.open(shot) as picture:
        full = picture.convert("RGB")
        if colours:
            save(full, IMAGES / f"{name}.png", colours)
        else:
            full.save(IMAGES / f"{name}.png", optimize=True)


# --- a send that went as sends go -----------------------------------------------------------------------------------

REPORT = ("report", "#d9d9d5", ((900, "light", 0), (390, "dark", 0)))
ISSUE = "2026-03-02-ai-daily"
DOMAINS = (
    *("gmail.com", "qq.com", "163.com", "outlook.com", "icloud.com", "hotmail.com", "126.com", "foxmail.com"),
    *("yahoo.com", "proton.me", "gmx.de", "fastmail.com", "例子.中国"),
    *(f"company-{number}.example" for number in range(20)),
)
TROUBLE = (
    (9, State.REJECTED, "RCPT", 550, "5.1.1 The email account that you tried to reach does not exist."),
    (3, State.REJECTED, "RCPT", 552, "5.2.2 The mailbox is full."),
    (12, State.DEFERRED, "RCPT", 450, "4.2.0 Recipient address rejected: Greylisted"),
    (5, State.DEFERRED, "MAIL", 421, "4.7.0 Temporarily deferred due to unexpected volume or user complaints"),
    (1, State.UNCERTAIN, "dot", 0, "no answer to dot within 600 s"),
)
"""How many of a thousand, and what becomes of them."""


def demo_ledger(path: Path) -> None:
    """A send to 12,000 that a relay slowed down for a while, and a second run for those whom it had put off."""
    dice = random.Random(7)
    now = [datetime(2026, 3, 2, 7, 0, 3, tzinfo=UTC)]
    domains = dice.choices(DOMAINS, [1 / place for place in range(1, len(DOMAINS) + 1)], k=12_000)

    def outcome(claim: Claim) -> Move:
        left = dice.random() * 1_000 * claim.attempts**2
        for share, state, stage, code, words in TROUBLE:
            left -= share
            if left < 0:
                return Move(claim.row, state, stage=stage, code=code, reply=words, relay="relay")
        return Move(claim.row, State.SENT, stage="dot", code=250, reply=f"2.0.0 Ok: queued as {claim.row:05X}")

    with Ledger.open(path, lambda: now[0]) as ledger:
        people = (f"reader{number:05}@{domain}" for number, domain in enumerate(domains))
        ledger.plan(ISSUE, people, content_hash="1", subject="AI 日报：三月二日 · What moved in AI this weekend")
        for _ in range(2):
            run = ledger.begin_run(ISSUE, "4711 mailhost")
            after = done = 0
            while claims := ledger.claim(ISSUE, 7, after=after):
                after = claims[-1].row
                ledger.write(
                    ISSUE, [Move(c.row, State.COMMITTING, message_id=f"<{c.row}@example.com>") for c in claims]
                )
                done += len(claims)
                now[0] += timedelta(seconds=7 / (14 if 3_000 < done < 4_500 else 62) * dice.uniform(0.6, 1.4))
                ledger.write(ISSUE, [outcome(claim) for claim in claims])
            ledger.end_run(run, "")
            now[0] += timedelta(minutes=45)


def draw_report(browser: str, folder: Path) -> None:
    name, around, frames = REPORT
    demo_ledger(folder / "newsletter.db")
    with Ledger.open(folder / "newsletter.db", lambda: datetime.now(UTC)) as ledger:
        report = read_report(ledger, ISSUE)
    page = folder / "report.html"
    page.write_text(render_page(report, UTC, datetime(2026, 3, 2, 9, 30, tzinfo=UTC)), "utf-8")
    shoot(browser, name, page, around, frames, colours=0)


# --- a year's numbers, and a week in one post -----------------------------------------------------------------------

STATS = ("stats", "#d9d9d5", ((900, "light", 0), (390, "dark", 0)))
STATS_MORE = ("stats-delivery", "#d9d9d5", ((900, "dark", 830), (390, "light", 980)))


def demo_stats() -> Stats:
    """Fifteen months of a letter that comes on weekdays."""
    dice = random.Random(11)
    today = datetime(2026, 5, 29, 8, 0, tzinfo=UTC)
    months = []
    for number in range(15):
        joined = round(190 + 26 * number * dice.uniform(0.7, 1.2))
        months.append(
            Growth(
                date(2025 + (2 + number) // 12, (2 + number) % 12 + 1, 1),
                joined,
                round(joined * dice.uniform(0.16, 0.34)),
                round(joined * dice.uniform(0.02, 0.07)),
                dice.choice((0, 0, 1, 2)),
                dice.choice((0, 0, 0, 3)),
            )
        )
    issues, readers = [], 1_900.0
    days = [today - timedelta(days=back) for back in range(449, 0, -1)]
    for day in (day for day in days if day.weekday() < 5 and not (day.month == 8 and day.day < 15)):
        readers += dice.uniform(2, 17)
        lost = dice.choice((1, 2, 2, 3, 4, 9))
        sent = round(readers)
        refused = {"unknown": dice.randrange(5), "full": dice.randrange(3), "domain": dice.randrange(2)}
        votes = {"up": dice.randrange(20, 70), "down": dice.randrange(7)}
        spam = int(dice.random() < 0.15)
        issues.append(
            IssueNumbers(
                f"{day:%Y-%m-%d}-daily",
                f"AI Daily, {day.day} {day:%B}",
                day,
                sent,
                refused,
                returned=dice.randrange(4),
                complaints=spam,
                day=lost // 2,
                week=lost,
                unsubscribed=lost,
                clicks=round(readers * dice.uniform(0.2, 0.5)),
                **votes,
            )
        )
    sent_days = [issue.first_sent for issue in issues]
    weeks = Counter(day.date() - timedelta(days=day.weekday()) for day in sent_days)
    first = min(weeks)
    cadence = Cadence(
        len(issues),
        tuple((first + timedelta(weeks=n), weeks[first + timedelta(weeks=n)]) for n in range(65)),
        1.0,
        (datetime(2025, 7, 31, 8, tzinfo=UTC), datetime(2025, 8, 15, 8, tzinfo=UTC)),
        tuple(sum(day.weekday() == number for day in sent_days) for number in range(7)),
    )
    domains = [Share(name, round(2_100 / (place + 1.6))) for place, name in enumerate(DOMAINS[:9])]
    total = round(readers)
    listed = Readers(
        total,
        tuple(domains),
        212,
        total - sum(share.number for share in domains),
        (Share("zh", 2_804), Share("en", 771), Share("de", 96), Share("", total - 3_671)),
        tuple(
            Share(name, n)
            for name, n in zip(
                ("under a month", "1 to 3 months", "3 to 6 months", "6 to 12 months", "1 to 2 years"),
                (402, 688, 901, 1_204, total - 3_195),
                strict=True,
            )
        ),
        171,
    )
    places = ("Models", "Tools", "Papers", "Elsewhere")
    links = tuple(
        LinkNumbers(issues[-1 - n // 4].issue, n % 4 + 1, places[n % 4], f"https://{host}/story/{n + 1}", 420 - 9 * n)
        for n, host in enumerate(("arxiv.org", "github.com", "example.org", "blog.example.com") * 4)
    )
    return Stats(
        today,
        tuple(months),
        (Growth(date(2025, 3, 3)), Growth(date(2026, 5, 25))),
        tuple(issues),
        cadence,
        listed,
        links,
    )


def draw_stats(browser: str, folder: Path) -> None:
    page = folder / "stats.html"
    page.write_text(stats_page(demo_stats(), UTC, "AI Daily"), "utf-8")
    for name, around, frames in (STATS, STATS_MORE):
        shoot(browser, name, page, around, frames, colours=0)


WEEK = ("digest", "#d9d4ca", ((640, "light", 0), (390, "dark", 0)))
DAILIES = {
    "2026-03-02-monday": """---
title: Quay Letter, Monday
top: [1]
---
## Harbour

1. **Ferries without a crew from May on**
   Three of them cross the bay, at the old price, by night as well. [Ferry Post](https://ferry.example/1)
2. **The tide tables were wrong for a year**
   The office found it out by a fisherman's letter. [Tide Office](https://tide.example/7)

## Tools

1. **Lantern 2 burns all night**
   And is quiet at it. [Lantern](https://lantern.example/2)
""",
    "2026-03-04-wednesday": """---
title: Quay Letter, Wednesday
---
## Harbour: the office

1. **Tide tables: a year of errors**
   The office says that a fisherman's letter showed that its tables were wrong for a year, and prints new ones by June.
   [Tide Office](https://www.tide.example/7?utm_source=news)
2. **The north bridge is being painted**
   Until Friday the tram ends at the market. [City](https://city.example/bridge)

## Tools

1. **A tin sign that outlives its paint**
   Cut, not printed. [Workshop](https://workshop.example/sign)
""",
    "2026-03-06-friday": """---
title: Quay Letter, Friday
---
## Elsewhere

1. **Forty years of a lighthouse keeper's diaries**
   Read by three students in one winter. [Archive](https://archive.example/keeper)
""",
}


def draw_digest(browser: str, folder: Path) -> None:
    name, around, frames = WEEK
    (folder / "newsletter.toml").write_text(TOML.format(name="Quay Letter", theme="classic"), "utf-8")
    (folder / "posts").mkdir()
    for stem, text in DAILIES.items():
        (folder / "posts" / f"{stem}.md").write_text(text, "utf-8")
    command = (sys.executable, "-m", "newsletter")
    days = ("--since", "2026-03-02", "--until", "2026-03-08", "--out", "week.md")
    subprocess.run([*command, "digest", "posts", *days], cwd=folder, check=True, stderr=subprocess.DEVNULL)
    subprocess.run([*command, "render", "week.md", "--out", "week"], cwd=folder, check=True, stdout=subprocess.DEVNULL)
    shoot(browser, name, folder / "week" / "email.html", around, frames, colours=0)


# A mail of the series and one of the sign-up pages: the post, and its text.
OWN_MAILS = {
    "series": (
        "series/02-three-letters.md",
        """---
title: Three letters to begin with
description: Of the four hundred so far, readers kept coming back to these
after: 3d
---
Of the four hundred letters so far, readers kept coming back to these.

1. **How the harbour got its clock**
   A quarrel of two mayors, and a watchmaker who served both. [Letter 88](https://quay.example/88)
2. **Forty years of a lighthouse keeper's diaries**
   Read by three students in one winter. [Letter 131](https://quay.example/131)
3. **The tide tables were wrong for a year**
   The office found it out by a fisherman's letter. [Letter 302](https://quay.example/302)

[Read all of them](https://quay.example/letters)
""",
    ),
    "letters": (
        "letters/confirm.md",
        """---
title: One press of a button more
description: So that nobody else signs you up
---
You asked for the **Quay Letter**: what happens between the two bridges, every weekday at seven, in five minutes.

So that nobody can sign you up but yourself, please confirm that this address is yours.
""",
    ),
}


def draw_own_mail(browser: str, name: str, folder: Path) -> None:
    post, text = OWN_MAILS[name]
    (folder / "newsletter.toml").write_text(TOML.format(name="Quay Letter", theme="classic"), "utf-8")
    (folder / post).parent.mkdir()
    (folder / post).write_text(text, "utf-8")
    command = (sys.executable, "-m", "newsletter", "render", post, "--out", "mail")
    subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    height = 720 if name == "letters" else HEIGHT
    shoot(browser, name, folder / "mail" / "email.html", WEEK[1], WEEK[2], colours=0, height=height)


# --- the preview's page ---------------------------------------------------------------------------------------------

# Name of the picture: the address, the window, the colours of the page, and the keys that are pressed.
PREVIEWS = {
    "preview-desktop": ("", (1280, 900), "light", ""),
    "preview-phone": ("#width=390&scheme=dark&reader=4", (1280, 900), "dark", ""),
    "preview-text": ("#view=text", (1280, 900), "light", ""),
    "preview-post": ("#view=post&line=10", (1280, 900), "dark", ""),
    "preview-outlook": ("#view=word", (1280, 900), "light", ""),
    "preview-clipped": ("#view=clipped", (1280, 900), "dark", "s"),
    "preview-error": ("", (1280, 900), "light", "broken"),
    "preview-narrow": ("#scheme=dark", (390, 844), "dark", ""),
}


# Every view in both colours, small, three in a row.
VIEWS = ("email", "text", "html", "mjml", "headers", "post", "clipped", "plain", "word")
SHEETS = {f"preview-views-{scheme}": scheme for scheme in ("light", "dark")}
PREVIEWS |= {
    f"view-{view}-{scheme}": (f"#view={view}&scheme={scheme}", (1280, 900), scheme, "")
    for view in VIEWS
    for scheme in SHEETS.values()
}


def draw_sheet(browser: str, folder: Path, name: str) -> None:
    shots = [f"view-{view}-{SHEETS[name]}" for view in VIEWS]
    draw_previews(browser, folder, shots, folder)
    width, height = 640, 450
    sheet = Image.new("RGB", (3 * (width + GAP) + GAP, 3 * (height + GAP) + GAP), "#cfc9be")
    for place, shot in enumerate(shots):
        with Image.open(folder / f"{shot}.png") as picture:
            small = picture.convert("RGB").resize((width, height), Image.Resampling.LANCZOS)
            sheet.paste(small, (GAP + place % 3 * (width + GAP), GAP + place // 3 * (height + GAP)))
    save(sheet, IMAGES / f"{name}.png", 128)
    print(IMAGES / f"{name}.png")


def draw_previews(browser: str, folder: Path, wanted: Sequence[str], out: Path = IMAGES) -> None:
    """The page at work on a copy of the example: with its list, and with trouble."""
    from playwright.sync_api import sync_playwright

    from newsletter.config.load import load_config
    from newsletter.web.preview.live_rendering import LiveRendering
    from newsletter.web.preview.server import PreviewServer

    posts = folder / "posts"
    shutil.copytree(CHECKOUT / "examples", posts)
    people = posts / "subscribers.csv"
    shutil.copy(CHECKOUT / "subscribers.example.csv", people)
    post = Path(DIGEST)
    text, settings = (posts / post).read_text("utf-8"), posts / "newsletter.toml"
    plain = settings.read_text("utf-8").replace("smtp://daily@mail.example.com:587", "smtp://localhost:1025")
    settings.write_text(plain, "utf-8")
    with contextlib.chdir(posts), sync_playwright() as playwright:
        for name in wanted:
            address, (width, height), scheme, act = PREVIEWS[name]
            # Not emulated: that would reach the email too, whose colours are its frame's to choose.
            colours = f"--blink-settings=preferredColorScheme={0 if scheme == 'dark' else 1}"
            chromium = playwright.chromium.launch(
                executable_path=browser, args=["--no-sandbox", "--disable-gpu", colours]
            )
            post.write_text(text, "utf-8")
            with PreviewServer(LiveRendering(post, lambda: load_config(None, {}, posts), to=people)) as server:
                page = chromium.new_page(viewport={"width": width, "height": height}, color_scheme="null")
                page.goto(server.url + address)
                page.wait_for_selector("body[data-shown][data-facts$=inspected]", state="attached")
                if act == "broken":
                    post.write_text(text.replace("## ", "{% if subscriber.shoe %}\n## ", 1), "utf-8")
                    page.wait_for_selector("#trouble", state="visible")
                elif act:
                    page.keyboard.press(act)
                page.evaluate("new Promise((done) => setTimeout(done, 400))")
                shot = folder / "shot.png"
                page.screenshot(path=shot)
            chromium.close()
            with Image.open(shot) as picture:
                save(picture.convert("RGB"), out / f"{name}.png")
            if out == IMAGES:
                print(out / f"{name}.png")


# --- the public pages -----------------------------------------------------------------------------------------------

WEB = "web-pages"
WEB_FRAMES = (
    ("/join", 1000, "light"),
    ("/join", 390, "dark"),
    ("/p/{preferences}", 390, "light"),
    ("/u/{unsubscribe}", 390, "dark"),
)
WEB_HEIGHT = 940
WEB_TOML = """
[newsletter]
name = "AI Daily"
unsubscribe_mailto = "leave@example.com"
[relay]
url = "smtp://127.0.0.1:1025"
[theme]
name = "mine"
[archive]
dir = "site"
[serve]
pitch = "Forty stories about AI in ten minutes, each with its source. For people who build things."
how_often = "Every weekday at eight"
fields = ["name"]
privacy_url = "https://example.com/privacy"
[serve.lists]
daily = "Every morning"
ai = "Long reads about AI"
"""


def draw_logo(theme: Path) -> None:
    """A theme with a logo of its own: a lamp on the accent."""
    theme.mkdir(parents=True)
    large = Image.new("RGBA", (480, 480))
    pen = ImageDraw.Draw(large)
    pen.rounded_rectangle((0, 0, 479, 479), 112, fill="#b83c0a")
    pen.polygon([(160, 120), (320, 120), (390, 290), (90, 290)], fill="#ffffff")
    pen.rectangle((222, 290, 258, 372), fill="#ffffff")
    pen.rounded_rectangle((150, 360, 330, 396), 18, fill="#ffffff")
    large.resize((240, 240), Image.Resampling.LANCZOS).save(theme / "logo.png")
    (theme / "theme.toml").write_text('extends = "classic"\n[brand]\nlogo = "logo.png"\nlogo_width = 48\n')


def draw_web(browser: str, folder: Path) -> None:
    from archive_pictures import archive_of_examples
    from playwright.sync_api import sync_playwright

    secret = "a secret for pictures only"
    draw_logo(folder / "templates" / "mine")
    archive_of_examples(folder, WEB_TOML)
    command = [sys.executable, "-c", "from newsletter.cli.main import main; main()", "serve", "--port", "0", "--quiet"]
    env = {**os.environ, "NEWSLETTER_SECRET": secret}
    server = subprocess.Popen(command, cwd=folder, env=env, stdout=subprocess.PIPE, text=True)
    assert server.stdout
    url = server.stdout.readline().split()[-1]
    purposes: tuple[LinkPurpose, ...] = ("preferences", "unsubscribe")
    tokens = {purpose: make_link(secret, Link(purpose, "ada@example.com")) for purpose in purposes}
    width = sum(frame[1] for frame in WEB_FRAMES) + GAP * (len(WEB_FRAMES) + 1)
    sheet = Image.new("RGB", (width, WEB_HEIGHT + 2 * GAP), "#cfc9be")
    left = GAP
    try:
        with sync_playwright() as playwright:
            chromium = playwright.chromium.launch(executable_path=browser, args=["--no-sandbox", "--disable-gpu"])
            for path, frame_width, scheme in WEB_FRAMES:
                page = chromium.new_page(viewport={"width": frame_width, "height": WEB_HEIGHT}, locale="en")
                page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
                page.goto(url + path.format(**tokens), wait_until="networkidle")
                with Image.open(io.BytesIO(page.screenshot())) as shot:
                    sheet.paste(shot.convert("RGB"), (left, GAP))
                left += frame_width + GAP
            chromium.close()
    finally:
        server.terminate()
        server.wait(20)
    save(sheet, IMAGES / f"{WEB}.png", 96)


def main() -> None:
    browser = shutil.which("chromium") or shutil.which("google-chrome") or sys.exit("Chromium is not installed")
    wanted = sys.argv[1:] or [
        *PICTURES,
        *SHEETS_OF_ISSUES,
        REPORT[0],
        STATS[0],
        WEEK[0],
        *OWN_MAILS,
        *(name for name in PREVIEWS if name.startswith("preview")),
        *SHEETS,
        WEB,
    ]
    if previews := [name for name in wanted if name in PREVIEWS]:
        with tempfile.TemporaryDirectory() as folder:
            draw_previews(browser, Path(folder), previews)
    for name in wanted:
        if name in PREVIEWS:
            continue
        if name in SHEETS:
            with tempfile.TemporaryDirectory() as folder:
                draw_sheet(browser, Path(folder), name)
            continue
        with tempfile.TemporaryDirectory() as folder:
            if name == REPORT[0]:
                draw_report(browser, Path(folder))
            elif name == STATS[0]:
                draw_stats(browser, Path(folder))
            elif name == WEEK[0]:
                draw_digest(browser, Path(folder))
            elif name in OWN_MAILS:
                draw_own_mail(browser, name, Path(folder))
            elif name in SHEETS_OF_ISSUES:
                draw_issues(browser, name, Path(folder))
            elif name == WEB:
                draw_web(browser, Path(folder))
            else:
                draw(browser, name, Path(folder))
            print(IMAGES / f"{name}.png")


if __name__ == "__main__":
    main()
