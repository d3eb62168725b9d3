"""`newsletter preview` without a post, as a process: Ctrl-C drains a send that was started from the page."""

from __future__ import annotations

import http.client
import re
import signal
from datetime import UTC, datetime
from html import unescape
from pathlib import Path
from urllib.parse import urlencode

import pytest
from command_line import finish, start
from home_server import SETTINGS, Newsletter
from smtp_server import Fault, Rule, SmtpServer

PEOPLE = [f"reader{number}@example.org" for number in range(4)]
HELD = Rule("dot", Fault.HOLD, times=(2,))


def ask(port: int, key: str, path: str, fields: dict[str, str] | None = None) -> str:
    cookie = {"cookie": f"newsletter-home-{port}={key}"}
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=600)
    try:
        if fields is None:
            connection.request("GET", path, headers=cookie)
        else:
            form = {"content-type": "application/x-www-form-urlencoded"}
            connection.request("POST", path, urlencode(fields), form | cookie)
        return connection.getresponse().read().decode()
    finally:
        connection.close()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_lets_the_message_under_way_finish(tmp_path: Path, number: signal.Signals) -> None:
    letters = Newsletter(tmp_path)
    letters.post(f"{datetime.now(UTC):%Y-%m-%d}-today", "Today")
    (tmp_path / "list.csv").write_text("email\n" + "".join(f"{each}\n" for each in PEOPLE))
    (tmp_path / "newsletter.toml").write_text(SETTINGS + "connections = 1\n")
    with SmtpServer(HELD) as relay:
        options = ("--to", "list.csv", "--relay", relay.url, "--port", "0", "--no-open")
        process = start("preview", "posts", *options, cwd=tmp_path)
        assert process.stdout is not None
        line = process.stdout.readline().decode()
        place = re.fullmatch(r"Home: http://127\.0\.0\.1:(\d+)/\?key=(\S+)\n", line)
        assert place is not None
        port, key = int(place[1]), place[2]
        page = ask(port, key, "/")
        link = re.search(r'href="(/send/[^"]+)"', page)
        token = re.search(r'name="token" value="([^"]+)"', page)
        assert link is not None
        assert token is not None
        planned = ask(port, key, f"{link[1]}/plan", {"token": token[1], "list0": "on"})
        hidden = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)">', planned)
        ask(port, key, f"{link[1]}/start", {name: unescape(value) for name, value in hidden} | {"first": "on"})
        relay.wait_for(lambda server: server.seen("dot") == 2)
        assert process.stderr is not None
        assert process.stderr.readline() == b"Press Ctrl-C to stop.\n"
        process.send_signal(number)
        assert b"ends after the messages under way" in process.stderr.readline()
        relay.release()
        run = finish(process)
        assert run.code == 3
        assert "interrupted" in run.err
        assert "newsletter resume" in run.err
        assert relay.recipients == PEOPLE[: len(relay.messages)]
        assert 2 <= len(relay.messages) < len(PEOPLE)
