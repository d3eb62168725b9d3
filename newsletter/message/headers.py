"""Header fields as bytes: folded, encoded where not ASCII, safe against injection.

Pure. A field is returned without its last line end; inside a folded field line ends are CRLF.

Security: written here and not by `email`, whose policy parses a value before it serializes it. A name
`=?utf-8?q?=0D=0A…?=` then becomes the line break that it encodes, a long quoted name loses its quotes and becomes
several addresses, and a long List-Unsubscribe becomes an encoded-word, which disables one-click unsubscribe (RFC 8058,
3.1).
"""

from __future__ import annotations

import re
from binascii import b2a_base64
from hashlib import sha256
from urllib.parse import quote

LINE = 76
"""RFC 2047, 2: the longest line with an encoded-word. Plain ASCII headers keep to it where possible."""

WORD = 75
"""RFC 2047, 2: the longest encoded-word."""

_FRAME = len("=?utf-8?b??=")

_CONTROLS = re.compile("[\x00-\x1f\x7f\x85\u2028\u2029]+")
_ATOMS = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?: [A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")  # RFC 5322, 3.2.3
_ADDRESS = re.compile(r'[^\x00-\x20\x7f()<>@,;:\\"\[\]]+@[^\x00-\x20\x7f()<>@,;\\"]+')
_LANGUAGE_TAG = re.compile("[A-Za-z]{2,8}(?:-[A-Za-z0-9]{1,8})*")
_URI_LETTERS = "%:/?#[]@!$&'()*+,;=~"  # RFC 3986, 2.2, and what is escaped already


def one_line(value: str) -> str:
    """A value on one line: each run of line ends and control characters becomes a blank."""
    return value if value.isprintable() else _CONTROLS.sub(" ", value)


def text_field(name: str, value: str) -> str:
    """An unstructured field: plain ASCII as it is, else in encoded-words (RFC 2047)."""
    value = one_line(value).strip()
    if not value.isascii() or "=?" in value:
        return f"{name}: {_encoded(name, value)}"
    if len(name) + len(value) <= LINE - 2:
        return f"{name}: {value}"
    # Do not fold inside a run of blanks. A long word would get a line of its own and leave the field's first line
    # blank, where some readers look for the value.
    foldable = "  " not in value and all(len(word) <= LINE - 2 - len(name) for word in value.split(" "))
    return f"{name}: {_folded(name, value, 'us-ascii') if foldable else _encoded(name, value)}"


def mailbox_field(name: str, phrase: str, address: str) -> str:
    """A field with a display name and one address, which `wire_address` made."""
    phrase = one_line(phrase).strip()
    if not phrase:
        return f"{name}: {address}"
    quoted = phrase if _ATOMS.fullmatch(phrase) else '"' + re.sub(r'(["\\])', r"\\\1", phrase) + '"'
    if not quoted.isascii() or "=?" in quoted or len(name) + len(quoted) > LINE - 2:
        quoted = _encoded(name, phrase)
    last = len(quoted) - quoted.rfind("\n") - 1 if "\n" in quoted else len(name) + 2 + len(quoted)
    gap = " " if last + len(address) <= LINE - len(" <>") else "\r\n "
    return f"{name}: {quoted}{gap}<{address}>"


def list_id_field(phrase: str, list_id: str) -> str:
    """List-Id (RFC 2919, 3): the list's name, if it has one, and its identifier in brackets."""
    if not one_line(phrase).strip():
        return f"List-Id: <{one_line(list_id)}>"
    return mailbox_field("List-Id", phrase, one_line(list_id))


def uri_field(name: str, *uris: str) -> str:
    """A field of RFC 2369: URIs in angle brackets, one a line, never an encoded-word. They are `safe_uri`s."""
    return f"{name}: " + ",\r\n ".join(f"<{uri}>" for uri in uris)


def safe_uri(text: str) -> str:
    """A URI with everything escaped that would end it, its brackets or its line; existing escapes stay."""
    return quote(text, safe=_URI_LETTERS)


def feedback_id(template: str, issue: str) -> str:
    """The value of Feedback-ID, `{issue}` replaced: ASCII letters, digits and `-` of the issue's slug.

    Gmail reads `a:b:c:SenderId` and counts complaints by each of the four; a slug without ASCII letters or digits is
    replaced by a hash.
    """
    slug = re.sub("[^A-Za-z0-9]+", "-", issue).strip("-") or sha256(issue.encode()).hexdigest()[:12]
    return template.replace("{issue}", slug)


def is_language(tag: str) -> bool:
    """Whether this is a language tag (BCP 47), as Content-Language needs it."""
    return _LANGUAGE_TAG.fullmatch(tag) is not None


def wire_address(address: str) -> str:
    """An address for headers and the envelope: the domain as IDNA A-labels (RFC 5890).

    Only a local part that is not ASCII stays in UTF-8: it needs SMTPUTF8 (RFC 6532). Raises ValueError.
    """
    written = address if address.isascii() else f"{address.rpartition('@')[0]}@{wire_domain(address)}"
    # Security: an address is written unquoted, so it must contain nothing that ends it, its header or a command.
    # Checked last, since IDNA maps full-width characters to such ones.
    if not _ADDRESS.fullmatch(written):
        raise ValueError(f"{address!r} is not an address that can be mailed")
    return written


def wire_domain(address: str) -> str:
    domain = address.rpartition("@")[2]
    return domain if domain.isascii() else domain.encode("idna").decode("ascii")


def _encoded(name: str, value: str) -> str:
    """Encoded-words in UTF-8: B where Q would be longer, as for Chinese, for which `email` takes 30 microseconds."""
    data = value.encode()
    ascii_count = len(value.encode("ascii", "ignore"))
    if 5 * (len(data) - ascii_count) <= ascii_count:
        return _folded(name, value, "utf-8")
    first = LINE - len(name) - len(": ") - _FRAME
    if 4 * -(-len(data) // 3) <= first:
        return _word(data)
    # No character may be split (RFC 2047, 5), so each word takes as many as would fit if all were as wide as the
    # widest.
    widest = max(map(len, map(str.encode, set(value))))
    start, words = max(1, first // 4 * 3 // widest), [value[: max(1, first // 4 * 3 // widest)]]
    step = (WORD - _FRAME) // 4 * 3 // widest
    words += [value[at : at + step] for at in range(start, len(value), step)]
    return "\r\n ".join(_word(word.encode()) for word in words)


def _word(data: bytes) -> str:
    return f"=?utf-8?b?{b2a_base64(data, newline=False).decode()}?="


def _folded(name: str, value: str, charset: str) -> str:
    from email.header import Header  # a rendering writes no header

    return Header(value, charset, maxlinelen=LINE, header_name=name).encode(splitchars=" ", linesep="\r\n")
