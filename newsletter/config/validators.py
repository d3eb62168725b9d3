"""Validators of single values: each returns the value as the program keeps it, or raises InvalidValueError."""

from __future__ import annotations

import ipaddress
import re
from datetime import tzinfo
from typing import TYPE_CHECKING

from newsletter.config.imap_url import read_imap
from newsletter.errors import InvalidValueError
from newsletter.model.column_rules import Rule, read_rule
from newsletter.model.labels import check_label
from newsletter.model.mail_clients import FAMILIES
from newsletter.model.schedule import parse_rate
from newsletter.text import CONTROL, kind, printable, shown
from newsletter.tokens import TOKEN_CHARS

if TYPE_CHECKING:
    from newsletter.model.schedule import Rate

TOKEN = "{token}"  # noqa: S105 - the placeholder of a subscriber's token, not a token
EMAIL = "{email}"

_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`|~.-]"  # RFC 5321, 4.1.2, without braces
_NAME = "[A-Za-z0-9._+-]"
_LABEL = r"(?!-)[a-z0-9_-]{1,63}(?<!-)"
_DOMAIN = re.compile(rf"{_LABEL}(?:\.{_LABEL})*")

EHLO_NAME = re.compile(r"(?!-)[a-z0-9-]{1,63}(?<!-)(?:\.(?!-)[a-z0-9-]{1,63}(?<!-))*")
"""RFC 5321, 4.1.2: no underscores, which relays refuse in EHLO though some host names have them."""

# Fast path: email_validator returns every match unchanged; a test verifies that.
_PLAIN_LABEL = r"[a-z0-9]{1,20}(?:-[a-z0-9]{1,20})?"
_PLAIN_ADDRESS = re.compile(
    rf"[a-z0-9]{{1,20}}(?:[.+_-][a-z0-9]{{1,20}}){{0,2}}@(?:{_PLAIN_LABEL}\.){{1,3}}(?:com|net|org|de|cn|io|dev|email)"
)

# --- text -----------------------------------------------------------------------------------------------------------


def one_line(value: str) -> str:
    # Security: header injection is prevented here, since no value with a line break passes.
    if CONTROL.search(value):
        raise InvalidValueError(f"is {shown(value)}, with a line break or control character", "write it on one line")
    return value.strip()


def lines(value: str) -> str:
    if CONTROL.search(value.replace("\n", "")):
        raise InvalidValueError(f"is {shown(value)}, with a control character", "remove it")
    return value.strip()


def label(name: str, words: object) -> tuple[str, str]:
    """A theme's label."""
    if not isinstance(words, str):
        raise InvalidValueError(f"is {kind(words)}, not a string")
    words = one_line(words)
    check_label(name, words)
    return name, words


def language(value: str) -> str:
    value = one_line(value)
    if value and not re.fullmatch(r"[A-Za-z]{2,8}(?:-[A-Za-z0-9]{1,8})*", value):
        raise InvalidValueError(f"is {shown(value)}, not a language tag (BCP 47)")
    return value


def word(value: str) -> str:
    """One command-line argument."""
    if CONTROL.search(value):
        raise InvalidValueError(f"is {shown(value)}, with a line break or control character", "write it on one line")
    return value


# --- mail addresses and names ---------------------------------------------------------------------------------------


def address(value: str) -> str:
    return read_address(one_line(value)) if value.strip() else ""


def mailbox(value: str) -> str:
    """`Name <address>` or an address; the address is normalized."""
    value = one_line(value)
    named = re.fullmatch(r'(?:"(?P<quoted>(?:[^"\\]|\\.)*)"|(?P<plain>[^"<>]*?))\s*<(?P<address>[^<>]*)>', value)
    if not named:
        return address(value)
    name = named["plain"] if named["quoted"] is None else re.sub(r"\\(.)", r"\1", named["quoted"])
    mail = read_address(named["address"].strip())
    return f"{name.strip()} <{mail}>" if name.strip() else mail


def read_address(text: str) -> str:
    """The address with its domain as IDNA A-labels; `localhost` is a valid domain."""
    if len(text) <= 120 and _PLAIN_ADDRESS.fullmatch(text):
        return text
    local, _, domain = text.rpartition("@")
    home = domain.lower() == "localhost" or domain.lower().endswith(".localhost")
    # email_validator always refuses localhost; validate with `test`, which is reserved as well.
    checked = f"{local}@{domain[: -len('localhost')]}test" if home else text
    # takes 20 ms to import, and the fast path does not need it
    from email_validator import EmailNotValidError, validate_email

    try:
        parsed = validate_email(checked, check_deliverability=False, test_environment=True)
    except EmailNotValidError as error:
        reason = str(error).rstrip(".")
        raise InvalidValueError(f"is {shown(text)}, not an address: {printable(reason)}") from error
    return f"{local if local.isascii() else parsed.local_part}@{domain.lower() if home else parsed.ascii_domain}"


def bounce_address(value: str) -> str:
    """A mailbox with {token} once in its local part, which is ASCII: SMTPUTF8 may be unavailable for the envelope."""
    value = one_line(value)
    if not value:
        return value
    local, _, domain = value.rpartition("@")
    if not re.fullmatch(rf"{_ATOM}*\{{token\}}{_ATOM}*", local) or "{" in domain:
        raise InvalidValueError(f"is {shown(value)}, not a mailbox with {TOKEN} once before its @")

    own = len(local) - len(TOKEN)
    if own + TOKEN_CHARS > 64:  # RFC 5321, 4.5.3.1.1
        most = 64 - TOKEN_CHARS
        raise InvalidValueError(
            f"is {shown(value)}, with {own} characters before its @ beside {TOKEN}, and not at most {most}"
        )
    checked = read_address(f"{local.replace(TOKEN, 'token')}@{domain}")
    return f"{local}@{checked.rpartition('@')[2]}"


def bounce_mailbox(value: str) -> str:
    """An IMAP URL without a password, or a path."""
    value = one_line(value)
    if "://" in value:
        read_imap(value, {})
    return value


def list_id(value: str) -> str:
    value = one_line(value)
    if value and not re.fullmatch(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)+", value):
        raise InvalidValueError(f"is {shown(value)}, not two or more ASCII words joined by dots (RFC 2919)")
    return value


def feedback_id(value: str) -> str:
    """Google's format: up to three names of the sender's choice, then the sender's own of 5 to 15 characters.

    {issue} may occur in the first three; the last one is the same in all mail.
    """
    value = one_line(value)
    if value and not re.fullmatch(rf"(?:(?:{_NAME}|\{{issue\}}){{1,40}}:){{0,3}}{_NAME}{{5,15}}", value):
        raise InvalidValueError(
            f"is {shown(value)}, not one to four ASCII names joined by colons, the last of 5 to 15 characters"
        )
    return value


def domain(value: str) -> str:
    """A domain as IDNA A-labels, in lower case; empty if not set."""
    value = one_line(value)
    try:
        ascii_form = value.encode("idna").decode("ascii").lower()
    except UnicodeError as error:  # a label is too long for IDNA, or empty
        raise InvalidValueError(f"is {shown(value)}, not a domain name") from error
    if ascii_form and not _DOMAIN.fullmatch(ascii_form):
        raise InvalidValueError(f"is {shown(value)}, not a domain name")
    return ascii_form


def ehlo_name(value: str) -> str:
    """A domain name, or an address literal (RFC 5321, 4.1.3): [192.0.2.1], [IPv6:2001:db8::1]."""
    value = one_line(value)
    remedy = 'write ehlo = "news.example.com", or ehlo = "[192.0.2.1]"'
    if value.startswith("[") or value.endswith("]"):
        inner = value[1:-1] if value.startswith("[") and value.endswith("]") else ""
        tag, colon, number = inner.partition(":")
        try:
            if tag.lower() == "ipv6" and colon:
                return f"[IPv6:{ipaddress.IPv6Address(number)}]"
            return f"[{ipaddress.IPv4Address(inner)}]"
        except ValueError as error:
            raise InvalidValueError(f"is {shown(value)}, not an address literal (RFC 5321 4.1.3)", remedy) from error
    name = domain(value.removesuffix("."))
    if re.fullmatch(r"[0-9.]+", name):
        raise InvalidValueError(f"is {shown(value)}, an address without its brackets", f'write ehlo = "[{name}]"')
    if len(name) > 255:
        raise InvalidValueError(f"is {shown(value)}, not a domain name of at most 255 characters", remedy)
    if name and not EHLO_NAME.fullmatch(name):
        raise InvalidValueError(f"is {shown(value)}, not a host's name of letters, digits and hyphens", remedy)
    return name


def selector(value: str) -> str:
    """A DKIM selector: RFC 6376, 3.1."""
    value = one_line(value).lower()
    if value and not _DOMAIN.fullmatch(value):
        raise InvalidValueError(f"is {shown(value)}, not ASCII letters, digits and hyphens")
    return value


# --- the web server -------------------------------------------------------------------------------------------------


def network(value: str) -> str:
    """An IP address, or an IP network."""
    value = one_line(value)
    try:
        return str(ipaddress.ip_network(value)).removesuffix("/32").removesuffix("/128")
    except ValueError as error:
        raise InvalidValueError(f"is {shown(value)}, not an IP address or network", 'write "10.0.0.0/8"') from error


def offered_list(name: str, words: object) -> tuple[str, str]:
    """A list's name, and its title for readers."""
    if not re.fullmatch(r"[\w-]{1,40}", name):
        raise InvalidValueError("is not up to 40 letters, digits, - and _", 'write daily = "Every morning"')
    if not isinstance(words, str):
        raise InvalidValueError(f"is {kind(words)}, not a string")
    return name, one_line(words) or name


def column(value: str) -> str:
    value = one_line(value).lower()
    if not re.fullmatch(r"[^\W\d]\w{0,39}", value) or value in {"email", "lang"}:
        raise InvalidValueError(f"is {shown(value)}, not a column's name of letters, digits and _", 'write "name"')
    return value


def topic(value: str) -> str:
    value = one_line(value)
    if not re.fullmatch(r"arn:aws[a-z-]*:sns:[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9_.-]{1,256}", value):
        raise InvalidValueError(f"is {shown(value)}, not the ARN of an SNS topic")
    return value


# --- files and the ledger -------------------------------------------------------------------------------------------


def folder_name(value: str) -> str:
    value = one_line(value)
    if value in {"", ".", ".."} or re.search(r"[/\\]", value):
        raise InvalidValueError(f"is {shown(value)}, not the name of a folder in templates/")
    return value


def file_path(value: str) -> str:
    value = one_line(value)
    if not value:
        raise InvalidValueError("is empty")
    return value


# libpq connection strings (https://www.postgresql.org/docs/current/libpq-connect.html): `host=db password=…`.
_LIBPQ = re.compile(
    r"(?:^|\s)(?:host|hostaddr|port|dbname|user|password|passfile|service|ssl\w+|options|connect_timeout)\s*=",
    re.IGNORECASE,
)
_OTHER_URL = re.compile(r"(?:postgres\w*|psql|mysql\w*|mariadb|sqlite\d?|jdbc|file|https?)(?:\+\w+)?:", re.IGNORECASE)
_LOGIN = re.compile(r"[^/\\:]*:[^/\\@]*@")


def ledger_path(value: str) -> str:
    """The path of a ledger's file, and no connection string: as a file name it would reveal its password."""
    value = file_path(value)
    if _LIBPQ.search(value) or _OTHER_URL.match(value) or _LOGIN.match(value):
        # Security: the value must not be shown.
        raise InvalidValueError(
            "is a database's address, not the path of a file",
            "write postgresql://user@host/name as its URL, and put the password into ~/.pgpass or PGPASSWORD",
        )
    return value


# --- readers --------------------------------------------------------------------------------------------------------


def client_family(name: str) -> str:
    """One of caniemail's families of mail clients."""

    if name in FAMILIES:
        return name
    from difflib import get_close_matches  # 10 ms, needed only for a fault

    named = {said.lower(): family for family, said in FAMILIES.items()} | {family: family for family in FAMILIES}
    nearest = get_close_matches(name.lower(), named, n=1)
    remedy = f"did you mean {named[nearest[0]]}?" if nearest else f"it may be {', '.join(FAMILIES)}"
    raise InvalidValueError("is no mail client that caniemail knows", remedy)


# --- pace -----------------------------------------------------------------------------------------------------------


def rates(value: str) -> tuple[Rate, ...]:

    value = one_line(value)
    return parse_rate(value) if value else ()


def domain_rates(name: str, value: object) -> tuple[str, tuple[Rate, ...]]:
    """A recipient domain and its rate."""
    if not isinstance(value, str):
        raise InvalidValueError(f"is {kind(value)}, not a string")
    host = domain(name)
    if "." not in host and host != "localhost":
        raise InvalidValueError("is not a domain name", 'write "example.com" = "5/s"')
    limits = rates(value)
    if not limits:
        raise InvalidValueError("is empty")
    return host, limits


def time_zone(value: str) -> tzinfo | None:
    """The zone of an IANA name; None if not set, for this machine's."""
    value = one_line(value)
    if not value:
        return None
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

    try:
        return ZoneInfo(value)
    # ValueError: a path outside the zone database. OSError: the name of a folder in it.
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise InvalidValueError(
            f"is {shown(value)}, not a time zone that this machine knows",
            'write time_zone = "Asia/Shanghai"; where that is not known either, install the Python package tzdata',
        ) from error


def relay_name(value: str) -> str:
    value = one_line(value)
    if not re.fullmatch(r"[A-Za-z0-9_-]{1,40}", value):
        raise InvalidValueError(f"is {shown(value)}, not up to 40 letters, digits, - and _")
    return value


# --- lists ----------------------------------------------------------------------------------------------------------


def column_rule(name: str, word: object) -> tuple[str, Rule]:
    """The meaning of a list's column, or of one value: `state` with "ignore", `state:dormant` with "skip"."""
    if not isinstance(word, str):
        raise InvalidValueError(
            f"is {kind(word)}, not a string", 'write "ignore", or for column:value "mail" or "skip"'
        )
    try:
        rule = read_rule(f"{name}={word}")
    except ValueError as error:
        what = f"is {shown(word)}"
        raise InvalidValueError(what, 'write "ignore" for a column, "mail" or "skip" for column:value') from error
    return name.strip().lower(), rule
