"""Bounces that keep to no standard, by flufl.bounce's detectors: qmail, Exim, Exchange, Yahoo and thirty more.

flufl.bounce says who, and whether for good or for now. Why is looked for in the text: the first SMTP answer in it, or
the words around the address.
"""

from __future__ import annotations

import logging
import re
from email.message import Message

from flufl.bounce import all_failures

from newsletter.bounces.parts import PARSER_FAULTS, Mail, header, text_of, texts_of
from newsletter.bounces.readings import MAX_FAILURES, Bounce, Failure, Traces
from newsletter.bounces.verdict import failure_of

# It logs a detector's traceback before it raises; that is a stranger's bytes at work, and no news for a terminal.
logging.getLogger("flufl.bounce").addHandler(logging.NullHandler())

MAX_LINES = 400
MAX_LINE = 300
"""Of each text part that the detectors see: they run some fifty patterns over every line, some by the square of its
length. A report names whom it is about near its beginning, on a line that is short."""

_ANSWER = re.compile(
    r"(?<![\d.])[45]\d\d[: -]+#?[45]\.\d{1,3}\.\d{1,3}(?![\d.])[^\n]*|(?<![\d.:])(?:55[0-4]|45[0-2]|421)[: -][^\n]*"
)
_RETURNED = re.compile(r"^(?:Received|Return-Path|Message-ID):", re.MULTILINE | re.IGNORECASE)
_NEARBY = 600
"""Characters after an address in which its reason is looked for."""


def known_bounce(mail: Mail, traces: Traces) -> Bounce | None:
    """The bounce that a detector recognises, else None. Changes `mail`: its texts come decoded and shortened.

    A detector that breaks on the message has recognised nothing.
    """
    texts = tuple(texts_of(mail))
    _shorten(mail)
    try:
        temporary, permanent = all_failures(mail)
    except PARSER_FAULTS:
        temporary, permanent = frozenset(), frozenset()
    failures = [
        *(_failure(address, texts, delayed=True) for address in sorted(temporary)),
        *(_failure(address, texts, delayed=False) for address in sorted(permanent)),
    ]
    if not failures:
        named = header(mail, "X-Failed-Recipients")  # Exim's own header
        failures = [_failure(each.strip().encode(), texts, delayed=False) for each in named.split(",") if "@" in each]
    return Bounce(tuple(failures[:MAX_FAILURES]), traces, "") if failures else None


def bounce_to(texts: tuple[str, ...], traces: Traces) -> Bounce:
    """A bounce that names nobody, but came to somebody's own bounce address."""
    return Bounce((_failure(b"", texts, delayed=False),), traces, "")


def _failure(address: bytes, texts: tuple[str, ...], *, delayed: bool) -> Failure:
    name = address.decode("ascii", "replace")
    return failure_of(name, "", _reason(name, texts), delayed=delayed)


def _reason(address: str, texts: tuple[str, ...]) -> str:
    for text in texts:
        returned = _RETURNED.search(text)
        own = text[: returned.start()] if returned else text
        where = own.lower().find(address.lower())
        near = own[max(where, 0) :][:_NEARBY]
        answer = _ANSWER.search(near) or _ANSWER.search(own)
        if answer:
            return answer[0]
        if address and where >= 0:
            return _sentence(near[len(address) :])
    return ""


def _sentence(text: str) -> str:
    """What follows an address, up to an empty line, a rule, or the next address in angle brackets."""
    lines: list[str] = []
    for line in text.lstrip(" \t\r\n<>:()\"',").split("\n"):
        if not line.strip() or line.startswith(("---", "***", "<")):
            break
        lines.append(line.strip())
    return " ".join(lines)


def _shorten(mail: Mail) -> None:
    for part in mail.walk():
        if part.get_content_maintype() == "text" and not isinstance(part.get_payload(), list):
            lines = text_of(part).split("\n", MAX_LINES)[:MAX_LINES]
            # Not set_payload with a charset: that would encode it again.
            del part["Content-Transfer-Encoding"]
            Message.set_payload(part, "\n".join(line.rstrip("\r")[:MAX_LINE] for line in lines))
