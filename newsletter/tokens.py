"""Tokens derived from the signing secret: links in mails, VERP bounce addresses, hashes of erased addresses.

Pure: the secrets, the time and the address are arguments. Tokens are deterministic, so that messages are, and nothing
is stored. Of several secrets the first one signs and each of them verifies: links mailed before a secret was rotated
keep working as long as the old secret stays configured behind the new one.

A link holds the address, encrypted so that only the holder of the secret can read it (AES-SIV, RFC 5297), in an
envelope that itsdangerous signs. docs/decisions/0012-links-hold-the-address.md compares that with a table of tokens.
"""

from __future__ import annotations

import hmac
from base64 import urlsafe_b64encode
from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Literal

from newsletter.addresses import fold_address
from newsletter.frozen import frozen

if TYPE_CHECKING:  # loaded where a link is made or read: most commands do neither
    from cryptography.hazmat.primitives.ciphers.aead import AESSIV
    from itsdangerous import Signer

# --- links in mails -------------------------------------------------------------------------------------------------

LinkPurpose = Literal["unsubscribe", "preferences", "confirm", "undo"]
"""What a link is for. An unsubscribe link cannot be used to join."""

MAX_ISSUE_BYTES = 40
"""Issue names longer than this are left out of the link, so that the header line keeps to 998 octets."""

MAX_LINK_CHARS = 496
"""The longest link token: an address of 254 octets, an issue and a time, padded, encrypted, in base64, with key id and
signature. One without a time has at most 475.
"""

_BLOCK = 16
"""Addresses are padded to a multiple of this, so that a link's length says little about the address."""

_KEY_ID_CHARS = 4


class LinkError(ValueError):
    """The token is foreign, altered, for another purpose, or `expired`."""

    def __init__(self, what: str, *, expired: bool = False) -> None:
        super().__init__(what)
        self.expired = expired


@frozen
class Link:
    """A decoded link. `issue` is the issue it was mailed in, or empty; `expires` is epoch seconds, None for never."""

    purpose: LinkPurpose
    address: str
    issue: str = ""
    expires: int | None = None


def make_link(secret: str, link: Link) -> str:
    """Make a token: letters, digits, `-`, `_` and one `.`, at most `MAX_LINK_CHARS`. ValueError without a secret."""
    return _sealed(_keys(secret, link.purpose), _written(link))


def read_link(secrets: Sequence[str], purpose: LinkPurpose, token: str, now: int) -> Link:
    """Decode a token for this purpose at `now`, in epoch seconds. Raises LinkError.

    Unsubscribe links never expire, since mails are kept for years.
    """
    if len(token) > MAX_LINK_CHARS or not token.isascii():
        raise LinkError("not one of our links")
    for secret in secrets:
        keys = _keys(secret, purpose)
        if token.startswith(keys.id):
            link = _opened(keys, purpose, token)
            if link is not None:
                if link.expires is not None and link.expires <= now:
                    raise LinkError("this link has expired", expired=True)
                return link
    raise LinkError("not one of our links, or made with a secret that is no longer there")


@frozen
class _Keys:
    id: str
    cipher: AESSIV
    signer: Signer


@lru_cache(maxsize=64)
def _keys(secret: str, purpose: LinkPurpose) -> _Keys:
    from cryptography.hazmat.primitives.ciphers.aead import AESSIV
    from itsdangerous import Signer
    from itsdangerous.signer import SigningAlgorithm

    class Sha256(SigningAlgorithm):
        """HMAC-SHA256 with itsdangerous' result in one call; every message needs it."""

        def get_signature(self, key: bytes, value: bytes) -> bytes:
            return hmac.digest(key, value, "sha256")

    # Security: each purpose has keys of its own, so a token for one purpose is invalid for another.
    signer = Signer(
        derive_key(secret, f"link signature {purpose}", 32),
        sep=".",
        key_derivation="none",  # the key is derived already
        algorithm=Sha256(),
    )
    cipher = AESSIV(derive_key(secret, f"link address {purpose}", 64))
    return _Keys(key_id(secret), cipher, signer)


def _written(link: Link) -> bytes:
    issue = link.issue.encode()
    parts = [link.address.encode(), issue if len(issue) <= MAX_ISSUE_BYTES else b""]
    parts.append(b"" if link.expires is None else str(link.expires).encode())
    text = b"\0".join(parts)
    return text + b"\0" * (-len(text) % _BLOCK)


def _sealed(keys: _Keys, text: bytes) -> str:
    value = keys.id.encode() + urlsafe_b64encode(keys.cipher.encrypt(text, None)).rstrip(b"=")
    return keys.signer.sign(value).decode("ascii")


