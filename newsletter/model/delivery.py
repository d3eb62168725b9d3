"""Sender, relay, message, and the outcome of handing one message to a relay."""

from __future__ import annotations

import enum
import ipaddress
from dataclasses import field
from typing import Literal
from urllib.parse import quote

from newsletter.frozen import frozen


@frozen
class Sender:
    """The sender, and the addresses for the headers. Empty strings if not configured.

    `unsubscribe_url` is an https address and `bounce_address` a mailbox, each with `{token}` for the subscriber's
    token; `secret` is the key for tokens and Message-IDs. `list_name` is the display name of `list_id`.
    `preferences_url` has a `{token}` too. `list_archive` is where past issues are.
    """

    name: str
    address: str
    reply_to: str = ""
    unsubscribe_mailto: str = ""
    unsubscribe_url: str = ""
    list_id: str = ""
    list_help: str = ""
    feedback_id: str = ""
    bounce_address: str = ""
    secret: str = field(default="", repr=False)
    list_name: str = ""
    preferences_url: str = ""
    list_archive: str = ""


def is_loopback(host: str) -> bool:
    """Whether a host is this machine, so that no network is crossed (RFC 1122 3.2.1.3, RFC 4291 2.5.3)."""
    name = host.lower().removesuffix(".")
    try:
        address = ipaddress.ip_address(name)
    except ValueError:
        return name == "localhost" or name.endswith(".localhost")  # RFC 6761 6.3
    return address.is_loopback or (isinstance(address, ipaddress.IPv6Address) and _is_mapped_loopback(address))


def _is_mapped_loopback(address: ipaddress.IPv6Address) -> bool:
    """Whether it is ::ffff:127.0.0.1, which `is_loopback` knows from Python 3.13 on."""
    return address.ipv4_mapped is not None and address.ipv4_mapped.is_loopback


@frozen
class Relay:
    """The SMTP server that takes our mail. `tls` is when encryption starts: implicit (465), starttls, or none.

    `name` identifies it among other relays in the ledger and the report. With `auth` xoauth2, `token_command` prints
    the access token. `weight` is its share of the mail among several relays. `ehlo` is the name for EHLO, empty for
    this machine's own. With `may_start_tls`, `tls` "none" becomes STARTTLS if the login needs it.
    """

    host: str
    port: int
    tls: Literal["implicit", "starttls", "none"]
    user: str = ""
    password: str = field(default="", repr=False)
    name: str = "relay"
    auth: Literal["auto", "plain", "login", "xoauth2"] = "auto"
    token_command: tuple[str, ...] = ()
    weight: int = 1
    ehlo: str = ""
    may_start_tls: bool = False

    @property
    def is_loopback(self) -> bool:
        return is_loopback(self.host)

    def __str__(self) -> str:
        scheme = "smtps" if self.tls == "implicit" else "smtp"
        host = f"[{self.host}]" if ":" in self.host else self.host
        user = f"{quote(self.user, safe='')}@" if self.user else ""
        return f"{scheme}://{user}{host}:{self.port}"


@frozen
class Message:
    """One recipient's message, wire-ready but for dot-stuffing: CRLF line ends, at most 998 octets a line."""

    envelope_from: str
    recipient: str
    message_id: str
    data: bytes = field(repr=False)
    needs_stuffing: bool = True
    """False if no line of `data` begins with a dot and the last one ends with CRLF (RFC 5321, 4.5.2)."""


class State(enum.StrEnum):
    """The state of a recipient for one issue; `ledger.MOVES` has the legal transitions."""

    PENDING = "pending"
    CLAIMED = "claimed"
    COMMITTING = "committing"
    SENT = "sent"
    DEFERRED = "deferred"
    REJECTED = "rejected"
    UNCERTAIN = "uncertain"
    SUPPRESSED = "suppressed"


@frozen
class Outcome:
    """The outcome of one message. `code` is the server's reply code, 0 if it gave none; `text` its reply verbatim.

    `sender_fault`: the answer is about the sender (rate, reputation, login) and not about the recipient, who is then
    never `rejected`.
    `connection`: the answer is about this connection alone, which has carried enough; another one may go on at once.
    """

    state: State
    stage: str
    code: int = 0
    text: str = ""
    sender_fault: bool = False
    connection: bool = False
