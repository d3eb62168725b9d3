"""A year of a newsletter, lived through its own store and ledger; what happened is kept beside, event by event.

`Year.live` lets readers join, leave, bounce and come back between the issues. What a test counts from `events` and
`outcomes` owes nothing to the database.
"""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from newsletter.audience.people.bounce_score import SoftRule
from newsletter.audience.people.records import BounceEvent, BounceKind, Reason
from newsletter.audience.people.store import People
from newsletter.ledger.ledger import Ledger, Move
from newsletter.model.delivery import State
from newsletter.tokens import AddressHashes

SECRET = "a secret of the simulated operator"
START = datetime(2025, 2, 27, 6, 0, tzinfo=UTC)
MARK = "zq7"
"""Stands in every address of the year, so that one in an output is found."""

DOMAINS = ("gmail.com", "qq.com", "big.example", "big.example", "gmail.com", "small.example", "own.example")
LANGUAGES = ("", "zh", "en", "de")
REFUSED = {
    "unknown": (550, "5.1.1 no such user"),
    "domain": (550, "5.1.2 no such host"),
    "full": (552, "5.2.2 mailbox full"),
    "closed": (550, "5.2.1 mailbox disabled"),
    "other": (554, "5.3.0 something else"),
}
ERASED = {"deferred": "suppressed", "domain": "unknown", "closed": "unknown"}
"""What is left of an outcome when its reader is forgotten: a server's words go, its code of three digits stays."""

BOUNCES = {"hard": BounceKind.HARD, "soft": BounceKind.SOFT, "complaint": BounceKind.COMPLAINT}


@dataclass(frozen=True)
class Event:
    at: datetime
    who: str
    what: str
    issue: str = ""


@dataclass
class Year:
    """`outcomes` by issue and address: a state's name, or the kind of a refusal. `lists` has who each issue was for."""

    place: Path | str
    issues: int = 50
    readers: int = 90
    now: datetime = START
    events: list[Event] = field(default_factory=list)
    outcomes: dict[tuple[str, str], str] = field(default_factory=dict)
    first_sent: dict[str, datetime] = field(default_factory=dict)
    lists: dict[str, list[str]] = field(default_factory=dict)
    votes: Counter[tuple[str, str]] = field(default_factory=Counter)
    languages: dict[str, str] = field(default_factory=dict)
    confirmed: dict[str, datetime] = field(default_factory=dict)
    forgotten: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.chance = random.Random(17)
        self.ledger = Ledger.open(self.place, lambda: self.now)
        self.people = People(self.ledger.storage, lambda: self.now, [SECRET])
        self.everyone = [f"{MARK}{n}@{self.chance.choice(DOMAINS)}" for n in range(self.readers)]
        self.listed = self.everyone[: self.readers // 3]
        """Those on a list file, who never signed up; some do later."""

    def close(self) -> None:
        self.ledger.close()

    def live(self) -> None:
        for number in range(self.issues):
            self.send(f"issue-{number:02}")
            for _ in range(self.chance.randrange(14)):
                self.now += timedelta(minutes=self.chance.randrange(1, 1_200))
                self._something_happens()
            # Every tenth issue is followed by a pause.
            self.now += timedelta(days=30 if number % 10 == 9 else self.chance.randrange(1, 8), minutes=7)

    # --- what may happen --------------------------------------------------------------------------------------------

    def _something_happens(self) -> None:
        alive = [who for who in self.everyone if who not in self.forgotten]
        who = self.chance.choice(alive)
        issue = self.chance.choice(["", *list(self.first_sent)[-2:]])
        what = self.chance.choices(
            ["join", "leave", "return", "hard", "soft", "complaint", "remove", "restore", "forget", "vote"],
            [24, 9, 4, 4, 3, 2, 2, 2, 1, 6],
        )[0]
        if what == "vote":
            if issue:
                answer = self.chance.choice(["up", "down"])
                assert self.people.count_answer(issue, answer)
                self.votes[issue, answer] += 1
            return
        if self._do(what, who, issue):
            self.events.append(Event(self.now, who, what, issue))

    def _do(self, what: str, who: str, issue: str) -> bool:
        """Whether anything came of it."""
        match what:
            case "join":
                lang = self.chance.choice(LANGUAGES)
                if self.people.sign_up(who, source="page", wording="yes", lang=lang).value == "confirmed":
                    return False
                self.people.confirm(who, source="mail")
                self.languages[who], self.confirmed[who] = lang, self.now
                return True
            case "leave":
                return self.people.leave(who, "page", issue=issue)
            case "return":
                return self.people.undo_leave(who, "page")
            case "remove":
                return self.people.suppress(who, Reason.MANUAL)
            case "restore":
                return self.people.undo_suppression(who, "a slip")
            case "forget":
                self.people.forget(who)
                self.forgotten.add(who)
                for key, state in self.outcomes.items():
                    if key[1] == who:
                        self.outcomes[key] = ERASED.get(state, state)
                return True
        event = BounceEvent(who, self.now, BOUNCES[what], f"<{len(self.events)}@reports>", issue=issue)
        self.people.record_bounce(event, SoftRule(threshold=1))
        return True

    # --- an issue ---------------------------------------------------------------------------------------------------

    def send(self, issue: str) -> None:
        signed_up = [person.email for person in self.people.confirmed()]
        to = list(dict.fromkeys(who for who in (*self.listed, *signed_up) if who not in self.forgotten))
        self.lists[issue] = to
        self.ledger.plan(
            issue, to, content_hash=issue, subject=f"The {issue}, =1+1 <b>", address_hashes=AddressHashes([SECRET])
        )
        for who in to:
            self.outcomes[issue, who] = "suppressed"
        while claims := self.ledger.claim(issue, 7):
            self.ledger.write(issue, [Move(claim.row, State.COMMITTING, message_id="<1@x>") for claim in claims])
            self.now += timedelta(seconds=3)
            moves = []
            for claim in claims:
                outcome = self.chance.choices(["sent", "refused", "deferred", "uncertain"], [90, 6, 3, 1])[0]
                if outcome == "refused":
                    outcome = self.chance.choice(list(REFUSED))
                    code, words = REFUSED[outcome]
                    moves.append(Move(claim.row, State.REJECTED, stage="RCPT", code=code, reply=f"{words} {claim.key}"))
                elif outcome == "deferred":
                    due = self.now + timedelta(days=1_000)
                    moves.append(Move(claim.row, State.DEFERRED, stage="RCPT", code=450, reply="later", due_at=due))
                elif outcome == "uncertain":
                    moves.append(Move(claim.row, State.UNCERTAIN, stage="dot", reply="no answer"))
                else:
                    moves.append(Move(claim.row, State.SENT, stage="dot", code=250, reply="2.0.0 Ok"))
                    self.first_sent.setdefault(issue, self.now)
                self.outcomes[issue, claim.key] = outcome
            self.ledger.write(issue, moves)
