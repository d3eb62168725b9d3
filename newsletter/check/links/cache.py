"""The cache of link answers."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime, timedelta
from pathlib import Path

from newsletter.check.links.answers import LinkAnswer, State
from newsletter.files import write_atomically
from newsletter.frozen import frozen

KEPT_FOR: Mapping[State, timedelta] = {
    "ok": timedelta(days=1),
    "moved": timedelta(days=1),
    # Long enough for a few runs on one post, short enough for a page that is repaired.
    "dead": timedelta(minutes=10),
}
"""How long each state is cached; uncertain answers are not."""

MAX_ENTRIES = 5000
MAX_CHARS = 2000
"""The longest URL or phrase. With the number of entries it bounds the file."""
MAX_BYTES = 32 * 1024 * 1024

_VERSION = 1


@frozen
class LinkCache:
    """A JSON file of answers, each with its time. Invalid entries are ignored."""

    path: Path

    def read(self, now: datetime) -> dict[str, LinkAnswer]:
        """The answers that are still valid at `now` (an aware time), by URL, the oldest first."""
        return {answer.url: answer for _, answer in self._entries(now)}

    def write(self, answers: Mapping[str, LinkAnswer], now: datetime) -> None:
        """Add answers from `now`, and drop expired ones.

        Raises ConfigError if the file cannot be written.
        """
        kept = [(asked, answer) for asked, answer in self._entries(now) if answer.url not in answers]
        kept += [(now, answer) for answer in answers.values() if answer.state in KEPT_FOR and _fits(answer)]
        entries = [{"asked": asked.isoformat(), **asdict(answer)} for asked, answer in kept[-MAX_ENTRIES:]]
        data = json.dumps({"version": _VERSION, "answers": entries}, indent=1)
        write_atomically(self.path, (data + "\n").encode())

    def _entries(self, now: datetime) -> list[tuple[datetime, LinkAnswer]]:
        try:
            with self.path.open("rb") as file:
                document = json.loads(file.read(MAX_BYTES))
        except (OSError, ValueError, RecursionError):
            return []
        match document:
            case {"version": int(version), "answers": list(entries)} if version == _VERSION:
                found = [entry for entry in map(_entry, entries) if entry is not None]
                return [(asked, answer) for asked, answer in found if _holds(asked, answer, now)]
        return []


def _entry(entry: object) -> tuple[datetime, LinkAnswer] | None:
    match entry:
        case {
            "asked": str(asked),
            "url": str(url),
            "state": "ok" | "moved" | "dead" as state,
            "code": int(code),
            "what": str(what),
            "leads_to": str(leads_to),
        }:
            try:
                answer = LinkAnswer(url, state, code, what, leads_to)
                when = datetime.fromisoformat(asked)
            except ValueError:
                return None
            return (when, answer) if when.tzinfo is not None and _fits(answer) else None
    return None


def _fits(answer: LinkAnswer) -> bool:
    return all(len(text) <= MAX_CHARS for text in (answer.url, answer.what, answer.leads_to))


def _holds(asked: datetime, answer: LinkAnswer, now: datetime) -> bool:
    # A time in the future comes from a wrong clock.
    return timedelta(0) <= now - asked < KEPT_FOR[answer.state]
