"""What the home shows: every post with its state, what is due, the last send, growth, and what needs a hand. Frozen."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import field
from datetime import date, datetime
from itertools import groupby
from pathlib import Path

from newsletter.doctor.verdict import Level, Verdict
from newsletter.frozen import frozen
from newsletter.model.moments import shown_moment
from newsletter.pipeline.post_states import Kind, PostFacts, PostState
from newsletter.report.read import Tally
from newsletter.stats.plots import Plot

SHOWN = 60
"""Posts that are seen at once; those of earlier months are behind the months' names."""


LABELS: Mapping[Kind, str] = {
    "sent": "Sent",
    "begun": "Left",
    "uncertain": "Uncertain",
    "due": "Due",
    "future": "Scheduled",
    "draft": "Draft",
    "old": "Too old",
    "unsent": "Not sent",
    "renamed": "Renamed",
    "undated": "No date",
    "broken": "Broken",
}


@frozen
class PostRow:
    """A post of the folder. `key` names it in the page's addresses, `name` is its path in the folder.

    `says` is what `publish` would do about it now, empty where it would say nothing.
    """

    key: str
    path: Path
    name: str
    title: str
    day: date | None
    state: PostState
    says: str = ""
    is_guess: bool = False
    report: str = ""
    archived: str = ""
    is_outside: bool = False
    """A link out of the folder: it is named, and not opened."""

    @property
    def label(self) -> str:
        return LABELS[self.state.kind]


@frozen
class Month:
    """The posts of a month; `day` None for those without a date."""

    day: date | None
    rows: tuple[PostRow, ...]
    is_open: bool

    @property
    def name(self) -> str:
        return f"{self.day:%B %Y}" if self.day else "Without a date"


@frozen
class NextIssue:
    """The post that goes out next: when, and what `publish` would do about it now. `moment` None for at once."""

    row: PostRow
    moment: datetime | None
    window: str
    says: str

    @property
    def when(self) -> str:
        return shown_moment(self.moment) if self.moment else "now"


@frozen
class LastSend:
    """The issue that first went out last, and how its recipients stand. `verdict` is the report's own sentence."""

    issue: str
    subject: str
    when: str
    tally: Tally
    verdict: str
    key: str = ""
    """Of its post, where that is among the rows."""


@frozen
class Overview:
    """Everything on the page. `fault` is why newsletter.toml, or the ledger, cannot be read."""

    made: datetime
    name: str = ""
    folder: str = ""
    rows: tuple[PostRow, ...] = ()
    fault: str = ""
    next: NextIssue | None = None
    others: tuple[str, ...] = ()
    """What `publish` would say now of other posts, or why it would not begin."""

    alerts: tuple[Verdict, ...] = ()
    last: LastSend | None = None
    growth: Plot | None = None
    growth_words: str = ""
    has_ledger: bool = False
    archive: str = ""
    unread: int = 0
    by_key: Mapping[str, PostRow] = field(default_factory=dict)
    issues: frozenset[str] = frozenset()

    @property
    def months(self) -> tuple[Month, ...]:
        return tuple(_months(self.rows))

    @property
    def worst(self) -> str:
        return "red" if any(each.level is Level.RED for each in self.alerts) else "yellow" if self.alerts else "green"


def _months(rows: Sequence[PostRow]) -> Iterator[Month]:
    seen = 0
    for day, group in groupby(rows, key=lambda row: row.day.replace(day=1) if row.day else None):
        month = tuple(group)
        yield Month(day, month, seen < SHOWN)
        seen += len(month)


def key_of(name: str) -> str:
    """A post's name in addresses: readable letters, and a hash that no other post has."""
    words = re.sub(r"[^A-Za-z0-9]+", "-", Path(name).with_suffix("").as_posix()).strip("-").lower()[:60]
    return f"{words or 'post'}-{hashlib.sha256(name.encode('utf-8', 'surrogateescape')).hexdigest()[:10]}"


def sort_rows(rows: Sequence[PostRow]) -> tuple[PostRow, ...]:
    """The newest first; those without a date last."""
    return tuple(sorted(rows, key=lambda row: (row.day or date.min, row.name), reverse=True))


def row_of(facts: PostFacts, folder: Path, state: PostState) -> PostRow:
    path = Path(facts.path)
    name = path.relative_to(folder).as_posix()
    return PostRow(key_of(name), path, name, facts.head.title or name, facts.head.date, state, is_guess=facts.is_guess)
