"""Parse an SMTP URL into a `Relay`; the password comes from the environment alone."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from typing import Literal
from urllib.parse import unquote

from newsletter.config.env_file import invalid_variable
from newsletter.errors import ConfigError, InvalidValueError
from newsletter.model.delivery import Relay, is_loopback
from newsletter.text import CONTROL, shown_url

PASSWORD_VARIABLE = "NEWSLETTER_SMTP_PASSWORD"  # noqa: S105 - the variable's name
RELAY_EXAMPLE = "smtp://user@mail.example.com:587"

RELAY_NAME = "relay"
"""The default name of a relay."""

TlsSetting = Literal["auto", "starttls", "implicit", "none"]
AuthSetting = Literal["auto", "plain", "login", "xoauth2"]

_HOST = re.compile(r"[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?(?:\.[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?)*\.?")


def parse_relay(url: str, env: Mapping[str, str], *, tls: TlsSetting = "auto") -> Relay:
    """Parse a relay's URL, its password from `env`. ConfigError whose text fits a flag; it never shows a secret."""
    try:
        return read_relay(url.strip(), env, tls)
    except InvalidValueError as fault:
        raise ConfigError(f"the relay {fault.what}", fault.remedy or f"write {RELAY_EXAMPLE}") from fault


def password_variables(name: str) -> tuple[str, ...]:
    """The environment variables for a relay's password, by precedence."""
    general = (PASSWORD_VARIABLE,)
    return (f"{PASSWORD_VARIABLE}_{_folded(name)}", *general) if name and name != RELAY_NAME else general


def same_name(one: str, other: str) -> bool:
    """Whether two names share one environment variable: then one server could get the other's password."""
    return _folded(one) == _folded(other)


def _folded(name: str) -> str:
    return name.upper().replace("-", "_")


def read_relay(url: str, env: Mapping[str, str], tls: TlsSetting, name: str = RELAY_NAME) -> Relay:
    """As `parse_relay`, but raises InvalidValueError, whose text follows the name of a key."""
    scheme, separator, rest = url.partition("://")
    scheme = scheme.lower()
    if scheme not in {"smtp", "smtps"} or not separator:
        raise InvalidValueError(f"is {shown_url(url)}, not an SMTP address")
    if CONTROL.search(url) or " " in url:
        raise InvalidValueError(f"is {shown_url(url)}, with a space, line break or control character")
    login, _, place = rest.rpartition("@")
    if ":" in login:
        # The message shows nothing after the scheme: the rest may be the password, which may contain @ and /.
        raise InvalidValueError(
            f"is {shown_url(url)}, with a password in it",
            f"write {scheme}://user@host and put the password into the environment variable {PASSWORD_VARIABLE}",
        )
    user = _read_user(login, url)
    host, port = _read_place(place.removesuffix("/"), url)
    local = is_loopback(host)
    if scheme == "smtps" and tls not in {"auto", "implicit"}:
        raise InvalidValueError(
            f'is smtps://, where TLS starts at once, but tls is "{tls}"', "write smtp://, or leave tls out"
        )
    if tls != "auto":
        start = tls
    elif scheme == "smtps" or (port == 465 and not local):  # RFC 8314 7.3: on 465 TLS starts at once
        start = "implicit"
    else:
        start = "none" if local else "starttls"
    if start == "none" and user and not local:
        # Credentials never cross a network unencrypted.
        raise InvalidValueError(
            'would send the password without TLS: tls is "none"', 'set tls = "starttls", or leave it out'
        )
    return Relay(
        host=host,
        port=port or {"implicit": 465, "starttls": 587, "none": 25}[start],
        tls=start,
        user=user,
        password=_read_password(env, name) if user else "",
        name=name,
        may_start_tls=bool(user) and start == "none" and tls == "auto",
    )


def _read_user(login: str, url: str) -> str:
    try:
        user = unquote(login, errors="strict")
    except UnicodeDecodeError as error:
        raise InvalidValueError(f"is {shown_url(url)}, its user not percent-encoded UTF-8") from error
    if CONTROL.search(user):
        raise InvalidValueError(f"is {shown_url(url)}, its user with a control character")
    return user


def _read_place(place: str, url: str) -> tuple[str, int]:
    """Host and port, 0 if none is given."""
    parts = re.fullmatch(r"(?:\[(?P<v6>[^\[\]]*)\]|(?P<host>[^\[\]:/?#]*))(?::(?P<port>[^:/?#]*))?", place)
    if not parts:
        brackets = place.count(":") > 1 and "[" not in place
        remedy = "put an IPv6 address in brackets, as in smtp://[::1]:25" if brackets else ""
        raise InvalidValueError(f"is {shown_url(url)}, with more than a host and a port in it", remedy)
    port = parts["port"]
    if port is not None and not (re.fullmatch(r"[0-9]{1,5}", port) and 0 < int(port) < 65536):
        raise InvalidValueError(f"is {shown_url(url)}, its port not a number from 1 to 65535")
    return _read_host(parts, url), int(port or 0)


def _read_host(parts: re.Match[str], url: str) -> str:
    try:
        if parts["v6"] is not None:
            return str(ipaddress.IPv6Address(parts["v6"]))
        host = parts["host"].encode("idna").decode("ascii").lower()
        if re.fullmatch(r"[0-9.]+", host):
            return str(ipaddress.IPv4Address(host))
    except ValueError as error:  # UnicodeError, such as a label too long for IDNA, included
        raise InvalidValueError(f"is {shown_url(url)}, its host not a valid address") from error
    if not _HOST.fullmatch(host):
        raise InvalidValueError(f"is {shown_url(url)}, {'its host not a valid name' if host else 'without a host'}")
    return host


def _read_password(env: Mapping[str, str], name: str) -> str:
    for variable in password_variables(name):
        password = env.get(variable, "")
        if CONTROL.search(password):
            what = "the password has a line break or control character"
            raise invalid_variable(env, variable, what, "set the variable without it")
        if password:
            return password
    return ""
