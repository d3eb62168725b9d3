"""Read an IMAP mailbox (RFC 3501) without changing it; mark only what was recorded.

TLS from the first byte, verified. Messages are read in read-only mode (EXAMINE, PEEK); `acknowledge`d ones are moved to
another folder, or marked as seen. Nothing is ever deleted. A server may be slow, broken or hostile: each response has a
limit, and a mailbox is searched in parts.
"""

from __future__ import annotations

import base64
import re
import ssl
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from email.utils import parsedate_to_datetime
from types import TracebackType
from typing import Any, Self

from newsletter.bounces.mailboxes.imap_session import BoundedImap, ImapLimits
from newsletter.bounces.mailboxes.imap_token import access_token, xoauth2
from newsletter.bounces.stored_message import StoredMessage
from newsletter.bounces.truncate import MAX_BYTES
from newsletter.config.imap_url import IMAP_VARIABLE, ImapPlace
from newsletter.errors import ConfigError, located
from newsletter.redaction import login_secrets, redacted
from newsletter.text import printable

_GOODBYE_S = 5.0
"""For the answer to LOGOUT: a server that has just trickled for minutes gets no more of them."""

_AT_ONCE = 20
"""Messages of one FETCH: fewer round trips to a distant server, and this many are held in memory."""

_SEARCHED = 20_000
"""Messages covered by one SEARCH. Its response is one line, and imaplib cannot read 150,000 numbers."""

MAX_MESSAGES = 1_000_000
"""How many messages of a mailbox one run considers; the others follow when those are marked."""

_ANSWER_BYTES = _AT_ONCE * (MAX_BYTES + 4096) + 256 * 1024
"""The limit of one command's response; that of a FETCH is the largest."""

_FETCHED = re.compile(rb"\bUID (\d+)\b")
_RECEIVED = re.compile(rb'\bINTERNALDATE "([^"]{1,40})"')


