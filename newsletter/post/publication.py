"""Whether a post may go out: `draft`, `published`, a `_drafts` folder and a date in the future hold it back.

A mail cannot be taken back, so any spelling of a yes or a no counts, and a word that is neither counts as a draft.
Pure: the clock and the zone are arguments.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, time, tzinfo
from typing import Any

from newsletter.model.findings import Finding
from newsletter.model.issue import Issue

DRAFTS = "_drafts"
"""Jekyll's folder for what is not published yet, wherever below the project it lies."""

# YAML 1.1's words (https://yaml.org/type/bool.html), Jekyll's, and those that authors write in their place.
_NO = frozenset({"", "false", "no", "n", "off", "f", "0", "null", "~", "never", "none", "not"})
_NOT_PUBLISHED = (_NO - {"", "null", "~"}) | {"draft", "hidden", "pending", "private", "unpublished"}
_YES = frozenset({"true", "yes", "y", "on", "t", "1"})
_DRAFT_STATUS = frozenset({"draft", "hidden", "pending", "private", "unpublished"})  # Pelican, WordPress exports
_WORDS_OF_THEIR_OWN = frozenset({"publisher", "publishes", "craft", "drift", "graft", "raft", "drafts"})
"""One letter away from a key of ours, and meant as they are."""
_DATES = ("date", "published", "publishdate", "publish_date")
"""`published` is a date in some systems; Hugo holds a page back until its `publishDate`."""


@dataclass(frozen=True, slots=True)
class Publication:
    """What the front matter says of it. `moment` is the latest of its dates that
    have a time, without a zone where none is written."""

    published: bool = True
    draft: bool = False
    moment: datetime | None = None


def read_publication(values: Mapping[str, Any], texts: Mapping[str, str]) -> Publication:
    """`texts` has the scalars as the author wrote them: YAML makes True of `yes`, and nothing of `False` in quotes.

    Keys are taken in capitals too.
    """
    folded = {key.lower(): value for key, value in values.items()}
    written = {key.lower(): text for key, text in texts.items()}

    def word(key: str) -> str:
        value = folded.get(key)
        if value is None:
            return ""
        text = written.get(key, str(value)) if not isinstance(value, list | dict) else str(value)
        return " ".join(text.split()).strip("\"'").lower()

    slips = [key for key in folded if is_slip_of(key, "published") and word(key) in _NOT_PUBLISHED]
    slips += [key for key in folded if is_slip_of(key, "draft") and word(key) in _YES]
    dates = {key: _moment(folded.get(key), written.get(key, "")) for key in _DATES}
    # A `date` without a time is the issue's day, which says all there is.
    moments = [m for key, m in dates.items() if m and (key != "date" or m.tzinfo or m.timetz() != time.min)]
    return Publication(
        published=word("published") not in _NOT_PUBLISHED,
        draft=word("draft") not in _NO or word("status") in _DRAFT_STATUS or bool(slips),
        moment=max(moments, key=lambda moment: moment.replace(tzinfo=None), default=None),
    )


def is_slip_of(key: str, meant: str) -> bool:
    """Whether `key` is `meant` with one letter wrong, left out, too many, or two of them exchanged."""
    key = key.lower()
    if key == meant or key in _WORDS_OF_THEIR_OWN or abs(len(key) - len(meant)) > 1:
        return False
    same = next((at for at, (a, b) in enumerate(zip(key, meant, strict=False)) if a != b), min(len(key), len(meant)))
    a, b = key[same:], meant[same:]
    exchanged = len(a) > 1 and a[:2] == b[1::-1] and a[2:] == b[2:]
    return exchanged or a[1:] == b[1:] or a[1:] == b or a == b[1:]


def held_findings(issue: Issue, now: datetime, zone: tzinfo | None, text: str = "") -> tuple[Finding, ...]:
    """Why `send` does not mail a post by itself; nothing where it may. `text` is the post's, for the lines.

    A date without a zone is in `zone`, that of the newsletter; None is this machine's. A day without a time begins at
    midnight.
    """
    found = (_not_public(issue), _in_future(issue, now, zone))
    return tuple(_placed(finding, text) for finding in found if finding is not None)


def _placed(finding: Finding, text: str) -> Finding:
    """With its line; a slip of the pen is named as one."""
    line = _line_of(finding, text)
    if line is not None or finding.code != "draft":
        return replace(finding, line=line)
    for number, written in enumerate(text.split("\n"), 1):
        if not (key := _KEY.match(written)):
            continue
        for meant in ("published", "draft"):
            if is_slip_of(key[1], meant):
                what = f"there is no key `{key[1]}`; `{meant}` is meant, it seems, and holds the post back"
                return replace(finding, what=what, remedy=f"write `{meant}`, or send with --now", line=number)
    return finding


_KEY = re.compile(r"([A-Za-z_]{1,20})[ \t]*[:=]")


_WRITTEN_AS = {
    "unpublished": "published|status",
    "draft": "draft|status",
    "date-future": "date|published|publish_?date",
}


def _line_of(finding: Finding, text: str) -> int | None:
    key = re.search(rf"^(?:{_WRITTEN_AS[finding.code]})\s*[:=]", text, re.MULTILINE | re.IGNORECASE)
    return text.count("\n", 0, key.start()) + 1 if key else None


def _not_public(issue: Issue) -> Finding | None:
    if not issue.published:
        what = "`published: false` says not to send this post"
        return Finding("unpublished", what, "take the line out, or write send --now")
    if issue.draft:
        what = f"it is a draft (`draft: true`, or a folder {DRAFTS}), and `send` does not mail drafts"
        return Finding("draft", what, "take the line out, or move the post, or write send --now")
    return None


def _in_future(issue: Issue, now: datetime, zone: tzinfo | None) -> Finding | None:
    due = due_moment(issue, zone)
    if due is None or due <= now:
        return None
    written = f"{due:%Y-%m-%d}" if (due.hour, due.minute, due.second) == (0, 0, 0) else f"{due:%Y-%m-%d %H:%M %z}"
    what = f"its date is {written}, which is yet to come, and `send` does not mail it before"
    return Finding("date-future", what, "wait, or mend the date, or write send --now")


def due_moment(issue: Issue, zone: tzinfo | None) -> datetime | None:
    """From when on a post may go out, aware; None where it has no date. `zone` as `held_findings` takes it."""
    dates = [datetime(issue.date.year, issue.date.month, issue.date.day)] if issue.date else []
    if issue.moment is not None:
        dates = [issue.moment, *(day for day in dates if day.date() != issue.moment.date())]
    return max((day if day.tzinfo else _local(day, zone) for day in dates), default=None)


def _local(moment: datetime, zone: tzinfo | None) -> datetime:
    return moment.replace(tzinfo=zone) if zone is not None else moment.astimezone()


def _moment(value: object, written: str) -> datetime | None:
    if isinstance(value, datetime):
        return value
    if isinstance(value, date):
        return datetime(value.year, value.month, value.day)
    text = " ".join((written or str(value or "")).split())
    # Jekyll writes `2026-03-01 08:00:00 +0800`; Python's ISO reader wants no space before the offset.
    text = re.sub(r"\s?(?:UTC|Z)$", "+00:00", text.replace("/", "-"))
    text = re.sub(r"\s(?=[+-]\d{2}:?\d{2}$)", "", text)
    text = re.sub(r"-(\d)(?=-|$|[T ])", r"-0\1", text)
    text = re.sub(r"(?<=[T ])(\d)(?=:)", r"0\1", text)
    try:
        return datetime.fromisoformat(text) if re.match(r"\d{4}-\d\d-\d\d", text) else None
    except ValueError:
        return None
