"""A verdict of the doctor: what was found, its severity, the remedy."""

from __future__ import annotations

import enum
from collections.abc import Iterable, Mapping

from newsletter.errors import EXIT_OK, EXIT_UNSENT, EXIT_USAGE
from newsletter.frozen import frozen


class Level(enum.StrEnum):
    GREEN = "green"
    YELLOW = "yellow"
    RED = "red"


SECTIONS: Mapping[str, tuple[str, ...]] = {
    "Settings": ("config", "needed", "placeholder", "theme", "secrets", "env-file", "dkim-key"),
    "Relay": ("relay", "relay-tls", "relay-features", "relay-ptr"),
    "Sender": ("sender-domain", "spf", "spf-lookups", "dkim", "dmarc", "alignment", "mx", "bimi"),
    "Test mail": ("test-mail", "received-spf", "received-dkim", "received-dmarc", "received-unsubscribe"),
    "Unsubscribe": ("one-click",),
    "Ledger": ("ledger", "backup", "bounces", "published"),
    "Alerts": ("alerts",),
    "Time": ("clock", "time-zone"),
}
"""The codes by section, in output order. Programs rely on the codes."""

_ORDER = {code: place for place, code in enumerate(code for codes in SECTIONS.values() for code in codes)}
_SECTION = {code: section for section, codes in SECTIONS.items() for code in codes}


@frozen
class Verdict:
    """The finding, and the remedy if it is not green. `record` is a text to copy, such as a DNS record.

    `outside`: a server did not answer, which may be transient; the settings may be right.
    """

    code: str
    level: Level
    what: str
    remedy: str = ""
    record: str = ""
    outside: bool = False

    def __post_init__(self) -> None:
        if self.code not in _ORDER:
            raise ValueError(f"{self.code} is in no section")

    @property
    def section(self) -> str:
        return _SECTION[self.code]


def green(code: str, what: str, remedy: str = "") -> Verdict:
    return Verdict(code, Level.GREEN, what, remedy)


def yellow(code: str, what: str, remedy: str, *, outside: bool = False) -> Verdict:
    return Verdict(code, Level.YELLOW, what, remedy, outside=outside)


def red(code: str, what: str, remedy: str, record: str = "", *, outside: bool = False) -> Verdict:
    return Verdict(code, Level.RED, what, remedy, record, outside)


def in_order(verdicts: Iterable[Verdict]) -> tuple[Verdict, ...]:
    """By section and code; verdicts of one code keep their order."""
    return tuple(sorted(verdicts, key=lambda verdict: _ORDER[verdict.code]))


def exit_code(verdicts: Iterable[Verdict]) -> int:
    """0 if nothing is red, 2 if the operator has something to fix, 3 if only a server did not answer."""
    reds = [verdict for verdict in verdicts if verdict.level is Level.RED]
    if not reds:
        return EXIT_OK
    return EXIT_UNSENT if all(verdict.outside for verdict in reds) else EXIT_USAGE
