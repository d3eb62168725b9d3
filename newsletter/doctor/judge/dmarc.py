"""Judge DMARC by the DNS tree walk of RFC 9989, and the alignment of SPF and DKIM with From."""

from __future__ import annotations

import re
from collections.abc import Mapping

from newsletter.doctor.judge.lookups import ASK_AGAIN, Lookups, Question, tags_of
from newsletter.doctor.verdict import Verdict, green, red, yellow
from newsletter.frozen import frozen

MAX_QUERIES = 8
"""RFC 9989 4.10: a name with more labels is shortened to seven after the first query."""

POLICIES = ("none", "quarantine", "reject")
_GONE = ("pct", "rf", "ri")
_EXAMPLE = "v=DMARC1; p=none; rua=mailto:dmarc-reports@…"


@frozen
class TreeWalk:
    """The records from a domain upwards, nearest first, and the conclusions.

    `several` are names with more than one record, which are all ignored; `failed` says why a query failed.
    """

    start: str
    records: tuple[tuple[str, Mapping[str, str]], ...]
    several: tuple[str, ...] = ()
    failed: str = ""

    @property
    def organizational_domain(self) -> str:
        """RFC 9989 4.10.2."""
        for domain, tags in self.records:
            if tags.get("psd") == "n":
                return domain
            if tags.get("psd") == "y" and domain != self.start:
                depth = domain.count(".") + 2
                return ".".join(self.start.split(".")[-depth:])
        return self.records[-1][0] if self.records else self.start

    @property
    def policy_record(self) -> tuple[str, Mapping[str, str]] | None:
        """RFC 9989 4.10.1: the author domain's own, else the organizational domain's, else the public suffix's."""
        by_domain = dict(self.records)
        for domain in (self.start, self.organizational_domain):
            if domain in by_domain:
                return domain, by_domain[domain]
        return self.records[-1] if self.records and self.records[-1][1].get("psd") == "y" else None

    @property
    def policy(self) -> str:
        """The policy for the start domain's mail that fails; empty if the record has no valid one."""
        if self.policy_record is None:
            return ""
        domain, tags = self.policy_record
        asked = tags.get("p", "") if domain == self.start else tags.get("sp", tags.get("p", ""))
        if asked.lower() in POLICIES:
            return asked.lower()
        # RFC 9989 4.7: without a valid policy, a record that requests reports counts as p=none.
        return "none" if tags.get("rua") else ""


def names_on_the_way(domain: str) -> tuple[str, ...]:
    """The domains whose `_dmarc` is queried, nearest first."""
    labels = domain.split(".")
    longest = min(len(labels) - 1, MAX_QUERIES - 1)
    return (domain, *(".".join(labels[-count:]) for count in range(longest, 0, -1)))


def walk_tree(domain: str) -> Lookups[TreeWalk]:
    """Query all names at once: the steps that a record with `psd` would save cost nothing here."""
    questions = {name: Question(f"_dmarc.{name}", "TXT") for name in names_on_the_way(domain)}
    answers = yield tuple(questions.values())
    records: list[tuple[str, Mapping[str, str]]] = []
    several: list[str] = []
    failed = ""
    for name, question in questions.items():
        answer = answers[question]
        if answer.status == "failed":
            failed = failed or answer.why
        found = [tags_of(record) for record in answer.records if re.match(r"v\s*=\s*DMARC1\s*(?:;|$)", record)]
        if len(found) > 1:
            several.append(name)
        elif found:
            records.append((name, found[0]))
            if found[0].get("psd") in ("y", "n"):
                break
    return TreeWalk(domain, tuple(records), tuple(several), failed)


def judge_dmarc(walk: TreeWalk) -> Verdict:
    """Judge whether the From domain has a policy that receivers can read."""
    domain = walk.start
    if walk.failed and (walk.policy_record is None or walk.policy_record[0] != domain):
        return yellow("dmarc", f"{domain}: the DMARC record could not be asked for ({walk.failed})", ASK_AGAIN)
    if domain in walk.several or (walk.several and not walk.records):
        what = f"_dmarc.{walk.several[0]}: several DMARC records, which all are ignored"
        return red("dmarc", what, "keep one of them")
    if walk.policy_record is None:
        what = f"{domain}: no DMARC record; Gmail, Yahoo and Outlook refuse bulk mail without one"
        place = f"_dmarc.{walk.organizational_domain}"
        return red("dmarc", what, f"publish this as the TXT record of {place}, with a mailbox of yours", _EXAMPLE)
    at, tags = walk.policy_record
    if not walk.policy:
        what = f"_dmarc.{at}: the record has no valid p=, and is ignored"
        return red("dmarc", what, "write p=none, p=quarantine or p=reject", _EXAMPLE)
    place = f"{domain}: DMARC p={walk.policy}" + ("" if at == domain else f", from _dmarc.{at}")
    notes = []
    if walk.policy == "none":
        notes.append("watches only, which is enough for bulk mail")
    if not tags.get("rua"):
        notes.append("no reports asked for (rua)")
    if tags.get("t") == "y":
        notes.append("as a test (t=y)")
    if gone := [tag for tag in _GONE if tag in tags]:
        notes.append(f"{', '.join(gone)} no longer counts")
    return green("dmarc", place + (f" ({'; '.join(notes)})" if notes else ""))


def judge_alignment(author: TreeWalk, envelope: TreeWalk, signer: TreeWalk | None) -> Verdict:
    """Judge whether the domains of SPF and DKIM align with that of From (RFC 9989 5.1).

    `envelope` is the bounce address's domain, `signer` the DKIM key's, None if the mail is not signed here.
    """
    others = [walk for walk in (envelope, signer) if walk is not None and walk.start != author.start]
    failed = next((walk.failed for walk in (author, *others) if others and walk.failed), "")
    if failed:
        return yellow("alignment", f"alignment is not known: DMARC could not be asked for ({failed})", ASK_AGAIN)
    tags = author.policy_record[1] if author.policy_record else {}
    spf = _aligned(author, envelope, strict=tags.get("aspf") == "s")
    if signer is not None:
        if _aligned(author, signer, strict=tags.get("adkim") == "s"):
            both = " and SPF" if spf else f"; SPF speaks for {envelope.start} and does not"
            return green("alignment", f"DKIM{both} align{'s' if not spf else ''} with From at {author.start}")
        what = f"the DKIM domain {signer.start} does not align with From at {author.start}"
        remedy = f"sign for {author.start} or a domain above it: [dkim] domain"
        return yellow("alignment", f"{what}; only SPF does", remedy) if spf else red("alignment", what, remedy)
    if spf:
        what = f"only SPF aligns with From at {author.start}; forwarding, or a relay's own bounce address, undoes that"
    else:
        what = f"nothing here aligns with From at {author.start}: unsigned, and bounces go to {envelope.start}"
    remedy = "add [dkim], or have the relay sign for your domain and look for dkim=pass in a --test mail"
    return yellow("alignment", what, remedy)


def _aligned(author: TreeWalk, other: TreeWalk, *, strict: bool) -> bool:
    if strict:
        return author.start == other.start
    return author.organizational_domain == other.organizational_domain
