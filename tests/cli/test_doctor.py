"""`newsletter doctor`: its lines, its JSON, its exit codes, a terminal of 80 columns, and a test mail."""

from __future__ import annotations

import json
import os
import pty
import re
import select
import subprocess
from pathlib import Path

import pytest
from command_line import PROGRAM, environment, newsletter
from dns_server import Zone, dns_server
from link_server import serving
from machine import CHECKOUT
from smtp_server import Rule, SmtpServer

from newsletter.doctor.verdict import SECTIONS

READER = "reader.of.this.list@elsewhere.test"
PASSWORD = "a-word-for-the-relay"
SECRET = "a-signing-secret-of-the-operator"
ENV = {"NEWSLETTER_SECRET": SECRET, "NEWSLETTER_SMTP_PASSWORD": PASSWORD}
TOML = """[newsletter]
name = "Quill"
from = "Ada <ada@quill.test>"
postal_address = "Quill, 3 Ink Lane, Oxford"
unsubscribe_mailto = "leave@quill.test"
unsubscribe_url = "{web}"
[relay]
url = "{smtp}"
"""
ZONE: Zone = {
    ("quill.test", "MX"): ["10 mx.quill.test."],
    ("mx.quill.test", "A"): ["192.0.2.7"],
    ("quill.test", "TXT"): ["v=spf1 mx -all"],
    ("_dmarc.quill.test", "TXT"): ["v=DMARC1; p=none"],
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    text = TOML.format(web="https://quill.test/u/{token}", smtp="smtp://ada@mail.quill.test")
    (tmp_path / "newsletter.toml").write_text(text)
    (tmp_path / "list.csv").write_text(f"email\n{READER}\n")
    return tmp_path


def test_offline_needs_nobody(folder: Path) -> None:
    run = newsletter("doctor", "--offline", cwd=folder, **ENV)
    assert (run.code, run.err) == (0, "")
    lines = run.out.splitlines()
    assert lines[0] == "green   config          newsletter.toml: every key can be read"
    assert re.fullmatch(r"\d+ green, \d yellow, 0 red", lines[-1])
    assert not any(secret in run.out for secret in (SECRET, PASSWORD, READER))


def test_the_json_says_the_same(folder: Path) -> None:
    told = newsletter("doctor", "--offline", "--json", cwd=folder, **ENV).json
    assert (told["version"], told["exit_code"], told["counts"]["red"]) == (1, 0, 0)
    assert sum(told["counts"].values()) == len(told["lines"])
    for line in told["lines"]:
        assert set(line) == {"section", "code", "level", "what", "remedy", "record", "outside"}
        assert line["level"] == "green" or line["remedy"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[newsletter]\nnam = 1\n", "newsletter.toml:2"),
        ("[newsletter\n", "newsletter.toml:1"),
        (TOML.format(web="", smtp="smtp://ada:hunter2@quill.test"), "newsletter.toml:8"),
    ],
)
def test_a_file_that_cannot_be_read_is_red(folder: Path, text: str, said: str) -> None:
    (folder / "newsletter.toml").write_text(text)
    run = newsletter("doctor", cwd=folder, **ENV)
    assert run.code == 2
    assert run.out.startswith(f"red     config          {said}")
    assert "hunter2" not in run.out
    assert newsletter("doctor", "--json", cwd=folder, **ENV).json["lines"][0]["code"] == "config"


def test_no_file_at_all(tmp_path: Path) -> None:
    run = newsletter("doctor", cwd=tmp_path)
    assert run.code == 2
    assert "newsletter init" in run.out


@pytest.mark.parametrize(
    "options",
    [
        ("--offline", "--test", "ada@quill.test"),
        ("--offline", "--test-alerts"),
        ("--nameserver", "dns.test"),
        ("--test", "nobody"),
        ("--timeout", "0"),
    ],
)
def test_options_that_make_no_sense(folder: Path, options: tuple[str, ...]) -> None:
    run = newsletter("doctor", *options, cwd=folder, **ENV)
    assert run.code == 2
    assert run.out == ""


