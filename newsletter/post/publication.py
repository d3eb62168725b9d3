"""Whether a post may be sent: `draft`, `published`, a `_drafts` folder or a future date hold it back.

A sent mail cannot be recalled, so every spelling of yes and no is accepted, and any other word counts as a draft.
Pure: the clock and the zone are arguments.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, time, tzinfo
from typing import Any

from newsletter.frozen import frozen
from newsletter.model.findings import Finding
from newsletter.model.issue import Issue
from newsletter.post.post_dates import is_plausible
from newsletter.text import is_one_slip

DRAFTS = "_drafts"
"""Jekyll's folder for unpublished posts, at any depth below the project."""

# The booleans of YAML 1.1 (https://yaml.org/type/bool.html) and Jekyll, and synonyms that authors write.
_NO = frozenset({"", "false", "no", "n", "off", "f", "0", "null", "~", "never", "none", "not"})
_NOT_PUBLISHED = (_NO - {"", "null", "~"}) | {"draft", "hidden", "pending", "private", "unpublished"}
_YES = frozenset({"true", "yes", "y", "on", "t", "1"})
_DRAFT_STATUS = frozenset({"draft", "hidden", "pending", "private", "unpublished"})  # Pelican, WordPress exports
_WORDS_OF_THEIR_OWN = frozenset({"publisher", "publishes", "craft", "drift", "graft", "raft", "drafts"})
"""Valid keys of other programs that are one letter away from one of ours."""
OWN_KEY = "newsletter"
"""The group of our own keys; in other blogs a switch, of which `false` says that the post is for no mail."""
_DATES = ("date", "published", "publishdate", "publish_date")
"""`published` is a date in some systems; Hugo withholds a page until its `publishDate`."""


@frozen
class Publication:
    """The front matter's publication status.

    `moment` is its latest date that has a time, naive if no zone is written.
    """

    published: bool = True
    draft: bool = False
    moment: datetime | None = None


def read_publication(values: Mapping[str, Any], texts: Mapping[str, str]) -> Publication:
    """`texts` has the scalars as the author wrote them: YAML turns `yes` into True, and keeps a quoted `False` as text.

    Keys in capitals are accepted too.
    """
    folded = {key.lower(): value for key, value in values.items()}
    written = {key.lower(): text for key, text in texts.items()}

    def word(key: str) -> str:
        value = folded.get(key)
        if value is None:
            return ""
        text = written.get(key, str(value)) if not isinstance(value, list | dict) else str(value)
        return _word(text)

    dates = {key: _moment(folded.get(key), written.get(key, "")) for key in _DATES}
    # A `date` without a time is the issue's day, which needs no further check.
    moments = [m for key, m in dates.items() if m and (key != "date" or m.tzinfo or m.timetz() != time.min)]
    return Publication(
        published=word("published") not in _NOT_PUBLISHED and word(OWN_KEY) not in _NOT_PUBLISHED,
        draft=word("draft") not in _NO
        or word("status") in _DRAFT_STATUS
        or any(_meant_by(key, word(key)) for key in folded),
        moment=max(moments, key=lambda moment: moment.replace(tzinfo=None), default=None),
    )


def held_findings(issue: Issue, now: datetime, zone: tzinfo | None, text: str = "") -> tuple[Finding, ...]:
    """Why `send` does not mail a post without an override; empty if it may. `text` is the post's, for the lines.

    A date without a zone is in `zone`, the newsletter's; None is this machine's. A day without a time begins at
    midnight.
    """
    found = (_not_public(issue), _in_future(issue, now, zone))
    return tuple(_placed(finding, text) for finding in found if finding is not None)


def _placed(finding: Finding, text: str) -> Finding:
    """The finding with its line; if a misspelt key holds the post back, it says so."""
    if finding.code == "draft":
        for number, line in enumerate(_front_lines(text), 1):
            written = _KEY_AND_VALUE.match(line)
            if written and (meant := _meant_by(written[1], _word(written[2]))):
                what = f"there is no key `{written[1]}`; as `{meant}` it holds the post back"
                return replace(finding, what=what, remedy=f"write `{meant}`, or send --now", line=number)
    own_line = _line_of(finding, text)
    if finding.code == "unpublished" and own_line is None:
        for number, line in enumerate(_front_lines(text), 1):
            written = _KEY_AND_VALUE.match(line)
            if written and written[1].lower() == OWN_KEY and (word := _word(written[2])) in _NOT_PUBLISHED:
                return replace(finding, what=f"`{written[1]}: {word}` says not to send this post", line=number)
    return replace(finding, line=own_line)


_KEY_AND_VALUE = re.compile(r"([A-Za-z_]{1,20})[ \t]*[:=][ \t]*(.{0,40})")


def _front_lines(text: str) -> list[str]:
    """The lines of the front matter, with the fence above it; without fences, those up to the first empty one."""
    lines = text.split("\n")
    fence = lines[0].strip()
    ends = (fence, "...") if fence in ("---", "+++") else ("",)
    end = next((at for at, line in enumerate(lines[1:], 1) if line.strip() in ends), len(lines))
    return lines[:end]


def _meant_by(key: str, word: str) -> str:
    """The key that a misspelt one was meant as; empty if it is no misspelling, or would not hold the post back."""
    key = key.lower()
    if key in _WORDS_OF_THEIR_OWN:
        return ""
    if word in _NOT_PUBLISHED and is_one_slip(key, "published"):
        return "published"
    return "draft" if word in _YES and is_one_slip(key, "draft") else ""


def _word(text: str) -> str:
    return " ".join(text.split()).strip("\"'").lower()


_END = datetime(9999, 12, 31, tzinfo=UTC)
"""The last moment that can be written in every time zone: a post of this day or later is held back for ever."""

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
    """From when on a post may be sent, aware; None without a date. `zone` as in `held_findings`."""
    dates = [datetime(issue.date.year, issue.date.month, issue.date.day)] if issue.date else []
    if issue.moment is not None:
        dates = [issue.moment, *(day for day in dates if day.date() != issue.moment.date())]
    found = max((day if day.tzinfo else _local(day, zone) for day in dates), default=None)
    return min(found, _END) if found is not None else None


def _local(moment: datetime, zone: tzinfo | None) -> datetime:
    if moment.year == _END.year:
        return moment.replace(tzinfo=UTC)
    return moment.replace(tzinfo=zone) if zone is not None else moment.astimezone()


def _moment(value: object, written: str) -> datetime | None:
    if isinstance(value, date):
        moment = value if isinstance(value, datetime) else datetime(value.year, value.month, value.day)
        return moment if is_plausible(moment) else None
    text = " ".join((written or str(value or "")).split())
    # Jekyll writes `2026-03-01 08:00:00 +0800`; Python's ISO parser accepts no space before the offset.
    text = re.sub(r"\s?(?:UTC|Z)$", "+00:00", text.replace("/", "-"))
    text = re.sub(r"\s(?=[+-]\d{2}:?\d{2}$)", "", text)
    text = re.sub(r"-(\d)(?=-|$|[T ])", r"-0\1", text)
    text = re.sub(r"(?<=[T ])(\d)(?=:)", r"0\1", text)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if re.match(r"\d{4}-\d\d-\d\d", text) and is_plausible(moment) else None
