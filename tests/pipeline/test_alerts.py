"""Alerts: told of start, success and failure over real HTTP; no address or secret in them; they stop no run."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from publishing import Office
from smtp_server import Rule, SmtpServer

from newsletter.config.load import load_config
from newsletter.pipeline.alerts import Alerts, alerts_of


class Listener:
    """A web server that keeps what it is asked and posted, and answers `code`."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str, str]] = []
        self.code = 200
        listener = self

        class Handler(BaseHTTPRequestHandler):
            def _answer(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
                listener.asked.append((self.command, self.path, body))
                self.send_response(listener.code)
                self.send_header("Content-Length", "0")
                self.end_headers()

            do_GET = do_POST = _answer  # noqa: N815 - the names that http.server calls

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"


@pytest.fixture
def listener() -> Iterator[Listener]:
    made = Listener()
    thread = threading.Thread(target=made.server.serve_forever, daemon=True)
    thread.start()
    yield made
    made.server.shutdown()
    made.server.server_close()
    thread.join()


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
        "text": "Daily: publish, failure (daily: unfinished, 1 mailed)",
        "posts": [{"issue": "daily", "decision": "unfinished", "sent": 1, "left": 1}],
        "exit_code": 3,
    }
    assert "@" not in json.dumps(failure)


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
    private = Alerts(f"{listener.url}/secret").tell("start")
    assert [sentence.partition("(")[0] for sentence in closed] == ["[alerts] heartbeat was not told "]
    assert private == ("[alerts] heartbeat was not told: it leads to a private address, or to none",)
    assert not any("secret" in sentence for sentence in (*closed, *private))


def test_the_environment_comes_before_the_file(tmp_path: Path) -> None:
    (tmp_path / "newsletter.toml").write_text('[alerts]\nheartbeat = "https://a.example/file?k=1"\n')
    config = load_config(None, {}, tmp_path)
    assert alerts_of(config, {})[0].heartbeat == "https://a.example/file?k=1"
    made, faults = alerts_of(config, {"NEWSLETTER_HEARTBEAT_URL": "https://b.example/env"})
    assert (made.heartbeat, faults) == ("https://b.example/env", ())
    made, faults = alerts_of(config, {"NEWSLETTER_ALERT_WEBHOOK": "secret nonsense\n"})
    assert made.webhook == ""
    assert faults[0].startswith("NEWSLETTER_ALERT_WEBHOOK is ")
