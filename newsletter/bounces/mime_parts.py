"""A parsed message's parts as text: header fields, decoded bodies, the returned message."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from contextlib import suppress
from email import message_from_string
from email.errors import MessageError
from email.feedparser import FeedParser
from email.header import decode_header, make_header
from email.message import Message
from email.utils import getaddresses
from functools import lru_cache
from html import unescape

from newsletter.bounces.truncate import bounded

PARSER_FAULTS = (ValueError, LookupError, TypeError, AttributeError, AssertionError, RecursionError, MessageError)
"""The known exceptions of the standard library's parser, and of flufl.bounce's detectors, for malicious bytes."""

MAX_HEADER = 2_000
"""The longest part of one header that is considered."""

_ADDRESS = re.compile(r"[^\s<>;,:()\"\[\]@]{1,64}@[^\s<>;,:()\"\[\]@]{1,255}")
_SIMPLE = re.compile(
    r"(?:[\w .!'*&+/-]{0,200}|\"[\w .,!'*&+/-]{0,200}\" ?)<([\w.!#$%&'*+/=?^`{|}~-]{1,64}@[\w.-]{1,255})>"
    r"|([\w.!#$%&'*+/=?^`{|}~-]{1,64}@[\w.-]{1,255})(?: \([\w .-]{0,200}\))?",
    re.ASCII,
)
"""Fast path: `Name <address>`, `address` or `address (Name)`, as nearly every From header."""
_MESSAGE_ID = re.compile(r"<[^\s<>@]{1,200}@[^\s<>@]{1,255}>")
_RETURNED = frozenset(
    {"message/rfc822", "message/global", "text/rfc822-headers", "message/rfc822-headers", "message/global-headers"}
)
_JAPANESE = b"\x1b$B"
"""The escape sequence that begins Japanese in ISO-2022-JP (RFC 1468)."""

_NO_CHARSETS = frozenset({"punycode", "idna", "unicode-escape", "raw-unicode-escape"})

MAX_PAGE = 60_000
"""The longest HTML that is read."""

# Each takes linear time: no text before a `<` is scanned twice.
_UNSEEN = re.compile(r"<!--[^-]{0,4000}-->|<(style|script|title)\b[^<]{0,20000}</\1>", re.IGNORECASE)
_BLOCK = re.compile(
    r"<(?:br|/?p|/?div|/?tr|/?li|/?h\d|/?table|hr|/?blockquote|/?ul|/?ol)\b[^<>]{0,1000}>", re.IGNORECASE
)
_TAG = re.compile(r"<[a-zA-Z/!][^<>]{0,2000}>")

Mail = Message


class _Part(Message):
    """A message or a part that caches its content type, which the parser asks for often.

    The type is not requested before the headers are set.
    """

    _type = ""

    def get_content_type(self) -> str:
        self._type = self._type or super().get_content_type()
        return self._type

    def set_default_type(self, ctype: str) -> None:
        self._type = ""
        super().set_default_type(ctype)


def parse(raw: bytes) -> Mail:
    """Parse the message, truncated. Raises one of `PARSER_FAULTS` if the parser fails."""
    parser = FeedParser(_Part)
    parser.feed(bounded(raw).decode("ascii", "surrogateescape"))
    return parser.close()


def header(mail: Mail, name: str) -> str:
    """A header's text on one line, decoded: encoded words (RFC 2047) or bare UTF-8 (RFC 6532). Empty without one."""
    value = _first_fields(mail).get(name.lower(), "")[:MAX_HEADER]
    if not value:
        return ""
    if not value.isascii():
        value = value.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    if "=?" in value:
        with suppress(*PARSER_FAULTS):  # an unknown charset: use the raw text
            value = str(make_header(decode_header(value)))
    return " ".join(value.split())


@lru_cache(maxsize=16)
def _first_fields(mail: Mail) -> dict[str, str]:
    """Each field's first value by its lower-case name; `get` would replace non-ASCII bytes."""
    found: dict[str, str] = {}
    for name, value in mail.raw_items():
        found.setdefault(name.lower(), str(value))
    return found


