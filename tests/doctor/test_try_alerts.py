"""`doctor --test-alerts`: each channel gets one trial over real HTTP and SMTP, and a line says what came back."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from alert_listener import Listener, listening
from smtp_server import Rule, SmtpServer

from newsletter.config.load import load_config
from newsletter.doctor.try_alerts import try_alerts
from newsletter.doctor.verdict import Level, exit_code
from newsletter.pipeline.alerts import Alerts, alerts_of
from newsletter.pipeline.event_hook import EventHook


@pytest.fixture
def listener() -> Iterator[Listener]:
    with listening() as made:
        yield made


def test_each_channel_gets_one_that_is_marked_as_a_trial(listener: Listener, tmp_path: Path) -> None:
    with SmtpServer() as server:
        alerts = [f'heartbeat = "{listener.url}/ping"', f'webhook = "{listener.url}/hook"', 'mail = "me@example.net"']
        (tmp_path / "newsletter.toml").write_text(
            "\n".join(['[newsletter]\nname = "Daily"\n\n[alerts]', *alerts, f'mail_relay = "{server.url}"'])
        )
        made, faults = alerts_of(load_config(None, {}, tmp_path), {})
        told = tmp_path / "told.json"
        command = (sys.executable, "-c", f"import sys; open({str(told)!r}, 'w').write(sys.stdin.read())")
        open_to_all = Alerts(made.heartbeat, made.webhook, made.newsletter, made.mail, allow=lambda address: True)
        lines = try_alerts(open_to_all, EventHook(command, "Daily"), faults)
    assert [line.level for line in lines] == [Level.GREEN] * 4
    assert all("answer" in line.what or "took" in line.what or "ran" in line.what for line in lines)
    (_, ping, _), (_, hook, body) = listener.asked
    assert (ping, hook) == ("/ping", "/hook"), "a trial raises no alarm"
    assert (json.loads(body)["event"], json.loads(body)["job"]) == ("trial", "doctor")
    assert "a trial by newsletter doctor" in json.loads(body)["text"]
    (mail,) = server.messages
    assert (mail.recipient, mail.mail["Subject"]) == ("me@example.net", "[Daily] A trial of the alerts")
    assert json.loads(told.read_text())["event"] == "trial"


def test_what_does_not_take_it_is_red_without_its_address(listener: Listener, tmp_path: Path) -> None:
    listener.code = 500
    with SmtpServer(Rule("RCPT", "550 5.1.1 no such user")) as server:
        (tmp_path / "newsletter.toml").write_text(
            f'[alerts]\nmail = "me@example.net"\nmail_relay = "{server.url}"\nwebhook = "{listener.url}/key"\n'
        )
        made, _ = alerts_of(load_config(None, {}, tmp_path), {})
        lines = try_alerts(Alerts(webhook=made.webhook, mail=made.mail, allow=lambda address: True), EventHook(), ())
    assert [line.level for line in lines] == [Level.RED, Level.RED]
    assert "500" in lines[0].what
    assert "no such user" in lines[1].what
    assert all(line.remedy for line in lines)
    assert "key" not in lines[0].what
    assert exit_code(lines) == 3, "of a server's"


def test_a_command_that_fails_is_the_operators_to_mend() -> None:
    (line,) = try_alerts(Alerts(), EventHook((sys.executable, "-c", "raise SystemExit(7)")), ())
    assert (line.level, "code 7" in line.what, exit_code([line])) == (Level.RED, True, 2)


def test_no_alert_at_all_is_said() -> None:
    (line,) = try_alerts(Alerts(), EventHook(), ())
    assert (line.level, "nobody would hear" in line.what) == (Level.YELLOW, True)


def test_an_address_that_is_none_is_red(tmp_path: Path) -> None:
    made, faults = alerts_of(load_config(None, {}, tmp_path), {"NEWSLETTER_ALERT_WEBHOOK": "chat.example.com"})
    (line,) = try_alerts(made, EventHook(), faults)
    assert line.level is Level.RED
    assert line.what.startswith("NEWSLETTER_ALERT_WEBHOOK")
    assert "https://" in line.remedy
