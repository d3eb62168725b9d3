"""Tokens derived from the signing secret: links in mails, VERP bounce addresses, hashes of erased addresses.

Pure; the secrets, the time and the address come in. All of them are the same every time, so that a message is, and
nothing is stored. Of several secrets the first makes, and each of them is taken when something is read: what was
mailed before a change of secrets goes on working as long as the old one stays behind the new one.

A link is the address, encrypted so that only the holder of the secret can read it (AES-SIV, RFC 5297), in an envelope
that itsdangerous signs. docs/decisions/0012-links-hold-the-address.md weighs that against a table of tokens.
"""

from __future__ import annotations

import hmac
from base64 import urlsafe_b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Literal

from newsletter.addresses import fold_address

if TYPE_CHECKING:  # loaded where a link is made or read: most commands do neither
    from cryptography.hazmat.primitives.ciphers.aead import AESSIV
    from itsdangerous import Signer

# --- links in mails -------------------------------------------------------------------------------------------------

LinkPurpose = Literal["unsubscribe", "preferences", "confirm", "undo"]
"""What a link is for. One for leaving cannot be used to join."""

MAX_ISSUE_BYTES = 40
"""An issue with a longer name is not named in a link, so that the header line keeps to 998 octets."""

MAX_LINK_CHARS = 496
"""Of any link: an address of 254 octets, an issue and a time, padded, encrypted, in base64, with key id and signature.
One without a time has at most 475."""

_BLOCK = 16
"""Addresses are padded to a multiple of this: the length of a link says little about that of the address."""

_KEY_ID_CHARS = 4


class LinkError(ValueError):
    """A token that is none of ours, was changed, is for something else, or has `expired`."""

    def __init__(self, what: str, *, expired: bool = False) -> None:
        super().__init__(what)
        self.expired = expired


@dataclass(frozen=True, slots=True)
class Link:
    """What a link says. `issue` is where it stood, or empty; `expires` is in seconds since 1970, None for never."""

    purpose: LinkPurpose
    address: str
    issue: str = ""
    expires: int | None = None


def make_link(secret: str, link: Link) -> str:
    """The token: letters, digits, `-`, `_` and one `.`, at most `MAX_LINK_CHARS`. ValueError without a secret."""
    return _sealed(_keys(secret, link.purpose), _written(link))


def read_link(secrets: Sequence[str], purpose: LinkPurpose, token: str, now: int) -> Link:
    """What a token for this purpose says at `now`, in seconds since 1970. Raises LinkError.

    Links to leave by never expire: the mail they stand in is kept for years.
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


@dataclass(frozen=True, slots=True)
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
        """HMAC with SHA-256, the same that itsdangerous makes, in one call: it stands in every message."""

        def get_signature(self, key: bytes, value: bytes) -> bytes:
            return hmac.digest(key, value, "sha256")

    # Security: each purpose has keys of its own, so that a token for one is noise to another.
    signer = Signer(
        derive_key(secret, f"link signature {purpose}", 32),
        sep=".",
        key_derivation="none",  # it is derived already
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
    # Security: base64 has several spellings of some bytes; only the one that we write is taken.
    if not hmac.compare_digest(_sealed(keys, text).encode(), token.encode()):
        return None
    address, issue, expires, *_ = (*text.split(b"\0"), b"", b"")
    return Link(purpose, address.decode(), issue.decode(), int(expires) if expires else None)


# --- keys -----------------------------------------------------------------------------------------------------------


def derive_key(secret: str, purpose: str, length: int) -> bytes:
    """A key of up to 64 bytes for one purpose alone: HKDF with SHA-512 (RFC 5869), whose first block is enough.

    What is learned of one tells nothing of another, nor of the secret. ValueError without a secret.
    """
    # Security: with an empty secret anybody could make the key.
    if not secret:
        raise ValueError("a key needs a secret")
    if length > 64:
        raise ValueError(f"{length} bytes are more than one block has")
    extracted = hmac.digest(b"newsletter", secret.encode(), "sha512")
    return hmac.digest(extracted, purpose.encode() + b"\x01", "sha512")[:length]


def key_id(secret: str) -> str:
    """Four hexadecimal digits that tell one secret from another, and give neither away."""
    return derive_key(secret, "key id", _KEY_ID_CHARS // 2).hex()


# --- the forgotten --------------------------------------------------------------------------------------------------

FORGOTTEN = "@forgotten.invalid"
"""No address can end so (RFC 2606, 2), and no list may hold one that does."""


class AddressHashes:
    """Names for people whose address is not kept: who has the address and the secret finds the name, nobody else."""

    def __init__(self, secrets: Sequence[str]) -> None:
        self._keys = tuple((key_id(secret), derive_key(secret, "forgotten", 32)) for secret in secrets)

    def __bool__(self) -> bool:
        return bool(self._keys)

    def of(self, key: str) -> str:
        """The name of this folded address by the first secret: `0a1b.….@forgotten.invalid`. ValueError without one."""
        if not self._keys:
            raise ValueError("a hash of an address needs a secret")
        return self.all(key)[0]

    def all(self, key: str) -> tuple[str, ...]:
        """Its names by each of the secrets: 128 bits of an HMAC with SHA-256."""
        text = key.encode()
        return tuple(
            [f"{name}.{hmac.digest(secret, text, 'sha256')[:16].hex()}{FORGOTTEN}" for name, secret in self._keys]
        )

    def can_match(self, address_hash: str) -> bool:
        """Whether the secret that this name was made with is among ours."""
        return any(address_hash.startswith(f"{name}.") for name, _ in self._keys)


def is_address_hash(key: str) -> bool:
    return key.endswith(FORGOTTEN)


# --- bounce addresses -----------------------------------------------------------------------------------------------

Purpose = Literal["unsubscribe", "bounce"]

TOKEN_BYTES = 20
"""160 bits of the HMAC, twice what RFC 2104, 5 asks for at least."""

TOKEN_CHARS = 2 * TOKEN_BYTES


def token(secret: str, purpose: Purpose, address: str, issue: str = "") -> str:
    """40 hexadecimal digits, the same every time: HMAC-SHA256 of the purpose, the issue if one is given, the address.

    Hexadecimal, since mail hosts on a bounce's way may change the case of an address, and Postfix refuses one that
    begins with `-`, as one token of base64url in 64 would. Raises ValueError without a secret. Nothing can be read
    from it: `People.bounced` finds whose it is by making those of an issue's recipients again. Those to unsubscribe
    stand in mails of before `make_link`.
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
