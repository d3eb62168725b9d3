"""The error tree: one class for each party at fault, with the exit code of the run that it ends.

An error's text says where, what, and what to write instead: `posts/12.md:7: ...; write ...`.
One refused address or one bad row is not an error of this tree: the first is an `Outcome`, the second a `Finding`.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePath
from typing import ClassVar

EXIT_OK = 0
EXIT_CONTENT = 1
EXIT_USAGE = 2
EXIT_UNSENT = 3
EXIT_BUSY = 4
EXIT_INTERRUPTED = 130


class Located(str):
    """A sentence that knows its parts, for programs that read it: `path:line:column: what; remedy`."""

    path: str
    line: int | None
    column: int | None
    what: str
    remedy: str


def located(path: str | PurePath, line: int | None, what: str, remedy: str = "", column: int | None = None) -> Located:
    """One sentence: `path:line:column: what; remedy`, the parts that are unknown left out."""
    path = str(path)
    place = ":".join(str(part) for part in (path, line, column) if part)
    sentence = Located((f"{place}: " if place else "") + what + (f"; {remedy}" if remedy else ""))
    sentence.path, sentence.line, sentence.column, sentence.what, sentence.remedy = path, line, column, what, remedy
    return sentence


class NewsletterError(Exception):
    """The root: anything that a front door prints as one sentence and turns into an exit code."""

    exit_code: ClassVar[int] = EXIT_USAGE

    def __init__(
        self,
        what: str,
        remedy: str = "",
        *,
        path: str | PurePath = "",
        line: int | None = None,
        column: int | None = None,
    ) -> None:
        """`what` is wrong where, and what to write instead; or a sentence of `located`, which has all of these."""
        super().__init__(what if isinstance(what, Located) else located(path, line, what, remedy, column))

    is_logged = False
    """Whether a log in JSON has it already, or must not get it: the log is what it is about."""

    picture: tuple[str, ...] = ()
    """Lines to show beneath the sentence: what was written, and a caret under the place."""

    @property
    def lines(self) -> tuple[str, ...]:
        """What to print, each on a line of its own: one sentence, and its picture."""
        return (str(self), *self.picture)

    @property
    def faults(self) -> tuple[Located, ...]:
        """What it says, in parts: path, line, column, what, and the remedy."""
        (said,) = self.args
        return (said,)


class ContentError(NewsletterError):
    """The author's to mend: a post, a theme's words, a list without addresses."""

    exit_code = EXIT_CONTENT


class ConfigError(NewsletterError):
    """The operator's to mend: `newsletter.toml`, a flag, a theme folder, a missing secret."""

    exit_code = EXIT_USAGE


class _SeveralFaultsError(NewsletterError):
    def __init__(self, faults: Sequence[Located]) -> None:
        super().__init__("\n".join(faults))
        self._faults = tuple(faults)

    @property
    def lines(self) -> tuple[str, ...]:
        return self._faults

    @property
    def faults(self) -> tuple[Located, ...]:
        return self._faults


class ConfigFaultsError(_SeveralFaultsError, ConfigError):
    """Several faults of one file, found in one reading: a sentence each."""


class ContentFaultsError(_SeveralFaultsError, ContentError):
    """Several faults of a list, found in one reading: a sentence each."""


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

    def __init__(self, text: str = "", owner: str = "") -> None:
        super().__init__(text)
        self.owner = owner


class InvalidValueError(ValueError):
    """What is wrong with a value, as it follows the key's name, and what to do: by default, to write the example."""

    def __init__(self, what: str, remedy: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.remedy = remedy
