"""E-mail addresses: validate and normalize one, and the key under which two spellings are the same subscriber."""

from __future__ import annotations

import re

from newsletter.text import printable

MAX_ADDRESS_CHARS = 254  # RFC 3696, erratum 1690


# A subset of what email_validator takes: ASCII atoms, a domain of two or more plain labels, none of them Punycode, and
# a top-level domain that is not reserved. What does not match is not wrong; it goes to email_validator.
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


def normalize_address(text: str) -> str:
    """The address as it goes out: local part as written (NFC), domain in lower case and IDNA's ASCII form.

    ValueError, its text a phrase for people, when it is no address. Reserved domains such as `.test` are fine;
    nothing is looked up.
    """
    plain = _PLAIN_ADDRESS.fullmatch(text) if len(text) <= MAX_ADDRESS_CHARS else None
    if plain and len(plain["local"]) <= MAX_LOCAL_OCTETS:
        return f"{plain['local']}@{plain['domain'].lower()}"  # the common case, many times cheaper
    return _normalize_any_address(text)


def _normalize_any_address(text: str) -> str:
    if len(text) > MAX_ADDRESS_CHARS:  # before email_validator, whose checks take time quadratic in the length
        raise ValueError(f"it has {len(text)} characters, and an address at most {MAX_ADDRESS_CHARS}")
    from email_validator import EmailNotValidError, validate_email  # 25 ms that an everyday address does not need

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
    """The key under which two spellings of a normalized address are one person.

    RFC 5321 2.4 lets a host tell Ada@ from ada@; none does. `lower`, not `casefold`: that one would merge ß with ss.
    """
    return address.lower()


MAX_LOCAL_OCTETS = 64  # RFC 5321, 4.5.3.1.1