def addresses_in(text: str) -> tuple[str, ...]:
    """Every mail address in a text, in order, deduplicated, without surrounding dots and quotes."""
    return tuple(dict.fromkeys(match[0].strip(".'`*") for match in _ADDRESS.finditer(text[:MAX_HEADER])))


def message_ids_in(text: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(_MESSAGE_ID.findall(text[:MAX_HEADER])))


@lru_cache(maxsize=4)
def sender_of(mail: Mail) -> str:
    """The address in From, else "". The first if there are several."""
    value = header(mail, "From")
    simple = _SIMPLE.fullmatch(value)
    if simple:
        return simple[1] or simple[2]
    if "@" not in value:
        return ""
    found = [address for _, address in getaddresses([value]) if "@" in address]
    return found[0] if found else next(iter(addresses_in(value)), "")


def parts_of(mail: Mail, *types: str) -> Iterator[Mail]:
    """The parts of these types, in order, also those inside an attached message."""
    return (part for part, kind in _parts_with_types(mail) if kind in types)


@lru_cache(maxsize=4)
def _parts_with_types(mail: Mail) -> tuple[tuple[Mail, str], ...]:
    """Cached: parts are requested by type, and the parser parses the header again each time."""
    return tuple((part, part.get_content_type()) for part in mail.walk())


def blocks_of(part: Mail) -> tuple[Mail, ...]:
    """The groups of fields of a message/delivery-status or message/feedback-report part."""
    payload = part.get_payload()
    blocks = [block for block in payload if isinstance(block, Message)] if isinstance(payload, list) else []
    # For RFC 6533's type the parser takes the first group for a message and the others for its text.
    rest = blocks[0].get_payload() if len(blocks) == 1 else "" if blocks else payload
    groups = re.split(r"\n[ \t]*\n", rest) if isinstance(rest, str) else ()
    return (*blocks, *(message_from_string(group.lstrip("\n")) for group in groups if ":" in group))


def readable_texts_of(mail: Mail) -> tuple[str, ...]:
    """The message's own text parts as a reader sees them: plain text, else the text of HTML; not those of
    attachments.
    """
    texts = [(part.get_content_type(), text_of(part)) for part in _own_parts(mail)]
    plain = tuple(
        text
        for kind, text in texts
        if kind.startswith(("text/", "multipart/")) and kind not in _RETURNED and kind != "text/html"
    )
    if any(text.strip() for text in plain):
        return plain
    return tuple(shown_by(text) for kind, text in texts if kind == "text/html")


def shown_by(page: str) -> str:
    """The text of HTML, a line per block. Truncated to the size of a real report."""
    page = _UNSEEN.sub("", page[:MAX_PAGE])
    return unescape(_TAG.sub("", _BLOCK.sub("\n", page.replace("\n", " "))))


def text_of(part: Mail) -> str:
    payload = part.get_payload(decode=True)
    if not isinstance(payload, bytes):
        return ""
    if _JAPANESE in payload:  # some declare ASCII, or nothing
        return payload.decode("iso-2022-jp", "replace")
    try:
        charset = codecs.lookup(part.get_content_charset("utf-8") or "utf-8").name
        # Security: Python has codecs that no mail uses, and one of them takes quadratic time.
        return payload.decode("latin-1" if charset in _NO_CHARSETS else charset, "replace")
    except LookupError:  # an unknown charset
        return payload.decode("latin-1")


@lru_cache(maxsize=4)
def returned_of(mail: Mail) -> Mail | None:
    """The returned message, or its headers, in a report; the innermost if it was wrapped twice."""
    found: Mail | None = None
    for part in parts_of(mail, *_RETURNED):
        payload = part.get_payload()
        inner = payload[0] if isinstance(payload, list) and payload else message_from_string(text_of(part))
        if isinstance(inner, Message) and inner.keys():
            found = inner
            if not inner.get_content_type().startswith("multipart/report"):
                return found
    return found


def _own_parts(mail: Mail) -> Iterator[Mail]:
    payload = mail.get_payload()
    if mail.get_content_maintype() == "message":
        return
    if isinstance(payload, list):
        for part in payload:
            if isinstance(part, Message):
                yield from _own_parts(part)
    else:
        yield mail