def _opened(keys: _Keys, purpose: LinkPurpose, token: str) -> Link | None:
    from cryptography.exceptions import InvalidTag
    from itsdangerous import BadData
    from itsdangerous.encoding import base64_decode

    try:
        value = keys.signer.unsign(token)  # Security: compares in constant time
        text = keys.cipher.decrypt(base64_decode(value[_KEY_ID_CHARS:]), None)
    except (BadData, InvalidTag, ValueError):
        return None
    # Security: some bytes have several spellings in base64; accept the canonical one only.
    if not hmac.compare_digest(_sealed(keys, text).encode(), token.encode()):
        return None
    address, issue, expires, *_ = (*text.split(b"\0"), b"", b"")
    return Link(purpose, address.decode(), issue.decode(), int(expires) if expires else None)


# --- keys -----------------------------------------------------------------------------------------------------------


def derive_key(secret: str, purpose: str, length: int) -> bytes:
    """Derive a key of up to 64 bytes for one purpose: HKDF-SHA512 (RFC 5869), whose first block is enough.

    A leaked key reveals neither another one nor the secret. ValueError without a secret.
    """
    # Security: anyone could derive the keys of an empty secret.
    if not secret:
        raise ValueError("a key needs a secret")
    if length > 64:
        raise ValueError(f"{length} bytes are more than one block has")
    extracted = hmac.digest(b"newsletter", secret.encode(), "sha512")
    return hmac.digest(extracted, purpose.encode() + b"\x01", "sha512")[:length]


def key_id(secret: str) -> str:
    """Four hexadecimal digits that distinguish the configured secrets, and reveal none."""
    return derive_key(secret, "key id", _KEY_ID_CHARS // 2).hex()


# --- counted links --------------------------------------------------------------------------------------------------


def link_code(secret: str, issue: str, address: str) -> str:
    """The code of a counted link: 96 bits of an HMAC over the issue and the address, and no subscriber.

    It is the same in every mail, and cannot be guessed without the secret. ValueError without one.
    """
    key = derive_key(secret, "counted link", 32)
    return urlsafe_b64encode(hmac.digest(key, f"{issue}\0{address}".encode(), "sha256")[:12]).decode("ascii")


# --- erased addresses -----------------------------------------------------------------------------------------------

FORGOTTEN = "@forgotten.invalid"
"""The domain of erased addresses: reserved (RFC 2606, 2), so no address has it and no list may hold one."""


class AddressHashes:
    """Keyed hashes of erased addresses: with the secret, an address can be matched to its hash, not the other way
    round.
    """

    def __init__(self, secrets: Sequence[str]) -> None:
        self._keys = tuple((key_id(secret), derive_key(secret, "forgotten", 32)) for secret in secrets)

    def __bool__(self) -> bool:
        return bool(self._keys)

    def of(self, key: str) -> str:
        """The hash of this folded address by the first secret: `0a1b.….@forgotten.invalid`. ValueError without one."""
        if not self._keys:
            raise ValueError("a hash of an address needs a secret")
        return self.all(key)[0]

    def all(self, key: str) -> tuple[str, ...]:
        """Its hashes by each of the secrets: 128 bits of an HMAC-SHA256."""
        text = key.encode()
        return tuple(
            [f"{name}.{hmac.digest(secret, text, 'sha256')[:16].hex()}{FORGOTTEN}" for name, secret in self._keys]
        )

    def can_match(self, address_hash: str) -> bool:
        """Whether the secret of this hash is among ours."""
        return any(address_hash.startswith(f"{name}.") for name, _ in self._keys)


def is_address_hash(key: str) -> bool:
    return key.endswith(FORGOTTEN)


# --- bounce addresses -----------------------------------------------------------------------------------------------

Purpose = Literal["unsubscribe", "bounce"]

TOKEN_BYTES = 20
"""160 bits of the HMAC, twice the minimum of RFC 2104, 5."""

TOKEN_CHARS = 2 * TOKEN_BYTES


def token(secret: str, purpose: Purpose, address: str, issue: str = "") -> str:
    """A VERP token: 40 hexadecimal digits, the HMAC-SHA256 of the purpose, the issue if one is given, and the address.

    Hexadecimal, since mail hosts may change the case of a bounce address, and Postfix refuses addresses that begin with
    `-`, as one base64url token in 64 would. Raises ValueError without a secret. The token cannot be decoded:
    `People.bounced` finds the recipient by making the tokens of an issue's recipients again. The unsubscribe purpose
    serves mails that are older than `make_link`.
    """
    # Security: with an empty key anyone could make the token of any address.
    if not secret:
        raise ValueError("a token needs a secret")
    # An address contains no NUL, and each purpose either always names an issue or never does: inputs are unambiguous.
    text = "\0".join((purpose, *([issue] if issue else ()), fold_address(address)))
    return hmac.digest(secret.encode(), text.encode(), "sha256")[:TOKEN_BYTES].hex()


def verify(secret: str, purpose: Purpose, address: str, given: str, issue: str = "") -> bool:
    """Whether this is the token of that address, in either case; compares in constant time."""
    expected = token(secret, purpose, address, issue)
    return hmac.compare_digest(given.lower().encode("utf-8", "replace"), expected.encode())
