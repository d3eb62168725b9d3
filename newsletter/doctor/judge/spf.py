"""Judge an SPF record (RFC 7208): presence, syntax, and the number of lookups with all its includes."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass, field

from newsletter.doctor.judge.lookups import ASK_AGAIN, DnsAnswer, Lookups, Question, RecordType, ascii_domain
from newsletter.doctor.verdict import Verdict, green, red, yellow
from newsletter.frozen import frozen

MAX_LOOKUPS = 10
MAX_VOID = 2
MAX_MX = 10
"""RFC 7208 4.6.4: more than these is a permerror, as if there were no record."""

_FOLLOWED = 40
"""Lookups after which the walk stops: the record is far beyond the limit by then."""

_COSTLY = frozenset({"include", "a", "mx", "ptr", "exists", "redirect"})
"""The terms that take a DNS lookup (RFC 7208 4.6.4)."""

_TERM = re.compile(r"(?P<sign>[+?~-]?)(?P<name>[A-Za-z][A-Za-z0-9._-]*)(?P<mark>[:=/]?)(?P<rest>\S*)")
_ADDRESSES: tuple[RecordType, ...] = ("A", "AAAA")
_EXAMPLE = "v=spf1 include:… ~all"


@dataclass(slots=True)
class _Findings:
    """The findings of a walk through a record and its includes."""

    lookups: int = 0
    voids: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    ending: str = ""


@frozen
class _Term:
    sign: str
    name: str
    value: str
    is_modifier: bool


def judge_spf(domain: str, service: str = "") -> Lookups[tuple[Verdict, ...]]:
    """Judge whether `domain`, the envelope sender's, declares who may send for it.

    `service` is a third party's relay: it may use a bounce address of its own in the envelope, whose SPF counts.
    """
    question = Question(domain, "TXT")
    answer = (yield (question,))[question]
    if answer.status == "failed":
        return (yellow("spf", f"{domain}: the SPF record could not be asked for ({answer.why})", ASK_AGAIN),)
    records = _spf_records(answer)
    if not records:
        return (_absent(domain, answer, service),)
    if len(records) > 1:
        remedy = "put what they say into one record and delete the others"
        return (red("spf", f"{domain}: {len(records)} SPF records, which counts as none (RFC 7208 4.5)", remedy),)
    found = _Findings()
    yield from _walk(domain, records[0], found, (domain,))
    return (_judged_record(domain, found), _judged_cost(domain, found))


def _absent(domain: str, answer: DnsAnswer, service: str) -> Verdict:
    if any("spf1" in record.lower() for record in answer.records):
        what = f"{domain}: a TXT record speaks of SPF but does not begin with v=spf1"
        return red("spf", what, f'write it without quotes or blanks before it: "{_EXAMPLE}"')
    if service:
        what = f"{domain}: no SPF record; {service} has to send with a bounce address of its own"
        return yellow("spf", what, "publish one as that service says, or look for spf=pass with --test and --received")
    what = f"{domain}: no SPF record, so receivers cannot tell your relay from a forger"
    return red("spf", what, "publish a TXT record with the include that your mail service names", record=_EXAMPLE)


def _judged_record(domain: str, found: _Findings) -> Verdict:
    if found.errors:
        more = f", and {len(found.errors) - 1} more" if len(found.errors) > 1 else ""
        return red("spf", f"{domain}: {found.errors[0]}{more}", "mend the record; as it is, receivers ignore it")
    if found.ending == "+":
        return red("spf", f"{domain}: the record lets anybody send (+all)", "write ~all or -all at its end")
    if found.ending in ("", "?"):
        what = f"{domain}: the record says nothing of other senders ({'no all' if not found.ending else '?all'})"
        return yellow("spf", what, "write ~all or -all at its end")
    if found.remarks:
        return yellow("spf", f"{domain}: {found.remarks[0]}", "take it out, or move it before all")
    return green("spf", f"{domain}: one SPF record, {found.ending}all at its end")


def _judged_cost(domain: str, found: _Findings) -> Verdict:
    cost = f"{domain}: SPF takes {found.lookups} of {MAX_LOOKUPS} DNS look-ups"
    if found.lookups > MAX_LOOKUPS:
        what = f"{domain}: SPF takes {found.lookups} DNS look-ups; with more than {MAX_LOOKUPS} receivers ignore it"
        return red("spf-lookups", what, "take out includes of services that no longer send for you")
    if len(found.voids) > MAX_VOID:
        what = f"{domain}: {len(found.voids)} look-ups bring nothing ({', '.join(found.voids[:3])}), two are allowed"
        return red("spf-lookups", what, "take those names out")
    if found.voids:
        return yellow("spf-lookups", f"{cost}; {found.voids[0]} brings nothing", "take that name out")
    if found.unknown:
        return yellow("spf-lookups", f"{cost}; {found.unknown[0]} could not be asked", ASK_AGAIN)
    if found.lookups == MAX_LOOKUPS:
        return yellow("spf-lookups", f"{cost}: the next include breaks it", "take out what no longer sends for you")
    return green("spf-lookups", cost)


def _spf_records(answer: DnsAnswer) -> list[str]:
    return [record for record in answer.records if re.match(r"v=spf1(?: |$)", record, re.IGNORECASE)]


def _walk(domain: str, record: str, found: _Findings, way: tuple[str, ...]) -> Lookups[None]:
    """Count one record's lookups and follow its includes. `way` is the path to it, to detect cycles."""
    terms = _terms(domain, record, found)
    ends = next((number for number, term in enumerate(terms) if term.name == "all" and not term.is_modifier), None)
    top = len(way) == 1
    if ends is not None:
        if top:
            found.ending = terms[ends].sign or "+"
            if any(not term.is_modifier for term in terms[ends + 1 :]):
                found.remarks.append("what follows all in the record is never read")
        terms = [term for number, term in enumerate(terms) if number <= ends and term.name != "redirect"]
    # One more than are followed: a record of 64 KB has room for thousands of names, and nobody waits for them.
    costly = [term for term in terms if term.name in _COSTLY][: _FOLLOWED + 1 - found.lookups]
    questions = tuple(question for term in costly for question in _questions(domain, term))
    answers = (yield questions) if questions else {}
    for term in costly:
        found.lookups += 1
        if found.lookups > _FOLLOWED:
            return
        replies = [answers[question] for question in _questions(domain, term)]
        target = ascii_domain(term.value) or domain
        spelled = f"{term.name}:{target}"
        if term.name == "ptr" and top:
            found.remarks.append("it uses ptr, which RFC 7208 asks not to use")
        if not replies:
            continue
        if all(reply.is_void for reply in replies):
            found.voids.append(spelled)
        for reply in replies:
            if reply.status == "failed":
                found.unknown.append(spelled)
        if term.name == "mx" and len(replies[0].records) > MAX_MX:
            found.errors.append(f"{spelled} has {len(replies[0].records)} mail hosts, ten are allowed")
        if term.name in ("include", "redirect"):
            yield from _enter(target, replies[0], term, found, way)


