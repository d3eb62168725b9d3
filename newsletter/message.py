"""`Email` + `Subscriber` -> `Message`: slots filled, headers set, MIME bytes ready for the wire.

Pure and reproducible: the date is given, the boundary and the Message-ID are derived, so that a resend is the same
message. Every value that comes from a list is escaped for where it stands.
"""

from __future__ import annotations

import hashlib
import hmac
import html
import re
from collections.abc import Mapping
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import EmailPolicy
from email.utils import format_datetime
from urllib.parse import quote

from newsletter.model import Email, Message, Sender, SlotContext, Subscriber, Template, fold_address

_CONTROLS = re.compile("[\x00-\x1f\x7f\x85\u2028\u2029]+")

# Python's policy would break a long URL into an encoded-word, and with it one-click unsubscribe (RFC 8058, 3.1).
_RAW_HEADERS = frozenset({"list-unsubscribe", "list-unsubscribe-post", "list-id", "message-id"})


class _WirePolicy(EmailPolicy):
    """CRLF line ends, ASCII only, and the headers above written as they are: they hold nothing that needs folding."""

    def fold_binary(self, name: str, value: str) -> bytes:
        if name.lower() in _RAW_HEADERS:
            return f"{name}: {value}\r\n".encode("ascii")
        return super().fold_binary(name, value)


_POLICY = _WirePolicy(linesep="\r\n", cte_type="7bit", max_line_length=76)


def fill(template: Template, values: Mapping[str, str]) -> str:
    """A template with its slots filled; an empty value takes the slot's default."""
    return "".join(
        part if isinstance(part, str) else escape_for(part.context, values.get(part.field, "") or part.default)
        for part in template.parts
    )


def escape_for(context: SlotContext, value: str) -> str:
    """A subscriber's value made harmless where it stands: HTML text or attribute, plain text, or a header."""
    # Security: a list column is anybody's text. No line end may start a header, no quote may end an attribute.
    value = _CONTROLS.sub(" ", value)
    return html.escape(value, quote=True) if context == "html" else value


def message_id(issue: str, address: str, sender: Sender) -> str:
    """The same for the same issue and recipient, so that a resend is recognised; it does not give the address away."""
    key = f"{sender.list_id or sender.address}".encode()
    digest = hmac.new(key, f"{issue}\n{fold_address(address)}".encode(), hashlib.sha256).hexdigest()
    return f"<{digest[:32]}@{_ascii_domain(sender.address)}>"


def unsubscribe_url(sender: Sender, subscriber: Subscriber) -> str:
    """A mailto that says who leaves, even where the reader's mail program sends from another address (RFC 6068)."""
    if not sender.unsubscribe_mailto:
        return ""
    return f"mailto:{sender.unsubscribe_mailto}?subject={quote(f'unsubscribe {subscriber.email}', safe='')}"


def slot_values(sender: Sender, subscriber: Subscriber) -> Mapping[str, str]:
    return {**subscriber.fields, "email": subscriber.email, "unsubscribe_url": unsubscribe_url(sender, subscriber)}


class Composer:
    """Makes one issue's messages. `when` is the Date of all of them; `prefix` goes before the subject of a test."""

    def __init__(self, email: Email, sender: Sender, *, issue: str, when: datetime, prefix: str = "") -> None:
        self.email = email
        self.sender = sender
        self.issue = issue
        self.date = format_datetime(when)
        self.prefix = prefix

    def compose(self, subscriber: Subscriber) -> Message:
        """The message for one person: multipart/alternative, text before HTML (RFC 2046, 5.1.4)."""
        values = slot_values(self.sender, subscriber)
        identity = message_id(self.issue, subscriber.email, self.sender)
        mail = EmailMessage(policy=_POLICY)
        mail["From"] = _address(self.sender.name, self.sender.address)
        mail["To"] = _address(subscriber.name, subscriber.email)
        mail["Subject"] = self.prefix + escape_for("header", fill(self.email.subject, values)).strip()
        mail["Date"] = self.date
        mail["Message-ID"] = identity
        if self.sender.reply_to:
            mail["Reply-To"] = self.sender.reply_to
        if self.sender.list_id:
            mail["List-Id"] = f"<{self.sender.list_id}>"
        if values["unsubscribe_url"]:
            mail["List-Unsubscribe"] = f"<{values['unsubscribe_url']}>"
        mail["Precedence"] = "bulk"
        mail["Auto-Submitted"] = "auto-generated"
        mail["Content-Language"] = self.email.lang
        mail.set_content(fill(self.email.text, values), cte="base64")
        mail.add_alternative(fill(self.email.html, values), subtype="html", cte="base64")
        self._attach(mail)
        self._set_boundaries(mail, identity)
        return Message(_ascii_address(self.sender.address), _ascii_address(subscriber.email), identity, bytes(mail))

    def _attach(self, mail: EmailMessage) -> None:
        """Pictures beside the HTML they are shown in (RFC 2387), referenced by Content-ID (RFC 2392)."""
        pages = [part for part in mail.iter_parts() if part.get_content_subtype() == "html"]
        for page in pages:
            for attachment in self.email.attachments:
                main, _, sub = attachment.media_type.partition("/")
                page.add_related(
                    attachment.data,
                    main,
                    sub,
                    cid=f"<{attachment.content_id}>",
                    filename=attachment.filename,
                    disposition="inline",
                )

    @staticmethod
    def _set_boundaries(mail: EmailMessage, identity: str) -> None:
        """Boundaries from the Message-ID. Every part is base64, whose letters have no `=_`, so none can hold one."""
        seed = hashlib.sha256(identity.encode()).hexdigest()[:24]
        multiparts = [part for part in mail.walk() if part.is_multipart()]
        for number, part in enumerate(multiparts):
            part.set_boundary(f"=_{seed}_{number}")


def _address(name: str, address: str) -> Address:
    local, _, domain = address.rpartition("@")
    return Address(_CONTROLS.sub(" ", name).strip(), local, _ascii_domain(f"@{domain}"))


def _ascii_address(address: str) -> str:
    """For the envelope: the domain as IDNA A-labels (RFC 5890). A non-ASCII local part stays; it needs SMTPUTF8."""
    return f"{address.rpartition('@')[0]}@{_ascii_domain(address)}"


def _ascii_domain(address: str) -> str:
    domain = address.rpartition("@")[2]
    return domain if domain.isascii() else domain.encode("idna").decode("ascii")
