"""Bounces in no standard format, by flufl.bounce's detectors.

flufl.bounce says who, and whether for good or for now. Why is looked for in the text, see `own_text`.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable
from email.message import Message

from flufl.bounce import all_failures

from newsletter.bounces.mime_parts import PARSER_FAULTS, Mail, header, text_of
from newsletter.bounces.own_text import OwnText, explained
from newsletter.bounces.results import MAX_FAILURES, Bounce, Traces

# It logs a detector's traceback before it raises; that is a stranger's bytes at work, and no news for a terminal.
logging.getLogger("flufl.bounce").addHandler(logging.NullHandler())

MAX_LINES = 400
MAX_LINE = 300
"""Of each text part that the detectors see: they run some fifty patterns over every line, some by the square of its
length. A report names whom it is about near its beginning, on a line that is short."""
_LISTED = re.compile(r",\s*([^\s,]+@[^,\s]+)(?=\s*,)")
_NO_ADDRESS = re.compile(r"[\"{}\[\]\\:=]")


def known_bounce(mail: Mail, traces: Traces, own: OwnText, *, surely: bool = True) -> Bounce | None:
    """The bounce that a detector recognises, else None. Changes `mail`: its texts come decoded and shortened.

    A detector that breaks on the message has recognised nothing. One takes any address between two commas: where the
    mail is not `surely` a server's, such an address is one of a letter's recipients.
    """
    _shorten(mail)
    try:
        temporary, permanent = all_failures(mail)
    except PARSER_FAULTS:
        temporary, permanent = frozenset(), frozenset()
    if not surely:
        listed = {name.encode() for name in _LISTED.findall(f"{own.said}\n{own.copied}")}
        temporary, permanent = frozenset(temporary) - listed, frozenset(permanent) - listed
    failures = [
        *(explained(address, "", own, delayed=True) for address in _names(temporary)),
        *(explained(address, "", own) for address in _names(permanent)),
    ]
    if not failures:
        named = header(mail, "X-Failed-Recipients")  # Exim's own header
        failures = [explained(each, "", own) for each in _names(each.encode() for each in named.split(","))]
    return Bounce(tuple(failures[:MAX_FAILURES]), traces, "") if failures else None


def _names(found: Iterable[bytes]) -> list[str]:
    """Addresses and nothing else: one detector takes any word between two commas that has an @ in it."""
    names = (each.decode("ascii", "replace").strip() for each in found)
    return sorted({name for name in names if "@" in name and not _NO_ADDRESS.search(name)})


def _shorten(mail: Mail) -> None:
    for part in mail.walk():
        if part.get_content_maintype() == "text" and not isinstance(part.get_payload(), list):
            lines = text_of(part).split("\n", MAX_LINES)[:MAX_LINES]
            # Not set_payload with a charset: that would encode it again.
            del part["Content-Transfer-Encoding"]
            Message.set_payload(part, "\n".join(line.rstrip("\r")[:MAX_LINE] for line in lines))
