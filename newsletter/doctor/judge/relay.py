"""Judge a relay's answers: reachable or not, TLS and its certificate, login, EHLO extensions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from datetime import datetime

from newsletter.doctor.verdict import Verdict, green, red, yellow
from newsletter.frozen import frozen
from newsletter.model.delivery import Relay
from newsletter.text import counted

WANTED = ("pipelining", "8bitmime", "size", "smtputf8")
_EXPIRES_SOON_DAYS = 14
_SMALL_BYTES = 1_000_000


@frozen
class RelayAnswer:
    """A relay's answers to connecting and logging in, or why that failed. `passing`: a retry may succeed.

    `lacks_password`: no login was tried, since there is none.
    """

    relay: Relay
    offers: Mapping[str, str] = field(default_factory=dict)
    tls_version: str = ""
    certificate_until: datetime | None = None
    failure: str = ""
    passing: bool = False
    lacks_password: bool = False


def judge_relay(answer: RelayAnswer, now: datetime) -> tuple[Verdict, ...]:
    relay = answer.relay
    place = f"{relay.host}:{relay.port}"
    if answer.failure:
        what, _, remedy = answer.failure.rpartition("; ")
        what = (what or answer.failure).removeprefix(f"{relay}: ")
        return (red("relay", f"{place}: {what}", remedy, outside=answer.passing),)
    login = f", and took the login as {relay.user}" if relay.user else ", without a login"
    if answer.lacks_password:
        login = "; no login was tried, since no password is set"
    return (
        green("relay", f"{place}: answers{login}"),
        _judged_tls(answer, place, now),
        _judged_offers(answer, place),
    )


def _judged_tls(answer: RelayAnswer, place: str, now: datetime) -> Verdict:
    if answer.relay.tls == "none":
        if answer.relay.is_loopback:
            return green("relay-tls", f"{place}: no TLS, and none needed on this machine")
        return yellow(
            "relay-tls", f"{place}: mail crosses the network unencrypted", 'set tls = "starttls" or "implicit"'
        )
    until = answer.certificate_until
    said = f"{place}: {answer.tls_version or 'TLS'}"
    if until is None:
        return green("relay-tls", f"{said}, certificate verified")
    days = (until - now).days
    if days < _EXPIRES_SOON_DAYS:
        what = f"{said}, certificate verified; it ends in {counted(days, 'day')}"
        return yellow("relay-tls", what, "have it renewed: mail stops on that day")
    return green("relay-tls", f"{said}, certificate verified, good for {days} days")


def _judged_offers(answer: RelayAnswer, place: str) -> Verdict:
    offers = answer.offers
    size = offers.get("size", "").strip()
    shown = {"size": f"SIZE {_megabytes(int(size))}"} if size.isdecimal() and int(size) else {}
    has = [shown.get(name, name.upper()) for name in WANTED if name in offers]
    lacks = [name.upper() for name in WANTED if name not in offers]
    said = f"{place}: offers {', '.join(has) or 'no extension'}" + (f"; not {', '.join(lacks)}" if lacks else "")
    if shown and int(size) < _SMALL_BYTES:
        return yellow("relay-features", said, "a message with pictures may be too large; set [images] mode to remote")
    if "pipelining" not in offers:
        return yellow("relay-features", said, "sending works, but slower: each step waits for an answer")
    return green("relay-features", said)


def _megabytes(count: int) -> str:
    return f"{count / 1_000_000:.3g} MB"
