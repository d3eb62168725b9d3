"""Validate, normalize and fold e-mail addresses."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from itertools import repeat
from operator import contains
from typing import NamedTuple

from newsletter.text import printable

MAX_ADDRESS_CHARS = 254  # RFC 3696, erratum 1690


# A fast path for common addresses: ASCII atoms, a domain of two or more plain labels without Punycode, a top-level
# domain that is not reserved. Every other text goes to email_validator.
_PLAIN_ADDRESS = re.compile(
    r"""
    (?P<local> [A-Za-z0-9_!#$%&'*+\-/=?^`{|}~]+ (?: \.[A-Za-z0-9_!#$%&'*+\-/=?^`{|}~]+ )* )
    @
    (?P<domain>
        (?: (?! ..-- ) [A-Za-z0-9] (?: [A-Za-z0-9-]{0,61} [A-Za-z0-9] )? \. )+
        (?! (?i: arpa | invalid | local | localhost | onion ) \Z ) [A-Za-z]{2,63}
    )
    """,
    re.VERBOSE,
)

# Those of them that are normalized as they stand, for lists of a million: a domain in lower case.
_NORMAL_DOMAIN = re.compile(
    r"(?:(?!..--)[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+(?!(?:arpa|invalid|local|localhost|onion)\Z)[a-z]{2,63}"
)
_IN_ATOMS = dict.fromkeys(
    map(ord, "!#$%&'*+-./0123456789=?ABCDEFGHIJKLMNOPQRSTUVWXYZ^_`abcdefghijklmnopqrstuvwxyz{|}~")
)


def normalize_plain(texts: Sequence[str]) -> Sequence[str | None]:
    """The plain addresses normalized, as by `normalize_address`, and None in the place of each other."""
    return texts if _are_normal(texts) else list(map(_normalize_plain, texts))


def _are_normal(texts: Sequence[str]) -> bool:
    """Whether all of them are plain and normalized: each check is made of all at once, and once of each domain."""
    if not texts or max(map(len, texts)) > MAX_LOCAL_OCTETS:  # in so few characters no local part is too long
        return False
    parts = split_plain(texts)
    if parts is None:
        return False
    together = "\n".join(parts.locals)
    if together.translate(_IN_ATOMS).strip("\n") or not all(parts.locals):
        return False
    together = f"\n{together}\n"
    if ".." in together or "\n." in together or ".\n" in together:
        return False
    return all(map(_NORMAL_DOMAIN.fullmatch, set(parts.domains)))


class PlainParts(NamedTuple):
    """The parts of addresses before the @ and behind it."""

    locals: list[str]
    domains: list[str]


def split_plain(addresses: Sequence[str]) -> PlainParts | None:
    """The parts of addresses in ASCII with one @ each; None if one of them is none."""
    together = "\n".join(addresses)
    if not together.isascii() or not all(map(contains, addresses, repeat("@"))):
        return None
    parts = together.replace("@", "\n").split("\n")
    if len(parts) != 2 * len(addresses):  # another @, or a line break
        return None
    return PlainParts(parts[::2], parts[1::2])


def normalize_address(text: str) -> str:
    """Validate an address and return it normalized: local part as written (NFC), domain in lower case and as IDNA
    A-labels.

    Raises ValueError, whose text is a phrase for the user. Reserved domains such as `.test` are valid; no DNS lookup is
    made.
    """
    return _normalize_plain(text) or _normalize_any_address(text)  # many times cheaper


def _normalize_plain(text: str) -> str | None:
    plain = _PLAIN_ADDRESS.fullmatch(text) if len(text) <= MAX_ADDRESS_CHARS else None
    return f"{plain['local']}@{plain['domain'].lower()}" if plain and len(plain["local"]) <= MAX_LOCAL_OCTETS else None


def _normalize_any_address(text: str) -> str:
    if len(text) > MAX_ADDRESS_CHARS:  # before email_validator, whose checks take time quadratic in the length
        raise ValueError(f"it has {len(text)} characters, and an address at most {MAX_ADDRESS_CHARS}")
    # takes 25 ms to import, and the fast path does not need it
    from email_validator import EmailNotValidError, validate_email

    try:
        parsed = validate_email(text, check_deliverability=False, test_environment=True)
    except EmailNotValidError as error:
        raise ValueError(printable(str(error).rstrip("."))) from error
    local = parsed.local_part
    if parsed.ascii_local_part is not None:  # email_validator lowers `Info`, `Sales`, ...: RFC 2142 names
        local = text.rpartition("@")[0]
    octets = len(local.encode())
    if octets > MAX_LOCAL_OCTETS:
        raise ValueError(f"the part before the @ has {octets} octets, and may have {MAX_LOCAL_OCTETS}")
    return f"{local}@{parsed.ascii_domain}"


def fold_address(address: str) -> str:
    """The key that identifies a subscriber: two spellings of one address have the same.

    RFC 5321 2.4 allows hosts to distinguish Ada@ from ada@; none does. `lower` and not `casefold`, which would equate ß
    and ss.
    """
    return address.lower()


def fold_addresses(addresses: Iterable[str]) -> Iterable[str]:
    """The key of each address, without a call into Python for each of a million."""
    return map(str.lower, addresses)


MAX_LOCAL_OCTETS = 64  # RFC 5321, 4.5.3.1.1
