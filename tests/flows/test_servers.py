"""The installed command against servers that others wrote: chasquid, maildev, Postfix's sink, PostgreSQL."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
from collections import Counter
from collections.abc import Iterator, Sequence
from email import policy
from email.message import EmailMessage
from email.parser import BytesParser
from pathlib import Path
from typing import Any

import dkim
import pytest
import trustme
from chasquid import Chasquid, Delivered, chasquid
from command_line import DIGEST, LIST, Run, finish, newsletter, people, start, write_list, write_post
from cryptography.hazmat.primitives.asymmetric import rsa
from dkim_keys import ED25519, pem
from invariants import Accounts, Arrived, assert_one_copy_each
from machine import RequireProgram
from maildev import NAMES, fetch, maildev, read_mbox
from postgres import PASSWORD as LEDGER_PASSWORD
from sink import smtp_sink
from smtp_server import Fault, Rule, SmtpServer
from sqlalchemy import make_url

from newsletter.message.dkim import dns_record, load_signer
from newsletter.model.delivery import State

ISSUE = "2026-03-01-hello"
NEWS = "news@example.com"
PASSWORD = "the-secret-word"
READERS = [*people(4), "first.last+digest@example.com", "读者@example.com"]
TOML = """\
[newsletter]
name = "AI 日报"
from = "AI 日报 <news@example.com>"
postal_address = "杭州市西湖区示例路 1 号"
unsubscribe_mailto = "leave@example.com"

[relay]
url = "{url}"
tls = "{tls}"
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_post(tmp_path)
    write_list(tmp_path, *READERS)
    return tmp_path


# --- chasquid -------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def running_server(require_program: RequireProgram) -> Iterator[Chasquid]:
    with chasquid(require_program, {NEWS: PASSWORD, **dict.fromkeys(READERS, "of-a-reader")}) as server:
        yield server


@pytest.fixture
def server(running_server: Chasquid) -> Iterator[Chasquid]:
    yield running_server
    running_server.forget()


def configure(folder: Path, server: Chasquid, tls: str, more: str = "") -> None:
    scheme, port = ("smtps", server.submission_over_tls) if tls == "implicit" else ("smtp", server.submission)
    url = f"{scheme}://news%40example.com@localhost:{port}"
    (folder / "newsletter.toml").write_text(TOML.format(url=url, tls=tls) + more, "utf-8")


def send(folder: Path, server: Chasquid, *options: object, post: object = f"{ISSUE}.md", **env: str) -> Run:
    trusted = {"NEWSLETTER_SMTP_PASSWORD": PASSWORD, "SSL_CERT_FILE": str(server.authority)}
    # Named: the digest lies elsewhere, and a newsletter.toml is looked for beside the post first.
    config = ("--config", folder / "newsletter.toml")
    return newsletter(
        "send", post, "--to", "list.csv", "--yes", "--first", *config, *options, cwd=folder, **{**trusted, **env}
    )


def parsed(data: bytes) -> EmailMessage:
    mail = BytesParser(policy=policy.default).parsebytes(data)
    assert isinstance(mail, EmailMessage)
    return mail


def content(mail: EmailMessage) -> list[tuple[str, object]]:
    """What there is to read in a message, part by part."""
    headers = [(name, str(mail[name])) for name in ("From", "To", "Subject", "List-Id", "List-Unsubscribe")]
    return headers + [
        (part.get_content_type(), part.get_payload(decode=True)) for part in mail.walk() if not part.is_multipart()
    ]


def arrived(deliveries: Sequence[Delivered]) -> list[Arrived]:
    return [Arrived(each.recipient, str(parsed(each.data)["Message-ID"])) for each in deliveries]


@pytest.mark.parametrize(
    ("tls", "way"), [("starttls", "(over submission, TLS"), ("implicit", "(over submission+TLS, TLS")]
)
def test_chasquid_delivers_to_everyone_once_and_intact(folder: Path, server: Chasquid, tls: str, way: str) -> None:
    configure(folder, server, tls)
    caught = send(folder, server, "--catch", "--no-wait", "--mbox", "expected.mbox", post=DIGEST)
    assert caught.code == 0, caught.err
    expected = {str(mail["To"]): content(mail) for mail in read_mbox(folder / "expected.mbox")}
    assert len(expected) == len(READERS)

    run = send(folder, server, "--json", post=DIGEST)
    assert (run.code, run.json["sent"], run.json["refused"]) == (0, len(READERS), []), run.err
    deliveries = server.delivered()
    assert sorted(each.recipient for each in deliveries) == sorted(READERS)
    assert_one_copy_each(arrived(deliveries))
    for each in deliveries:
        mail = parsed(each.data)
        assert content(mail) == expected[str(mail["To"])]
        assert f"<{each.recipient}>".encode() in each.data
        assert [part.defects for part in mail.walk() if part.defects] == []
        assert each.mail_from == NEWS
        received = str(mail["Received"])
        assert "with ESMTPSA" in received  # logged in, and under TLS (RFC 3848)
        assert way in received

    again = send(folder, server, "--json", post=DIGEST)
    assert (again.code, again.json["sent"], again.json["already_sent"]) == (0, 0, len(READERS))
    assert server.delivered() == deliveries


