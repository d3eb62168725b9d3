"""Signatures: verified by dkimpy and by OpenDKIM, with the record that the author would publish."""

from __future__ import annotations

import base64
import json
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path

import dkim
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from dkim_keys import ED25519, pem
from hypothesis import example, given, settings
from hypothesis import strategies as st
from machine import TESTS, RequireProgram, examples, missing
from messages import BULK, NOON, PICTURE, SENDER, compose, email, subscriber

from newsletter.errors import InvalidValueError
from newsletter.message.compose import Composer
from newsletter.message.dkim import (
    ABSENT_TOO,
    IF_PRESENT,
    SIGNED,
    Signer,
    Signers,
    dns_record,
    load_signer,
    relaxed_body,
    relaxed_field,
)
from newsletter.model.delivery import Message, Sender
from newsletter.model.rendered_email import Email, Slot, Template

RSA_512 = b"""-----BEGIN PRIVATE KEY-----
MIIBVgIBADANBgkqhkiG9w0BAQEFAASCAUAwggE8AgEAAkEA4GmyVjLV/EI3L7wO
bauhEfZcR6gBRvaMWP3uNAUYrCDAbdpWd6rdhw/yJOBB9wDbD+yti65Hydz7j63F
0x03mQIDAQABAkEAqWR/PfufdIuS1pBQH85mhYV9wIT7edJOvDno3RFfv0SLlcab
PnBm9BeFsjONepEXZubw9pnWWaU4CF3xKmyhkQIhAPdH/yTNzVk45DVaLX4frPk0
6NanBU44zLpYTzvnrOO9AiEA6FNJQ+ev6xEudzySbFT7qOO+TeDSPtNnTJkhKonD
Mw0CIC5Vl0FWLrwhJOG6W/veA5NOjrJp6VyW2AWytmYLKyIhAiEAuJQTDWQxm+zW
odz56B/MoW3vcChCYa/LzkuK0iUJdLECIQDXxJvKGr8a9Pca6/Y0HTpF/SBGKp/8
rIgibQ6UgA0piQ==
-----END PRIVATE KEY-----
"""

PLAIN = email(attachments=())
PERSONAL = email(subject=Template(("For ", Slot("name", "header"), ": " + "the news of today, " * 8)))
MESSAGES: dict[str, tuple[Sender, Email, str, str]] = {
    "plain": (SENDER, PLAIN, "ada@example.com", "Ada Lovelace"),
    "everything configured": (BULK, PLAIN, "ada@example.com", "Ada Lovelace"),
    "attachments": (BULK, email(attachments=(PICTURE,)), "ada@example.com", "Ada Lovelace"),
    "a name in UTF-8": (BULK, PERSONAL, "ada@example.com", "林文静 " * 20),
    "folded headers": (BULK, PERSONAL, f"{'a' * 60}@{'d' * 60}.example", "Whitfield, Margaret; " * 9),
    "no name, no subject": (SENDER, email(subject=Template(())), "ada@example.com", ""),
}


@pytest.fixture(scope="module")
def rsa_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048)


@pytest.fixture(scope="module")
def signers(rsa_key: rsa.RSAPrivateKey) -> dict[str, Signer]:
    return {
        "rsa": load_signer("example.com", "r2026", pem(rsa_key)),
        "ed25519": load_signer("example.com", "e2026", ED25519),
    }


@pytest.fixture(params=["rsa", "ed25519"])
def signer(request: pytest.FixtureRequest, signers: dict[str, Signer]) -> Signer:
    return signers[request.param]


def signed(signer: Signer | Signers, name: str) -> Message:
    sender, mail, address, person = MESSAGES[name]
    composer = Composer(mail, sender, issue="2026-03-02-ai-daily", when=NOON, signer=signer)
    return composer.compose(subscriber(address, name=person))


def records(*signers: Signer) -> dict[str, str]:
    return {signer.record_name: dns_record(signer) for signer in signers}


def verifies(message: bytes, *signers: Signer) -> bool:
    """What dkimpy says. It has the record from here and nothing from the network."""
    return bool(dkim.verify(message, dnsfunc=published(*signers)))


