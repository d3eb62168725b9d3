"""Write caught messages to an mbox file or a Maildir."""

from __future__ import annotations

import mailbox
import re
import time
from collections.abc import Iterable
from datetime import UTC
from pathlib import Path

from newsletter.errors import ConfigError
from newsletter.files import replacing
from newsletter.web.catcher.store import Caught

# A body line that a reader would take for the start of the next message.
_FROM_LINE = re.compile(rb"^From ", re.MULTILINE)


def write_mbox(path: Path, messages: Iterable[Caught]) -> None:
    """Write an mbox file that `mailbox.mbox` reads back, atomically: a temporary file, then a rename.

    Line ends become LF; body lines that start with "From " get a ">" before them, as `mailbox.mbox` writes them (the
    "mboxo" form of RFC 4155's survey). The envelope sender and the time of arrival are on the "From " line.
    """
    with replacing(path) as file:
        for caught in messages:
            # No blank in the sender: it would end the field, and a quoted local part may contain one.
            sender = re.sub(r"\s+", "_", caught.mail_from) or "MAILER-DAEMON"
            stamp = time.asctime(caught.received.astimezone(UTC).timetuple())
            file.write(f"From {sender} {stamp}\n".encode())
            text = _FROM_LINE.sub(b">From ", caught.data.replace(b"\r\n", b"\n"))
            file.write(text if not text or text.endswith(b"\n") else text + b"\n")
            file.write(b"\n")


def write_maildir(path: Path, messages: Iterable[Caught]) -> None:
    """Add each message to the Maildir at `path` as new mail; a missing one is created. Line ends become LF."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        folder = mailbox.Maildir(path, create=True)
        try:
            for caught in messages:
                folder.add(caught.data.replace(b"\r\n", b"\n"))
        finally:
            folder.close()
    except OSError as error:
        raise ConfigError(
            f"mail cannot be kept there ({error.strerror})", "choose another folder", path=path
        ) from error
