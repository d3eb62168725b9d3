"""Tokens that tell one subscriber from another in a link or a bounce address, and say nothing of the person.

Pure. A token is not stored: who has the secret can make it again from the address, and nobody else can.
"""

from __future__ import annotations

import hmac
from typing import Literal

from newsletter.model import fold_address

Purpose = Literal["unsubscribe", "bounce"]

TOKEN_BYTES = 20
"""160 bits of the HMAC, twice what RFC 2104, 5 asks for at least."""

TOKEN_CHARS = 2 * TOKEN_BYTES


def token(secret: str, purpose: Purpose, address: str, issue: str = "") -> str:
    """40 hexadecimal digits, the same every time: HMAC-SHA256 of the purpose, the issue if one is given, the address.

    Hexadecimal, since mail hosts on a bounce's way may change the case of an address, and Postfix refuses one that
    begins with `-`, as one token of base64url in 64 would. Raises ValueError without a secret.
    """
    # Security: with an empty key anybody could make the token of anybody.
    if not secret:
        raise ValueError("a token needs a secret")
    # An address holds no NUL, and each purpose either always names an issue or never does: no two of them are one.
    text = "\0".join((purpose, *([issue] if issue else ()), fold_address(address)))
    return hmac.digest(secret.encode(), text.encode(), "sha256")[:TOKEN_BYTES].hex()


def verify(secret: str, purpose: Purpose, address: str, given: str, issue: str = "") -> bool:
    """Whether this is the token of that address, in upper or lower case; how long it takes tells nothing."""
    expected = token(secret, purpose, address, issue)
    return hmac.compare_digest(given.lower().encode("utf-8", "replace"), expected.encode())
