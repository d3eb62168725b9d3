"""The meaning of large providers' refusals, by code and text, each with its remedy.

Gmail (support.google.com/a/answer/3726730), Outlook.com and Exchange Online (learn.microsoft.com, "Non-delivery reports
in Exchange Online"; support.microsoft.com, "550 5.7.515"), Yahoo (senders.yahooinc.com/smtp-error-codes), QQ
(service.mail.qq.com/detail/122) and NetEase give IANA's codes meanings of their own. `reply_meanings` has IANA's.
"""

from __future__ import annotations

import re
from dataclasses import field

from newsletter.frozen import frozen

LOOKED_AT = 1_000
"""How many characters of a reply are searched."""


@frozen
class Refusal:
    """`details` are the last two numbers of an enhanced code, separated by blanks; empty for any.

    `words` is a regular expression, empty for any text.
    """

    details: str
    words: str
    meaning: str
    remedy: str
    _pattern: re.Pattern[str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_pattern", re.compile(self.words, re.IGNORECASE))

    def fits(self, detail: str, text: str) -> bool:
        return (not self.details or detail in self.details.split()) and self._pattern.search(text) is not None


_GOOGLE = r"\bgsmtp\b|\bsupport\.google\.com|\bgmail (?:requires|has|will)\b"
_MICROSOFT = r"outlook\.com|microsoft|office365|\bS31[45]0\b|\bAS\(?\d{4}"
_YAHOO = r"\byahoo (?:mail|requires|has)\b|yahooinc\.com|postmaster\.yahoo|\baol (?:mail|requires)\b"

_SPF = "add the relay to the domain's SPF record (v=spf1 include:… -all), one record with at most ten look-ups"
_DKIM = "let the relay sign with the domain of from, or set [dkim], and see that the public key is in the DNS"
_DMARC = 'publish _dmarc.<domain> TXT "v=DMARC1; p=none", and see that SPF or DKIM passes with the domain of from'
_ALIGNED = "sign with the domain of from ([dkim] domain), or have the relay do it"
_BOTH = f"{_DKIM}; {_SPF}"
_PTR = "ask who runs the relay to give its address a name in the DNS (PTR) that leads back to the address"
_TLS = "ask who runs the relay to use TLS when it passes mail on"
_SLOWER = "send more slowly ([delivery] rate, warm_up) and only to those who asked for it"
_LISTED = "ask who runs the relay to have its address taken off the block list, or use another relay"
_EHLO = 'set ehlo = "…" in [relay] to the full name that this machine has in the DNS'
_FREEMAIL = "send from an address at a domain of your own, or through the provider's own server"

# The first matching row counts.
REFUSALS: tuple[Refusal, ...] = (
    # The name in EHLO: Postfix, Exim and others, often as late as RCPT.
    Refusal(
        "",
        r"\b(?:helo|ehlo)\b.{0,40}(?:rejected|invalid|refused|not accepted|need)|need fully-?qualified hostname",
        "The relay does not take the name that this machine greets it with (EHLO)",
        _EHLO,
    ),
    # Gmail and Google Workspace
    Refusal("7.25", _GOOGLE, "Gmail: the relay's address has no name in the DNS that leads back to it", _PTR),
    Refusal(
        "7.26 7.1",
        r"due to(?: the)? (?:domain's|\S+) dmarc policy|dmarc policy of",
        "Gmail: the DMARC policy of the domain in from forbids mail from this relay",
        f"{_ALIGNED}; {_FREEMAIL} where from is at a public one",
    ),
    Refusal("7.26", _GOOGLE, "Gmail: neither SPF nor DKIM vouches for our domain", _BOTH),
    Refusal("7.27", _GOOGLE, "Gmail: SPF does not allow the relay to send for our domain", _SPF),
    Refusal("7.28", _GOOGLE, "Gmail: too much mail at once from our relay, address or domain", _SLOWER),
    Refusal("7.29", _GOOGLE, "Gmail: the relay passed the mail on without TLS", _TLS),
    Refusal("7.30", _GOOGLE, "Gmail: no DKIM signature of ours holds", _DKIM),
    Refusal("7.31 7.40", _GOOGLE, "Gmail: our domain has no DMARC record, or one without a policy", _DMARC),
    Refusal("7.32", _GOOGLE, "Gmail: neither SPF nor DKIM is of the domain in from", _ALIGNED),
    Refusal(
        "7.0 7.1",
        r"(?:likely|suspicious|unsolicited).{0,400}(?:gsmtp|google\.com)|very low reputation",
        "Gmail: takes the mail for spam, by its text or by the sender's reputation",
        "see postmaster.google.com for the domain; mail only those who asked for it, and fewer at once",
    ),
    # Outlook.com, Exchange Online
    Refusal(
        "7.515",
        "",
        "Outlook: our domain does not pass SPF, DKIM and DMARC, which it asks of those who send much",
        f"{_BOTH}; {_DMARC}",
    ),
    Refusal("7.509", "", "Outlook: the mail fails DMARC, and our domain's own policy is to reject it", _ALIGNED),
    Refusal(
        "7.511 7.512",
        "",
        "Outlook: our address or domain is banned, or From is not written as it must be",
        "ask delist@microsoft.com, with the refusal's text",
    ),
    Refusal("7.513 7.514", "", "Outlook: our domain or the relay's address has a bad reputation there", _SLOWER),
    Refusal(
        " ".join(f"7.{number}" for number in range(606, 650)),
        "",
        "Outlook: the relay's network address is on Microsoft's block list",
        "ask who runs the relay to apply at sender.office.com, or use another relay",
    ),
    Refusal("7.650 7.651 7.652", "", "Outlook: puts the relay off for its reputation or its speed", _SLOWER),
    Refusal(
        "7.705 7.708 7.750",
        "",
        "Microsoft 365: our own tenant or its address may not send so much, or from this domain",
        "register the domain in the tenant and ask Microsoft's support; use a relay made for bulk mail",
    ),
    Refusal(
        "2.252 7.60",
        r"send\s?as|permission",
        "Microsoft 365: the account that logs in may not send as the address in from",
        "set from to that account's address, or give the account the right to send as it",
    ),
    Refusal(
        "7.57 7.3 7.139 7.30",
        r"client was not authenticated|smtpclientauthentication|basic authentication",
        "Microsoft 365: the login is missing, or logging in with a password is switched off",
        'set auth = "xoauth2" and token_command in [relay]',
    ),
    Refusal("", r"\bS31[45]0\b", "Outlook: the relay's network is on Microsoft's block list", _LISTED),
    Refusal("7.23", _MICROSOFT, "Outlook: SPF does not allow the relay to send for our domain", _SPF),
    # Yahoo and AOL
    Refusal(
        "7.9 7.26 7.1",
        rf"(?:{_YAHOO}).*authenticat|authenticat.*(?:{_YAHOO})",
        "Yahoo: neither SPF nor DKIM vouches for our domain",
        _BOTH,
    ),
    Refusal(
        "", r"\[TSS?\d\d\]|\[PH\d\d\]|\[BL\d\d\]", "Yahoo: the relay's address has a bad reputation there", _SLOWER
    ),
    # QQ, NetEase
    Refusal("", r"\bspf check failed|\bMI:SPF\b", "SPF does not allow the relay to send for our domain", _SPF),
    Refusal("", r"\bdmarc check failed|\bMI:DMA\b", "The mail fails the DMARC policy of the domain in from", _ALIGNED),
    # Texts about DMARC and blocklists, of any provider.
    Refusal(
        "7.0 7.1 7.9 7.13",
        r"\bdmarc\b",
        "The mail fails the DMARC policy of the domain in from",
        f"{_ALIGNED}; {_FREEMAIL} where from is at a public one",
    ),
    Refusal(
        "7.1 7.0 7.606 7.3",
        r"spamhaus|spamcop|barracuda|sorbs|\brbl\b|\bdnsbl\b|block ?list|blacklist",
        "The relay's address is on a block list",
        _LISTED,
    ),
    # IANA's codes, from any server.
    Refusal("7.20 7.21 7.22", "", "No DKIM signature of our own domain was found that holds", _DKIM),
    Refusal("7.23 7.24", "", "SPF does not allow our relay to send for our domain, or cannot be read", _SPF),
    Refusal("7.25", "", "Our relay's network address has no name in DNS that leads back to it", _PTR),
    Refusal("7.26", "", "Neither SPF nor DKIM vouches for the message", _BOTH),
)


def refusal_of(enhanced: str, text: str) -> Refusal | None:
    """The row of a refusal that is about the sender; None if none matches. `enhanced` is empty if none was given."""
    detail = enhanced.partition(".")[2]
    looked_at = text[:LOOKED_AT]
    return next((refusal for refusal in REFUSALS if refusal.fits(detail, looked_at)), None)
