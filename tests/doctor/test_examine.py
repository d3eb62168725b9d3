"""The whole examination against a relay, a nameserver and a web page of this machine; one that fails hides none."""

from __future__ import annotations

import json
import ssl
from base64 import b64encode
from datetime import UTC, datetime
from email.utils import format_datetime
from pathlib import Path

import pytest
import trustme
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from dns_server import SERVFAIL, dns_server
from link_server import OK, redirect, serving
from smtp_server import Fault, Rule, SmtpServer
from web_site import running

from newsletter.config.load import load_config
from newsletter.doctor.examine import World, examine
from newsletter.doctor.verdict import SECTIONS, Level, Verdict, exit_code

NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
SECRET = "a-signing-secret-of-the-operator"
PASSWORD = "a-word-for-the-relay"
ENV = {"NEWSLETTER_SECRET": SECRET, "NEWSLETTER_SMTP_PASSWORD": PASSWORD}
READER = "reader.of.this.list@elsewhere.test"

TOML = """
[newsletter]
name = "Quill"
from = "Ada <ada@quill.test>"
postal_address = "Quill, 3 Ink Lane, Oxford"
unsubscribe_mailto = "leave@quill.test"
unsubscribe_url = "{web}"
bounce_address = "bounce+{{token}}@mail.quill.test"
[relay]
url = "smtp://ada@localhost:{smtp}"
tls = "starttls"
[dkim]
domain = "quill.test"
selector = "news"
key = "dkim.pem"
[bounces]
mailbox = "mail"
"""


@pytest.fixture(scope="module")
def key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048)


def zone(key: rsa.RSAPrivateKey) -> dict[tuple[str, str], list[str] | str]:
    public = b64encode(key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).decode()
    hosts: dict[tuple[str, str], list[str] | str] = {
        ("quill.test", "MX"): ["10 mx.quill.test."],
        ("mail.quill.test", "MX"): ["10 mx.quill.test."],
    }
    return hosts | {
        ("mx.quill.test", "A"): ["192.0.2.7"],
        ("mail.quill.test", "TXT"): ["v=spf1 ip4:192.0.2.7 -all"],
        ("news._domainkey.quill.test", "TXT"): [f"v=DKIM1; k=rsa; p={public}"],
        ("_dmarc.quill.test", "TXT"): ["v=DMARC1; p=quarantine; rua=mailto:ada@quill.test"],
    }


class Laboratory:
    """Everything that the doctor asks, in good health until a test says otherwise."""

    def __init__(self, folder: Path, key: rsa.RSAPrivateKey) -> None:
        authority = trustme.CA()
        server_tls, self.trusting = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.create_default_context()
        authority.issue_cert("localhost").configure_cert(server_tls)
        authority.configure_trust(self.trusting)
        self.folder = folder
        self.key = key
        self.rules: tuple[Rule, ...] = ()
        self.zone = zone(key)
        self.web = [OK]
        self.web_time = NOW
        self.server_tls = server_tls
        self.offline = False
        self.asked: list[str] = []

        self.env = ENV
        self.machine = ""

    def verdicts(self) -> tuple[Verdict, ...]:
        pem = self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        (self.folder / "dkim.pem").write_bytes(pem)
        (self.folder / "dkim.pem").chmod(0o600)
        (self.folder / "list.csv").write_text(f"email\n{READER}\n")
        with (
            SmtpServer(*self.rules, tls=self.server_tls, login=("ada", PASSWORD)) as smtp,
            dns_server(self.zone) as dns,
            serving() as web,
        ):
            web.date = format_datetime(self.web_time, usegmt=True)
            web.serve("/u/newsletter-doctor", *self.web)
            text = TOML.format(web=web.url("/u/{token}"), smtp=smtp.port)
            (self.folder / "newsletter.toml").write_text(text)
            config = load_config(self.folder / "newsletter.toml", self.env, self.folder)
            world = World(
                machine=self.machine,
                offline=self.offline,
                nameserver=dns.place,
                timeout_s=20.0,
                clock=lambda: NOW,
                tls=self.trusting,
            )
            found = examine(config, self.env, world)
            self.asked = [*smtp.commands, *(name for name, _ in dns.asked), *web.requests]
        said = json.dumps([(verdict.what, verdict.remedy, verdict.record) for verdict in found])
        for secret in (SECRET, PASSWORD, READER):
            assert secret not in said
        return found


@pytest.fixture
def laboratory(tmp_path: Path, key: rsa.RSAPrivateKey) -> Laboratory:
    return Laboratory(tmp_path, key)


def not_green(verdicts: tuple[Verdict, ...]) -> dict[str, tuple[Level, str]]:
    return {each.code: (each.level, each.what) for each in verdicts if each.level is not Level.GREEN}


def test_good_health_is_green_and_nothing_was_sent(laboratory: Laboratory) -> None:
    verdicts = laboratory.verdicts()
    # A page of this machine's own is no public one; all else is as it should be.
    assert set(not_green(verdicts)) == {"one-click"}
    codes = [verdict.code for verdict in verdicts]
    assert {
        *("config", "needed", "placeholder", "theme", "secrets", "dkim-key", "relay", "relay-tls", "relay-features"),
        *("spf", "spf-lookups", "dkim", "dmarc", "alignment", "mx", "bimi", "one-click", "ledger", "bounces"),
        *("published", "clock", "time-zone"),
    } == set(codes)
    order = [code for codes in SECTIONS.values() for code in codes]
    assert codes == sorted(codes, key=order.index)
    assert exit_code(verdicts) == 0
    assert not any(command.startswith(("MAIL", "RCPT")) for command in laboratory.asked)
    assert not (laboratory.folder / "newsletter.db").exists()
    assert {request for request in laboratory.asked if "/u/" in request} == {
        "POST /u/newsletter-doctor",
        "GET /u/newsletter-doctor",
    }