def test_chasquid_knows_nobody_of_that_name_and_the_others_get_theirs(folder: Path, server: Chasquid) -> None:
    configure(folder, server, "starttls")
    write_list(folder, READERS[0], "nobody@example.com", READERS[1])
    run = send(folder, server, "--json")
    (refused,) = run.json["refused"]
    assert (run.code, run.json["sent"], run.json["left"]) == (0, 2, [])
    assert (refused["address"], refused["stage"], refused["code"]) == ("nobody@example.com", "RCPT", 550)
    assert "5.1.1 Destination address is unknown" in refused["text"]
    assert sorted(each.recipient for each in server.delivered()) == READERS[:2]


def refusal(run: Run) -> str:
    """The one sentence of a run in which nobody could be mailed."""
    assert run.code == 3, run.err
    assert not run.out or run.json["exit_code"] == 3
    lines = [line for line in run.err.splitlines() if not line.startswith("warning: ")]
    assert len(lines) == 1, run.err
    return lines[0]


@pytest.mark.parametrize("tls", ["starttls", "implicit"])
def test_a_wrong_password_mails_nobody_and_the_right_one_everybody(folder: Path, server: Chasquid, tls: str) -> None:
    configure(folder, server, tls)
    run = send(folder, server, "--json", NEWSLETTER_SMTP_PASSWORD="another-word")
    sentence = refusal(run)
    assert "the login as news@example.com was refused (535 5.7.8 Incorrect user or password)" in sentence
    assert "NEWSLETTER_SMTP_PASSWORD" in sentence
    assert "another-word" not in run.err
    assert server.delivered() == []
    (issue,) = newsletter("status", "--json", cwd=folder).json["issues"]
    assert (issue["sent"], issue["left"], issue["uncertain"]) == (0, len(READERS), 0)
    assert send(folder, server).code == 0
    assert sorted(each.recipient for each in server.delivered()) == sorted(READERS)


@pytest.mark.parametrize("auth", ["auto", "plain"])
def test_chasquid_takes_no_login_in_the_clear(folder: Path, server: Chasquid, auth: str) -> None:
    configure(folder, server, "none", f'auth = "{auth}"\n')
    sentence = refusal(send(folder, server, "--json"))
    assert ("offers no login" if auth == "auto" else "503 5.7.10 You feel vulnerable") in sentence
    assert PASSWORD not in sentence
    assert server.delivered() == []


def test_chasquid_on_this_machine_takes_a_login_without_a_word_of_tls(folder: Path, server: Chasquid) -> None:
    """`tls = "auto"` is none here, but for a login that is offered only behind STARTTLS."""
    configure(folder, server, "auto")
    assert send(folder, server).code == 0
    deliveries = server.delivered()
    assert sorted(each.recipient for each in deliveries) == sorted(READERS)
    assert all("with ESMTPSA" in str(parsed(each.data)["Received"]) for each in deliveries)
    server.forget()
    (folder / "newsletter.toml").write_text(
        (folder / "newsletter.toml").read_text("utf-8").partition("[relay]")[0], "utf-8"
    )
    url = f"smtp://news%40example.com@localhost:{server.submission}"
    again = send(folder, server, "--relay", url, "--test", READERS[0])
    assert again.code == 0, again.err
    assert len(server.delivered()) == 1


def test_an_unknown_authority_is_not_trusted(folder: Path, server: Chasquid) -> None:
    trustme.CA().cert_pem.write_to_path(folder / "other.pem")
    configure(folder, server, "starttls")
    logins = server.log().count("auth ")
    sentence = refusal(send(folder, server, "--json", SSL_CERT_FILE=str(folder / "other.pem")))
    assert "the certificate was refused (" in sentence
    assert server.log().count("auth ") == logins
    assert server.delivered() == []


