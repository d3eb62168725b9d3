"""Judge MX, PTR and BIMI records: replies, a self-hosted relay's reverse DNS, and the sender's logo."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence

from newsletter.doctor.judge.dmarc import TreeWalk
from newsletter.doctor.judge.lookups import ASK_AGAIN, Answers, Lookups, Question, ask, tags_of
from newsletter.doctor.verdict import Verdict, green, red, yellow
from newsletter.safe_http import is_public

MAX_ASKED = 10
"""Mail hosts of a domain, and addresses of a relay, that are asked about: an answer of 64 KB has thousands."""


def judge_mx(domain: str, purposes: Sequence[str]) -> Lookups[Verdict]:
    """Judge whether mail to a domain can arrive. `purposes` are the settings that contain it, such as `from`."""
    what_for = f"{domain} ({', '.join(purposes)})"
    questions = (Question(domain, "MX"), Question(domain, "A"), Question(domain, "AAAA"))
    answers = yield questions
    mx = answers[questions[0]]
    if mx.status == "failed":
        return yellow("mx", f"{what_for}: the mail hosts could not be asked for ({mx.why})", ASK_AGAIN)
    if not mx.records:
        if any(answers[question].records for question in questions[1:]):
            what = f"{what_for}: no MX record; mail goes to the host of that name (RFC 5321 5.1)"
            return yellow("mx", what, "publish an MX record that says so, or names the mailbox's host")
        return red("mx", f"{what_for}: mail cannot reach it: no MX and no address", _mx_remedy(purposes))
    hosts = [record.partition(" ")[2].rstrip(".") for record in mx.records]
    if "" in hosts:
        return red("mx", f"{what_for}: it says that it takes no mail (a null MX, RFC 7505)", _mx_remedy(purposes))
    asked = hosts[:MAX_ASKED]
    addresses: Answers = yield tuple(Question(host, kind) for host in asked for kind in ("A", "AAAA"))
    reached = [host for host in asked if any(addresses[Question(host, kind)].records for kind in ("A", "AAAA"))]
    if any(answer.status == "failed" for answer in addresses.values()) and not reached:
        return yellow("mx", f"{what_for}: the addresses of its mail hosts could not be asked for", ASK_AGAIN)
    if not reached:
        return red("mx", f"{what_for}: none of its mail hosts has an address ({', '.join(hosts[:3])})", "mend the MX")
    if lost := [host for host in asked if host not in reached]:
        return yellow("mx", f"{what_for}: the mail host {lost[0]} has no address", "mend or remove that MX")
    return green("mx", f"{what_for}: mail goes to {hosts[0]}" + (f" and {len(hosts) - 1} more" if hosts[1:] else ""))


def _mx_remedy(purposes: Sequence[str]) -> str:
    return f"publish an MX record, or set another address as {purposes[0]}"


def is_literal(host: str) -> bool:
    """Whether a host is an IP address literal."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def judge_ptr(host: str) -> Lookups[tuple[Verdict, ...]]:
    """Judge whether a self-hosted relay's addresses have matching reverse DNS (Gmail and Yahoo require that).

    No verdict if none of its addresses is public: its outgoing address is then unknown.
    """
    if is_literal(host):
        addresses = [host]
    else:
        questions = (Question(host, "A"), Question(host, "AAAA"))
        answers = yield questions
        addresses = [record for question in questions for record in answers[question].records]
    public = [address for address in addresses if is_public(ipaddress.ip_address(address))]
    verdicts = []
    for address in public[:MAX_ASKED]:
        verdicts.append((yield from _judge_address(address)))
    return tuple(verdicts)


def _judge_address(address: str) -> Lookups[Verdict]:
    reverse = Question(ipaddress.ip_address(address).reverse_pointer, "PTR")
    answer = yield from ask(reverse)
    if answer.status == "failed":
        return yellow("relay-ptr", f"{address}: the name could not be asked for ({answer.why})", ASK_AGAIN)
    if not answer.records:
        what = f"{address}: the relay's address has no name (PTR), and Gmail and others refuse mail from such"
        return red("relay-ptr", what, "have the host of the machine set one, the relay's own name")
    name = answer.records[0].rstrip(".").lower()
    kind: Question = Question(name, "AAAA" if ":" in address else "A")
    forward = yield from ask(kind)
    if any(ipaddress.ip_address(record) == ipaddress.ip_address(address) for record in forward.records):
        return green("relay-ptr", f"{address} is called {name}, and {name} is {address}")
    if forward.status == "failed":
        return yellow("relay-ptr", f"{address} is called {name}, whose address could not be asked for", ASK_AGAIN)
    what = f"{address} is called {name}, but {name} is not {address}"
    return red("relay-ptr", what, "publish that address for the name, or set another PTR")


def judge_bimi(walk: TreeWalk) -> Lookups[Verdict]:
    """A hint, never red: the logo beside the sender's name is optional."""
    names = tuple(dict.fromkeys((walk.start, walk.organizational_domain)))
    questions = tuple(Question(f"default._bimi.{name}", "TXT") for name in names)
    answers = yield questions
    for question in questions:
        record = next((each for each in answers[question].records if each.upper().startswith("V=BIMI1")), None)
        if record is None:
            continue
        if walk.policy not in ("quarantine", "reject"):
            what = f"{question.name}: the mark is shown only with DMARC p=quarantine or p=reject"
            return yellow("bimi", what, "raise the DMARC policy once its reports are clean")
        logo = tags_of(record).get("l", "")
        if not logo.startswith("https://"):
            return yellow("bimi", f"{question.name}: no logo at an https address (l=)", "write l=https://….svg")
        certified = tags_of(record).get("a", "").startswith("https://")
        return green("bimi", f"{question.name}: a logo{', certified' if certified else '; Gmail wants a certificate'}")
    return green("bimi", "no BIMI record: no logo beside the sender's name, which is no fault")
