"""`Email` + `Subscriber` -> `Message`: slots filled, headers set, MIME bytes ready for the wire.

Pure and reproducible: the date is given, the boundary and the Message-ID are derived, so that a resend is the same
message. Every value that comes from a list is escaped for where it stands.
"""

from __future__ import annotations

import hashlib
import hmac
import html
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from email.header import Header
from email.message import EmailMessage
from email.policy import EmailPolicy
from email.utils import format_datetime
from urllib.parse import quote

from newsletter.fields import Condition
from newsletter.model import Email, Message, Sender, SlotContext, Subscriber, Template, fold_address

_SAFE_LINK = re.compile(r"(?:https?|mailto|tel):", re.IGNORECASE)
_CONTROLS = re.compile("[\x00-\x1f\x7f\x85\u2028\u2029]+")
_ATOMS = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?: [A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")  # RFC 5322, 3.2.3
_LANGUAGE_TAG = re.compile("[A-Za-z]{2,8}(?:-[A-Za-z0-9]{1,8})*")

_POLICY = EmailPolicy(linesep="\r\n", cte_type="7bit", max_line_length=76)
_LINE = 76
"""RFC 2047, 2: the longest line with an encoded-word in it. A header of plain ASCII keeps to it where it can."""


def fill(template: Template, values: Mapping[str, str]) -> str:
    """A template with its slots filled; an empty value takes the slot's default."""
    return "".join(
        part if isinstance(part, str) else escape_for(part.context, values.get(part.field, "") or part.default)
        for part in template.parts
    )


def escape_for(context: SlotContext, value: str) -> str:
    """A subscriber's value made harmless where it stands; see `SlotContext`."""
    # Security: a list column is anybody's text. No line end may start a header, no quote may end an attribute, and no
    # address of another scheme may stand behind a link.
    value = _CONTROLS.sub(" ", value)
    match context:
        case "html":
            return html.escape(value, quote=True)
        case "url":
            return html.escape(quote(value, safe=""), quote=True)
        case "text_url":
            return quote(value, safe="")
        case "href":
            return html.escape(value, quote=True) if _SAFE_LINK.match(value) else ""
    return value


def message_id(issue: str, address: str, sender: Sender) -> str:
    """The same for the same issue and recipient, so that a resend is recognised; it does not give the address away."""
    key = f"{sender.list_id or sender.address}".encode()
    digest = hmac.new(key, f"{issue}\n{fold_address(address)}".encode(), hashlib.sha256).hexdigest()
    return f"<{digest[:32]}@{_ascii_domain(sender.address)}>"


def unsubscribe_url(sender: Sender, subscriber: Subscriber) -> str:
    """A mailto that says who leaves, even where the reader's mail program sends from another address (RFC 6068)."""
    if not sender.unsubscribe_mailto:
        return ""
    mailbox = quote(sender.unsubscribe_mailto, safe="@!$'*+")  # RFC 6068, 2: a `?` or `&` would end the address
    return f"mailto:{mailbox}?subject={quote(f'unsubscribe {subscriber.email}', safe='')}"


def slot_values(sender: Sender, subscriber: Subscriber) -> Mapping[str, str]:
    return {**subscriber.fields, "email": subscriber.email, "unsubscribe_url": unsubscribe_url(sender, subscriber)}


@dataclass(frozen=True, slots=True)
class Variants:
    """An issue rendered once per combination of answers to its conditions, and which one is whose."""

    conditions: tuple[Condition, ...]
    emails: Mapping[tuple[bool, ...], Email]

    def email_for(self, subscriber: Subscriber) -> Email:
        return self.emails[answers(self.conditions, subscriber)]


def answers(conditions: Sequence[Condition], subscriber: Subscriber) -> tuple[bool, ...]:
    """How a subscriber's columns answer each of the conditions."""
    columns = {**subscriber.fields, "email": subscriber.email}
    return tuple(condition.holds(columns) for condition in conditions)


class Composer:
    """Makes one issue's messages. `when` is the Date of all of them; `prefix` goes before the subject of a test."""

    def __init__(
        self, email: Email | Variants, sender: Sender, *, issue: str, when: datetime, prefix: str = ""
    ) -> None:
        self.variants = email if isinstance(email, Variants) else Variants((), {(): email})
        self.sender = sender
        self.issue = issue
        self.date = format_datetime(when)
        self.prefix = prefix

    def subject_for(self, subscriber: Subscriber) -> str:
        email = self.variants.email_for(subscriber)
        return self.prefix + fill(email.subject, slot_values(self.sender, subscriber))

    def compose(self, subscriber: Subscriber) -> Message:
        """The message for one person: multipart/alternative, text before HTML (RFC 2046, 5.1.4)."""
        email = self.variants.email_for(subscriber)
        values = slot_values(self.sender, subscriber)
        identity = message_id(self.issue, subscriber.email, self.sender)
        head = [
            _mailbox("From", self.sender.name, self.sender.address),
            _mailbox("To", subscriber.name, subscriber.email),
            _text("Subject", self.subject_for(subscriber)),
            f"Date: {self.date}",
            f"Message-ID: {identity}",
        ]
        if self.sender.reply_to:
            head.append(_mailbox("Reply-To", "", self.sender.reply_to))
        if self.sender.list_id:
            head.append(f"List-Id: <{self.sender.list_id}>")
        if values["unsubscribe_url"]:
            head.append(f"List-Unsubscribe: <{values['unsubscribe_url']}>")
        head += ["Precedence: bulk", "Auto-Submitted: auto-generated"]
        if _LANGUAGE_TAG.fullmatch(email.lang):
            head.append(f"Content-Language: {email.lang}")
        mail = EmailMessage(policy=_POLICY)
        mail.set_content(fill(email.text, values), cte="base64")
        mail.add_alternative(fill(email.html, values), subtype="html", cte="base64")
        self._attach(mail, email)
        self._set_boundaries(mail, identity)
        data = "".join(f"{header}\r\n" for header in head).encode() + bytes(mail)
        return Message(_ascii_address(self.sender.address), _ascii_address(subscriber.email), identity, data)

    @staticmethod
    def _attach(mail: EmailMessage, email: Email) -> None:
        """Pictures beside the HTML they are shown in (RFC 2387), referenced by Content-ID (RFC 2392)."""
        pages = [part for part in mail.iter_parts() if part.get_content_subtype() == "html"]
        for page in pages:
            for attachment in email.attachments:
                main, _, sub = attachment.media_type.partition("/")
                page.add_related(
                    attachment.data,
                    main,
                    sub,
                    cid=f"<{attachment.content_id}>",
                    # Security: a file may be named anything; see the note on headers below.
                    filename=escape_for("header", attachment.filename).replace("=?", "-"),
                    disposition="inline",
                )

    @staticmethod
    def _set_boundaries(mail: EmailMessage, identity: str) -> None:
        """Boundaries from the Message-ID. Every part is base64, whose letters have no `=_`, so none can hold one."""
        seed = hashlib.sha256(identity.encode()).hexdigest()[:24]
        multiparts = [part for part in mail.walk() if part.is_multipart()]
        for number, part in enumerate(multiparts):
            part.set_boundary(f"=_{seed}_{number}")


# --- headers --------------------------------------------------------------------------------------------------------
# Security: written here, not by `email`, whose policy reads a value before it writes it. A name `=?utf-8?q?=0D=0A…?=`
# then becomes the line break that it spells, a long quoted name loses its quotes and becomes several addresses, and a
# long List-Unsubscribe becomes an encoded-word, which ends one-click unsubscribe (RFC 8058, 3.1).


def _text(name: str, value: str) -> str:
    """An unstructured header: as it is where it is plain ASCII, else in encoded-words (RFC 2047)."""
    value = escape_for("header", value).strip()
    plain = value.isascii() and "=?" not in value and all(len(word) < _LINE for word in value.split(" "))
    return f"{name}: {_folded(name, value, 'us-ascii' if plain else 'utf-8')}"


def _mailbox(name: str, phrase: str, address: str) -> str:
    """A header with one address. Only a local part that is not ASCII is in UTF-8: it needs SMTPUTF8 (RFC 6532)."""
    phrase = escape_for("header", phrase).strip()
    mailbox = _ascii_address(address)
    if not phrase:
        return f"{name}: {mailbox}"
    quoted = phrase if _ATOMS.fullmatch(phrase) else '"' + re.sub(r'(["\\])', r"\\\1", phrase) + '"'
    if not quoted.isascii() or "=?" in quoted or len(f"{name}: {quoted}") > _LINE:
        quoted = _folded(name, phrase, "utf-8")
    gap = " " if len(quoted.rpartition("\n")[2]) + len(mailbox) < _LINE - len(f"{name}:  <>") else "\r\n "
    return f"{name}: {quoted}{gap}<{mailbox}>"


def _folded(name: str, value: str, charset: str) -> str:
    return Header(value, charset, maxlinelen=_LINE, header_name=name).encode(splitchars=" ", linesep="\r\n")


def _ascii_address(address: str) -> str:
    """For the envelope: the domain as IDNA A-labels (RFC 5890). A non-ASCII local part stays; it needs SMTPUTF8."""
    return f"{address.rpartition('@')[0]}@{_ascii_domain(address)}"


def _ascii_domain(address: str) -> str:
    domain = address.rpartition("@")[2]
    return domain if domain.isascii() else domain.encode("idna").decode("ascii")
