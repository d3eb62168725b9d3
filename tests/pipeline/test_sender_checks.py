"""What is said of the sender before a send: public providers, a signature that few verify."""

from __future__ import annotations

from pathlib import Path

import pytest
from command_line import newsletter, write_list, write_post
from cryptography.hazmat.primitives.asymmetric import rsa
from dkim_keys import ED25519, pem
from smtp_server import SmtpServer

from newsletter.config.config import Config
from newsletter.config.load import load_config
from newsletter.model.delivery import Relay
from newsletter.model.mailbox_providers import PROVIDERS, provider_of
from newsletter.pipeline.sender_checks import sender_warnings, signature_at_hand


def config_of(folder: Path, sender: str, more: str = "") -> Config:
    path = folder / "newsletter.toml"
    needed = 'postal_address = "1 Main Street"\nunsubscribe_mailto = "leave@example.com"'
    path.write_text(f'[newsletter]\nfrom = "{sender}"\n{needed}\n{more}')
    return load_config(path, {}, folder)


def warnings(folder: Path, sender: str, *hosts: str) -> tuple[str, ...]:
    relays = [Relay(host, 587, "starttls") for host in hosts]
    return sender_warnings(config_of(folder, sender), relays, None)


@pytest.mark.parametrize(
    ("address", "theirs"),
    [
        ("daily@gmail.com", "smtp.gmail.com"),
        ("daily@googlemail.com", "smtp-relay.gmail.com"),
        ("daily@qq.com", "smtp.qq.com"),
        ("daily@foxmail.com", "smtp.qq.com"),
        ("daily@vip.163.com", "smtp.vip.163.com"),
        ("daily@126.com", "smtp.126.com"),
        ("daily@outlook.de", "smtp-mail.outlook.com"),
        ("daily@hotmail.co.uk", "smtp.office365.com"),
        ("daily@yahoo.co.jp", "smtp.mail.yahoo.co.jp"),
        ("daily@yahoo.com.br", "smtp.mail.yahoo.com"),
        ("daily@aol.com", "smtp.aol.com"),
        ("daily@icloud.com", "smtp.mail.me.com"),
        ("daily@gmx.net", "mail.gmx.net"),
        ("daily@web.de", "smtp.web.de"),
        ("daily@yandex.ru", "smtp.yandex.com"),
        ("daily@mail.ru", "smtp.mail.ru"),
        ("daily@sina.com", "smtp.sina.com"),
        ("daily@naver.com", "smtp.naver.com"),
        ("Daily <DAILY@GMAIL.com>", "smtp.gmail.com"),
    ],
)
def test_a_public_provider_sends_for_itself_and_nobody_else_does(tmp_path: Path, address: str, theirs: str) -> None:
    assert warnings(tmp_path, address, theirs) == ()
    (sentence,) = warnings(tmp_path, address, theirs, "mail.example.net")
    assert "smtp://mail.example.net:587 is not" in sentence
    assert theirs not in sentence
    assert "fails DMARC" in sentence
    assert "at a domain of your own" in sentence
    assert warnings(tmp_path, address, f"{theirs}.example.net")  # a name that only begins like theirs
    assert warnings(tmp_path, address, "127.0.0.1")


@pytest.mark.parametrize(
    "address",
    ["daily@example.com", "daily@mygmail.com", "daily@news.gmail.com.example.com", "daily@yahoo-fans.com", ""],
)
def test_a_domain_of_ones_own_goes_through_any_relay(tmp_path: Path, address: str) -> None:
    assert warnings(tmp_path, address, "mail.example.net", "127.0.0.1") == ()


def test_a_bridge_on_this_machine_is_the_providers_own(tmp_path: Path) -> None:
    assert warnings(tmp_path, "daily@proton.me", "127.0.0.1") == ()
    assert warnings(tmp_path, "daily@proton.me", "mail.example.net")


def test_no_domain_is_of_two_providers() -> None:
    domains = ["gmail.com", "mail.ru", "mail.com", "me.com", "163.com", "live.com", "yahoo.fr", "gmx.de", "post.cz"]
    for domain in domains:
        assert [provider.name for provider in PROVIDERS if provider.has(domain)] == [provider_of(domain).name]  # type: ignore[union-attr]


# --- the signature --------------------------------------------------------------------------------------------------


def _section(selector: str, array: bool = True) -> str:
    head = "[[dkim]]" if array else "[dkim]"
    return f'{head}\ndomain = "example.com"\nselector = "{selector}"\nkey = "{selector}.pem"\n'


def test_ed25519_alone_is_warned_of_and_not_beside_rsa(tmp_path: Path) -> None:
    (tmp_path / "ed.pem").write_bytes(ED25519)
    (tmp_path / "rsa.pem").write_bytes(pem(rsa.generate_private_key(65537, 2048)))
    for sections, warned in (
        (_section("ed", array=False), True),
        (_section("ed"), True),
        (_section("rsa"), False),
        (_section("rsa") + _section("ed"), False),
        (_section("ed") + _section("rsa"), False),
        (_section("missing"), False),
        ("", False),
    ):
        config = config_of(tmp_path, "daily@example.com", sections)
        said = sender_warnings(config, [], signature_at_hand(config))
        assert bool(said) == warned, sections
        if said:
            assert "Ed25519 alone, which Gmail, Outlook and Yahoo do not verify" in said[0]
            assert "add an RSA key" in said[0]


def test_a_dry_run_and_a_send_warn_before_anything_goes_out(tmp_path: Path) -> None:
    write_post(tmp_path)
    write_list(tmp_path, "ada@example.net")
    (tmp_path / "ed.pem").write_bytes(ED25519)
    with SmtpServer() as server:
        relay = f'[relay]\nurl = "{server.relay}"\n'
        config_of(tmp_path, "daily@example.com", relay + _section("ed", array=False))
        for options in (["--dry-run"], ["--yes", "--first"]):
            run = newsletter("send", "2026-03-01-hello.md", "--to", "list.csv", *options, cwd=tmp_path)
            assert run.code == 0, run.err
            assert "warning: newsletter.toml: [dkim] signs with Ed25519 alone" in run.err.replace(f"{tmp_path}/", "")
        config_of(tmp_path, "daily@gmail.com", relay)
        test = newsletter("send", "2026-03-01-hello.md", "--test", "ada@example.net", "--yes", cwd=tmp_path)
        assert test.code == 0, test.err
        assert "is not Gmail's relay" in test.err
        catch = newsletter(
            "send", "2026-03-01-hello.md", "--to", "list.csv", "--catch", "--no-wait", "--yes", cwd=tmp_path
        )
        assert "is not Gmail's relay" not in catch.err


def test_two_tests_and_the_issue_are_three_messages_to_a_receiver(tmp_path: Path) -> None:
    write_post(tmp_path)
    write_list(tmp_path, "ada@example.net")
    with SmtpServer() as server:
        config_of(tmp_path, "daily@example.com", f'[relay]\nurl = "{server.relay}"\n')
        for options in (["--test", "ada@example.net"], ["--test", "ada@example.net"], ["--to", "list.csv", "--first"]):
            assert newsletter("send", "2026-03-01-hello.md", *options, "--yes", cwd=tmp_path).code == 0
    assert len(server.messages) == 3
    assert len({message.message_id for message in server.messages}) == 3
