"""Alerts: start, success and failure over real HTTP and SMTP; no address or secret in them; they stop no run."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from alert_listener import Listener, listening
from hostile_http import ENDLESS_BODY, ENDLESS_HEAD, endless_answer
from publishing import Office
from smtp_server import Rule, SmtpServer

from newsletter.config.load import load_config
from newsletter.pipeline.alerts import Alerts, alerts_of, described_event, is_own_network, mail_text


@pytest.fixture
def listener() -> Iterator[Listener]:
    with listening() as made:
        yield made


async def _at_home(host: str, port: int) -> list[str]:
    return ["127.0.0.1"]


def alerts(listener: Listener) -> Alerts:
    return Alerts(f"{listener.url}/ping/key?x=1", f"{listener.url}/hook", "Daily", allow=lambda address: True)


def test_start_and_the_end_of_a_run(listener: Listener, tmp_path: Path) -> None:
    with SmtpServer(Rule("RCPT", "450 4.2.1 <bob@example.com> later", about="bob", once=True)) as server:
        office = Office(tmp_path, server.url)
        office.subscribe("ann@example.com", "bob@example.com")
        office.post("daily", "date: 2026-03-01")
        report = office.publish(first=True)
    tell = alerts(listener).tell
    assert tell("start") == ()
    assert tell("failure", report) == ()
    pings = [path for method, path, _ in listener.asked if method == "GET"]
    assert pings == ["/ping/key/start?x=1", "/ping/key/fail?x=1"]
    start, failure = (json.loads(body) for method, _, body in listener.asked if method == "POST")
    assert (start["event"], start["exit_code"], start["posts"]) == ("start", None, [])
    assert failure == {
        "event": "failure",
        "newsletter": "Daily",
        "job": "publish",
        "text": "Daily: publish, failure (daily: unfinished, 1 mailed)",
        "posts": [{"issue": "daily", "decision": "unfinished", "sent": 1, "left": 1}],
        "exit_code": 3,
    }
    assert "@" not in json.dumps(failure)


@pytest.mark.parametrize(
    ("url", "own"),
    [
        ("http://127.0.0.1:3001/push", True),
        ("http://localhost:3001/push", True),
        ("http://192.168.1.5/push", True),
        ("http://[fd00::5]:3001/push", True),
        ("http://169.254.169.254/latest", False),  # the metadata of a cloud's machine
        ("http://0.0.0.0/push", False),
        ("http://93.184.215.14/push", False),
        ("https://localhost.quill.test/push", False),
    ],
)
def test_a_monitor_in_ones_own_network_is_written_as_an_address(url: str, own: bool) -> None:
    assert is_own_network(url) == own


def test_one_on_this_machine_is_told(listener: Listener) -> None:
    assert Alerts(f"{listener.url}/ping").tell("start") == ()
    assert [path for _, path, _ in listener.asked] == ["/ping/start"]


@pytest.mark.parametrize(
    ("job", "command"), [("backup", "newsletter ledger backup"), ("bounces", "newsletter bounces")]
)
def test_the_mail_names_a_command_that_exists(job: str, command: str) -> None:
    assert f"{command}\n" in f"{mail_text(described_event('failure', 'Quill', job=job, exit_code=2))}\n"


def test_a_run_that_had_nothing_to_do_only_beats(listener: Listener, tmp_path: Path) -> None:
    office = Office(tmp_path, "smtp://127.0.0.1:9")
    office.subscribe("ann@example.com")
    assert alerts(listener).tell("success", office.publish()) == ()
    assert [(method, path) for method, path, _ in listener.asked] == [("GET", "/ping/key?x=1")]


def test_what_does_not_answer_is_a_sentence_without_its_address(listener: Listener) -> None:
    listener.code = 404
    (first, second) = alerts(listener).tell("start")
    assert first == "[alerts] heartbeat was not told: the server answers 404"
    assert second == "[alerts] webhook was not told: the server answers 404"
    closed = Alerts("http://127.0.0.1:9/secret", allow=lambda address: True).tell("start")
    private = Alerts("http://monitor.quill.test/secret", resolve=_at_home).tell("start")
    assert [sentence.partition("(")[0] for sentence in closed] == ["[alerts] heartbeat was not told "]
    assert private == ("[alerts] heartbeat was not told: its name leads to a private address, or to none",)
    assert not any("secret" in sentence for sentence in (*closed, *private))


def test_an_answer_without_an_end_holds_no_run() -> None:
    with endless_answer(ENDLESS_BODY) as url:
        assert Alerts(url, url, allow=lambda address: True).tell("start") == ()
    with endless_answer(ENDLESS_HEAD) as url:
        told = Alerts("", url, allow=lambda address: True, timeout_s=0.3).tell("start")
    assert told == ("[alerts] webhook was not told: no answer within 0.3 s",)


def test_the_environment_comes_before_the_file(tmp_path: Path) -> None:
    (tmp_path / "newsletter.toml").write_text('[alerts]\nheartbeat = "https://a.example/file?k=1"\n')
    config = load_config(None, {}, tmp_path)
    assert alerts_of(config, {})[0].heartbeat == "https://a.example/file?k=1"
    made, faults = alerts_of(config, {"NEWSLETTER_HEARTBEAT_URL": "https://b.example/env"})
    assert (made.heartbeat, faults) == ("https://b.example/env", ())
    made, faults = alerts_of(config, {"NEWSLETTER_ALERT_WEBHOOK": "secret nonsense\n"})
    assert made.webhook == ""
    assert faults[0].startswith("NEWSLETTER_ALERT_WEBHOOK is ")


def test_without_a_configuration_the_environment_is_told(listener: Listener) -> None:
    env = {"NEWSLETTER_HEARTBEAT_URL": f"{listener.url}/ping", "NEWSLETTER_ALERT_WEBHOOK": f"{listener.url}/hook"}
    made, faults = alerts_of(None, env)
    assert faults == ()
    assert replace(made, allow=lambda address: True).tell("failure", exit_code=2) == ()
    (_, ping, _), (_, _, body) = listener.asked
    assert ping == "/ping/fail"
    told = json.loads(body)
    assert (told["event"], told["exit_code"], told["text"]) == ("failure", 2, "Newsletter: publish, failure")


# --- by mail ---------------------------------------------------------------------------------------------------------

MAIL = '[newsletter]\nname = "Daily"\nfrom = "daily@example.com"\n\n[alerts]\nmail = "me@example.net"\n'


def mailing(folder: Path, relay: str, env: Mapping[str, str] | None = None) -> tuple[Alerts, tuple[str, ...]]:
    (folder / "newsletter.toml").write_text(f'{MAIL}mail_relay = "{relay}"\n')
    made, faults = alerts_of(load_config(None, {}, folder), env or {})
    return made, faults


def test_a_failure_is_mailed_and_a_success_is_not(tmp_path: Path) -> None:
    with SmtpServer(Rule("RCPT", "450 4.2.1 <bob@example.com> later", about="bob", once=True)) as server:
        office = Office(tmp_path, server.url)
        office.subscribe("ann@example.com", "bob@example.com")
        office.post("daily", "date: 2026-03-01")
        report = office.publish(first=True)
    with SmtpServer() as inbox:
        made, faults = mailing(tmp_path, inbox.url)
        assert faults == ()
        assert made.tell("start") == made.tell("success") == ()
        assert made.tell("failure", report) == ()
        assert made.tell("failure", exit_code=2) == ()
    first, second = (message.mail for message in inbox.messages)
    assert [message.recipient for message in inbox.messages] == ["me@example.net"] * 2
    assert (first["Subject"], first["From"]) == ("[Daily] publish failed", "Daily <daily@example.com>")
    assert first["Auto-Submitted"] == "auto-generated"
    body = first.get_content()
    assert "Somebody is still to be mailed" in body
    assert "daily: 1 are left" in body
    assert "@" not in body
    assert "The configuration, the list or the ledger is at fault." in second.get_content()


def test_the_password_of_the_newsletters_relay_is_not_for_another_server(tmp_path: Path) -> None:
    env = {"NEWSLETTER_SMTP_PASSWORD": "the-newsletters", "NEWSLETTER_SMTP_PASSWORD_ALERTS": "of-alerts"}
    made, _ = mailing(tmp_path, "smtps://me@mail.example.net", env)
    assert made.mail is not None
    assert made.mail.relay.password == "of-alerts"
    del env["NEWSLETTER_SMTP_PASSWORD_ALERTS"]
    made, _ = mailing(tmp_path, "smtps://me@mail.example.net", env)
    assert made.mail is not None
    assert made.mail.relay.password == ""


@pytest.mark.parametrize(
    ("rules", "words"),
    [
        ((Rule("RCPT", "550 5.1.1 <me@example.net> unknown"),), "answers 550 5.1.1 <…> unknown"),
        ((Rule("connect", "554 5.7.1 not you"),), "554 5.7.1 not you"),
    ],
)
def test_a_mail_that_cannot_be_sent_is_a_sentence(tmp_path: Path, rules: tuple[Rule, ...], words: str) -> None:
    with SmtpServer(*rules) as inbox:
        (sentence,) = mailing(tmp_path, inbox.url)[0].tell("failure", exit_code=3)
    assert sentence.startswith("[alerts] mail was not sent: ")
    assert words in sentence
    assert "me@example.net" not in sentence


def test_a_relay_that_is_none_is_a_sentence_and_no_end(tmp_path: Path) -> None:
    made, faults = mailing(tmp_path, "https://mail.example.net")
    assert made.mail is None
    assert faults == (
        '[alerts] mail_relay is "https://…", not an SMTP address; write smtp://user@mail.example.com:587',
    )
    (tmp_path / "newsletter.toml").write_text(MAIL)
    assert alerts_of(load_config(None, {}, tmp_path), {})[1][0].startswith("[alerts] mail_relay has no relay")
