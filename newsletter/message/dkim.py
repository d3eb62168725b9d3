"""DKIM signatures (RFC 6376), RSA and Ed25519 (RFC 8463), relaxed canonicalization.

Pure: the key is a text, the time an argument; the same message at the same time gets the same signature.
`cryptography` is imported when a key is loaded: only a signed send pays for that.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Callable, Iterator, Sequence
from dataclasses import field
from datetime import datetime
from hashlib import sha256
from typing import Literal

from newsletter.errors import InvalidValueError
from newsletter.frozen import frozen

SIGNED = (
    "From",
    "To",
    "Cc",
    "Subject",
    "Date",
    "Message-ID",
    "Reply-To",
    "List-Id",
    "List-Unsubscribe",
    "List-Unsubscribe-Post",
    "List-Help",
    "Feedback-ID",
    "MIME-Version",
    "Content-Type",
)
"""The fields that `h=` lists if they are present: RFC 6376, 5.4.1, and what RFC 8058, 4 and Gmail ask for. Fields that
mailing lists and relays add or rewrite are left out.
"""

ABSENT_TOO = frozenset({"From", "To", "Cc", "Subject", "Date", "Reply-To", "MIME-Version", "Content-Type"})
"""Oversigned fields: listed once more than they are present, and once if absent (RFC 6376, 5.4 and 8.15), so that no
field of these names can be added to a signed message. They decide which author, reply address and content a reader
sees.
"""

IF_PRESENT = frozenset({"Message-ID", "List-Unsubscribe", "List-Unsubscribe-Post"})
"""Oversigned if present. If the message has none, a relay may add its own. List-Id and Feedback-ID are left out, since
mailing lists and relays (Amazon SES) add theirs beside ours.
"""

MIN_RSA_BITS = 1024
"""RFC 8301, 3.2: verifiers accept no shorter key, and signers should use at least 2048 bits."""

_LINE = 76
_REMEDY = "make one with `openssl genrsa -out dkim.pem 2048`"


@frozen
class Signer:
    """A private key, and the domain and selector of its public key. Made by `load_signer`."""

    domain: str
    selector: str
    algorithm: Literal["rsa-sha256", "ed25519-sha256"]
    public_key: bytes = field(repr=False)
    _sign: Callable[[bytes], bytes] = field(repr=False, compare=False)

    @property
    def record_name(self) -> str:
        """The DNS name of the public key: RFC 6376, 3.6.2.1."""
        return f"{self.selector}._domainkey.{self.domain}"

    def sign(self, message: bytes, when: datetime) -> bytes:
        """The DKIM-Signature field, folded, with its CRLF, to be prepended to the message.

        `message` has CRLF line ends; `when` is an aware time.
        """
        return sign_message((self,), message, when)

    def _field(self, names: list[str], signed: bytes, body_hash: str, when: datetime) -> bytes:
        unsigned = (
            f"DKIM-Signature: v=1; a={self.algorithm}; c=relaxed/relaxed;\r\n"
            f" d={self.domain}; s={self.selector}; t={int(when.timestamp())};\r\n"
            f" {_folded_names(names)};\r\n"
            f" bh={body_hash};\r\n"
            f" b="
        )
        # RFC 6376, 3.7: this field is hashed last, with an empty signature and without its line end.
        signature = b64encode(self._sign(signed + relaxed_field(unsigned.encode()))).decode()
        lines = "\r\n ".join(signature[start : start + 72] for start in range(0, len(signature), 72))
        return f"{unsigned}{lines}\r\n".encode()


@frozen
class Signers:
    """Several keys, each with its signature: RFC 8463, 3 asks signers with Ed25519 to sign with RSA as well."""

    signers: tuple[Signer, ...]

    def sign(self, message: bytes, when: datetime) -> bytes:
        """As `Signer.sign`: a field for each key, in their order. None of them covers another."""
        return sign_message(self.signers, message, when)


def sign_message(signers: Sequence[Signer], message: bytes, when: datetime) -> bytes:
    """The DKIM-Signature fields of `message`, which is canonicalized once for all keys."""
    head, _, body = message.partition(b"\r\n\r\n")
    names, signed = _signed_fields(head)
    body_hash = b64encode(sha256(relaxed_body(body)).digest()).decode()
    return b"".join(signer._field(names, signed, body_hash, when) for signer in signers)


def load_signer(domain: str, selector: str, pem: bytes) -> Signer:
    """Load a private key in PEM. Raises InvalidValueError with the fault of the key."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric import padding
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

    try:
        key = load_pem_private_key(pem, password=None)
    except TypeError as error:
        raise InvalidValueError(
            "is encrypted with a passphrase, which nobody is there to type",
            "write it without: `openssl pkey -in dkim.pem -out plain.pem`, in a file that only you can read",
        ) from error
    except UnsupportedAlgorithm as error:
        raise InvalidValueError("is neither an RSA nor an Ed25519 key, and DKIM knows no other", _REMEDY) from error
    except ValueError as error:
        raise InvalidValueError("is not a private key in PEM", _REMEDY) from error
    if isinstance(key, Ed25519PrivateKey):
        raw = key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        # RFC 8463, 3: Ed25519 signs the hash of what RSA signs.
        return Signer(domain, selector, "ed25519-sha256", raw, lambda data: key.sign(sha256(data).digest()))
    if not isinstance(key, RSAPrivateKey):
        raise InvalidValueError("is neither an RSA nor an Ed25519 key, and DKIM knows no other", _REMEDY)
    if key.key_size < MIN_RSA_BITS:
        raise InvalidValueError(f"is an RSA key of {key.key_size} bits, too short to be believed (RFC 8301)", _REMEDY)
    # RFC 6376, 3.6.1 says RSAPublicKey; published keys are SubjectPublicKeyInfo (erratum 3017).
    public = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    scheme, digest = padding.PKCS1v15(), SHA256()
    return Signer(domain, selector, "rsa-sha256", public, lambda data: key.sign(data, scheme, digest))


