"""The error tree. Each class is one party at fault, and carries the exit code of a run that it ends.

An error's text says where, what, and what to write instead: `posts/12.md:7: ...; write ...`.
One refused address or one bad row is not an error of this tree: the first is an `Outcome`, the second a `Finding`.
"""

from __future__ import annotations

from typing import ClassVar

EXIT_OK = 0
EXIT_CONTENT = 1
EXIT_USAGE = 2
EXIT_UNSENT = 3
EXIT_BUSY = 4


class NewsletterError(Exception):
    """The root: anything that a front door prints as one sentence and turns into an exit code."""

    exit_code: ClassVar[int] = EXIT_USAGE
    picture: tuple[str, ...] = ()
    """Lines to show beneath the sentence: what was written, and a caret under the place."""


class ContentError(NewsletterError):
    """The author's to mend: a post, a theme's words, a list without addresses."""

    exit_code = EXIT_CONTENT


class ConfigError(NewsletterError):
    """The operator's to mend: `newsletter.toml`, a flag, a theme folder, a missing secret."""

    exit_code = EXIT_USAGE


class LedgerError(ConfigError):
    """The ledger's database: damaged, unreachable, full, replaced. In the middle of a send it is `LostLedgerError`."""


class DeliveryError(NewsletterError):
    """The relay's side: unreachable, refusing the login, an untrusted certificate. Nobody else was mailed."""

    exit_code = EXIT_UNSENT


class LostLedgerError(DeliveryError):
    """The ledger went away while a send ran: it has ended, and not everyone was mailed."""


class BusyError(NewsletterError):
    """Another run holds this issue; two at once would mail people twice."""

    exit_code = EXIT_BUSY


def located(path: str, line: int | None, what: str, remedy: str = "", column: int | None = None) -> str:
    """One sentence: `path:line:column: what; remedy`, the parts that are unknown left out."""
    place = ":".join(str(part) for part in (path, line, column) if part)
    return f"{place}: {what}" + (f"; {remedy}" if remedy else "")
