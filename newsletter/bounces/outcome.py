"""The consequences of bounces and complaints: an entry per recipient, and the counts of a run."""

from __future__ import annotations

import enum
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import field, replace

from newsletter.frozen import frozen

LISTED = 1_000
"""How many messages a report lists; its counts cover all."""


class Proof(enum.StrEnum):
    """How a report was matched to its recipient."""

    TOKEN = "token"  # noqa: S105 - a word
    MESSAGE_ID = "message id"
    PROVIDER = "provider"
    ADDRESS = "address"


class Effect(enum.StrEnum):
    """The consequence of a message."""

    SUPPRESSED = "suppressed"
    COUNTED = "counted"
    KNOWN = "counted before"
    STRANGER = "of nobody we know"
    UNCLEAR = "to be read"
    ALONE = "left alone"
    UNREADABLE = "unreadable"


WISH = "wish to leave"
COMPLAINT = "complaint"
_NEW = (Effect.SUPPRESSED, Effect.COUNTED)


@frozen
class Entry:
    """The consequence of one message, or of one recipient in it. `why` is a sentence for the operator."""

    place: str
    effect: Effect
    what: str
    why: str
    address: str = ""
    issue: str = ""
    proof: Proof | None = None
    status: str = ""
    evidence: str = ""


@frozen
class News:
    """Counts of what was not recorded before.

    `bounced` counts bounces and complaints, `suppressed` and `complaints` are among them; `left` counts unsubscribe
    requests.
    """

    bounced: int = 0
    suppressed: int = 0
    complaints: int = 0
    left: int = 0

    def plus(self, entries: Sequence[Entry]) -> News:
        new = [entry for entry in entries if entry.effect in _NEW]
        wishes = sum(entry.what == WISH for entry in new)
        return News(
            self.bounced + len(new) - wishes,
            self.suppressed + sum(entry.effect is Effect.SUPPRESSED and entry.what != WISH for entry in new),
            self.complaints + sum(entry.what == COMPLAINT for entry in new),
            self.left + wishes,
        )


@frozen
class BounceReport:
    """What a run read and did.

    `entries` has at most `LISTED`, those with a consequence first; `faults` are sentences about mailboxes that could
    not be read; `news` counts all entries.
    """

    messages: int = 0
    effects: Mapping[Effect, int] = field(default_factory=lambda: dict.fromkeys(Effect, 0))
    entries: tuple[Entry, ...] = ()
    faults: tuple[str, ...] = ()
    news: News = News()

    def plus(self, messages: int, entries: Sequence[Entry]) -> BounceReport:
        added = Counter(entry.effect for entry in entries)
        both = (*self.entries, *entries)
        if len(both) > LISTED:
            order = list(Effect)
            both = tuple(sorted(both, key=lambda entry: order.index(entry.effect))[:LISTED])
        effects = {effect: count + added[effect] for effect, count in self.effects.items()}
        return replace(
            self, messages=self.messages + messages, effects=effects, entries=both, news=self.news.plus(entries)
        )
