"""The published DKIM key against the one that signs."""

from __future__ import annotations

from base64 import b64encode

import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from dns_records import FAILED, judged

from newsletter.doctor.judge.dkim_record import judge_dkim, judge_key
from newsletter.doctor.verdict import Level, Verdict
from newsletter.message.dkim import Signer, dns_record, load_signer

NAME = "news._domainkey.quill.test"


def signer_of(key: rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey) -> Signer:
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return load_signer("quill.test", "news", pem)


@pytest.fixture(scope="module")
def key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048)


@pytest.fixture(scope="module")
def signer(key: rsa.RSAPrivateKey) -> Signer:
    return signer_of(key)


def verdict_on(signer: Signer, *records: str) -> Verdict:
    return judged(judge_dkim(signer), {(NAME, "TXT"): list(records)})


def test_the_record_that_we_ask_for_is_the_one_that_we_like(signer: Signer) -> None:
    assert verdict_on(signer, dns_record(signer)).level is Level.GREEN
    missing = verdict_on(signer)
    assert missing.level is Level.RED
    assert verdict_on(signer, missing.record).level is Level.GREEN


def test_other_spellings_of_the_key_are_the_key(signer: Signer, key: rsa.RSAPrivateKey) -> None:
    p = b64encode(signer.public_key).decode()
    bare = b64encode(key.public_key().public_bytes(Encoding.DER, PublicFormat.PKCS1)).decode()
    for record in (f"p={p}", f"v=DKIM1 ; p={p}", f"k=rsa; h=sha256:sha1; s=*; p={p[:60]} {p[60:]}"):
        assert verdict_on(signer, record).level is Level.GREEN, record
    assert verdict_on(signer, f"v=DKIM1; p={bare}").level is Level.GREEN


@pytest.mark.parametrize(
    ("record", "said"),
    [
        ("v=DKIM1; p=", "withdrawn"),
        ("v=DKIM2; p=AAAA", "version"),
        ("v=DKIM1; k=ed25519; p=AAAA", "kind"),
        ("v=DKIM1; h=sha1; p={p}", "SHA-256"),
        ("v=DKIM1; s=other; p={p}", "not for mail"),
        ("v=DKIM1; p=AAAA", "another key"),
        ("v=DKIM1; p={p}x", "base64"),
    ],
)
def test_a_record_at_fault(signer: Signer, record: str, said: str) -> None:
    verdict = verdict_on(signer, record.replace("{p}", b64encode(signer.public_key).decode()))
    assert verdict.level is Level.RED
    assert said in verdict.what
    assert verdict.record == dns_record(signer)


def test_two_keys_a_test_and_no_answer(signer: Signer) -> None:
    good = dns_record(signer)
    assert verdict_on(signer, good, good).level is Level.RED
    assert verdict_on(signer, f"{good}; t=y:s").level is Level.YELLOW
    assert judged(judge_dkim(signer), {(NAME, "TXT"): FAILED}).level is Level.YELLOW


def test_the_key_s_kind_and_length(signer: Signer) -> None:
    assert judge_key(signer).level is Level.GREEN
    short = judge_key(signer_of(rsa.generate_private_key(65537, 1024)))
    assert short.level is Level.YELLOW
    assert "1024 bits" in short.what
    ed = signer_of(ed25519.Ed25519PrivateKey.generate())
    assert judge_key(ed).level is Level.YELLOW
    assert verdict_on(ed, dns_record(ed)).level is Level.GREEN
