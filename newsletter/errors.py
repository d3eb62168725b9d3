"""The error tree: one class per responsible party (author, operator, server), with the exit code of the run.

An error's text says where, what, and the remedy: `posts/12.md:7: ...; write ...`.
A single refused address is an `Outcome` and a single bad row a `Finding`; neither is an exception.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from pathlib import PurePath

EXIT_OK = 0
EXIT_CONTENT = 1
EXIT_USAGE = 2
EXIT_UNSENT = 3
EXIT_BUSY = 4
EXIT_INTERRUPTED = 130


class Located(str):
    """A sentence with its parts for programs: `path:line:column: what; remedy`."""

    path: str
    line: int | None
    column: int | None
    what: str
    remedy: str


def located(path: str | PurePath, line: int | None, what: str, remedy: str = "", column: int | None = None) -> Located:
    """Join the known parts to one sentence: `path:line:column: what; remedy`."""
    path = str(path)
    place = ":".join(str(part) for part in (path, line, column) if part)
    sentence = Located((f"{place}: " if place else "") + what + (f"; {remedy}" if remedy else ""))
    sentence.path, sentence.line, sentence.column, sentence.what, sentence.remedy = path, line, column, what, remedy
    return sentence


class NewsletterError(Exception):
    """The root of the tree: the front doors print it as one sentence and exit with its code."""

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
        """`what` is wrong at which place, and the `remedy`; or a sentence made by `located`, which has all of these."""
        super().__init__(what if isinstance(what, Located) else located(path, line, what, remedy, column))

    is_logged = False
    """Whether the JSON log must not get this error: it is already in there, or concerns the log itself."""

    picture: tuple[str, ...] = ()
    """Lines to show beneath the sentence: the source text, and a caret under the fault."""

    @property
    def lines(self) -> tuple[str, ...]:
        """The lines to print: the sentence, then its picture."""
        return (str(self), *self.picture)

    @property
    def faults(self) -> tuple[Located, ...]:
        """The faults in parts: path, line, column, what, remedy."""
        (said,) = self.args
        return (said,)


class ContentError(NewsletterError):
    """A fault for the author to fix: in a post, a theme's labels, or a list without addresses."""

    exit_code = EXIT_CONTENT


class ConfigError(NewsletterError):
    """A fault for the operator to fix: `newsletter.toml`, a flag, a theme folder, a missing secret."""

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
    """Several faults of one configuration file, a sentence each."""


class ContentFaultsError(_SeveralFaultsError, ContentError):
    """Several faults of one list, a sentence each."""


class LedgerError(ConfigError):
    """A fault of the ledger's database: damaged, unreachable, full, replaced. During a send it is `LostLedgerError`."""


class DeliveryError(NewsletterError):
    """A fault of the relay: unreachable, login refused, untrusted certificate. No further recipient was mailed."""

    exit_code = EXIT_UNSENT


class LostLedgerError(DeliveryError):
    """The ledger became unusable during a send: the run has ended early."""


class BusyError(NewsletterError):
    """Another run holds this issue; two at once would mail recipients twice."""

    exit_code = EXIT_BUSY

    def __init__(self, text: str = "", owner: str = "") -> None:
        super().__init__(text)
        self.owner = owner


class InvalidValueError(ValueError):
    """A value is invalid. `what` completes "<key> ..."; `remedy` defaults to the key's example."""

    def __init__(self, what: str, remedy: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.remedy = remedy