def _enter(target: str, reply: DnsAnswer, term: _Term, found: _Findings, way: tuple[str, ...]) -> Lookups[None]:
    if target in way:
        found.errors.append(f"{term.name}:{target} leads back to itself")
        return
    records = _spf_records(reply)
    if reply.status == "failed":
        return
    if len(records) != 1:
        count = "no SPF record" if not records else f"{len(records)} SPF records"
        found.errors.append(f"{term.name}:{target} leads to {count}")
        return
    if term.name == "redirect" and len(way) == 1:
        # RFC 7208 6.1: the redirect target replaces this record, its `all` included.
        ending = _Findings()
        last = next((each for each in _terms(target, records[0], ending) if each.name == "all"), None)
        found.ending = (last.sign or "+") if last else ""
    yield from _walk(target, records[0], found, (*way, target))


def _terms(domain: str, record: str, found: _Findings) -> list[_Term]:
    terms = []
    for word in record.split(" ")[1:]:
        if not word:
            continue
        parts = _TERM.fullmatch(word)
        name = parts["name"].lower() if parts else ""
        if parts and parts["mark"] == "=" and not parts["sign"]:
            terms.append(_Term("", name, parts["rest"], is_modifier=True))
            continue
        if not parts or not _is_mechanism(name, parts["mark"], parts["rest"]):
            found.errors.append(f"the record of {domain} has “{word[:40]}”, which is no SPF")
            continue
        value = parts["rest"] if parts["mark"] == ":" else ""
        if name not in ("ip4", "ip6"):
            value = value.partition("/")[0]
        terms.append(_Term(parts["sign"], name, value, is_modifier=False))
    return terms


def _is_mechanism(name: str, mark: str, rest: str) -> bool:
    match name:
        case "all":
            return not mark
        case "include" | "exists":
            return mark == ":" and bool(rest)
        case "a" | "mx":
            lengths = rest if mark == "/" else "/" + rest.partition("/")[2] if "/" in rest else ""
            return mark != "=" and (not lengths or bool(re.fullmatch(r"/?\d{0,3}(?://\d{1,3})?", lengths)))
        case "ptr":
            return mark in ("", ":")
        case "ip4" | "ip6":
            try:
                network = ipaddress.ip_network(rest, strict=False)
            except ValueError:
                return False
            return mark == ":" and network.version == int(name[2])
    return False


def _questions(domain: str, term: _Term) -> tuple[Question, ...]:
    """A term's lookups, as far as they do not depend on the message, as macros (RFC 7208 7) do."""
    if "%" in term.value:
        return ()
    target = ascii_domain(term.value) or domain
    match term.name:
        case "include" | "redirect":
            return (Question(target, "TXT"),)
        case "a":
            return tuple(Question(target, kind) for kind in _ADDRESSES)
        case "exists":
            return (Question(target, "A"),)
        case "mx":
            return (Question(target, "MX"),)
    return ()
