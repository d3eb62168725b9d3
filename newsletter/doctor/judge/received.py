"""Judge a received test mail: Authentication-Results (RFC 8601), and one-click."""

from __future__ import annotations

import re
from collections.abc import Iterator
from email import policy
from email.message import Message
from email.parser import BytesHeaderParser

from newsletter.doctor.judge.lookups import tags_of
from newsletter.doctor.judge.settings import domain_of
from newsletter.doctor.verdict import Verdict, green, red, yellow
from newsletter.frozen import frozen

_METHODS = ("spf", "dkim", "dmarc")
# The property with the domain that each method authenticates.
_DOMAINS = {"spf": ("smtp.mailfrom", "smtp.helo"), "dkim": ("header.d", "header.i"), "dmarc": ("header.from",)}
_COMMENT = re.compile(r"\([^()]*\)")
_RESULT = re.compile(r"\s*(?P<method>[a-z][a-z0-9-]*)(?:/\d+)?\s*=\s*(?P<result>[a-z]+)", re.IGNORECASE)
_PROPERTY = re.compile(r"(?P<name>(?<![a-z])[a-z]{1,20}\.[a-z]{1,40})\s*=\s*\"?(?P<value>[^\s;\"]+)", re.IGNORECASE)
_MAX_HEADER = 20_000

_MEANINGS = {
    "spf": "see the lines on SPF above; where a mail service sends, its own bounce domain may be what is checked",
    "dkim": "set [dkim], or have the relay sign for your domain",
    "dmarc": "see the lines on DMARC and alignment above",
}


@frozen
class Result:
    """One method's result, such as dkim=pass for quill.example."""

    method: str
    result: str
    domain: str


def judge_received(data: bytes, author: str) -> tuple[Verdict, ...]:
    """`data` is the mail with its header as it arrived, `author` the domain of the newsletter's From."""
    mail = BytesHeaderParser(policy=policy.compat32).parsebytes(data)
    sender = _domain_in(str(mail.get("From", "")))
    if not sender:
        what = "the file of --received is no mail: it has no From"
        return (red("received-dmarc", what, "save the mail's source, by “show original” or “view source”"),)
    if author and sender != author:
        what = f"the mail of --received is from {sender}, not from {author}"
        return (red("received-dmarc", what, "save the test mail of this newsletter"),)
    results = _results(mail)
    if not results:
        what = "the mail that arrived has no Authentication-Results: that server writes none"
        return (yellow("received-dmarc", what, "send the test to a mailbox at Gmail or Outlook"), _unsubscribe(mail))
    passed = any(each.result == "pass" for each in results if each.method == "dmarc")
    return (*(_method(method, results, passed) for method in _METHODS), _unsubscribe(mail))


def _method(method: str, results: tuple[Result, ...], passed: bool) -> Verdict:
    code = f"received-{method}"
    mine = [each for each in results if each.method == method]
    best = next((each for each in mine if each.result == "pass"), mine[0] if mine else None)
    if best is not None and best.result == "pass":
        return green(code, f"the receiver says {method}=pass" + (f" for {best.domain}" if best.domain else ""))
    said = (
        f"{method}={best.result}" + (f" for {best.domain}" if best.domain else "") if best else f"nothing of {method}"
    )
    # One passing method is enough for DMARC; forwarding, or a change of relay, may break it.
    judge = yellow if passed else red
    return judge(code, f"the receiver says {said}", _MEANINGS[method])


def _unsubscribe(mail: Message) -> Verdict:
    code = "received-unsubscribe"
    if "List-Unsubscribe" not in mail:
        return red(code, "the mail arrived without List-Unsubscribe", "set unsubscribe_mailto, or take another relay")
    if "List-Unsubscribe-Post" not in mail:
        return yellow(code, "the mail arrived without one-click unsubscribe", "set unsubscribe_url, or [serve] url")
    signed = [tags_of(" ".join(str(each).split())).get("h", "") for each in mail.get_all("DKIM-Signature", [])]
    for names in signed:
        if {"list-unsubscribe", "list-unsubscribe-post"} <= {name.strip().lower() for name in names.split(":")}:
            return green(code, "one-click unsubscribe arrived, and the DKIM signature covers it")
    what = "one-click unsubscribe arrived, but no DKIM signature covers it, and receivers then leave it out"
    return yellow(code, what, "set [dkim], or have the relay sign List-Unsubscribe and List-Unsubscribe-Post")


def _results(mail: Message) -> tuple[Result, ...]:
    """The results of the topmost field that has some: lower ones may be forged."""
    for field in mail.get_all("Authentication-Results", []):
        if found := tuple(_read(str(field)[:_MAX_HEADER])):
            return found
    return ()


def _read(field: str) -> Iterator[Result]:
    text = " ".join(field.split())
    while (shorter := _COMMENT.sub(" ", text)) != text:
        text = shorter
    for part in text.split(";"):
        found = _RESULT.match(part)
        if not found or found["method"].lower() not in _METHODS:
            continue
        method = found["method"].lower()
        properties = {each["name"].lower(): each["value"] for each in _PROPERTY.finditer(part)}
        named = next((properties[name] for name in _DOMAINS[method] if name in properties), "")
        # Of an address the domain alone: the local part of a bounce address has a subscriber's token.
        domain = "" if named == "none" else domain_of(named)  # Outlook's result for unsigned mail
        yield Result(method, found["result"].lower(), domain)


def _domain_in(sender: str) -> str:
    found = re.search(r"@([^\s<>@,;\"]+)>?\s*$", sender)
    return domain_of(f"@{found[1]}") if found else ""
