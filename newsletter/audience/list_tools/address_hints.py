"""Hints about a valid address: a typo of a large provider, a disposable domain, a role account.

None of these is an error: gmial.com may be what the subscriber meant. A human decides.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import NamedTuple

from disposable_email_domains import blocklist

from newsletter.addresses import split_plain
from newsletter.model.findings import Finding
from newsletter.text import is_one_slip


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# Role accounts, whose readers change or do not exist: RFC 2142, and what providers refuse on sign-up.
_ROLES = _words(
    """
    abuse admin administrator billing contact daemon dns do-not-reply donotreply help helpdesk hostmaster hr info it
    jobs list listserv mailer mailer-daemon marketing news no-reply no_reply nobody noc noreply office orders
    postmaster press privacy root sales security service spam subscribe support sysadmin test unsubscribe usenet
    webmaster www
    """
)

# Large mailbox providers, the targets of typos. A domain in this table is never taken for a typo of another one.
_PROVIDERS = (
    *("gmail.com", "googlemail.com", "outlook.com", "hotmail.com", "live.com", "msn.com", "yahoo.com", "ymail.com"),
    *("icloud.com", "me.com", "mac.com", "aol.com", "proton.me", "protonmail.com", "fastmail.com", "zoho.com"),
    *("qq.com", "163.com", "126.com", "139.com", "189.cn", "sina.com", "sina.cn", "sohu.com", "foxmail.com"),
    *("aliyun.com", "yeah.net", "naver.com", "daum.net", "hanmail.net", "docomo.ne.jp", "ezweb.ne.jp"),
    *("yahoo.co.jp", "yahoo.co.uk", "hotmail.co.uk", "yahoo.fr", "hotmail.fr", "orange.fr", "free.fr", "wanadoo.fr"),
    *("laposte.net", "gmx.de", "gmx.net", "gmx.com", "gmx.at", "web.de", "t-online.de", "freenet.de", "libero.it"),
    *("mail.com", "email.com", "mail.ru", "yandex.ru", "yandex.com", "rambler.ru", "bk.ru", "inbox.ru", "list.ru"),
    *("comcast.net", "verizon.net", "att.net", "sbcglobal.net", "bellsouth.net", "cox.net", "btinternet.com"),
    *("rediffmail.com", "uol.com.br", "bol.com.br", "terra.com.br", "telus.net", "shaw.ca", "rogers.com"),
)
_KNOWN = frozenset(_PROVIDERS)
# Short names are similar to many others: only a known typo of them is reported.
_SHORTEST_NAME = 5
_KNOWN_SLIPS = {"qq.con": "qq.com", "qq.cm": "qq.com", "qq.om": "qq.com", "163.con": "163.com", "126.con": "126.com"}
# Invalid top-level domains that are typos of valid ones.
_TOP_SLIPS = {
    **dict.fromkeys(("con", "cmo", "ocm", "comm", "coom", "vom", "xom", "clm", "cpm", "copm", "comn"), "com"),
    **dict.fromkeys(("nte", "ent", "nett"), "net"),
    **dict.fromkeys(("ogr", "orgg", "rog"), "org"),
    **dict.fromkeys(("ed", "eduu"), "edu"),
}


class _Domain(NamedTuple):
    """Hints about a domain: the domain that was meant, and whether it is disposable."""

    meant: str
    is_disposable: bool


def remarks_on(address: str, line: int | None) -> tuple[Finding, ...]:
    """The hints about a normalized address; nearly always none."""
    local, _, domain = address.rpartition("@")
    meant, is_disposable = _look_at(domain.lower())
    is_role = local.partition("+")[0].lower() in _ROLES
    if not (meant or is_disposable or is_role):
        return ()
    found = []
    if meant:
        found.append(Finding("typo", f"{_shown(address)} may be a slip", f"is it {local}@{meant}?", line))
    if is_disposable:
        what = f"{_shown(address)} is a throwaway address"
        found.append(Finding("disposable", what, "it soon leads nowhere; bounces harm what you send", line))
    if is_role:
        what = f"{_shown(address)} is a role's mailbox, not a person's"
        found.append(Finding("role", what, "see that whoever reads it asked for your mail", line))
    return tuple(found)


def to_look_at(addresses: Sequence[str]) -> Iterable[int]:
    """The places of the addresses that may have hints: many are looked over in the time of a few."""
    parts = split_plain(addresses)
    if parts is None:
        return range(len(addresses))
    odd = {domain for domain in set(parts.domains) if any(_look_at(domain.lower()))}
    names = "\n".join(parts.locals).lower().split("\n")
    if "+" in "".join(names):
        names = [name.partition("+")[0] for name in names]
    if not odd and _ROLES.isdisjoint(names):
        return ()
    return [
        n for n, (name, domain) in enumerate(zip(names, parts.domains, strict=True)) if name in _ROLES or domain in odd
    ]


@lru_cache(maxsize=20_000)
def _look_at(domain: str) -> _Domain:
    meant = meant_domain(domain)
    parent = domain.partition(".")[2]
    # Typo domains are often registered by squatters; report the typo first.
    return _Domain(meant, not meant and (domain in blocklist or ("." in parent and parent in blocklist)))


def meant_domain(domain: str) -> str:
    """The domain that was probably meant by a typo; empty if it is none."""
    if domain in _KNOWN:
        return ""
    if domain in _KNOWN_SLIPS:
        return _KNOWN_SLIPS[domain]
    name, _, top = domain.rpartition(".")
    if top in _TOP_SLIPS:
        mended = f"{name}.{_TOP_SLIPS[top]}"
        return meant_domain(mended) or mended
    for known in _PROVIDERS:
        if len(known.partition(".")[0]) >= _SHORTEST_NAME and is_one_slip(domain, known):
            return known
    return ""


def _shown(address: str) -> str:
    return repr(address if len(address) <= 60 else address[:57] + "…")
