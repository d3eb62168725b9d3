"""What a failure means for the address: the table of `replies`, asked on behalf of a report.

A report tells of an answer that some server gave to RCPT or to the message; the same rules hold as for one that our
own relay gives us. Two things differ. A report may still be trying (`delayed`), and it may have no code at all.

    Action: delayed                                 DELAYED   it may yet arrive
    x.7.x, x.4.5                                    LANE      policy, reputation, a sending limit
    5.1.1 5.1.2 5.1.3 5.1.6 5.1.10                  HARD      unless its words are known to speak of us
    5.2.2, 5.2.1, 5.4.4 and what else is the
      recipient's; words like "user unknown"        SOFT      words alone are no proof
    no exact code, and words of a full mailbox      SOFT      as 5.2.2
    4.x.x, given up in the end                      SOFT      4.3.x, 421 and rate words: LANE
    any other 5.x.x, a bare 550                     LANE      QQ says "too fast" so
    no code at all                                  SOFT      rate and refusal words: LANE
"""

from __future__ import annotations

import re

from newsletter.bounces.readings import Failure, Kind
from newsletter.replies import VAGUE_CODES, enhanced_code, is_hard_bounce, judge

MAX_WORDS = 500
"""Characters of a diagnosis that are kept."""

_STATUS = re.compile(r"[245]\.\d{1,3}\.\d{1,3}(?![\d.])")
# "smtp; 550 5.1.1 ...", "X-Postfix; host mx.example said: 550-5.7.1 ...", "550: 5.1.1 ...".
_CODED = re.compile(r"(?<![\d.])([45]\d\d)[: -]+(?=#?[45]\.\d{1,3}\.\d{1,3}(?![\d.]))")
_BARE = re.compile(r"(?:^|said:|smtp;|:)\s*([45]\d\d)(?:[: -]|$)", re.IGNORECASE)
_QMAIL = re.compile(r"\(#([45]\.\d{1,3}\.\d{1,3})\)")  # qmail-smtpd and its kin put the code behind the words
_LANE = re.compile(r"[45]\.(?:7\.\d+|4\.5)")
_FULL = re.compile(
    r"over[ -]?quota|disk quota|quota (?:exceeded|violation)|exceed\w* (?:\w+ ){0,2}quota"
    r"|(?:mail ?box|mail ?folder|inbox) (?:is )?full",
    re.IGNORECASE,
)
_OUR_QUOTA = re.compile(r"\b(?:daily|hourly|sending|sender|relay|rate)\b", re.IGNORECASE)


def failure_of(address: str, status: str, diagnosis: str, *, delayed: bool = False) -> Failure:
    """A failure from what a report says of one recipient: `status` and `diagnosis` are raw fields, empty if missing.

    The diagnosis quotes the server that refused, so its code goes before the reporter's: a relay may call a bare 550
    5.1.1, or anything 5.0.0.
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
    return Failure(address, kind_of(enhanced, code, words, delayed=delayed), enhanced, code, words)


def kind_of(status: str, code: int, words: str, *, delayed: bool = False) -> Kind:
    """What it means for the address; `status` is "" and `code` 0 where there is none."""
    if delayed:
        return Kind.DELAYED
    if _LANE.fullmatch(status):
        return Kind.LANE
    if status in VAGUE_CODES and _FULL.search(words) and not _OUR_QUOTA.search(words):
        status = "5.2.2"
    if status.startswith("4") or not (status or code):
        code = 450  # "550 4.4.7 expired": given up; and where nothing is known, nothing is final
    outcome = judge("RCPT", code or 550, f"{status} {words}".strip())
    if is_hard_bounce(outcome):
        return Kind.HARD
    return Kind.LANE if outcome.lane else Kind.SOFT


def _answer(diagnosis: str) -> tuple[int, str]:
    """The SMTP reply in a diagnosis: its code, 0 without one, and the text after it."""
    text = " ".join(diagnosis.split())
    found = _CODED.search(text) or _BARE.search(text)
    if found:
        return int(found[1]), text[found.end() :].strip()
    kind, separator, rest = text.partition(";")
    return 0, rest.strip() if separator and " " not in kind else text
