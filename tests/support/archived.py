"""A newsletter whose issues went out: posts, newsletter.toml, and a ledger that says so. Nothing is mailed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import sqlalchemy as sa

from newsletter.archive.build import ArchiveReport, build_archive
from newsletter.config.config import Config
from newsletter.config.load import load_config
from newsletter.ledger.database.schema import identities, issues
from newsletter.ledger.database.timestamps import stamp_of
from newsletter.ledger.ledger import Ledger
from newsletter.ledger.list_reference import join_segment
from newsletter.post.parse import decode_post, parse_post

SETTINGS = """\
[newsletter]
name = "The Daily Lamp"
from = "The Daily Lamp <daily@example.com>"

[delivery]
time_zone = "UTC"

[archive]
url = "https://example.com/archive"
dir = "site"
"""

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


@dataclass
class Shelf:
    """`folder` is the project; each issue goes out an hour after the one before it."""

    folder: Path
    settings: str = SETTINGS
    now: datetime = NOON

    def __post_init__(self) -> None:
        (self.folder / "posts").mkdir(parents=True, exist_ok=True)
        (self.folder / "newsletter.toml").write_text(self.settings, "utf-8")

    @property
    def config(self) -> Config:
        return load_config(None, {}, self.folder)

    @property
    def site(self) -> Path:
        return self.folder / "site"

    def write(self, name: str, body: str = "News of the day.", **front: object) -> Path:
        path = self.folder / "posts" / f"{name}.md"
        path.parent.mkdir(parents=True, exist_ok=True)
        lines = "".join(f"{key}: {value}\n" for key, value in {"title": name, **front}.items())
        path.write_text(f"---\n{lines}---\n\n{body}\n", "utf-8")
        return path

    def send(
        self,
        path: Path,
        *,
        issue: str = "",
        segment: str = "",
        newsletter: str | None = None,
        where: str | None = None,
    ) -> str:
        """Note in the ledger that the post went out, as `where` if it lay elsewhere then; the issue's name."""
        found = parse_post(decode_post(path.read_bytes(), str(path)), path=str(path)).issue
        name = issue or found.slug
        self.now += timedelta(hours=1)
        own = self.config.sample_sender.list_id if newsletter is None else newsletter
        post = str(path.absolute()) if where is None else where
        with Ledger.open(self.config.ledger_place, lambda: self.now) as ledger, ledger.storage.write() as db:
            plant(
                db,
                issue=name,
                title=found.title,
                day=found.date,
                name=found.name,
                newsletter=own,
                post=post,
                audience=join_segment("list.csv", segment),
                sent=self.now,
            )
        return name

    def correct(self, issue: str, when: datetime) -> None:
        with Ledger.open(self.config.ledger_place, lambda: when) as ledger, ledger.storage.write() as db:
            plant(db, issue=f"{issue}+erratum-2", sent=when)

    def publish(self, name: str, body: str = "News of the day.", **front: object) -> Path:
        path = self.write(name, body, **front)
        self.send(path)
        return path

    def build(self, *, dry: bool = False, url: str | None = None, out: Path | None = None) -> ArchiveReport:
        config = self.config
        with Ledger.open(config.ledger_place, lambda: self.now) as ledger:
            return build_archive(config, ledger, out or self.site, dry=dry, url=url)

    def page(self, issue: str) -> str:
        return (self.site / "issues" / f"{issue}.html").read_text("utf-8")

    def files(self, out: Path | None = None) -> Mapping[str, bytes]:
        folder = out or self.site
        return {
            str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()
        }


def plant(
    db: sa.Connection,
    *,
    issue: str,
    sent: datetime,
    title: str = "",
    day: date | None = None,
    name: str = "",
    newsletter: str = "",
    post: str = "",
    audience: str = "",
) -> None:
    """The rows that the ledger has of an issue that went out."""
    row = {"issue": issue, "subject": title, "version": 1, "plan": 1, "last_plan": 1, "post": post}
    made = db.execute(
        sa.insert(issues).returning(issues.c.id), {**row, "audience": audience, "first_sent": stamp_of(sent)}
    )
    known = {"issue": made.scalar_one(), "name": name, "title": title, "newsletter": newsletter}
    db.execute(sa.insert(identities), {**known, "day": day.isoformat() if day else ""})
