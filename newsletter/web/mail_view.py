"""Parse received mail for display: headers, parts, texts. Broken mail is parsed as far as possible."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Set
from dataclasses import field
from datetime import datetime
from email import policy
from email.errors import MessageError
from email.message import Message
from email.parser import BytesParser
from email.utils import getaddresses
from functools import partial
from typing import Protocol, TypeVar
from urllib.parse import unquote

from newsletter.frozen import frozen

T = TypeVar("T")

# How much of one text a tab shows; the rest is behind the link to the raw message.
MAX_SHOWN_CHARS = 400_000
MAX_SHOWN_PARTS = 500
# A longer header is shown undecoded: the standard library's parsers take quadratic time on crafted headers.
MAX_DECODED_HEADER = 5_000

# The exceptions of the email package for crafted mail, besides its own errors: its header parsers index empty lists,
# recurse into comments, and look up unknown character sets (LookupError, the base of IndexError and KeyError).
MAIL_ERRORS = (AssertionError, AttributeError, LookupError, MessageError, RecursionError, TypeError, ValueError)


class Received(Protocol):
    """One parsed message."""

    @property
    def number(self) -> int: ...
    @property
    def received(self) -> datetime: ...
    @property
    def mail_from(self) -> str: ...
    @property
    def rcpt_to(self) -> tuple[str, ...]: ...
    @property
    def data(self) -> bytes: ...


@frozen
class Header:
    name: str
    value: str
    raw: str


@frozen
class Part:
    """A leaf of the MIME tree. `index` counts leaves from 0, in order; `text` is None for other content."""

    index: int
    media_type: str
    filename: str
    content_id: str
    is_attachment: bool
    data: bytes = field(repr=False)
    text: str | None = field(repr=False)

    @property
    def is_safe_image(self) -> bool:
        """Whether it may be served by itself. Not SVG: opened as a page it runs scripts."""
        return self.media_type.startswith("image/") and not self.media_type.startswith("image/svg")


@frozen
class Mail:
    headers: tuple[Header, ...]
    parts: tuple[Part, ...]

    @property
    def html(self) -> Part | None:
        return self._body("text/html")

    @property
    def text(self) -> Part | None:
        return self._body("text/plain")

    def _body(self, media_type: str) -> Part | None:
        found = (p for p in self.parts if p.media_type == media_type and not p.is_attachment)
        return next(found, None)


@frozen
class Summary:
    """A line of the inbox."""

    number: int
    received: datetime
    size: int
    mail_from: str
    rcpt_to: tuple[str, ...]
    sender: str
    sender_header: str
    to_header: str
    subject: str

    def matches(self, words: Iterable[str]) -> bool:
        text = "\n".join((self.mail_from, *self.rcpt_to, self.sender_header, self.to_header, self.subject)).casefold()
        return all(word in text for word in words)


def read_mail(data: bytes) -> Mail:
    """Parse the headers and leaves of a message, however broken it is."""
    message = _parse(data)
    return Mail(tuple(_headers(message)), tuple(_leaves(message)))


def summarise(received: Received) -> Summary:
    head = re.split(rb"\r?\n\r?\n", received.data, maxsplit=1)[0]
    message = BytesParser(policy=policy.compat32).parsebytes(head + b"\r\n\r\n", headersonly=True)
    values = {header.name.lower(): header.value for header in _headers(message, {"from", "to", "subject"})}
    sender_header = values.get("from", "")
    name, address = _ask(lambda: getaddresses([sender_header[:MAX_DECODED_HEADER]])[0], ("", ""))
    return Summary(
        number=received.number,
        received=received.received,
        size=len(received.data),
        mail_from=received.mail_from,
        rcpt_to=received.rcpt_to,
        sender=name or address or sender_header or received.mail_from or "(no sender)",
        sender_header=sender_header,
        to_header=values.get("to", ""),
        subject=values.get("subject", "").strip() or "(no subject)",
    )


def _parse(data: bytes) -> Message:
    """The MIME tree; if even the tolerant parser fails (deep nesting), the headers with the rest as text."""
    for tolerance in (policy.default.clone(header_factory=_decode_header), policy.compat32):
        try:
            return BytesParser(policy=tolerance).parsebytes(data)
        except MAIL_ERRORS:
            continue
    return BytesParser(policy=policy.compat32).parsebytes(data, headersonly=True)


def _decode_header(name: str, value: str) -> str:
    return value if len(value) > MAX_DECODED_HEADER else policy.default.header_factory(name, value)


def _headers(message: Message, wanted: Set[str] = frozenset()) -> Iterator[Header]:
    for name, value in message.raw_items():
        if wanted and name.lower() not in wanted:
            continue
        raw = str(value).encode("utf-8", "surrogateescape").decode("utf-8", "replace")
        unfolded = re.sub(r"[\r\n]+", "", raw)
        decoded = _ask(partial(_decode_header, name, unfolded), unfolded)
        yield Header(_clean(name), _clean(decoded), _clean(raw))


def _leaves(message: Message) -> Iterator[Part]:
    """Leaves in reading order, without recursion. A forwarded message is one leaf, not a second body."""
    stack: list[Message] = [message]
    index = 0
    while stack and index < MAX_SHOWN_PARTS:
        part = stack.pop()
        if part.is_multipart() and _ask(part.get_content_maintype, "multipart") == "multipart":
            stack.extend(reversed(_children(part)))
            continue
        yield _leaf(index, part)
        index += 1


def _leaf(index: int, part: Message) -> Part:
    media_type = _ask(part.get_content_type, "text/plain").lower()
    if not re.fullmatch(r"[a-z0-9.+-]+/[a-z0-9.+-]+", media_type):
        media_type = "application/octet-stream"
    data = _ask(lambda: _payload(part), b"")
    text = None
    # A broken multipart has no children; show its text.
    if media_type.startswith(("text/", "multipart/")):
        text = _clean(_decode(data, _ask(part.get_content_charset, None)))
    return Part(
        index=index,
        media_type=media_type,
        filename=_clean(_ask(part.get_filename, None) or ""),
        content_id=_clean(_ask(lambda: str(part.get("content-id", "")), "")).strip().strip("<>"),
        is_attachment=_ask(part.get_content_disposition, None) == "attachment",
        data=data,
        text=text,
    )


def _payload(part: Message) -> bytes:
    if part.is_multipart():
        return b"\r\n".join(child.as_bytes() for child in _children(part))
    data = part.get_payload(decode=True)
    return data if isinstance(data, bytes) else b""


def _children(part: Message) -> list[Message]:
    children = part.get_payload()
    return [child for child in children if isinstance(child, Message)] if isinstance(children, list) else []


def _ask(question: Callable[[], T], otherwise: T) -> T:
    """A value from the email package, or `otherwise` if the mail is too broken."""
    try:
        return question()
    except MAIL_ERRORS:
        return otherwise


def _decode(data: bytes, charset: str | None) -> str:
    # Browsers decode GB2312 and GBK as the larger GB18030 (WHATWG Encoding 4.2); so do mail clients.
    charset = {"gb2312": "gb18030", "gbk": "gb18030", "us-ascii": "utf-8"}.get(charset or "utf-8", charset)
    try:
        return data.decode(charset or "utf-8", "replace")
    except (LookupError, ValueError):
        return data.decode("utf-8", "replace")


def _clean(text: str) -> str:
    """Replace lone surrogates, which no response can encode."""
    return re.sub("[\ud800-\udfff]", "\ufffd", text)


def framed_html(html: str, cids: Mapping[str, str]) -> str:
    """A mail's HTML for the frame: `cid:` references point to the parts, links open a new tab."""

    def locate(match: re.Match[str]) -> str:
        return match["before"] + cids.get(unquote(match["cid"]), match["whole"])

    html = re.sub(r"(?P<before>[\"'(=]\s*)(?P<whole>cid:(?P<cid>[^\"'()<>\s]+))", locate, html, flags=re.IGNORECASE)
    base = '<base target="_blank">'
    return re.sub(r"<head\b[^<>]*>", lambda match: match[0] + base, html, count=1, flags=re.IGNORECASE)
