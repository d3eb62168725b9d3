"""Outcomes of people as lines: by what they mean, three examples of each, then how many more."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from newsletter.frozen import frozen
from newsletter.model.delivery import State
from newsletter.report.reply_meanings import explain_reply
from newsletter.text import printable
from newsletter.text_table import wrapped

EXAMPLES = 3
"""People that are named of those with whom the same went wrong."""


@frozen
class PersonOutcome:
    """What became of somebody's mail, as a server said it; `word` is what we call it."""

    word: str
    address: str
    state: State
    stage: str
    code: int
    reply: str


@dataclass(slots=True)
class _Kind:
    count: int = 0
    examples: list[PersonOutcome] = field(default_factory=list)
    remedy: str = ""


class OutcomeKinds:
    """Takes one outcome after the other, in memory for a few of each kind."""

    def __init__(self) -> None:
        self._kinds: dict[tuple[str, str], _Kind] = {}

    def add(self, person: PersonOutcome) -> int:
        """How many of this kind there are by now."""
        meaning, remedy = explain_reply(person.state, person.stage, person.code, person.reply)
        kind = self._kinds.setdefault((person.word, meaning or str(person.code or person.reply)), _Kind())
        kind.count += 1
        kind.remedy = remedy or kind.remedy
        if len(kind.examples) < EXAMPLES:
            kind.examples.append(person)
        return kind.count

    @property
    def is_cut(self) -> bool:
        return any(kind.count > EXAMPLES for kind in self._kinds.values())

    def lines(self, width: int | None) -> Iterator[str]:
        """Kind by kind; a line that is wider than `width` goes on below, further in."""
        for (word, meaning), kind in self._kinds.items():
            for person in kind.examples:
                why = f"{person.code or ''} {person.reply}".strip()
                yield from _fitted(f"  {word}: {person.address}" + (f": {why}" if why else ""), width)
            if kind.count > EXAMPLES:
                more = f"  {word}: {kind.count - EXAMPLES:,} more{f' ({meaning})' if meaning else ''}"
                yield from _fitted(more, width)

    def remedies(self, width: int | None) -> Iterator[str]:
        """What can be done about the kinds that somebody can do something about, each said once."""
        told = {f"{meaning}; {kind.remedy}": None for (_, meaning), kind in self._kinds.items() if kind.remedy}
        for sentence in told:
            yield from _fitted(sentence, width)


def outcome_lines(people: Iterable[PersonOutcome], width: int | None) -> Iterator[str]:
    kinds = OutcomeKinds()
    for person in people:
        kinds.add(person)
    yield from kinds.lines(width)


def _fitted(text: str, width: int | None) -> list[str]:
    shown = printable(text)
    return [shown] if width is None else wrapped(shown, width, "      ")
