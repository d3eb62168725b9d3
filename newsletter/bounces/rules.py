"""The table that classifies refusals: text and codes -> hard, soft or sender's fault, each row with its source.

    1  the mailbox is full, or its owner rejects us          soft        whatever the code: some say 5.1.1
    2  text about the sender: rate, blocklist, name, policy  ours        whatever the code: some say 5.1.1
    3  text about an unknown recipient                       hard        soft under 4xx and under policy codes
    4  codes about the recipient                             hard, or soft
    5  codes and text about the system                       ours, or soft

A row matches if all its conditions do. Texts are matched in lower case.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import field
from functools import cache, lru_cache
from itertools import takewhile

from newsletter.bounces import refusal_words as said
from newsletter.bounces.alternatives import Alternatives
from newsletter.bounces.results import Kind
from newsletter.delivery.smtp.replies import KNOWN, Known, Meaning
from newsletter.frozen import frozen

MAX_SEARCHED = 1_000
"""How much of a diagnosis is searched."""


@frozen
class Rule:
    """`words` and `also` are searched in the diagnosis, and `unless` must not be found; `status` and `code` must match
    completely, and are "" if the report has none.
    """

    name: str
    kind: Kind
    source: str
    words: str = ""
    unless: str = ""
    status: str = ""
    code: str = ""
    also: str = ""
    _status: re.Pattern[str] | None = field(init=False, repr=False, compare=False)
    _code: re.Pattern[str] | None = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_status", re.compile(self.status) if self.status else None)
        object.__setattr__(self, "_code", re.compile(self.code) if self.code else None)
        for pattern in (self.words, self.unless, self.also):
            _compiled(pattern)

    def fits(self, status: str, code: str, said: _Diagnosis) -> bool:
        """The cheap conditions are checked first."""
        return (
            (self._status is None or self._status.fullmatch(status) is not None)
            and (self._code is None or self._code.fullmatch(code) is not None)
            and (not self.also or said.has(self.also))
            and (not self.words or said.has(self.words))
            and (not self.unless or not said.has(self.unless))
        )


class _Diagnosis:
    """A refusal's text in lower case. Rows share patterns: each is searched once."""

    __slots__ = ("_found", "_text")

    def __init__(self, words: str) -> None:
        self._text = words[:MAX_SEARCHED].lower()
        self._found: dict[str, bool] = {}

    def has(self, pattern: str) -> bool:
        found = self._found.get(pattern)
        if found is None:
            found = self._found[pattern] = _compiled(pattern).are_in(self._text)
        return found


@cache
def _compiled(pattern: str) -> Alternatives:
    """For lower-case text, matched at the beginnings of words only: both are much faster."""
    lowered = re.sub(r"\\.|[A-Z]", lambda found: found[0] if found[0][0] == "\\" else found[0].lower(), pattern)
    return Alternatives(lowered, at_word=True)


@lru_cache(maxsize=1_000)
def rule_for(status: str, code: int, words: str) -> Rule:
    """The deciding row: `status` is an enhanced code or "", `code` that of an SMTP reply or 0."""
    said = _Diagnosis(words)
    number = str(code or "")
    rules = RULES if said.has(_ANY_FIRST) else _AFTER_FIRST
    return next(rule for rule in rules if rule.fits(status, number, said))


# --- sources --------------------------------------------------------------------------------------------------------