@pytest.mark.parametrize("kind", ["ed25519-sha256", "rsa-sha256"])
def test_a_signature_survives_chasquid(folder: Path, server: Chasquid, kind: str) -> None:
    key = ED25519 if kind == "ed25519-sha256" else pem(rsa.generate_private_key(65537, 2048))
    (folder / "dkim.pem").write_bytes(key)
    signing = '\n[dkim]\ndomain = "example.com"\nselector = "news2026"\nkey = "dkim.pem"\n'
    configure(folder, server, "starttls", signing)
    assert send(folder, server, post=DIGEST).code == 0
    deliveries = server.delivered()
    assert sorted(each.recipient for each in deliveries) == sorted(READERS)
    record = dns_record(load_signer("example.com", "news2026", key)).encode()

    def txt(name: bytes, timeout: int = 5) -> bytes | None:
        return record if name.rstrip(b".") == b"news2026._domainkey.example.com" else None

    for each in deliveries:
        assert f"a={kind}" in str(parsed(each.data)["DKIM-Signature"])
        assert each.data.startswith(b"Received: ")  # it is not what was signed, byte by byte
        assert dkim.verify(each.data, dnsfunc=txt)
        assert not dkim.verify(each.data.replace(b"\nSubject: ", b"\nSubject: x"), dnsfunc=txt)


# --- maildev --------------------------------------------------------------------------------------------------------


