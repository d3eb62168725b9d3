"""Validate, normalize and fold e-mail addresses."""

from __future__ import annotations

import re
from collections.abc import Sequence

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
_NORMAL_ADDRESS = re.compile(
    r"[A-Za-z0-9_!#$%&'*+\-/=?^`{|}~]+(?:\.[A-Za-z0-9_!#$%&'*+\-/=?^`{|}~]+)*@"
    r"(?:(?!..--)[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+(?!(?:arpa|invalid|local|localhost|onion)\Z)[a-z]{2,63}"
)


def normalize_addresses(texts: Sequence[str]) -> list[str]:
    """Validate and normalize each address, as `normalize_address` does. ValueError if one of them is invalid."""
    is_normal = _NORMAL_ADDRESS.fullmatch  # in so few characters no local part is too long
    return [
        text
        if len(text) <= MAX_LOCAL_OCTETS and is_normal(text)
        else normalize_address(text)  # no local part is longer
        for text in texts
    ]


def normalize_address(text: str) -> str:
    """Validate an address and return it normalized: local part as written (NFC), domain in lower case and as IDNA
    A-labels.

    Raises ValueError, whose text is a phrase for the user. Reserved domains such as `.test` are valid; no DNS lookup is
    made.
    """
    plain = _PLAIN_ADDRESS.fullmatch(text) if len(text) <= MAX_ADDRESS_CHARS else None
    if plain and len(plain["local"]) <= MAX_LOCAL_OCTETS:
        return f"{plain['local']}@{plain['domain'].lower()}"  # the fast path, many times cheaper
    return _normalize_any_address(text)


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


MAX_LOCAL_OCTETS = 64  # RFC 5321, 4.5.3.1.1