def test_a_nameserver_that_fails_hides_nothing_else(laboratory: Laboratory) -> None:
    laboratory.zone = dict.fromkeys(laboratory.zone, SERVFAIL)
    verdicts = laboratory.verdicts()
    wrong = not_green(verdicts)
    assert {"spf", "dkim", "dmarc", "mx"} <= set(wrong)
    assert {level for level, _ in wrong.values()} == {Level.YELLOW}
    assert "relay" not in wrong
    assert "clock" not in wrong


def test_a_relay_that_hangs_up_hides_nothing_else(laboratory: Laboratory) -> None:
    laboratory.rules = (Rule("connect", Fault.DROP),)
    verdicts = laboratory.verdicts()
    wrong = not_green(verdicts)
    assert wrong["relay"][0] is Level.RED
    assert set(wrong) == {"relay", "one-click"}
    assert exit_code(verdicts) == 3


def test_what_is_the_operator_s_to_mend_counts_more(laboratory: Laboratory) -> None:
    laboratory.rules = (Rule("connect", "421 4.3.2 later"),)
    del laboratory.zone["_dmarc.quill.test", "TXT"]
    assert exit_code(laboratory.verdicts()) == 2


def test_a_redirecting_page_and_a_slow_clock(laboratory: Laboratory) -> None:
    laboratory.web_time = NOW.replace(hour=9)
    laboratory.web = [redirect(303, "/thanks"), OK]
    verdicts = laboratory.verdicts()
    assert not_green(verdicts)["clock"] == (Level.RED, "this machine's clock is 60 minutes behind 127.0.0.1's")
    assert any(verdict.code == "one-click" and "a redirect to /thanks" in verdict.what for verdict in verdicts)


def test_a_wrong_password_is_the_operator_s(laboratory: Laboratory) -> None:
    laboratory.rules = (Rule("AUTH", "535 5.7.8 no"),)
    verdicts = laboratory.verdicts()
    assert not_green(verdicts)["relay"][0] is Level.RED
    assert exit_code(verdicts) == 2


def test_without_a_password_no_login_is_tried(laboratory: Laboratory) -> None:
    laboratory.env = {"NEWSLETTER_SECRET": SECRET}
    verdicts = laboratory.verdicts()
    assert not_green(verdicts)["secrets"][0] is Level.RED
    assert any(verdict.code == "relay" and "no login was tried" in verdict.what for verdict in verdicts)
    assert not any(command.startswith("AUTH") for command in laboratory.asked)


@pytest.mark.parametrize(("name", "level"), [("mail.quill.test", Level.GREEN), ("another.quill.test", Level.RED)])
def test_this_machine_s_own_relay_needs_a_name(laboratory: Laboratory, name: str, level: Level) -> None:
    laboratory.machine = "mail.quill.test"
    laboratory.zone |= {("mail.quill.test", "A"): ["1.2.3.4"], ("4.3.2.1.in-addr.arpa", "PTR"): [f"{name}."]}
    (verdict,) = (verdict for verdict in laboratory.verdicts() if verdict.code == "relay-ptr")
    assert verdict.level is level


def test_offline_asks_nobody(laboratory: Laboratory) -> None:
    laboratory.offline = True
    verdicts = laboratory.verdicts()
    assert laboratory.asked == []
    assert not_green(verdicts) == {}
    assert {"spf", "relay", "one-click", "clock"} & {verdict.code for verdict in verdicts} == set()
    assert {"theme", "dkim-key", "ledger", "published"} <= {verdict.code for verdict in verdicts}


def test_a_key_that_others_can_read_and_a_theme_that_is_not_there(tmp_path: Path, key: rsa.RSAPrivateKey) -> None:
    (tmp_path / "dkim.pem").write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    (tmp_path / "dkim.pem").chmod(0o644)
    text = TOML.format(web="https://quill.test/{token}", smtp=25) + '[theme]\nname = "nowhere"\n'
    (tmp_path / "newsletter.toml").write_text(text)
    config = load_config(tmp_path / "newsletter.toml", ENV, tmp_path)
    wrong = not_green(examine(config, ENV, World(offline=True)))
    assert {code: level for code, (level, _) in wrong.items()} == {"dkim-key": Level.YELLOW, "theme": Level.RED}


def test_a_key_that_is_none_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "dkim.pem").write_text("-----BEGIN PRIVATE KEY-----\nnone\n")
    (tmp_path / "newsletter.toml").write_text(TOML.format(web="https://quill.test/{token}", smtp=25))
    config = load_config(tmp_path / "newsletter.toml", ENV, tmp_path)
    assert not_green(examine(config, ENV, World(offline=True)))["dkim-key"][0] is Level.RED


def test_newsletter_s_own_pages_pass_and_change_nothing(tmp_path: Path) -> None:
    with running(tmp_path) as site:
        before = site.state()
        toml = (tmp_path / "newsletter.toml").read_text()
        (tmp_path / "newsletter.toml").write_text(f'{toml}[serve]\nurl = "{site.url}"\n')
        config = load_config(tmp_path / "newsletter.toml", ENV, tmp_path)
        with dns_server({}) as dns:
            verdicts = examine(config, ENV, World(nameserver=dns.place, timeout_s=20.0, clock=lambda: NOW))
        said = [(verdict.level, verdict.what) for verdict in verdicts if verdict.code == "one-click"]
        assert said == [
            (Level.GREEN, f"{site.url}: a one-click POST is answered 200, without a redirect"),
            (Level.YELLOW, f"{site.url}: only this machine can reach it"),
        ]
        assert site.state() == before