def test_maildev_takes_it_with_tls_and_a_login(
    folder: Path, require_program: RequireProgram, node: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(folder / "ca.pem")
    authority.issue_cert("localhost").private_key_and_cert_chain_pem.write_to_path(folder / "server.pem")
    options = {"incomingUser": "daily", "incomingPass": PASSWORD, "incomingSecure": True}
    files = dict.fromkeys(("incomingCert", "incomingKey"), str(folder / "server.pem"))
    (folder / ".maildevrc.json").write_text(json.dumps({**options, **files}))
    monkeypatch.chdir(folder)  # where maildev looks for that file
    with maildev(require_program("node"), node) as (smtp, web):

        def to_maildev(login: str, cwd: Path = folder, **env: str) -> Run:
            relay = f"smtps://{login}localhost:{smtp}"
            way = ("--to", LIST, "--relay", relay, "--yes", "--first", "--json")
            return newsletter("send", DIGEST, *way, cwd=cwd, SSL_CERT_FILE=str(folder / "ca.pem"), **env)

        assert "535 Invalid username or password" in refusal(to_maildev("daily@", NEWSLETTER_SMTP_PASSWORD="wrong"))
        (folder / "uninvited").mkdir()  # with a ledger of its own: whoever was put off would have to wait
        uninvited = to_maildev("", folder / "uninvited")
        assert (uninvited.code, uninvited.json["sent"], uninvited.json["refused"]) == (3, 0, []), uninvited.err
        assert {(entry["stage"], entry["code"]) for entry in uninvited.json["left"] if "code" in entry} == {
            ("MAIL", 530)
        }
        assert fetch(web, "/api/email") == []
        run = to_maildev("daily@", NEWSLETTER_SMTP_PASSWORD=PASSWORD)
        assert (run.code, run.json["sent"]) == (0, len(NAMES)), run.err
        mails = fetch(web, "/api/email")
    assert Counter(mail["to"][0]["address"] for mail in mails) == Counter(list(NAMES))
    assert {mail["to"][0]["address"]: mail["to"][0]["name"] for mail in mails} == NAMES


# --- Postfix's sink -------------------------------------------------------------------------------------------------


def test_300_people_over_10_connections_have_one_message_each(folder: Path) -> None:
    audience = people(300)
    write_list(folder, *audience)
    with smtp_sink() as sink:
        way = ("--to", "list.csv", "--relay", sink.url, "--connections", "10", "--yes", "--first", "--json")
        run = newsletter("send", f"{ISSUE}.md", *way, cwd=folder)
        kept = sink.settled()
    assert (run.code, run.json["sent"], run.json["uncertain"]) == (0, 300, []), run.err
    assert sorted(message.recipient for message in kept) == audience
    assert_one_copy_each(kept)


# --- a ledger in PostgreSQL -----------------------------------------------------------------------------------------

CONNECTIONS = 4
SIXTY = people(60)


class Ledger:
    """Commands that keep their ledger in PostgreSQL, its password in the environment."""

    def __init__(self, url: str) -> None:
        self.option = ("--ledger", make_url(url)._replace(password=None).render_as_string())

    def run(self, *command: object, cwd: Path) -> Run:
        return newsletter(*command, *self.option, cwd=cwd, PGPASSWORD=LEDGER_PASSWORD)

    def json(self, *command: object, cwd: Path) -> Any:
        run = self.run(*command, "--json", cwd=cwd)
        assert run.code == 0, run.err
        return run.json

    def start(self, *command: object, cwd: Path) -> subprocess.Popen[bytes]:
        return start(*command, *self.option, cwd=cwd, PGPASSWORD=LEDGER_PASSWORD)


@pytest.fixture
def ledger(postgres_url: str) -> Ledger:
    return Ledger(postgres_url)


def to_list(server: SmtpServer) -> tuple[str, ...]:
    way = ("--relay", server.url, "--connections", str(CONNECTIONS), "--yes", "--json")
    return ("send", f"{ISSUE}.md", "--to", "list.csv", "--first", *way)


def test_a_ledger_in_postgresql_knows_who_has_it(folder: Path, ledger: Ledger) -> None:
    addresses = people(4)
    write_list(folder, *addresses[:3])
    with SmtpServer(Rule("RCPT", "550 5.1.1 no such user", about="002")) as server:
        run = ledger.run(*to_list(server), cwd=folder)
        assert (run.code, run.json["sent"], len(run.json["refused"])) == (0, 2, 1), run.err
        write_list(folder, *addresses)
        run = ledger.run(*to_list(server), cwd=folder)
        assert (run.code, run.json["sent"], run.json["already_sent"]) == (0, 1, 2), run.err
    assert Counter(server.recipients) == Counter([addresses[0], *addresses[2:]])
    counts = {"sent": 3, "refused": 1, "left": 0, "uncertain": 0, "suppressed": 0}
    (issue,) = ledger.json("status", cwd=folder)["issues"]
    assert (issue["issue"], {name: issue[name] for name in counts}) == (ISSUE, counts)
    (person,) = ledger.json("status", ISSUE, cwd=folder)["people"]
    assert (person["address"], person["state"], person["code"]) == (addresses[1], "rejected", 550)
    report = ledger.json("report", ISSUE, cwd=folder)
    assert {name: report["counts"][name] for name in counts} == counts
    assert [run["ended"] is not None for run in report["runs"]] == [True, True]
    assert not (folder / "newsletter.db").exists()


def test_a_password_that_postgresql_refuses_sends_nothing(folder: Path, ledger: Ledger) -> None:
    with SmtpServer() as server:
        run = newsletter(*to_list(server), *ledger.option, cwd=folder, PGPASSWORD="another-word")
        assert (run.code, run.json["exit_code"], server.connections) == (2, 2, 0)
    assert "password authentication failed" in run.err
    assert "another-word" not in run.err


def test_kill_9_with_a_ledger_in_postgresql_loses_nobody_and_mails_nobody_twice(
    folder: Path, ledger: Ledger, postgres_url: str
) -> None:
    write_list(folder, *SIXTY)
    accounts = Accounts(postgres_url, ISSUE, SIXTY, CONNECTIONS)
    with SmtpServer(Rule("dot", Fault.HOLD)) as server:
        server.release(3 * CONNECTIONS)
        process = ledger.start(*to_list(server), cwd=folder)
        server.wait_for(lambda server: server.seen("dot") == 4 * CONNECTIONS)
        process.kill()
        assert finish(process).code == -signal.SIGKILL
        server.release(2 * len(SIXTY))
        server.wait_for(lambda server: not server._open)
        assert accounts.after_kill(at(server)) == CONNECTIONS
        resumed = ledger.run("resume", ISSUE, *to_list(server)[5:], cwd=folder)
        assert (resumed.code, len(resumed.json["uncertain"])) == (3, CONNECTIONS), resumed.err
        counts = accounts.at_end(at(server))
    assert (counts[State.SENT], counts[State.UNCERTAIN]) == (len(SIXTY) - CONNECTIONS, CONNECTIONS)
    assert resumed.json["sent"] == len(SIXTY) - 4 * CONNECTIONS
    assert sorted(server.recipients) == SIXTY


def at(server: SmtpServer) -> list[Arrived]:
    return [Arrived(message.recipient, message.message_id) for message in server.messages]


def test_two_senders_with_one_ledger_in_postgresql_are_one(folder: Path, ledger: Ledger, tmp_path: Path) -> None:
    """Wherever each was started: they share nothing but the database."""
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    write_post(elsewhere)
    for place in (folder, elsewhere):
        write_list(place, *SIXTY)
    with SmtpServer(Rule("dot", Fault.HOLD)) as server:
        first = ledger.start(*to_list(server), cwd=folder)
        server.wait_for(lambda server: server.seen("dot") == CONNECTIONS)
        second = ledger.run(*to_list(server), cwd=elsewhere)
        assert (second.code, second.json["exit_code"]) == (4, 4)
        assert f"another run (process {first.pid} on {socket.gethostname()}) is sending this issue" in second.err
        assert server.connections == CONNECTIONS
        server.release(2 * len(SIXTY))
        run = finish(first)
        assert (run.code, run.json["sent"]) == (0, len(SIXTY)), run.err
        after = ledger.run(*to_list(server), cwd=elsewhere)
        assert (after.code, after.json["sent"], after.json["already_sent"]) == (0, 0, len(SIXTY))
    assert sorted(server.recipients) == SIXTY