def published(*signers: Signer) -> Callable[..., bytes | None]:
    """The DNS, as far as these have published their keys."""
    found = records(*signers)

    def txt(name: bytes, timeout: int = 5) -> bytes | None:
        text = found.get(name.decode().rstrip("."))
        return text.encode() if text else None

    return txt


def tags(message: bytes) -> dict[str, str]:
    found = re.match(rb"DKIM-Signature: ((?:.*\r\n)(?:[ \t].*\r\n)*)", message)
    assert found
    value = re.sub(r"\s+", "", found[1].decode())
    return dict(tag.split("=", 1) for tag in value.split(";"))


# --- other people's verifiers ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", MESSAGES)
def test_dkimpy_believes_it(signer: Signer, name: str) -> None:
    assert verifies(signed(signer, name).data, signer)


def test_dkimpy_doubts_another_key_and_no_key(signers: dict[str, Signer]) -> None:
    data = signed(signers["rsa"], "plain").data
    other = load_signer("example.com", "r2026", pem(rsa.generate_private_key(65537, 2048)))
    assert not verifies(data, other)
    with pytest.raises(AssertionError):
        assert verifies(data, signers["ed25519"])


@pytest.mark.parametrize("field", [name for name in SIGNED if name != "Cc"])
def test_a_byte_more_in_a_header_breaks_it(signer: Signer, field: str) -> None:
    data = signed(signer, "everything configured").data
    changed = re.sub(rf"\r\n{field}: ".encode(), rf"\r\n{field}: x".encode(), data, count=1)
    assert len(changed) == len(data) + 1
    assert not verifies(changed, signer)


@pytest.mark.parametrize("where", [0.3, 0.5, 0.9])
def test_a_changed_byte_in_the_body_breaks_it(signer: Signer, where: float) -> None:
    data = bytearray(signed(signer, "attachments").data)
    at = next(index for index in range(int(len(data) * where), len(data)) if 65 <= data[index] < 90)
    data[at] += 1
    assert not verifies(bytes(data), signer)


@pytest.mark.parametrize("field", sorted(ABSENT_TOO | IF_PRESENT))
def test_nobody_adds_a_field_that_readers_go_by(signer: Signer, field: str) -> None:
    """RFC 6376, 8.15: readers show one of them, and not the one that was signed."""
    data = signed(signer, "everything configured").data
    assert not verifies(f"{field}: Eve <eve@example.com>\r\n".encode() + data, signer)


def test_nobody_adds_a_reply_to_where_there_was_none(signer: Signer) -> None:
    composer = Composer(PLAIN, replace(SENDER, reply_to=""), issue="i", when=NOON, signer=signer)
    data = composer.compose(subscriber()).data
    assert b"\r\nReply-To" not in data
    assert verifies(data, signer)
    assert not verifies(b"Reply-To: eve@example.com\r\n" + data, signer)


@pytest.mark.parametrize("added", [b"Feedback-ID: 1.relay:relay\r\n", b"Sender: r@example.net\r\n", b"X-R: 1\r\n"])
def test_a_relay_may_add_its_own_fields(signer: Signer, added: bytes) -> None:
    """Amazon SES puts a Feedback-ID above ours."""
    assert verifies(added + signed(signer, "everything configured").data, signer)


@pytest.mark.parametrize("name", MESSAGES)
def test_two_keys_make_two_signatures_and_each_holds_alone(signers: dict[str, Signer], name: str) -> None:
    """RFC 8463, 3: whoever does not verify Ed25519 finds the RSA one, wherever it stands."""
    both = signed(Signers(tuple(signers.values())), name).data
    assert both.count(b"\r\nDKIM-Signature: ") + both.startswith(b"DKIM-Signature: ") == 2
    for index, algorithm in enumerate((b"rsa-sha256", b"ed25519-sha256")):
        made = dkim.DKIM(both)
        assert made.verify(idx=index, dnsfunc=published(*signers.values()))
        assert re.search(b"a=" + algorithm, both.split(b"DKIM-Signature: ")[index + 1])
    # Either goes without the other: none is signed by the other.
    first, second, rest = re.match(rb"((?:.+\r\n)(?:[ \t].*\r\n)*)((?:.+\r\n)(?:[ \t].*\r\n)*)(?s:(.*))", both).groups()  # type: ignore[union-attr]
    assert verifies(first + rest, signers["rsa"])
    assert verifies(second + rest, signers["ed25519"])
    assert signers["rsa"].sign(rest, NOON) + signers["ed25519"].sign(rest, NOON) + rest == both


