"""Whether a failure is hard, soft or the sender's fault: applies the reply table to a report.

The diagnosis quotes the refusing server; the status may be the reporter's own. The server's code is used if it is
specific, else the reporter's, with the server's text.
"""

from __future__ import annotations

import re

from newsletter.bounces.results import Failure, Kind
from newsletter.bounces.rules import rule_for
from newsletter.delivery.smtp.replies import VAGUE_CODES, enhanced_code

MAX_WORDS = 500
"""The longest part of a diagnosis that is kept."""

_STATUS = re.compile(r"[245]\.\d{1,3}\.\d{1,3}(?![\d.])")
# "smtp; 550 5.1.1 ...", "X-Postfix; host mx.example said: 550-5.7.1 ...", "550: 5.1.1 ...".
_CODED = re.compile(r"(?<![\d.])([45]\d\d)[: -]+(?=#?[45]\.\d{1,3}\.\d{1,3}(?![\d.]))")
_BARE = re.compile(r"(?:^|said:|smtp;|:)\s*([45]\d\d)(?:[: -]|$)", re.IGNORECASE)
_QMAIL = re.compile(r"\(#([45]\.\d{1,3}\.\d{1,3})\)")  # qmail-smtpd and derivatives put the code after the text
# IronPort, SES: "5.1.0 - Unknown address error 550-'5.1.1 <a@b> User unknown' (delivery attempts: 0)".
_IRONPORT = re.compile(r"([45]\.\d{1,3}\.\d{1,3}) - [^'\n]{3,60} ([45]\d\d)[- ]'")
_IRONPORT_END = re.compile(r"'?(?: \(delivery attempts: \d+\))?$")
# Zoho says "Invalid Address" whatever the server's reply was.
_ZOHO = re.compile(r"Invalid Address, ERROR_CODE ?: ?([45]\d\d), ERROR_CODE ?: ?")
_DOOR = re.compile(
    r"refused to talk to me|after initial connection|initial server greeting|after (?:ehlo|helo|starttls|mail from)"
)
_AT_THE_DOOR = ("refused to talk", "initial", "after ")
"""Each of its matches has one of them."""

DELAYED = "still being tried"


def failure_of(address: str, status: str, diagnosis: str, *, delayed: bool = False, when: str = "") -> Failure:
    """A failure from a report's fields about one recipient: `status` and `diagnosis` are raw fields, empty if missing.
    `when` is the stage of the refusal, if the report gives it elsewhere.

    The diagnosis quotes the refusing server, so its code takes precedence over the reporter's: a relay may turn a bare
    550 into 5.1.1, or anything into 5.0.0.
    """
    found = _STATUS.match(status)
    reported = found[0] if found else ""
    code, answer = _answer(diagnosis or status[len(reported) :])
    own = enhanced_code(answer)
    words = answer.lstrip(" #")[len(own) :].strip(" :-")[:MAX_WORDS]
    behind = _QMAIL.search(words)
    if behind and not own:
        own = behind[1]
    enhanced = own if own and own not in VAGUE_CODES else reported or own
    # Ignore the text before the reply, which names servers, except for the stage.
    before = diagnosis[:MAX_WORDS].lower()
    door = _DOOR.search(before) if any(each in before for each in _AT_THE_DOOR) else None
    said = f"{door[0]}: {answer}" if door and door[0] not in words.lower() else answer
    rule = rule_for(enhanced, code, f"{said} ({when})" if when else said)
    kind, name = (Kind.DELAYED, DELAYED) if delayed else (rule.kind, rule.name)
    return Failure(address, kind, enhanced, code, words, name)


def _answer(diagnosis: str) -> tuple[int, str]:
    """The SMTP reply in a diagnosis: its code, 0 without one, and the text after it."""
    text = " ".join(diagnosis.split())
    zoho = _ZOHO.match(text)
    if zoho:
        text = f"{zoho[1]} {text[zoho.end() :]}"
    framed = _IRONPORT.search(text)
    if framed:
        said = _IRONPORT_END.sub("", text[framed.end() :], count=1)
        return int(framed[2]), said if enhanced_code(said) else f"{framed[1]} {said}"
    found = _CODED.search(text) or _BARE.search(text)
    if found:
        return int(found[1]), text[found.end() :].strip()
    kind, separator, rest = text.partition(";")
    return 0, rest.strip() if separator and " " not in kind else text
