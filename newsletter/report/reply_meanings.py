"""Explain SMTP replies in plain words.

Codes are those of RFC 3463 and of IANA's registry of SMTP enhanced status codes (RFC 5248) if a server gave one, else
the three digits of RFC 5321, 4.2.3. Servers use codes loosely, so a report shows the reply's own text beside them.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from newsletter.delivery.smtp.replies import enhanced_code
from newsletter.model.delivery import State
from newsletter.report.provider_refusals import Refusal, refusal_of

# By subject and detail: the last two numbers of an enhanced code, whatever its class.
_DETAILS: Mapping[str, str] = MappingProxyType(
    {
        "1.1": "The address does not exist",
        "1.2": "The domain does not exist, or takes no mail",
        "1.3": "The address is not spelled as an address is",
        "1.4": "The address fits more than one mailbox",
        "1.6": "The mailbox has moved and left no new address",
        "1.7": "Our own sender address is not spelled as one is",
        "1.8": "The domain of our own sender address is not known",
        "1.10": "The domain says that it takes no mail at all",
        "2.1": "The mailbox is closed, or takes no mail at the moment",
        "2.2": "The mailbox is full",
        "2.3": "The message is larger than this mailbox takes",
        "2.4": "The mailing list behind the address does not work",
        "3.1": "The receiving system's disk is full",
        "3.2": "The receiving system takes no mail at the moment",
        "3.3": "The receiving system lacks something that this message needs",
        "3.4": "The message is larger than the receiving system takes",
        "3.5": "The receiving system is set up wrongly",
        "4.1": "The receiving server did not answer",
        "4.2": "The connection to the receiving server broke",
        "4.3": "A name server did not answer",
        "4.4": "The relay found no server for the domain",
        "4.5": "The receiving system is overloaded, or a sending limit was reached",
        "4.6": "The mail went round in a circle",
        "4.7": "The mail waited too long on its way",
        "5.1": "The server took a command for a wrong one",
        "5.2": "The server could not read a command",
        "5.3": "Too many recipients at once",
        "5.4": "The server did not understand a command's options",
        "6.7": "The receiving system cannot take an address that is not ASCII",
        "6.9": "The receiving system cannot take a header that is not ASCII",
        "7.1": "The receiver's policy refuses this mail",
        "7.2": "We may not write to this mailing list",
        "7.7": "The message was changed on its way",
        "7.8": "The login was refused",
        "7.9": "The way of logging in is too weak for the relay",
        "7.10": "The receiver asks for encryption",
        "7.11": "The relay asks for encryption before the login",
        "7.13": "The account is switched off",
        "7.17": "The mailbox belongs to somebody else now",
        "7.18": "The domain belongs to somebody else now",
        "7.20": "No DKIM signature that holds was found",
        "7.21": "No DKIM signature that the receiver accepts was found",
        "7.22": "No DKIM signature of our own domain was found",
        "7.23": "SPF does not allow our relay to send for our domain",
        "7.24": "Our domain's SPF record could not be read",
        "7.25": "Our relay's network address has no name in DNS that leads back to it",
        "7.26": "Neither SPF nor DKIM vouches for the message",
        "7.27": "Our own sender domain says that it takes no mail",
        "7.28": "Too much mail from us at once",
    }
)

# Where a 4xx has another meaning than a 5xx.
_FOR_NOW: Mapping[str, str] = MappingProxyType(
    {
        "2.0": "Asked to come back: often a server that does not know the sender yet (greylisting)",
        "2.1": "The mailbox takes no mail at the moment, or gets too much at once",
        "7.0": "Too much mail from us at once, or a sender it does not trust yet",
        "7.1": "Put off by the receiver's policy: often a sender it does not know yet",
    }
)

# By subject alone, if the detail is 0 or unknown.
_SUBJECTS: Mapping[str, str] = MappingProxyType(
    {
        "0": "The server gave no reason",
        "1": "Something is wrong with the address",
        "2": "Something is wrong with the mailbox",
        "3": "The receiving system has trouble of its own",
        "4": "The mail could not be brought to the receiving system",
        "5": "The server and we misunderstood each other",
        "6": "The receiver does not take this kind of content",
        "7": "Refused for security or by the receiver's policy",
    }
)

_CODES: Mapping[int, str] = MappingProxyType(
    {
        421: "The server closed the connection; it may be busy, or want less mail from us",
        450: "The mailbox cannot be reached at the moment",
        451: "The server had an error of its own",
        452: "The server has no room at the moment, or had enough recipients",
        454: "The server cannot do it at the moment; some say so when mail comes too fast",
        550: "Refused without a code for the reason; some providers say so when mail comes too fast",
        551: "The mailbox is not here",
        552: "The message is too large, or the mailbox full",
        553: "The address is not one that the server takes",
        554: "Refused without a code for the reason",
    }
)


def meaning_of(state: State, stage: str, code: int, enhanced: str, text: str = "") -> str:
    """The meaning of a reply, as a phrase without a full stop. 0 and "" if the server gave no code.

    `text` is the reply's own, which identifies provider-specific refusals. `stage` is the step of the session, `state`
    the outcome: a broken connection is harmless before the final dot, and the operator may have settled an uncertain
    recipient.
    """
    if state is State.SENT:
        return "The relay took the message" if code else "Counted as sent by hand: nobody could know"
    if state is State.UNCERTAIN:
        return "No answer to the whole message: it may have arrived, or not"
    if (refusal := _refusal(state, code, enhanced, text)) is not None:
        return refusal.meaning
    kind, _, detail = enhanced.partition(".")
    if enhanced:
        for_now = _FOR_NOW.get(detail) if kind == "4" else None
        return for_now or _DETAILS.get(detail) or _SUBJECTS.get(detail.partition(".")[0], _SUBJECTS["0"])
    if code:
        first = "Put off" if state is State.DEFERRED else "Refused"
        return _CODES.get(code, f"{first} without a code for the reason")
    if state is State.DEFERRED:
        return "The connection broke early: nothing was delivered"
    return "The relay cannot carry this message"


def remedy_of(state: State, code: int, enhanced: str, text: str) -> str:
    """The remedy for a refusal that is the sender's fault; empty if none is known."""
    refusal = _refusal(state, code, enhanced, text)
    return refusal.remedy if refusal is not None else ""


def explain_reply(state: State, stage: str, code: int, text: str) -> tuple[str, str]:
    """The meaning of a reply and its remedy; both empty if there was none."""
    if not stage:
        return "", ""
    enhanced = enhanced_code(text)
    return meaning_of(state, stage, code, enhanced, text), remedy_of(state, code, enhanced, text)


def _refusal(state: State, code: int, enhanced: str, text: str) -> Refusal | None:
    if state not in (State.REJECTED, State.DEFERRED) or code < 400:
        return None
    return refusal_of(enhanced, text)
