"""Redact secrets in server replies: some servers repeat the password."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Iterable
from functools import lru_cache
from urllib.parse import quote

HIDDEN = "…"


def redacted(text: str, secrets: Iterable[str]) -> str:
    """`text` without the secrets: as they are, in another case, base64-encoded, or broken over lines."""
    for secret in secrets:
        if secret:
            text = _pattern(secret).sub(HIDDEN, text)
    return text


def login_secrets(user: str, password: str) -> tuple[str, ...]:
    """The secrets that a login sends: the password, and the AUTH PLAIN response that contains it."""
    if not password:
        return ()
    return (b64encode(f"\0{user}\0{password}".encode()).decode(), password)


@lru_cache(maxsize=64)
def _pattern(secret: str) -> re.Pattern[str]:
    data = secret.encode()
    spelled = {secret, b64encode(data).decode().rstrip("="), quote(secret, safe=""), data.hex(), repr(secret)[1:-1]}
    # Security: allow white space between any two characters, since a server may break its lines anywhere.
    spaced = (r"\s*".join(map(re.escape, re.sub(r"\s", "", each))) for each in spelled)
    longest_first = sorted(filter(None, spaced), key=len, reverse=True)
    return re.compile(f"(?:{'|'.join(longest_first)})=*", re.IGNORECASE)  # base64's padding