def test_what_a_relay_does_on_the_way_leaves_it_good(signer: Signer) -> None:
    """Other folds, other blanks, names in other letters, trace fields: that is what `relaxed` is for."""
    data = signed(signer, "folded headers").data
    head, _, body = data.partition(b"\r\n\r\n")
    head = head.replace(b"\r\nFrom: ", b"\r\nFROM:\t ").replace(b"\r\nMIME-Version: 1.0", b"\r\nMIME-Version:  1.0 ")
    head = re.sub(rb"(List-Unsubscribe: [^,]*,)\r\n ", rb"\1\r\n\t  ", head)
    assert head + b"\r\n\r\n" + body != data
    assert verifies(b"Received: by mx.example.net\r\n" + head + b"\r\n\r\n" + body + b"\r\n\r\n", signer)


def test_opendkim_believes_it_and_sees_every_change(
    signers: dict[str, Signer], require_program: RequireProgram, tmp_path: Path
) -> None:
    require_program("opendkim-testmsg")
    network = [require_program("unshare"), "--map-root-user", "--mount", "--net"]
    if subprocess.run([*network, "true"], capture_output=True).returncode:
        missing("this system gives a process no network of its own (unshare)")
    names = {signer.record_name: (kind, signer) for kind, signer in signers.items()}
    good = {f"{kind}, {name}": signed(signer, name).data for kind, signer in names.values() for name in MESSAGES}
    good |= {f"both, {name}": signed(Signers(tuple(signers.values())), name).data for name in MESSAGES}
    bad = {f"{name}, subject": data.replace(b"\r\nSubject: ", b"\r\nSubject: x") for name, data in good.items()}
    bad |= {f"{name}, body": data.replace(b"--=_", b"--=_x", 1) for name, data in good.items()}
    twice = {f"{name}, from": b"From: eve@example.com\r\n" + data for name, data in good.items()}
    (tmp_path / "records.json").write_text(json.dumps(records(*signers.values())))
    done = subprocess.run(
        [*network, sys.executable, TESTS / "support" / "opendkim.py", tmp_path / "records.json"],
        input=b"\n".join(base64.b64encode(data) for data in (*good.values(), *bad.values(), *twice.values())),
        capture_output=True,
        timeout=600,
    )
    assert done.returncode == 0, done.stderr.decode()
    said = dict(zip((*good, *bad, *twice), json.loads(done.stdout), strict=True))
    assert {name: said[name] for name in good} == dict.fromkeys(good, "")
    assert {name: said[name].rpartition(": ")[2] for name in bad} == dict.fromkeys(bad, "Bad signature")
    # It reads no message with two of them.
    assert {name: said[name].rpartition(": ")[2] for name in twice} == dict.fromkeys(twice, "Syntax error")


# --- the field ------------------------------------------------------------------------------------------------------


def test_the_field_says_what_was_signed_and_when(signers: dict[str, Signer]) -> None:
    data = signed(signers["rsa"], "everything configured").data
    found = tags(data)
    assert {key: found[key] for key in "vacdst"} == {
        "v": "1",
        "a": "rsa-sha256",
        "c": "relaxed/relaxed",
        "d": "example.com",
        "s": "r2026",
        "t": str(int(NOON.timestamp())),
    }
    assert found["h"] == (
        "From:From:To:To:Cc:Subject:Subject:Date:Date:Message-ID:Message-ID:Reply-To:Reply-To:List-Id:"
        "List-Unsubscribe:List-Unsubscribe:List-Unsubscribe-Post:List-Unsubscribe-Post:List-Help:Feedback-ID:"
        "MIME-Version:MIME-Version:Content-Type:Content-Type"
    )
    assert tags(signed(signers["ed25519"], "plain").data)["a"] == "ed25519-sha256"
    assert tags(signed(signers["rsa"], "plain").data)["h"] == (
        "From:From:To:To:Cc:Subject:Subject:Date:Date:Message-ID:Message-ID:Reply-To:Reply-To:List-Id:"
        "List-Unsubscribe:List-Unsubscribe:MIME-Version:MIME-Version:Content-Type:Content-Type"
    )