class ImapMailbox:
    """An open mailbox. `done_folder` gets acknowledged messages; without one they are marked as seen.

    Without `done_folder` messages that are marked as seen are skipped; with one, every message in the mailbox is read.
    """

    def __init__(
        self,
        place: ImapPlace,
        done_folder: str = "",
        tls_context: ssl.SSLContext | None = None,
        token_command: Sequence[str] = (),
        limits: ImapLimits | None = None,
    ) -> None:
        """Connect and log in, by the access token that `token_command` prints, else by the password.

        ConfigError on failure.
        """
        import imaplib

        if not place.password and not token_command:
            what = f"not set, and {place.host} asks for a password"
            remedy = "set it; with most providers, to an app password, or write [bounces] token_command"
            raise ConfigError(located(IMAP_VARIABLE, None, what, remedy))
        token = access_token(token_command, str(place)) if token_command else ""
        self.place = place
        self.done_folder = done_folder
        self._faults = (imaplib.IMAP4.error, OSError)
        self._validity: bytes | None = None
        self._secret = token or place.password
        self._messages = 0
        self._writing = False
        with self._told("cannot be opened"):
            # Security: the default context verifies the certificate and its host name.
            context = tls_context or ssl.create_default_context()
            bounds = limits or ImapLimits(_ANSWER_BYTES)
            self._client: BoundedImap = BoundedImap(place.host.strip("[]"), place.port, context, bounds)
        try:
            with self._told("refuses the login", _login_remedy(self._client.capabilities, by_token=bool(token))):
                self._client.allow()
                if token:
                    self._client.authenticate("XOAUTH2", lambda challenge: xoauth2(place.user, token, challenge))
                else:
                    self._client.login(place.user, place.password)
                # A server may offer more capabilities than before the login, when imaplib asked.
                self._client.allow()
                self._offers = _words(self._client.capability()[1]).upper().split()
            self._select(readonly=True)
        except ConfigError:
            self.close()
            raise

    @property
    def name(self) -> str:
        return str(self.place)

    def arrivals(self) -> Iterator[StoredMessage]:
        """The messages to be read, the oldest first; the beginning of each, and never all of them in memory."""
        with self._told("cannot be searched"):
            uids = self._found("ALL" if self._moves else "UNSEEN")
        for start in range(0, len(uids), _AT_ONCE):
            with self._told("cannot be read"):
                parts = f"(UID INTERNALDATE BODY.PEEK[]<0.{MAX_BYTES}>)"
                answer = self._asked("FETCH", b",".join(uids[start : start + _AT_ONCE]).decode(), parts)
            for item in answer:
                if isinstance(item, tuple) and (uid := _FETCHED.search(item[0])):
                    number = uid[1].decode()
                    # Whatever a server sends, keep no more than was requested.
                    yield StoredMessage(number, f"{self.name} UID {number}", item[1][:MAX_BYTES], _received(item[0]))

    def acknowledge(self, keys: Sequence[str]) -> None:
        """Move or mark the messages, after they were recorded."""
        if not keys:
            return
        with self._told("cannot be marked", "the bounces are recorded; they will be met again, and count once"):
            if not self._writing:
                self._select(readonly=False)
            uids = ",".join(keys)
            if not self.done_folder:
                self._asked("STORE", uids, "+FLAGS.SILENT", r"(\Seen)")
            elif self._moves:
                self._into_folder("MOVE", uids)
            else:
                self._into_folder("COPY", uids)
                self._asked("STORE", uids, "+FLAGS.SILENT", r"(\Seen)")

    def close(self) -> None:
        try:
            self._client.allow(_GOODBYE_S)
            self._client.logout()
        except self._faults:  # the server is gone; close the socket ourselves
            with suppress(OSError):
                self._client.shutdown()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # --- inside -----------------------------------------------------------------------------------------------------

    def _found(self, wanted: str) -> list[bytes]:
        """The numbers of the messages, by parts of the mailbox; no message is moved meanwhile."""
        uids: list[bytes] = []
        last = min(self._messages, MAX_MESSAGES)
        for start in range(1, last + 1, _SEARCHED):
            part = f"{start}:{min(start + _SEARCHED - 1, last)}"
            answer = self._asked("SEARCH", part, wanted, "UNDELETED")
            uids += b" ".join(each for each in answer if isinstance(each, bytes)).split()
            if len(uids) > MAX_MESSAGES:
                raise self._client.abort("it finds more messages than it has")
        return uids

    @property
    def _moves(self) -> bool:
        """RFC 6851. Without MOVE a message is copied, and the original marked: expunging would delete."""
        return bool(self.done_folder) and "MOVE" in self._offers

    def _into_folder(self, command: str, uids: str) -> None:
        folder = _quoted(self.done_folder)
        self._client.allow()
        status, _ = self._client.uid(command, uids, folder)
        if status == "NO":  # [TRYCREATE] if it is missing; some servers only say NO
            self._client.allow()
            self._client.create(folder)
            self._asked(command, uids, folder)

    def _select(self, *, readonly: bool) -> None:
        with self._told("cannot be opened", "create the folder, or name another"):
            self._client.allow()
            status, answer = self._client.select(_quoted(self.place.folder), readonly=readonly)
            if status != "OK":
                raise self._client.error(_words(answer))
            self._messages = _number(answer)
            validity = self._client.untagged_responses.get("UIDVALIDITY", [None])[0]
            if self._validity not in (None, validity):
                raise self._client.error("its messages were numbered anew")
            self._validity = validity if isinstance(validity, bytes) else None
            self._writing = not readonly

    def _asked(self, command: str, *arguments: str) -> list[Any]:
        self._client.allow()
        status, answer = self._client.uid(command, *arguments)
        if status != "OK":
            raise self._client.error(_words(answer))
        return list(answer)

    @contextmanager
    def _told(
        self, what: str, remedy: str = "check its address and the server, then run the command again"
    ) -> Iterator[None]:
        try:
            yield
        except ssl.SSLCertVerificationError as error:
            why = f"its certificate is not trusted: {error.verify_message}"
            raise ConfigError(located(self.name, None, f"cannot be opened: {why}", "check the host's name")) from error
        except self._faults as error:
            said = str(error.args[-1] if error.args else error).strip("b'")
            # Security: some servers repeat the password in their refusal.
            why = printable(redacted(said, login_secrets(self.place.user, self._secret)))
            raise ConfigError(
                located(self.name, None, f"{what}: {why[:300] or type(error).__name__}", remedy)
            ) from error


def _login_remedy(offered: Collection[str], *, by_token: bool) -> str:
    """What to do where the login is refused, by the ways to log in that the server names (RFC 3501, 6.2)."""
    by_token_alone = "AUTH=XOAUTH2" in offered and ("LOGINDISABLED" in offered or "AUTH=PLAIN" not in offered)
    if not by_token:
        if by_token_alone:
            return "it wants an access token: write [bounces] token_command"
        return f"check the user, and the password in {IMAP_VARIABLE}"
    if any(each.startswith("AUTH=") for each in offered) and "AUTH=XOAUTH2" not in offered:
        return f"it offers no login by a token: set the password in {IMAP_VARIABLE}, and leave token_command out"
    return "see that token_command prints a token of this user with the right to read mail"


def _received(line: bytes) -> datetime | None:
    found = _RECEIVED.search(line)
    try:
        return parsedate_to_datetime(found[1].decode("ascii", "replace")) if found else None
    except ValueError:
        return None


def _number(answer: Sequence[object]) -> int:
    """The number of messages in the response to SELECT and EXAMINE."""
    found = answer[0] if answer else None
    return int(found) if isinstance(found, bytes) and found.isdigit() and len(found) < 12 else 0


def _words(answer: Sequence[object]) -> str:
    return " ".join(each.decode("utf-8", "replace") for each in answer if isinstance(each, bytes))


def _quoted(folder: str) -> str:
    """A folder's name as a quoted string in modified UTF-7 (RFC 3501, 5.1.3)."""

    def encode(match: re.Match[str]) -> str:
        if match[0] == "&":
            return "&-"
        return "&" + base64.b64encode(match[0].encode("utf-16-be")).decode().rstrip("=").replace("/", ",") + "-"

    text = re.sub(r"&|[^\x20-\x7e]+", encode, folder)
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
