"""Parse an IMAP URL into an `ImapPlace`; the password comes from the environment alone."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import field
from urllib.parse import quote, unquote

from newsletter.config.env_file import invalid_variable
from newsletter.errors import InvalidValueError
from newsletter.frozen import frozen
from newsletter.text import CONTROL, shown_url

IMAP_VARIABLE = "NEWSLETTER_IMAP_PASSWORD"
IMAP_EXAMPLE = "imaps://bounce@mail.example.com/INBOX"
_HOST = re.compile(r"[a-z0-9_](?:[a-z0-9_.-]*[a-z0-9_])?|\[[0-9a-f:.]+\]")


@frozen
class ImapPlace:
    """The server, folder and login of a mailbox."""

    host: str
    user: str
    folder: str = "INBOX"
    port: int = 993
    password: str = field(default="", repr=False)

    def __str__(self) -> str:
        port = "" if self.port == 993 else f":{self.port}"
        return f"imaps://{quote(self.user, safe='')}@{self.host}{port}/{quote(self.folder, safe='/')}"


def read_imap(url: str, env: Mapping[str, str]) -> ImapPlace:
    """Parse `imaps://user@host[:port][/folder]`; the password comes from the environment alone.

    InvalidValueError whose text follows the name of a key; it never shows a possible password.
    """
    scheme, separator, rest = url.strip().partition("://")
    if scheme.lower() != "imaps" or not separator:
        raise InvalidValueError(
            f"is {shown_url(url)}, not an address that begins with imaps://", f"write {IMAP_EXAMPLE}"
        )
    if CONTROL.search(url):
        raise InvalidValueError(f"is {shown_url(url)}, with a line break or control character")
    authority, _, folder = rest.partition("/")
    login, _, place = authority.rpartition("@")
    if ":" in login:
        remedy = f"write imaps://user@host and put the password into the environment variable {IMAP_VARIABLE}"
        raise InvalidValueError(f"is {shown_url(url)}, with a password in it", remedy)
    found = re.fullmatch(rf"(?P<host>{_HOST.pattern})(?::(?P<port>\d{{1,5}}))?", place.lower())
    user, name = unquote(login), unquote(folder) or "INBOX"
    if not user or not found or not 0 < int(found["port"] or 993) < 65536:
        raise InvalidValueError(f"is {shown_url(url)}, not a user, a host and a folder", f"write {IMAP_EXAMPLE}")
    if CONTROL.search(user + name):
        raise InvalidValueError(f"is {shown_url(url)}, with a control character in its user or folder")
    password = env.get(IMAP_VARIABLE, "")
    if CONTROL.search(password):
        what = "the password has a line break or control character"
        raise invalid_variable(env, IMAP_VARIABLE, what, "set the variable without it")
    return ImapPlace(found["host"], user, name, int(found["port"] or 993), password)
