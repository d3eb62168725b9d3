"""DKIM signatures (RFC 6376), RSA and Ed25519 (RFC 8463), relaxed canonicalization.

Pure: the key comes as text, the time as an argument; the same message at the same time has the same signature.
`cryptography` is imported when a key is loaded: it takes time that only a signed send needs.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from typing import Literal

from newsletter.errors import InvalidValueError

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
"""The fields that `h=` names where they stand: RFC 6376, 5.4.1, and what RFC 8058, 4 and Gmail ask for. Not those that
lists and relays add to or rewrite."""

ABSENT_TOO = frozenset({"From", "To", "Cc", "Subject", "Date", "Reply-To", "MIME-Version", "Content-Type"})
"""Named once more than they stand, and once where they do not stand (RFC 6376, 5.4 and 8.15): no field of these names
can be added to a signed message. They decide who a reader believes wrote it, where the answer goes, what is shown."""

IF_PRESENT = frozenset({"Message-ID", "List-Unsubscribe", "List-Unsubscribe-Post"})
"""Named once more where they stand. Where the message has none a relay may add its own. Not List-Id and Feedback-ID,
which lists and relays (Amazon SES) add beside ours."""

MIN_RSA_BITS = 1024
"""RFC 8301, 3.2: a verifier takes no shorter key, and a signer should have at least 2048."""

_LINE = 76
_REMEDY = "make one with `openssl genrsa -out dkim.pem 2048`"


@dataclass(frozen=True, slots=True)
class Signer:
    """A key, and the name under which its public half is published. Made by `load_signer`."""

    domain: str
    selector: str
    algorithm: Literal["rsa-sha256", "ed25519-sha256"]
    public_key: bytes = field(repr=False)
    _sign: Callable[[bytes], bytes] = field(repr=False, compare=False)

    @property
    def record_name(self) -> str:
        """Where in the DNS the public key is looked for: RFC 6376, 3.6.2.1."""
        return f"{self.selector}._domainkey.{self.domain}"

    def sign(self, message: bytes, when: datetime) -> bytes:
        """The field DKIM-Signature, folded, with its CRLF, to go before everything else.

        `message` has CRLF for line ends; `when` is aware of its zone.
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
        # RFC 6376, 3.7: this field comes last, as it is but for the signature, and without a line end.
        signature = b64encode(self._sign(signed + relaxed_field(unsigned.encode()))).decode()
        lines = "\r\n ".join(signature[start : start + 72] for start in range(0, len(signature), 72))
        return f"{unsigned}{lines}\r\n".encode()


@dataclass(frozen=True, slots=True)
class Signers:
    """Several keys, a signature of each: RFC 8463, 3 asks a signer with Ed25519 for one with RSA as well."""

    signers: tuple[Signer, ...]

    def sign(self, message: bytes, when: datetime) -> bytes:
        """As `Signer.sign`: a field for each key, in their order. None of them covers another."""
        return sign_message(self.signers, message, when)


def sign_message(signers: Sequence[Signer], message: bytes, when: datetime) -> bytes:
    """The fields DKIM-Signature of `message`, which is put into canonical form once for all keys."""
    head, _, body = message.partition(b"\r\n\r\n")
    names, signed = _signed_fields(head)
    body_hash = b64encode(sha256(relaxed_body(body)).digest()).decode()
    return b"".join(signer._field(names, signed, body_hash, when) for signer in signers)


def load_signer(domain: str, selector: str, pem: bytes) -> Signer:
    """The signer of a private key in PEM. Raises InvalidValueError, which says of the key what is wrong with it."""
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
    # RFC 6376, 3.6.1 says RSAPublicKey; what everybody publishes and reads is a SubjectPublicKeyInfo (erratum 3017).
    public = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    scheme, digest = padding.PKCS1v15(), SHA256()
    return Signer(domain, selector, "rsa-sha256", public, lambda data: key.sign(data, scheme, digest))


def dns_record(signer: Signer) -> str:
    """The text of the TXT record that the author publishes under `signer.record_name`: RFC 6376, 3.6.1.

    One string, which most providers take as it is; a zone file has it in strings of at most 255 characters.
    """
    kind = signer.algorithm.partition("-")[0]
    return f"v=DKIM1; k={kind}; p={b64encode(signer.public_key).decode()}"


def relaxed_field(raw: bytes) -> bytes:
    """A header field without its last line end: unfolded, blanks made one, none around the colon: RFC 6376, 3.4.2."""
    name, _, value = raw.partition(b":")
    # `split` knows two more blanks than RFC 5234 does, vertical tab and form feed.
    odd = b"\x0b" in value or b"\x0c" in value
    words = re.split(rb"[ \t\r\n]+", value.strip(b" \t\r\n")) if odd else value.split()
    return name.strip().lower() + b":" + b" ".join(words)


def relaxed_body(body: bytes) -> bytes:
    """No blank before a line end, one for several between words, no empty lines at the end: RFC 6376, 3.4.4."""
    if _has_loose_blanks(body):
        body = re.sub(rb"[ \t]+", b" ", body).replace(b" \r\n", b"\r\n").removesuffix(b" ")
    end = len(body)
    while body.endswith(b"\r\n", 0, end):
        end -= 2
    if end == 0 or end + 2 == len(body):
        return body if end else b""
    return body[:end] + b"\r\n"


def _has_loose_blanks(body: bytes) -> bool:
    """Whether a blank has to go. To look for a single byte is thirty times as fast as for a pattern, and ours, in
    base64, has a handful of them."""
    if b"\t" in body or body.endswith(b" "):
        return True
    at = body.find(b" ")
    while at >= 0:
        if body[at + 1] in b" \r":
            return True
        at = body.find(b" ", at + 1)
    return False


def _signed_fields(head: bytes) -> tuple[list[str], bytes]:
    """The names for `h=`, and the fields they name in canonical form, each with CRLF.

    Of fields of one name the last comes first: RFC 6376, 5.4.2. `ABSENT_TOO` and `IF_PRESENT` have the names that
    stand once more than the fields do.
    """
    standing: dict[bytes, list[bytes]] = {}
    for raw in _fields(head):
        standing.setdefault(raw.partition(b":")[0].strip().lower(), []).append(raw)
    names, signed = [], []
    for name in SIGNED:
        fields = standing.get(name.lower().encode(), [])
        once_more = name in ABSENT_TOO or (bool(fields) and name in IF_PRESENT)
        names += [name] * (len(fields) + once_more)
        signed += [relaxed_field(raw) + b"\r\n" for raw in reversed(fields)]
    return names, b"".join(signed)


def _fields(head: bytes) -> Iterator[bytes]:
    """The fields of a header, each as it is folded."""
    yield from re.split(rb"\r\n(?![ \t])", head)


def _folded_names(names: list[str]) -> str:
    """`h=` in lines that a person can read, with the colon where a line may end: RFC 6376, 3.5."""
    lines = [""]
    for number, name in enumerate(names):
        piece = ("h=" if number == 0 else ":") + name
        if len(lines[-1]) + len(piece) >= _LINE - 2:
            lines.append(" ")
        lines[-1] += piece
    return "\r\n".join(lines)