@pytest.mark.parametrize("name", MESSAGES)
def test_the_field_is_folded_and_comes_before_the_message_as_it_is(signer: Signer, name: str) -> None:
    sender, mail, address, person = MESSAGES[name]
    bare = compose(subscriber(address, name=person), mail, sender=sender)
    message = signed(signer, name)
    field = message.data.removesuffix(bare.data)
    assert len(field) == len(message.data) - len(bare.data)
    assert field.endswith(b"\r\n")
    lines = field[:-2].split(b"\r\n")
    assert all(line.startswith(b" ") for line in lines[1:])
    assert max(map(len, lines)) <= 76
    assert replace(message, data=b"") == replace(bare, data=b"")


def test_the_same_message_at_the_same_time_has_the_same_signature(signer: Signer) -> None:
    assert signed(signer, "attachments").data == signed(signer, "attachments").data
    data = compose().data
    elsewhere = datetime(2026, 3, 2, 20, 0, tzinfo=timezone(timedelta(hours=8)))
    assert signer.sign(data, elsewhere) == signer.sign(data, NOON)
    assert signer.sign(data, NOON + timedelta(seconds=1)) != signer.sign(data, NOON)


def test_the_example_of_rfc_8463_verifies_with_our_reading_of_its_key(signers: dict[str, Signer]) -> None:
    assert dns_record(signers["ed25519"]) == "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="


def test_a_record_is_what_a_zone_holds(rsa_key: rsa.RSAPrivateKey, signers: dict[str, Signer]) -> None:
    signer = signers["rsa"]
    assert signer.record_name == "r2026._domainkey.example.com"
    public = rsa_key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    assert dns_record(signer) == f"v=DKIM1; k=rsa; p={base64.b64encode(public).decode()}"


def test_a_signer_shows_no_key(signer: Signer) -> None:
    assert repr(signer) == (
        f"Signer(domain='example.com', selector='{signer.selector}', algorithm='{signer.algorithm}')"
    )


@settings(deadline=None, max_examples=examples(40))
@given(
    fields=st.lists(
        st.tuples(
            st.sampled_from(["From", "TO", "subject", "X-Other", "List-Id"]),
            st.text(st.sampled_from("ab:;=\t \x0b\x0c"), max_size=30).map(lambda text: text.replace("\t", "\r\n\t")),
        ),
        max_size=6,
    ),
    body=st.text(st.sampled_from("a \t.\n\x0b"), max_size=40).map(lambda text: text and f"{text}\n"),
)
@example(fields=[("TO", "one"), ("TO", "two"), ("subject", " a \r\n\tb ")], body=" a  b \n\n c \t\n \n\n")
def test_dkimpy_believes_any_message(fields: list[tuple[str, str]], body: str) -> None:
    signer = load_signer("example.com", "e2026", ED25519)
    lines = [f"{name}: x{value}x" for name, value in (("From", "a@example.com"), *fields)]
    message = "\r\n".join((*lines, "", body.replace("\n", "\r\n"))).encode()
    assert verifies(signer.sign(message, NOON) + message, signer)


# --- canonical forms ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "canonical"),
    [
        (b"", b""),
        (b"\r\n\r\n", b""),
        (b" \r\n\t\r\n", b""),
        (b" C \r\nD \t E\r\n\r\n\r\n", b" C\r\nD E\r\n"),  # RFC 6376, 3.4.5
        (b"a", b"a\r\n"),
        (b"a\t", b"a\r\n"),
        (b"a ", b"a\r\n"),
        (b"a\r\n\r\n", b"a\r\n"),
        (b"\r\n\r\na\r\n", b"\r\n\r\na\r\n"),
        (b"a  b", b"a b\r\n"),
        (b" a", b" a\r\n"),
        (b"a\tb\r\n", b"a b\r\n"),
        (b"a\r\n ", b"a\r\n"),
        (b" ", b""),
    ],
)
def test_a_body_is_relaxed_as_the_rfc_says(body: bytes, canonical: bytes) -> None:
    assert relaxed_body(body) == canonical


