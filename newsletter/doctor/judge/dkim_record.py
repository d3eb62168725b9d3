"""Judge the published DKIM key against the signing key (RFC 6376, RFC 8301, RFC 8463)."""

from __future__ import annotations

from base64 import b64decode

from newsletter.doctor.judge.lookups import ASK_AGAIN, Lookups, Question, ascii_domain, ask, tags_of
from newsletter.doctor.verdict import Verdict, green, red, yellow
from newsletter.message.dkim import Signer, dns_record

_GOOD_RSA_BITS = 2048


def judge_key(signer: Signer) -> Verdict:
    """Judge the private key itself."""
    if signer.algorithm == "ed25519-sha256":
        what = "the DKIM key is Ed25519, which Gmail, Outlook and Yahoo do not verify: to them the mail is unsigned"
        return yellow("dkim-key", what, "sign with an RSA key: `openssl genrsa -out dkim.pem 2048`")
    bits = _rsa_bits(signer.public_key)
    if bits < _GOOD_RSA_BITS:
        what = f"the DKIM key has {bits} bits; RFC 8301 asks for {_GOOD_RSA_BITS}"
        return yellow("dkim-key", what, "make a new one under a new selector: `openssl genrsa -out dkim.pem 2048`")
    return green("dkim-key", f"the DKIM key can be read: RSA, {bits} bits, selector {signer.selector}")


def judge_dkim(signer: Signer) -> Lookups[Verdict]:
    """Judge whether receivers find the public key."""
    name = ascii_domain(signer.record_name)
    answer = yield from ask(Question(name, "TXT"))
    if answer.status == "failed":
        return yellow("dkim", f"{name}: the key could not be asked for ({answer.why})", ASK_AGAIN)
    wanted = dns_record(signer)
    keys = [record for record in answer.records if "p" in tags_of(record)]
    if not keys:
        what = f"{name}: no DKIM key is published, so every signature fails"
        return red("dkim", what, "publish this as a TXT record of that name", wanted)
    if len(keys) > 1:
        return red("dkim", f"{name}: {len(keys)} keys are published, and a receiver may take any", "keep one", wanted)
    fault = _fault(tags_of(keys[0]), signer)
    if fault:
        return red("dkim", f"{name}: {fault}", "publish this in place of what is there", wanted)
    if "y" in tags_of(keys[0]).get("t", "").split(":"):
        what = f"{name}: the key is published as a test (t=y); receivers may treat the mail as unsigned"
        return yellow("dkim", what, "take t=y out of the record")
    return green("dkim", f"{name}: the published key is the one that signs")


def _fault(tags: dict[str, str], signer: Signer) -> str:
    kind = signer.algorithm.partition("-")[0]
    key = "".join(tags["p"].split())
    if tags.get("v", "DKIM1") != "DKIM1":
        return f"the record's version is {tags['v'][:20]}, not DKIM1"
    if not key:
        return "the key was withdrawn (p= is empty)"
    if tags.get("k", "rsa").lower() != kind:
        return f"a key of the kind {tags.get('k', 'rsa')[:20]} is published, and one of the kind {kind} signs"
    if "h" in tags and "sha256" not in tags["h"].replace(" ", "").lower().split(":"):
        return "the record allows no SHA-256 (h=)"
    if not {"*", "email"} & set(tags.get("s", "*").replace(" ", "").lower().split(":")):
        return "the record's key is not for mail (s=)"
    try:
        published = b64decode(key, validate=True)
    except ValueError:
        return "the published key is not base64, perhaps cut off or with a quote in it"
    # RFC 6376 3.6.1 has the bare RSAPublicKey, which is the end of the SubjectPublicKeyInfo that most publish.
    same = published == signer.public_key or (
        kind == "rsa" and len(published) > 128 and signer.public_key.endswith(published)
    )
    return "" if same else "another key is published than the one that signs"


def _rsa_bits(der: bytes) -> int:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
    from cryptography.hazmat.primitives.serialization import load_der_public_key

    key = load_der_public_key(der)
    return key.key_size if isinstance(key, RSAPublicKey) else 0