def dns_record(signer: Signer) -> str:
    """The TXT record to publish under `signer.record_name`: RFC 6376, 3.6.1.

    One string, which most DNS providers accept as it is; a zone file splits it into strings of at most 255 characters.
    """
    kind = signer.algorithm.partition("-")[0]
    return f"v=DKIM1; k={kind}; p={b64encode(signer.public_key).decode()}"


def relaxed_field(raw: bytes) -> bytes:
    """Relaxed form (RFC 6376, 3.4.2), without the last line end: unfolded, single blanks, none around the colon."""
    name, _, value = raw.partition(b":")
    # `split` also splits at vertical tab and form feed, which are not WSP in RFC 5234.
    odd = b"\x0b" in value or b"\x0c" in value
    words = re.split(rb"[ \t\r\n]+", value.strip(b" \t\r\n")) if odd else value.split()
    return name.strip().lower() + b":" + b" ".join(words)


def relaxed_body(body: bytes) -> bytes:
    """Relaxed form (RFC 6376, 3.4.4): runs of blanks reduced, none before a line end, no empty lines at the end."""
    if _has_loose_blanks(body):
        body = re.sub(rb"[ \t]+", b" ", body).replace(b" \r\n", b"\r\n").removesuffix(b" ")
    end = len(body)
    while body.endswith(b"\r\n", 0, end):
        end -= 2
    if end == 0 or end + 2 == len(body):
        return body if end else b""
    return body[:end] + b"\r\n"


def _has_loose_blanks(body: bytes) -> bool:
    """Whether any blank has to be removed. Searching for a single byte is thirty times as fast as for a pattern, and a
    base64 body has only a few of them.
    """
    if b"\t" in body or body.endswith(b" "):
        return True
    at = body.find(b" ")
    while at >= 0:
        if body[at + 1] in b" \r":
            return True
        at = body.find(b" ", at + 1)
    return False


def _signed_fields(head: bytes) -> tuple[list[str], bytes]:
    """The names for `h=`, and their fields in canonical form, each with CRLF.

    Of several fields with one name the last comes first: RFC 6376, 5.4.2. Names of `ABSENT_TOO` and `IF_PRESENT` are
    listed once more than the fields are present.
    """
    by_name: dict[bytes, list[bytes]] = {}
    for raw in _fields(head):
        by_name.setdefault(raw.partition(b":")[0].strip().lower(), []).append(raw)
    names, signed = [], []
    for name in SIGNED:
        fields = by_name.get(name.lower().encode(), [])
        once_more = name in ABSENT_TOO or (bool(fields) and name in IF_PRESENT)
        names += [name] * (len(fields) + once_more)
        signed += [relaxed_field(raw) + b"\r\n" for raw in reversed(fields)]
    return names, b"".join(signed)


def _fields(head: bytes) -> Iterator[bytes]:
    """The fields of a header, each still folded."""
    yield from re.split(rb"\r\n(?![ \t])", head)


def _folded_names(names: list[str]) -> str:
    """`h=` folded at its colons, so that the lines stay readable: RFC 6376, 3.5."""
    lines = [""]
    for number, name in enumerate(names):
        piece = ("h=" if number == 0 else ":") + name
        if len(lines[-1]) + len(piece) >= _LINE - 2:
            lines.append(" ")
        lines[-1] += piece
    return "\r\n".join(lines)