_RFC = "RFC 3463, 3"
_RFC_CODES = "https://www.iana.org/assignments/smtp-enhanced-status-codes"
_MICROSOFT = (
    "https://learn.microsoft.com/en-us/troubleshoot/exchange/email-delivery/ndr/non-delivery-reports-in-exchange-online"
)
_DIRECTORY = (
    "https://learn.microsoft.com/en-us/troubleshoot/exchange/email-delivery/ndr/"
    "fix-error-code-550-5-4-1-in-exchange-online"
)
_OUTLOOK = "https://www.spamresource.com/2023/09/microsoft-olc-user-unknown-message.html"
_YAHOO = "https://senders.yahooinc.com/smtp-error-codes"
_GMX = "https://postmaster.gmx.net/en/error-messages"
_ORANGE = "https://postmaster.orange.fr"
_QQ = "https://service.mail.qq.com/detail/122/"
_NETEASE = "http://help.163.com/09/1224/17/5RAJ4LMH00753VB8.html"
_GOOGLE = "https://support.google.com/a/answer/3726730"
_GODADDY = "https://www.godaddy.com/help/fix-issues-with-email-bounces-3568"
_POSTFIX = "https://www.postfix.org/postconf.5.html"
_EXIM = "https://www.exim.org/exim-html-current/doc/html/spec_html/ch-how_exim_receives_and_delivers_mail.html"
_SERVERS = "words of Postfix, Exim, Sendmail, qmail, Courier and Exchange"
_COMMON = "words that many servers use"
_PROGRAMS = "words of procmail, maildrop and Dovecot's LDA"
_CARRIERS = "words of Japan's carriers and providers"
_MAILMAN = "GNU Mailman, Modules/Bouncer.py: what has no code counts a point"

# --- the table ------------------------------------------------------------------------------------------------------

_FINAL = r"5\d\d|"  # a 5xx reply, or none
_NOT_FOR_NOW = r"|5\.(?!7\.)\d+\.\d+|2\.\d+\.\d+"


def _providers(*meanings: Meaning) -> Iterator[Rule]:
    """The rows about the relay's own replies, for reports: a provider's documented texts, one row per code."""
    alike: dict[tuple[str, bool, int], list[Known]] = {}
    for row in KNOWN:
        if row.meaning in meanings:
            ours = row.meaning in (Meaning.RATE, Meaning.REFUSED)
            alike.setdefault((row.provider, ours, row.code), []).append(row)
    for (provider, ours, code), rows in alike.items():
        # Those rows are written with plain spaces.
        pattern = "|".join(row.words.replace(" ", "[ ]") for row in rows)
        sources = ", ".join(dict.fromkeys(row.source for row in rows))
        what = "says it of the sender" if ours else "says it of the recipient"
        yield Rule(
            f"{provider}: {what}",
            Kind.SENDER_FAULT if ours else Kind.SOFT,
            sources,
            pattern,
            code=f"{code}|" * bool(code),
        )


