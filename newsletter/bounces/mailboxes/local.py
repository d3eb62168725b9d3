"""Mailboxes on disk: Maildir, mbox and `.eml` files; each yields its messages.

Only the beginning of a message is read. `acknowledge` names the recorded messages: a Maildir marks them as seen, a file
stays as it is. Nothing is ever deleted.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from newsletter.bounces.mailboxes.imap import ImapMailbox
from newsletter.bounces.stored_message import StoredMessage
from newsletter.bounces.truncate import MAX_BYTES
from newsletter.config.imap_url import read_imap
from newsletter.errors import ConfigError, InvalidValueError, located
from newsletter.files import NotAFileError, files_below, open_regular

_SEEN = "S"  # Maildir's flags follow ":2,", in alphabetical order (https://cr.yp.to/proto/maildir.html)


class Mailbox(Protocol):
    """A source of messages. `arrivals` may be read again; keys are those of the arrivals."""

    @property
    def name(self) -> str: ...

    def arrivals(self) -> Iterator[StoredMessage]: ...

    def acknowledge(self, keys: Sequence[str]) -> None: ...


def open_mailbox(
    source: str, env: Mapping[str, str], done_folder: str = "", token_command: Sequence[str] = ()
) -> AbstractContextManager[Mailbox]:
    """Open a mailbox by `source`: an imaps:// URL, a folder, or a file. ConfigError with a remedy for anything else.

    A folder with `cur` and `new` in it is a Maildir, another one is searched for `.eml` files. A file that begins with
    `From ` is an mbox, any other one message.
    """
    if "://" in source:
        try:
            return ImapMailbox(read_imap(source, env), done_folder, token_command=token_command)
        except InvalidValueError as fault:
            raise ConfigError(f"the mailbox {fault.what}", fault.remedy or "write imaps://user@host/INBOX") from fault
    if not source:
        raise ConfigError("the name of a mailbox is empty", "write a path, or imaps://user@host/INBOX")
    path = Path(source)
    try:
        if path.is_dir():
            is_maildir = (path / "new").is_dir() and (path / "cur").is_dir()
            return contextlib.nullcontext(Maildir(path) if is_maildir else EmlFolder(path))
        with open_regular(path) as file:
            return contextlib.nullcontext(Mbox(path) if file.read(5) == b"From " else EmlFolder(path))
    except FileNotFoundError as error:
        remedy = "name a .eml file, a folder of them, a Maildir, an mbox, or imaps://user@host/INBOX"
        raise ConfigError(located(source, None, "there is no such mailbox", remedy)) from error
    except NotAFileError as error:
        raise ConfigError(
            located(source, None, f"this is {error.strerror}", "save the messages in a file, and name that")
        ) from error
    except OSError as error:
        raise _unreadable(source, error) from error


def _unreadable(name: str, error: OSError) -> ConfigError:
    return ConfigError(f"cannot be read: {error.strerror}", "make it readable", path=name)


class EmlFolder:
    """A file with one message, or a folder of .eml files, sorted by name."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def name(self) -> str:
        return str(self.path)

    def arrivals(self) -> Iterator[StoredMessage]:
        try:
            found = files_below(self.path) if self.path.is_dir() else iter([self.path])
            paths = sorted(path for path in found if path == self.path or path.suffix == ".eml")
        except OSError as error:
            raise _unreadable(str(error.filename), error) from error
        for path in paths:
            yield _arrival(path, path.name)

    def acknowledge(self, keys: Sequence[str]) -> None:
        """Do nothing: the files are the user's own, and their content shows that they were read."""


class Maildir:
    """The unseen messages of a Maildir, the oldest first by their files' modification times."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def name(self) -> str:
        return str(self.path)

    def arrivals(self) -> Iterator[StoredMessage]:
        try:
            unseen = [path for part in ("new", "cur") for path in (self.path / part).iterdir() if not _is_seen(path)]
        except OSError as error:
            raise _unreadable(self.name, error) from error
        for path in sorted(unseen, key=lambda path: path.name):
            arrival = _arrival(path, f"{path.parent.name}/{path.name}", dated=True)
            if not arrival.fault or os.path.lexists(path):  # else a mail program moved it; the next run will find it
                yield arrival

    def acknowledge(self, keys: Sequence[str]) -> None:
        for key in keys:
            path = self.path / key
            unique, _, flags = path.name.partition(":2,")
            with contextlib.suppress(FileNotFoundError):  # another program has moved it; it counts once all the same
                self._rename(path, f"{unique}:2,{''.join(sorted({*flags, _SEEN}))}")

    def _rename(self, path: Path, name: str) -> None:
        try:
            path.rename(self.path / "cur" / name)
        except FileNotFoundError:
            raise
        except OSError as error:
            what = f"a message cannot be marked as seen: {error.strerror}"
            raise ConfigError(located(self.name, None, what, "make the Maildir writable")) from error


class Mbox:
    """A file of consecutive messages, each after a line that begins with `From ` (RFC 4155)."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def name(self) -> str:
        return str(self.path)

    def arrivals(self) -> Iterator[StoredMessage]:
        try:
            yield from self._read()
        except OSError as error:
            raise _unreadable(self.name, error) from error

    def _read(self) -> Iterator[StoredMessage]:
        number = 0
        head = bytearray()
        between = True
        with open_regular(self.path) as file:
            # A longer line is read in pieces, so that none is held as a whole.
            while line := file.readline(MAX_BYTES):
                if between and line.startswith(b"From "):
                    if number:
                        yield self._arrival(number, head)
                    number, head = number + 1, bytearray()
                elif len(head) < MAX_BYTES:
                    head += line[1:] if line.startswith(b">From ") else line
                between = line in (b"\n", b"\r\n")
        if number:
            yield self._arrival(number, head)

    def acknowledge(self, keys: Sequence[str]) -> None:
        """Do nothing: a mail server may be writing to the file."""

    def _arrival(self, number: int, head: bytearray) -> StoredMessage:
        return StoredMessage(str(number), f"{self.path} message {number}", bytes(head[:MAX_BYTES]))


def _arrival(path: Path, key: str, *, dated: bool = False) -> StoredMessage:
    """A message in a file of its own; if `dated`, it arrived at the file's modification time."""
    received = None
    try:
        if dated:
            received = datetime.fromtimestamp(path.stat().st_mtime, UTC)
        with open_regular(path) as file:
            return StoredMessage(key, str(path), file.read(MAX_BYTES), received)
    except OSError as error:  # one file must not stop a run
        return StoredMessage(key, str(path), b"", received, fault=f"cannot be read: {error.strerror}")


def _is_seen(path: Path) -> bool:
    return _SEEN in path.name.partition(":2,")[2]
