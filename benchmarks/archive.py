"""How long the archive of many issues takes: from nothing, with nothing or one issue changed; and its memory.

    python benchmarks/archive.py [ISSUES]

Each issue is a digest of 30 stories, a third of them in Chinese, with a picture beside the post, a day after the one
before it. The peer is reading the same posts and nothing else: what any archive of them cannot do without. CPU seconds
of one process; the peak of its memory, and of one with a quarter of the issues.
"""

from __future__ import annotations

import argparse
import io
import multiprocessing
import random
import resource
import tempfile
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from time import perf_counter, process_time

import sqlalchemy as sa
from PIL import Image

from newsletter.archive.build import build_archive
from newsletter.config.load import load_config
from newsletter.ledger.database.schema import identities, issues
from newsletter.ledger.database.timestamps import stamp_of
from newsletter.ledger.ledger import Ledger
from newsletter.post.parse import decode_post, parse_post

STORIES = 30
FIRST = date(2023, 3, 1)
SETTINGS = """\
[newsletter]
name = "Daily"
from = "daily@example.com"
language = "en"

[archive]
url = "https://news.example.com/archive"
"""
HANZI = "的一是不了人我在有他这为之大来以个中上们到说国和地也子时道出而要于就下得可你年生自会那后能对着事其里"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("issues", type=int, nargs="?", default=1000)
    count = parser.parse_args().issues
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        _write(root, count)
        reading = _cpu(lambda: _read(root))
        print(f"{count:,} issues of {STORIES} stories; reading their posts alone: {reading:.1f} s")
        print(f"{'':24}{'CPU':>8}{'clock':>9}{'of reading':>12}{'files':>8}")
        for name in ("from nothing", "nothing changed"):
            _measure(name, root, reading)
        changed = sorted((root / "posts").glob("*.md"))[count // 2]
        changed.write_text(changed.read_text().replace("Story 1", "Another story"))
        _measure("one issue changed", root, reading)
        whole = _peak(root, root / "again")
        for path in sorted((root / "posts").glob("*.md"))[count // 4 :]:
            path.unlink()
        quarter = _peak(root, root / "quarter")
        front = (root / "site" / "index.html").stat().st_size
        search = sum(path.stat().st_size for path in (root / "site" / "search").iterdir())
        print(f"peak memory: {whole:,.0f} MB; with a quarter of the issues {quarter:,.0f} MB")
        print(f"front page {front:,} bytes; search {search / 1e6:.1f} MB in all")


def _write(root: Path, count: int) -> None:
    chance = random.Random(4)
    words = ["".join(chance.choices("abcdefghijklmnopqrstuvwxyz", k=chance.randint(2, 9))) for _ in range(8_000)]
    posts = root / "posts"
    posts.mkdir()
    (root / "newsletter.toml").write_text(SETTINGS)
    for number in range(20):
        file = io.BytesIO()
        Image.effect_noise((1200, 600), 30 + number).convert("RGB").save(file, "JPEG", quality=60)
        (posts / f"p{number}.jpg").write_bytes(file.getvalue())
    rows, known = [], []
    config = load_config(None, {}, root)
    for number in range(count):
        day = FIRST + timedelta(days=number)
        lines = [f"---\ntitle: Issue {number}\ndate: {day}\nlang: en\n---\n", f"![A picture](p{number % 20}.jpg)\n"]
        for story in range(1, STORIES + 1):
            text = "".join(chance.choices(HANZI, k=150)) if story % 3 == 0 else " ".join(chance.choices(words, k=45))
            lines.append(f"{story}. **Story {story}**: {text}. [Source](https://example.com/{number}/{story})\n")
        path = posts / f"{day}-n.md"
        path.write_text("\n".join(lines), "utf-8")
        name = path.stem
        row = {"id": number + 1, "issue": name, "subject": f"Issue {number}", "version": 1, "plan": 1, "last_plan": 1}
        sent = datetime(day.year, day.month, day.day, 8, tzinfo=UTC)
        rows.append({**row, "post": str(path), "audience": "list.csv", "first_sent": stamp_of(sent)})
        own = {"issue": number + 1, "name": name, "title": f"Issue {number}", "day": day.isoformat()}
        known.append({**own, "newsletter": config.sample_sender.list_id})
    with Ledger.open(config.ledger_place, lambda: datetime.now(UTC)) as ledger, ledger.storage.write() as db:
        db.execute(sa.insert(issues), rows)
        db.execute(sa.insert(identities), known)


def _read(root: Path) -> None:
    for path in (root / "posts").glob("*.md"):
        parse_post(decode_post(path.read_bytes(), str(path)), path=str(path))


def _build(root: Path, out: Path) -> int:
    config = load_config(None, {}, root)
    with Ledger.open(config.ledger_place, lambda: datetime.now(UTC)) as ledger:
        return len(build_archive(config, ledger, out).written)


def _measure(name: str, root: Path, reading: float) -> None:
    begun, clock = process_time(), perf_counter()
    files = _build(root, root / "site")
    took, waited = process_time() - begun, perf_counter() - clock
    print(f"{name:24}{took:7.2f} s{waited:7.2f} s{took / reading:11.2f}x{files:8,}")


def _cpu(work) -> float:  # type: ignore[no-untyped-def]
    begun = process_time()
    work()
    return process_time() - begun


def _peak(root: Path, out: Path) -> float:
    """MB that a process of its own takes to build it."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(_peak_here, (root, out))


def _peak_here(root: Path, out: Path) -> float:
    _build(root, out)
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    main()