RULES: tuple[Rule, ...] = (
    # 1: the recipient's side, whatever the code
    Rule("the mailbox is full", Kind.SOFT, _COMMON, said.FULL, unless=said.OUR_QUOTA),
    Rule("Orange, La Poste: the mailbox is full", Kind.SOFT, _ORANGE, r"\b(?:LPN|OFR|OUK)\w*[_-]417\b"),
    Rule("the recipient refuses it", Kind.SOFT, _COMMON, said.UNWANTED),
    Rule("the recipient's delivery program fails", Kind.SOFT, _PROGRAMS, said.NOT_STORED),
    Rule(
        "Google: the recipient gets too much mail",
        Kind.SOFT,
        _GOOGLE,
        r"receiving[ ]e?mail[ ](?:too[ ]quickly|at[ ]a[ ]rate)",
    ),
    # 2: the sender's fault, whatever the code
    Rule("the domain takes no mail", Kind.HARD, "RFC 7505", said.NULL_MX, status=r"|5\.\d+\.\d+", code=_FINAL),
    Rule(
        "Orange, La Poste: rate, block list, policy",
        Kind.SENDER_FAULT,
        _ORANGE,
        r"\b(?:LPN|OFR|OUK)\w*[_-](?:10\d|109|201|305|40[1235]|415|421|42[34]|505|506|51[0347]|630|999)\b",
    ),
    Rule("GoDaddy: rate, block list, policy", Kind.SENDER_FAULT, _GODADDY, r"\bIB\d{3}\b"),
    Rule("GMX, web.de: the connection is refused", Kind.SENDER_FAULT, _GMX, r"\bnemesis[ ]esmtp"),
    *_providers(Meaning.RATE, Meaning.REFUSED),
    Rule("perhaps no such account", Kind.SOFT, _COMMON, said.PERHAPS_UNKNOWN),
    Rule("turned away before a recipient was named", Kind.SENDER_FAULT, _SERVERS, said.GREETING),
    Rule("a rate or limit of the sender", Kind.SENDER_FAULT, _COMMON, said.RATE, unless=said.RATE_UNLESS),
    Rule("the sender is on a block list", Kind.SENDER_FAULT, _COMMON, said.LISTED),
    Rule("the sending server's name", Kind.SENDER_FAULT, _COMMON, said.PTR),
    Rule("authentication of the sender", Kind.SENDER_FAULT, _COMMON, said.AUTH),
    Rule("the sender's address", Kind.SENDER_FAULT, _POSTFIX, said.SENDER),
    Rule("relaying", Kind.SENDER_FAULT, _SERVERS, said.RELAY, unless=said.RELAY_UNLESS),
    Rule("a code of the sender's address", Kind.SENDER_FAULT, _RFC, status=r"[45]\.1\.[78]"),
    # 3: text about an unknown recipient
    Rule("QQ: perhaps no such account", Kind.SOFT, _QQ + "169", r"may[ ]contain[ ]a[ ]non-existent[ ]account"),
    # Docomo and au use this text for filtered mail too: such a recipient does exist.
    Rule("au: unknown to a filter", Kind.SOFT, _CARRIERS, said.AU),
    Rule(
        "unknown, said only after the body: a filter's",
        Kind.SOFT,
        _CARRIERS,
        said.UNKNOWN,
        unless=r"doesn['’]?t[ ]have[ ]an?[ ]\S+[ ]account",  # Yahoo's text for an address that does not exist
        status=r"(?!5\.1\.1$).*",
        code=r"5\d\d",
        also=said.AFTER_THE_BODY,
    ),
    Rule("Docomo, au: unknown to a filter", Kind.SOFT, _CARRIERS, said.UNKNOWN, status=r"5\.2\.0"),
    Rule(
        "unknown by words, a mailbox by its code, and when is not said",
        Kind.SOFT,
        "RFC 3463, 3.3: X.2.X",
        said.UNKNOWN,
        unless=r"rcpt[ ]to",
        status=r"5\.2\.\d+",
    ),
    # It says the same of an unknown address and, after the body, of one with a filter.
    Rule(
        "Docomo: unknown, and when is not said",
        Kind.SOFT,
        _CARRIERS,
        r"unknown[ ]user[ ]\S+@docomo\.ne\.jp",
        unless=r"rcpt[ ]to",
        status=r"|5\.[03]\.0",
    ),
    Rule(
        "unknown recipient, by words",
        Kind.HARD,
        _COMMON,
        said.UNKNOWN,
        said.UNKNOWN_UNLESS,
        status=_NOT_FOR_NOW,
        code=_FINAL,
    ),
    Rule("unknown recipient, for now or under a policy code", Kind.SOFT, _COMMON, said.UNKNOWN, said.UNKNOWN_UNLESS),
    Rule(
        "Microsoft: no such mailbox",
        Kind.HARD,
        _OUTLOOK,
        r"requested[ ]action[ ]not[ ]taken:[ ]mailbox[ ]unavailable",
        status=r"5\.5\.0",
        code="550",
    ),
    Rule(
        "Microsoft: unknown at the next server",
        Kind.HARD,
        _MICROSOFT,
        r"unknown[ ]recipient[ ]or[ ]mailbox[ ]unavailable",
        status=r"5\.1\.351",
    ),
    Rule(
        "Microsoft: no such address in the directory",
        Kind.HARD,
        _DIRECTORY,
        said.RECIPIENT_DENIED,
        status=r"5\.4\.1",
        code=_FINAL,
    ),
    Rule("Orange, La Poste: no such recipient", Kind.HARD, _ORANGE, r"\b(?:LPN|OFR|OUK)\w*[_-]41[68]\b"),
    Rule("content or size", Kind.SENDER_FAULT, _COMMON, said.CONTENT, unless=said.CONTENT_UNLESS),
    # 4: codes about the recipient
    Rule("a code of policy", Kind.SOFT, _RFC_CODES, said.CLOSED, status=r"5\.7\.\d+"),
    # "Client host rejected" and "Sender address rejected" are about the client or the sender.
    Rule(
        "Postfix: an access table refuses the recipient", Kind.SOFT, _POSTFIX, said.RECIPIENT_DENIED, status=r"5\.7\.1"
    ),
    Rule("a code of policy or of a limit", Kind.SENDER_FAULT, _RFC, status=r"[45]\.(?:7\.\d+|4\.5)"),
    Rule("a code of a dead address", Kind.HARD, _RFC, status=r"5\.1\.(?:1|2|3|6|10)", code=_FINAL),
    Rule(
        "no such domain, as the name server answers",
        Kind.HARD,
        "RFC 3463, 3.2: X.1.2",
        said.NAME_SERVER_ANSWERS,
        unless=said.NAME_SERVER_FAILS,
        status=r"|5\.[0135]\.0|5\.4\.(?:0|4|310)",
        code=_FINAL,
    ),
    Rule(
        "the host takes no mail",
        Kind.HARD,
        "RFC 7504, 3",
        said.NOT_ACCEPTING,
        status=r"|5\.3\.2|5\.1\.10",
        code="521|556",
    ),
    Rule(
        "a code of the recipient",
        Kind.SOFT,
        _RFC,
        status=r"[45]\.1\.(?:1|2|3|4|6|10|3\d\d)|[45]\.2\.(?:1|2|4)|5\.4\.(?:4|31\d)",
    ),
    Rule("the mailbox is closed", Kind.SOFT, _COMMON, said.CLOSED),
    *_providers(Meaning.BUSY, Meaning.GONE),
    Rule(
        "no such domain, by words",
        Kind.HARD,
        "RFC 3463, 3.2: X.1.2",
        said.DOMAIN_GONE,
        status=r"|5\.[0135]\.0|5\.1\.\d+",
        code=_FINAL,
    ),
    Rule(
        "Exim: no router takes the address",
        Kind.HARD,
        _EXIM,
        said.UNROUTABLE,
        unless=said.NAME_SERVER_FAILS,
        status=r"|5\.[0135]\.0|5\.1\.\d+",
        code=_FINAL,
    ),
    Rule("no such domain, or no way to it", Kind.SOFT, _SERVERS, said.NO_DOMAIN),
    Rule(
        "a recipient that is refused without a reason",
        Kind.SOFT,
        _COMMON,
        said.UNAVAILABLE,
        unless=said.OUR_QUOTA,
        status=r"|5\.[0135]\.0|5\.1\.0|5\.4\.1",
    ),
    Rule("Sina, IronPort: the address is rejected", Kind.SOFT, _COMMON, status=r"5\.1\.0"),
    # 5: the system
    Rule("a mail loop", Kind.SENDER_FAULT, _SERVERS, said.LOOP),
    Rule("the mail system, for now", Kind.SENDER_FAULT, _RFC, status=r"4\.3\.\d+"),
    Rule("the connection was given up", Kind.SENDER_FAULT, "RFC 5321, 3.8", code="421"),
    Rule("given up in the end", Kind.SOFT, _SERVERS, status=r"4\.\d+\.\d+"),
    Rule("given up in the end", Kind.SOFT, _SERVERS, code=r"4\d\d"),
    Rule("given up in the end, by words", Kind.SOFT, _SERVERS, said.EXPIRED, status=r"|5\.0\.0|5\.4\.(?:0|1|7|3\d\d)"),
    Rule("any other code of the system or of content", Kind.SENDER_FAULT, _RFC, status=r"5\.\d+\.\d+"),
    Rule(
        "a refusal without a word that is known",
        Kind.SENDER_FAULT,
        'QQ says "too fast" with a bare 550: ' + _QQ + "172",
        code=r"5\d\d",
    ),
    Rule("no code and no word that is known", Kind.SOFT, _MAILMAN),
)

_FIRST = list(takewhile(lambda rule: rule.words, RULES))
_ANY_FIRST = "|".join(rule.words for rule in _FIRST)
"""One search instead of forty: most refusals match none of the texts of the first two parts."""
_AFTER_FIRST = RULES[len(_FIRST) :]

UNDECIDED = frozenset(rule.name for rule in RULES[-2:]) | {RULES[-3].name}
"""Catch-all rows, for what no other row recognises: more of the text may be specific."""