@given(
    body=st.lists(st.sampled_from([b"a", b" ", b"  ", b"\t", b"\r\n", b"bc"]), max_size=20).map(b"".join),
)
def test_a_relaxed_body_stays_as_it_is(body: bytes) -> None:
    """And is what the definition says, read word for word."""
    lines = [re.sub(rb"[ \t]+", b" ", line).rstrip(b" ") for line in body.split(b"\r\n")]
    while lines and not lines[-1]:
        lines.pop()
    expected = b"".join(line + b"\r\n" for line in lines)
    assert relaxed_body(body) == expected
    assert relaxed_body(expected) == expected


def test_a_body_with_nothing_to_relax_is_not_copied() -> None:
    body = compose().data.partition(b"\r\n\r\n")[2]
    assert relaxed_body(body) is body


@pytest.mark.parametrize(
    ("raw", "canonical"),
    [
        (b"A: X", b"a:X"),
        (b"B : Y\t\r\n\tZ  ", b"b:Y Z"),  # RFC 6376, 3.4.5
        (b"Subject:\r\n =?utf-8?q?x?=\r\n  y", b"subject:=?utf-8?q?x?= y"),
        (b"A: x \x0b y\x0c", b"a:x \x0b y\x0c"),
        (b"A:", b"a:"),
    ],
)
def test_a_field_is_relaxed_as_the_rfc_says(raw: bytes, canonical: bytes) -> None:
    assert relaxed_field(raw) == canonical


# --- keys -----------------------------------------------------------------------------------------------------------


def fault(key: bytes) -> InvalidValueError:
    with pytest.raises(InvalidValueError) as caught:
        load_signer("example.com", "nl", key)
    return caught.value


@pytest.mark.parametrize(
    "key",
    [
        b"",
        b"\x00\xff",
        b"hunter2",
        ED25519.replace(b"MC4", b"MD4"),
        ED25519[:60],
        b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
        b"-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----\n",
    ],
)
def test_what_is_no_private_key_is_said_to_be_none(key: bytes) -> None:
    said = fault(key)
    assert said.what == "is not a private key in PEM"
    assert "openssl genrsa" in said.remedy


def test_a_public_key_signs_nothing(rsa_key: rsa.RSAPrivateKey) -> None:
    public = rsa_key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    assert fault(public).what == "is not a private key in PEM"


def test_an_encrypted_key_is_not_asked_for_its_passphrase(rsa_key: rsa.RSAPrivateKey) -> None:
    said = fault(pem(rsa_key, "hunter2"))
    assert "passphrase" in said.what
    assert "hunter2" not in said.what + said.remedy


def test_a_short_rsa_key_is_refused_and_2048_bits_are_asked_for() -> None:
    said = fault(RSA_512)
    assert said.what == "is an RSA key of 512 bits, too short to be believed (RFC 8301)"
    assert "2048" in said.remedy


def test_a_key_of_another_kind_is_refused() -> None:
    said = fault(pem(ec.generate_private_key(ec.SECP256R1())))
    assert said.what == "is neither an RSA nor an Ed25519 key, and DKIM knows no other"


@pytest.mark.parametrize("form", [PrivateFormat.TraditionalOpenSSL, PrivateFormat.PKCS8])
def test_both_forms_of_pem_are_read(rsa_key: rsa.RSAPrivateKey, form: PrivateFormat) -> None:
    signer = load_signer("example.com", "nl", rsa_key.private_bytes(Encoding.PEM, form, NoEncryption()))
    assert verifies(signer.sign(compose().data, NOON) + compose().data, signer)


def test_1024_bits_are_still_taken() -> None:
    signer = load_signer("example.com", "nl", pem(rsa.generate_private_key(65537, 1024)))
    assert verifies(signer.sign(compose().data, NOON) + compose().data, signer)
