"""Validators of web addresses: unsubscribe and help links, origins, base paths."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from newsletter.config.validators import EMAIL, TOKEN, one_line, read_address
from newsletter.errors import InvalidValueError
from newsletter.model.delivery import is_loopback
from newsletter.text import CONTROL, shown, shown_url


def web_address(value: str) -> str:
    value = one_piece(value)
    if not value:
        return value
    if not _is_web(value) or "@" in value or re.search(r"[\s?#\"'<>\\]", value):
        raise InvalidValueError(f"is {shown_url(value)}, not a plain web address")
    return value.rstrip("/")


def page_address(value: str) -> str:
    """A web address whose path may contain an @, as profiles do."""
    value = one_piece(value)
    if not value:
        return value
    authority = value.partition("//")[2].partition("/")[0]
    if not _is_web(value) or "@" in authority or re.search(r"[\s\"'<>\\]", value):
        raise InvalidValueError(f"is {shown_url(value)}, not a plain web address")
    return value


def secure_address(value: str) -> str:
    value = web_address(value)
    if value.startswith("http:"):
        raise InvalidValueError(f"is {shown_url(value)}, where many mail clients show no picture")
    return value


def alert_address(value: str) -> str:
    """A web address for alerts, with its query. A fault shows only its scheme."""
    value = one_piece(value)
    if not value:
        return value
    if not _is_web(value) or "@" in value or re.search(r"[\s#\"'<>\\]", value):
        raise InvalidValueError(f"is {shown_url(value)}, not a plain web address")
    return value


def unsubscribe_url(value: str) -> str:
    """An https address with {token} or {email} after its host. It is put into a header as it is: ASCII, without blanks.

    500 characters leave room for a long address in a header line of at most 998 (RFC 5322, 2.1.1).
    """
    value = one_piece(value)
    if not value:
        return value
    bare = value.replace(TOKEN, "").replace(EMAIL, "")
    if not _is_web(bare) or re.search(r"[^!-~]|[\"#<>\\^`{|}]", bare) or len(value) > 500:
        raise InvalidValueError(f"is {shown_url(value)}, not a web address of at most 500 ASCII characters")
    if bare == value:
        raise InvalidValueError(f"is {shown_url(value)}, without {TOKEN} or {EMAIL}: it would not tell who leaves")
    parts = urlsplit(value)
    if "{" in parts.netloc or "@" in parts.netloc:
        raise InvalidValueError(f"is {shown_url(value)}, with more than a host and a port before its path")
    # RFC 8058 requires https. A loopback address is exempt, for trying it out.
    if parts.scheme == "http" and not is_loopback(parts.hostname or ""):
        raise InvalidValueError(f"is {shown_url(value)}, not https, which one-click unsubscribe asks for (RFC 8058)")
    return value


def list_help(value: str) -> str:
    value = one_piece(value)
    if not value:
        return value
    scheme, _, rest = value.partition(":")
    if re.search(r"[^!-~]|[\"<>\\^`{|}]", value) or not (scheme == "mailto" or _is_web(value)) or scheme == "http":
        raise InvalidValueError(f"is {shown_url(value)}, not an https or mailto address in ASCII")
    if scheme == "mailto":
        read_address(rest.partition("?")[0])
    elif "@" in urlsplit(value).netloc:
        raise InvalidValueError(f"is {shown_url(value)}, with more than a host and a port before its path")
    return value


def one_piece(url: str) -> str:
    """As `one_line`; a fault shows the scheme alone, since the rest may contain a password."""
    if CONTROL.search(url):
        raise InvalidValueError(f"is {shown_url(url)}, with a line break or control character", "write it on one line")
    return url.strip()


def _is_web(value: str) -> bool:
    try:
        parts = urlsplit(value)
        return parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def base_path(value: str) -> str:
    value = one_line(value)
    if re.search(r"[\s?#:\"'<>\\]", value):
        raise InvalidValueError(f"is {shown(value)}, not a path")
    return f"/{value.strip('/')}" if value.strip("/") else ""


def serve_url(value: str) -> str:
    """A public address with its own host; its links go into a header, so it is ASCII and short."""
    value = web_address(value)
    if urlsplit(value).path:
        raise InvalidValueError(f"is {shown_url(value)}, with more than a host and a port")
    if value.startswith("http:") and not is_loopback(urlsplit(value).hostname or ""):
        raise InvalidValueError(f"is {shown_url(value)}, not https, which one-click unsubscribe asks for (RFC 8058)")
    if not value.isascii() or len(value) > 300:
        raise InvalidValueError(f"is {shown_url(value)}, not a web address of at most 300 ASCII characters")
    return value


def archive_url(value: str) -> str:
    """Issues' addresses below it stand in a header, so it is ASCII and short."""
    value = web_address(value)
    if not value.isascii() or len(value) > 300:
        raise InvalidValueError(f"is {shown_url(value)}, not a web address of at most 300 ASCII characters")
    return value


def origin(value: str) -> str:
    """A scheme, a host and an optional port: a source of Content-Security-Policy."""
    value = web_address(value)
    # Security: it goes into a list in a header, where a blank, comma or semicolon would end it.
    if not value or not re.fullmatch(r"https?://[a-z0-9.:\[\]-]+", value):
        raise InvalidValueError(f"is {shown_url(value)}, not the address of a site", 'write "https://blog.example.com"')
    return value
