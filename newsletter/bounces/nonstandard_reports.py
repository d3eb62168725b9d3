"""Bounces in nonstandard formats, by flufl.bounce's detectors.

flufl.bounce finds the recipient, and whether the failure is permanent. The reason is searched in the text, see
`own_text`.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable
from email.message import Message

from newsletter.bounces.detectors import all_failures
from newsletter.bounces.mime_parts import PARSER_FAULTS, Mail, header, text_of
from newsletter.bounces.own_text import OwnText, explained
from newsletter.bounces.results import MAX_FAILURES, Bounce, Traces

# It logs a detector's traceback before it raises; untrusted bytes are the cause, so hide it from the terminal.
logging.getLogger("flufl.bounce").addHandler(logging.NullHandler())

MAX_LINES = 400
MAX_LINE = 300
"""The longest line passed to the detectors, which run some fifty patterns over every line, some of them in quadratic
time. A report names the recipient near its beginning, on a short line.
"""
_LISTED = re.compile(r",\s*([^\s,]+@[^,\s]+)(?=\s*,)")
_NO_ADDRESS = re.compile(r"[\"{}\[\]\\:=]")


def known_bounce(mail: Mail, traces: Traces, own: OwnText, *, surely: bool = True) -> Bounce | None:
    """The bounce that a detector recognises, else None. Changes `mail`: its texts are decoded and shortened.

    A detector that raises has recognised nothing. One detector accepts any address between two commas: unless the mail
    is `surely` a server's, such an address may be one of a personal mail's recipients.
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
        *(explained(address, "", own, delayed=True) for address in _told(_names(temporary), own)),
        *(explained(address, "", own) for address in _told(_names(permanent), own)),
    ]
    if not failures:
        named = header(mail, "X-Failed-Recipients")  # Exim's own header
        failures = [explained(each, "", own) for each in _names(each.encode() for each in named.split(","))]
    return Bounce(tuple(failures[:MAX_FAILURES]), traces, "") if failures else None


def _told(names: list[str], own: OwnText) -> list[str]:
    """Those in the report's own text, if any is: a detector may take the sender from the headers that came back."""
    return [each for each in names if each.lower() in own.small] or names


def _names(found: Iterable[bytes]) -> list[str]:
    """Keep only addresses: one detector returns any word between two commas that contains an @."""
    names = (each.decode("ascii", "replace").strip() for each in found)
    return sorted({name for name in names if "@" in name and not _NO_ADDRESS.search(name)})


def _shorten(mail: Mail) -> None:
    for part in mail.walk():
        if part.get_content_maintype() == "text" and not isinstance(part.get_payload(), list):
            lines = text_of(part).split("\n", MAX_LINES)[:MAX_LINES]
            # Not set_payload with a charset: that would encode it again.
            del part["Content-Transfer-Encoding"]
            Message.set_payload(part, "\n".join(line.rstrip("\r")[:MAX_LINE] for line in lines))