def test_with_a_network_and_a_test_mail(folder: Path) -> None:
    with SmtpServer() as smtp, dns_server(ZONE) as dns, serving() as web:
        web.serve("/u/newsletter-doctor")
        text = TOML.format(web=web.url("/u/{token}"), smtp=smtp.url)
        (folder / "newsletter.toml").write_text(text)
        options = ("--nameserver", dns.place, "--timeout", 30, "--test", "ada@quill.test")
        run = newsletter("doctor", "--json", *options, cwd=folder, **ENV)
        levels = {line["code"]: line["level"] for line in run.json["lines"]}
        assert run.code == 0, run.out
        assert levels["spf"] == levels["dmarc"] == levels["relay"] == levels["test-mail"] == "green"
        (mail,) = smtp.messages
        assert mail.recipient == "ada@quill.test"
        assert mail.mail["Subject"] == "[Test] A test by newsletter doctor"
        body = mail.mail.get_body(("plain",))
        assert body is not None
        assert "Authentication-Results" in body.get_content()
    assert not (folder / "newsletter.db").exists()
    assert not any(secret in run.out for secret in (SECRET, PASSWORD, READER, "ada@quill.test"))


def test_a_test_mail_that_is_refused_is_red_and_names_no_address(folder: Path) -> None:
    rule = Rule("RCPT", "550 5.1.1 <ada@quill.test>: no such user")
    with SmtpServer(rule) as smtp, dns_server(ZONE) as dns:
        text = TOML.format(web="", smtp=smtp.url).replace('unsubscribe_url = ""\n', "")
        (folder / "newsletter.toml").write_text(text)
        run = newsletter(
            "doctor", "--nameserver", dns.place, "--timeout", 30, "--test", "ada@quill.test", cwd=folder, **ENV
        )
    assert run.code == 3
    (line,) = (line for line in run.out.splitlines() if "test-mail" in line)
    assert line.startswith("red ")
    assert "no such user" in line
    assert "ada@quill.test" not in run.out


def test_a_saved_mail_is_judged(folder: Path) -> None:
    saved = folder / "saved.eml"
    saved.write_text("Authentication-Results: mx.test; dmarc=fail header.from=quill.test\nFrom: ada@quill.test\n\nHi\n")
    run = newsletter("doctor", "--offline", "--received", saved, cwd=folder, **ENV)
    assert run.code == 2
    assert "the receiver says dmarc=fail for quill.test" in run.out
    missing = newsletter("doctor", "--offline", "--received", "gone.eml", cwd=folder, **ENV)
    assert (missing.code, missing.out) == (2, "")
    assert missing.err.startswith("gone.eml: cannot be read")


@pytest.mark.parametrize("encoding", ["UTF-8", "ASCII"])
def test_on_a_terminal_lines_fit_and_have_a_colour(folder: Path, encoding: str) -> None:
    (folder / "newsletter.toml").write_text("[newsletter]\nfrom = 'ada@example.com'\n")
    ours, theirs = pty.openpty()
    env = environment(TERM="xterm-256color", COLUMNS="80", PYTHONIOENCODING=encoding, **ENV)
    with subprocess.Popen(
        [PROGRAM, "doctor", "--offline"], cwd=folder, env=env, stdin=subprocess.DEVNULL, stdout=theirs, stderr=theirs
    ) as process:
        os.close(theirs)
        shown = _read_all(ours)
    assert process.returncode == 2
    assert "\x1b[1;31m" in shown
    plain = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]|\r", "", shown)
    assert max(map(len, plain.splitlines())) <= 80
    assert "Settings" in plain
    assert ("✗ " if encoding == "UTF-8" else "x ") in plain
    assert "Traceback" not in plain


def _read_all(terminal: int) -> str:
    text = b""
    while True:
        select.select([terminal], [], [])
        try:
            piece = os.read(terminal, 65536)
        except OSError:  # Linux: the other side is closed
            piece = b""
        if not piece:
            os.close(terminal)
            return text.decode()
        text += piece


def test_alerts_are_tried_on_request_though_newsletter_toml_is_broken(folder: Path) -> None:
    (folder / "newsletter.toml").write_text("[newsletter\n")
    env = {**ENV, "NEWSLETTER_ALERT_WEBHOOK": "http://127.0.0.1:9/a-key"}
    run = newsletter("doctor", "--json", "--test-alerts", cwd=folder, **env)
    lines = {line["code"]: line for line in run.json["lines"]}
    assert (run.code, lines["config"]["level"], lines["alerts"]["level"]) == (2, "red", "red")
    assert "was not told (ConnectError)" in lines["alerts"]["what"]
    assert "a-key" not in run.out
    assert "alerts" not in newsletter("doctor", "--offline", cwd=folder, **env).out


def test_the_page_describes_each_code_and_key() -> None:
    page = (CHECKOUT / "docs" / "doctor.md").read_text("utf-8")
    for section, codes in SECTIONS.items():
        assert f"**{section}**" in page
        for code in codes:
            assert f"`{code}`" in page, code
    for key in json.loads('["section", "code", "level", "what", "remedy", "record", "outside", "exit_code", "counts"]'):
        assert f"`{key}`" in page
