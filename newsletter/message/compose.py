"""Compose a message for one subscriber: fill the slots, set the headers, sign; returns wire-ready bytes.

Pure and reproducible: the clock is an argument, the boundary and the Message-ID are derived, so that a resend at the
same time is the same message. Every value of a list is escaped for its context. What all messages of an issue share is
prepared once; `benchmarks/compose.py` measures the cost of a message.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable
from datetime import datetime
from email.utils import format_datetime
from functools import lru_cache

from newsletter.addresses import fold_address
from newsletter.errors import ConfigError
from newsletter.frozen import frozen
from newsletter.message.dkim import Signer, Signers
from newsletter.message.fill_slots import escape_for, fill, slot_values, slot_values_with
from newsletter.message.headers import (
    feedback_id,
    is_language,
    list_id_field,
    mailbox_field,
    safe_uri,
    text_field,
    uri_field,
    wire_address,
    wire_domain,
)
from newsletter.message.mime import Body, Text, build_body, encode_attachment
from newsletter.message.unsubscribe import unsubscribe_urls
from newsletter.message.variants import Variants, answers
from newsletter.model.delivery import Message, Sender
from newsletter.model.rendered_email import Attachment, Email, Slot, Template
from newsletter.model.subscriber import Subscriber
from newsletter.tokens import TOKEN_CHARS, token

MAX_TEMPLATE_CHARS = 500
"""The limit of `unsubscribe_url`. With the longest address percent-encoded (three times 64 + 255, RFC 5321 4.5.3.1), or
the longest link's token (475), the header line keeps to 998 octets.
"""

MAX_BOTH_CHARS = 110
"""The limit of a URL with both `{token}` and `{email}`: it contains the longest address twice, once in the token."""

MAX_LOCAL_CHARS = 64


def message_id(issue: str, address: str, sender: Sender, attempt: str = "") -> str:
    """A Message-ID derived from list, issue and recipient, so that a resend is recognised. It does not reveal the
    address.

    Exchange and Gmail drop or hide a second message with the same Message-ID (RFC 5322, 3.6.4). So a test has an
    `attempt`, or the next test or the issue would be hidden; and two newsletters with one secret may have issues of one
    name, and readers of both.
    """
    key = (sender.secret or sender.list_id or sender.address).encode()
    words = "\n".join((issue, fold_address(address), attempt, sender.list_id if sender.secret else "")).rstrip("\n")
    digest = hmac.digest(key, words.encode(), "sha256").hex()
    return f"<{digest[:32]}@{wire_domain(sender.address)}>"


# --- composing ------------------------------------------------------------------------------------------------------


@frozen
class _Prepared:
    """One variant, encoded but for its slots. `subject` is the header field, or empty if it differs per subscriber."""

    email: Email
    slots: tuple[Slot, ...]
    body: Body
    subject: str
    archived: str
    language: str


class Composer:
    """Composes one issue's messages. `prefix` goes before the subject of a test.

    `when` is the Date and the signature's time: a fixed time, or a clock that is read for each message. Receivers
    penalise mail whose Date is hours old. `automatic` marks automatic messages (RFC 3834, 5). `attempt` makes the
    Message-IDs of a test differ from those of other tests and of the issue.
    Raises ConfigError if a sender's addresses cannot be written as RFC 8058 asks, or need a missing secret.
    """

    def __init__(
        self,
        email: Email | Variants,
        sender: Sender,
        *,
        issue: str,
        when: datetime | Callable[[], datetime],
        prefix: str = "",
        signer: Signer | Signers | None = None,
        automatic: bool = False,
        attempt: str = "",
    ) -> None:
        _check(sender)
        self.variants = email if isinstance(email, Variants) else Variants((), {(): email})
        self.sender = sender
        self.issue = issue
        self.when = when
        self.prefix = prefix
        self.signer = signer
        self.automatic = automatic
        self.attempt = attempt
        self._from = mailbox_field("From", sender.name, wire_address(sender.address))
        # The token is letters and digits: a template that is an address with `{token}` stays an address with any token.
        self._bounces = wire_address(sender.bounce_address or sender.address)
        self._list = [mailbox_field("Reply-To", "", wire_address(sender.reply_to))] if sender.reply_to else []
        self._list += [list_id_field(sender.list_name, sender.list_id)] if sender.list_id else []
        self._kind = [uri_field("List-Help", safe_uri(sender.list_help))] if sender.list_help else []
        if sender.list_archive and not automatic:
            self._kind.append(uri_field("List-Archive", safe_uri(sender.list_archive)))
        if sender.feedback_id:
            self._kind.append(text_field("Feedback-ID", feedback_id(sender.feedback_id, issue)))
        self._kind += ["Precedence: bulk", *(["Auto-Submitted: auto-generated"] if automatic else [])]
        self._prepared: dict[tuple[bool, ...], _Prepared] = {}
        self._attachments: dict[Attachment, bytes] = {}

    def subject_for(self, subscriber: Subscriber) -> str:
        email = self.variants.email_for(subscriber)
        return self.prefix + fill(email.subject, slot_values(self.sender, subscriber, self.issue))

    @property
    def now(self) -> datetime:
        """The Date of a message composed now."""
        return self.when() if callable(self.when) else self.when

    def compose(self, subscriber: Subscriber) -> Message:
        """The message for one subscriber: multipart/alternative, text before HTML (RFC 2046, 5.1.4)."""
        now = self.now
        variant = self._variant(answers(self.variants.conditions, subscriber))
        recipient = wire_address(subscriber.email)
        identity = message_id(self.issue, subscriber.email, self.sender, self.attempt)
        unsubscribe_links = unsubscribe_urls(self.sender, subscriber, self.issue)
        values = slot_values_with(self.sender, subscriber, unsubscribe_links)
        fields = [
            self._from,
            mailbox_field("To", subscriber.name, recipient),
            variant.subject or text_field("Subject", self.prefix + fill(variant.email.subject, values)),
            _date_field(now.replace(microsecond=0)),
            f"Message-ID: {identity}",
            *self._list,
        ]
        if unsubscribe_links:
            fields.append(uri_field("List-Unsubscribe", *unsubscribe_links))
            if unsubscribe_links[0].startswith("https:"):
                fields.append("List-Unsubscribe-Post: List-Unsubscribe=One-Click")
        fields += self._kind
        if variant.archived:
            fields.append(variant.archived)
        fields.append(variant.language)
        filled = [escape_for(slot.context, values.get(slot.field, "") or slot.default) for slot in variant.slots]
        data = b"".join(["\r\n".join(fields).encode(), *variant.body.pieces(filled)])
        if self.signer:
            data = self.signer.sign(data, now) + data
        # No encoding has a line that begins with a dot, and the last boundary ends with CRLF.
        return Message(self._envelope_from(subscriber), recipient, identity, data, needs_stuffing=False)

    def _envelope_from(self, subscriber: Subscriber) -> str:
        """The envelope sender: with `bounce_address` one per recipient (VERP), which does not reveal their address."""
        if "{token}" not in self._bounces:
            return self._bounces
        mark = token(self.sender.secret, "bounce", subscriber.email, self.issue)
        return self._bounces.replace("{token}", mark)

    def _variant(self, answered: tuple[bool, ...]) -> _Prepared:
        if answered not in self._prepared:
            self._prepared[answered] = self._prepare(self.variants.emails[answered])
        return self._prepared[answered]

    def _prepare(self, email: Email) -> _Prepared:
        slots: dict[Slot, int] = {}
        text, page = _numbered(email.text, slots), _numbered(email.html, slots)
        for attachment in email.attachments:  # shared by the variants
            if attachment not in self._attachments:
                self._attachments[attachment] = encode_attachment(attachment)
        attachments = [self._attachments[attachment] for attachment in email.attachments]
        personal = any(isinstance(part, Slot) for part in email.subject.parts)
        return _Prepared(
            email,
            tuple(slots),
            build_body(text, page, attachments, issue=self.issue),
            "" if personal else text_field("Subject", self.prefix + fill(email.subject, {})),
            uri_field("Archived-At", safe_uri(email.archived_at)) if email.archived_at else "",
            f"Content-Language: {email.lang}\r\n" if is_language(email.lang) else "",
        )


@lru_cache(maxsize=8)
def _date_field(second: datetime) -> str:
    return f"Date: {format_datetime(second)}"


def _numbered(template: Template, slots: dict[Slot, int]) -> Text:
    """A template for `mime`: each distinct slot is a number, the same wherever it occurs."""
    return [part if isinstance(part, str) else slots.setdefault(part, len(slots)) for part in template.parts]


def _check(sender: Sender) -> None:
    url, bounces = sender.unsubscribe_url, sender.bounce_address
    most = MAX_BOTH_CHARS if "{token}" in url and "{email}" in url else MAX_TEMPLATE_CHARS
    if url and (not url.startswith(("https://", "http://")) or len(url) > most):
        what = f"unsubscribe_url is no web address of at most {most} characters"
        raise ConfigError(what, "write https://example.com/unsubscribe/{token}")
    for name, value in (("unsubscribe_url", url), ("bounce_address", bounces)):
        if "{token}" in value and not sender.secret:
            raise ConfigError(f"{name} has a {{token}}, and there is no secret to make it with", "set one")
    local = bounces.rpartition("@")[0].replace("{token}", "0" * TOKEN_CHARS)
    if len(local) > MAX_LOCAL_CHARS:
        what = (
            f"bounce_address has {len(local)} characters before its @ with the token, and {MAX_LOCAL_CHARS} may stand"
        )
        raise ConfigError(f"{what} there (RFC 5321 4.5.3.1.1)", "write bounce+{token}@example.com")
