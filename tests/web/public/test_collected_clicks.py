"""Clicks that a worker kept, and many who leave at once: in both databases, through the command, over HTTP."""

from __future__ import annotations

import json
import os
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from command_line import newsletter
from hostile_http import ENDLESS_BODY, ENDLESS_HEAD, endless_answer
from machine import CHECKOUT, RequireProgram

from newsletter.audience.people.records import Reason, SignUpState, Unsubscription
from newsletter.audience.people.store import People
from newsletter.errors import ConfigError
from newsletter.tokens import Link, is_address_hash, make_link
from newsletter.web.public import collected_clicks
from newsletter.web.public.collected_clicks import MAX_LINE_BYTES, NAMED, open_lines, unsubscribe_clicks

NOW = datetime(2026, 3, 1, 6, 0, tzinfo=UTC)
SECRET = "a secret of the operator"
BEYOND_TIME = ("0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59")
"""Moments that are in no year in UTC."""

ADA, BO = "Ada@example.com", "bo@example.com"


class Clock:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def people(store: Path | str, clock: Clock) -> Iterator[People]:
    with People.open(store, clock, [SECRET]) as opened:
        yield opened


def line(address: str, at: datetime = NOW, secret: str = SECRET) -> bytes:
    token = make_link(secret, Link("unsubscribe", address, "daily"))
    return json.dumps({"token": token, "time": at.isoformat().replace("+00:00", "Z")}).encode() + b"\n"


def reasons(people: People, address: str) -> list[Reason]:
    return [row.reason for rows in people.suppressions_of([address]).values() for row in rows]


# --- many at once ---------------------------------------------------------------------------------------------------


def test_many_leave_as_each_alone_would(people: People, clock: Clock) -> None:
    for address in (ADA, BO):
        people.sign_up(address, source="test", wording="")
        people.confirm(address, source="test")
    people.suppress("hard@example.com", Reason.HARD_BOUNCE)
    leaving = [
        Unsubscription(address, "one-click", "daily") for address in (ADA, "ada@example.com", "hard@example.com")
    ]
    crowd = [Unsubscription(f"reader{number}@example.com", "one-click") for number in range(450)]
    assert people.leave_all([*leaving, *crowd]) == 452
    assert people.leave_all([*leaving, *crowd]) == 0
    assert people.leave_all([]) == 0
    (suppression,) = people.suppressions_of([ADA])["ada@example.com"]
    assert (suppression.reason, suppression.at, suppression.issue, suppression.detail) == (
        Reason.UNSUBSCRIBED,
        NOW,
        "daily",
        "one-click",
    )
    history = people.history(ADA)
    assert history.person
    assert history.person.state is SignUpState.LEFT
    assert [(each.kind, each.source) for each in history.consents][2:] == [("withdrawn", "one-click")]
    assert reasons(people, "hard@example.com") == [Reason.HARD_BOUNCE, Reason.UNSUBSCRIBED]
    assert [person.email for person in people.confirmed()] == [BO]
    assert people.suppressed_count()[Reason.UNSUBSCRIBED] == 452


def test_the_forgotten_leave_under_their_hash(people: People) -> None:
    people.forget(ADA)
    assert people.leave_all([Unsubscription(ADA, "one-click")]) == 1
    assert people.history(ADA).consents == ()
    assert all(is_address_hash(row.key) for row in people.suppressed())


# --- kept clicks ----------------------------------------------------------------------------------------------------


def test_kept_clicks_leave_once(people: People, clock: Clock) -> None:
    lines = [line(ADA), line(BO), b"\n", line(ADA)]
    clock.now += timedelta(hours=1)
    taken = unsubscribe_clicks(lines, people, [SECRET], clock.now)
    assert (taken.left, taken.known, taken.refused, taken.faults) == (2, 1, 0, ())
    again = unsubscribe_clicks(lines, people, [SECRET], clock.now)
    assert (again.left, again.known) == (0, 3)
    (suppression,) = people.suppressions_of([BO])[BO]
    assert (suppression.issue, suppression.detail) == ("daily", "one-click of 2026-03-01 06:00")


def test_who_has_come_back_since_stays(people: People, clock: Clock) -> None:
    clicked = [line(ADA), line(BO)]
    unsubscribe_clicks(clicked, people, [SECRET], clock.now)
    clock.now += timedelta(days=1)
    people.sign_up(ADA, source="test", wording="")
    people.confirm(ADA, source="test")
    people.undo_leave(BO, "test")
    assert unsubscribe_clicks(clicked, people, [SECRET], clock.now).left == 0
    assert reasons(people, ADA) == reasons(people, BO) == []
    later = [*clicked, line(ADA, clock.now + timedelta(seconds=1))]
    assert unsubscribe_clicks(later, people, [SECRET], clock.now).left == 1, "the last of several clicks counts"
    assert reasons(people, BO) == []


def test_who_left_before_and_asks_again_can_leave_again(people: People) -> None:
    people.leave(ADA, "test")
    assert people.sign_up(ADA, source="test", wording="") is SignUpState.PENDING
    assert people.leave_all([Unsubscription(ADA, "one-click")]) == 0
    assert people.person(ADA).state is SignUpState.LEFT  # type: ignore[union-attr]
    assert people.confirm(ADA, source="an older link") is SignUpState.LEFT


def test_a_line_that_is_no_click_is_named_and_stops_nothing(people: People) -> None:
    good = json.loads(line(ADA))
    lines = [
        b"nonsense\n",
        b"[" * 70_000,
        b"[" * 10_000,
        b"[]",
        json.dumps({**good, "token": 5}).encode(),
        json.dumps({**good, "time": "soon"}).encode(),
        json.dumps({**good, "time": "2026-03-01T06:00:00"}).encode(),
        json.dumps({**good, "time": "2027-03-01T06:00:00Z"}).encode(),
        json.dumps({**good, "token": "x"}).encode(),
        line(ADA, secret="another secret of theirs"),
        b"\xff\xfe",
        *(json.dumps({**good, "time": time}).encode() for time in BEYOND_TIME),
        line(BO),
    ]
    taken = unsubscribe_clicks(lines, people, [SECRET], NOW)
    assert (taken.left, taken.known, taken.refused) == (1, 0, 13)
    assert [(fault.line, fault.what) for fault in taken.faults] == [
        (1, "not a line of JSON"),
        (2, f"a line of over {MAX_LINE_BYTES:,} bytes"),
        (3, "not a line of JSON"),
        (4, "no object with a token and a time"),
        (5, "no object with a token and a time"),
        (6, "the time is none"),
        (7, "the time has no zone"),
        (8, "the time is to come"),
        (9, "the token is not one of our links, or made with a secret that is no longer there"),
        (10, "the token is not one of our links, or made with a secret that is no longer there"),
        (11, "not a line of JSON"),
        (12, "the time is none"),
        (13, "the time is none"),
    ]
    assert reasons(people, ADA) == []
    many = unsubscribe_clicks([b"x\n"] * 1_000, people, [SECRET], NOW)
    assert (many.refused, len(many.faults)) == (1_000, NAMED)


# --- where they are read --------------------------------------------------------------------------------------------


def test_the_command_reads_a_file(tmp_path: Path) -> None:
    (tmp_path / "clicks.jsonl").write_bytes(line(ADA) + b"nonsense\n" + line(BO))
    run = newsletter("sync", "clicks.jsonl", "--json", cwd=tmp_path, NEWSLETTER_SECRET=SECRET)
    meaning = {"exit_code": 1, "meaning": "the post or the list is at fault"}
    assert (run.code, run.json) == (1, {"left": 2, "known": 0, "refused": 1, **meaning})
    assert 'clicks.jsonl:2: not a line of JSON; a line is {"token": "…", "time": "…Z"}' in run.err
    (tmp_path / "clicks.jsonl").write_bytes(line(ADA))
    run = newsletter("sync", "clicks.jsonl", cwd=tmp_path, NEWSLETTER_SECRET=SECRET)
    assert (run.code, run.out) == (0, "0 left, 1 were known or have come back, 0 refused\n")
    run = newsletter("sync", "clicks.jsonl", cwd=tmp_path)
    assert (run.code, run.err) == (
        2,
        "NEWSLETTER_SECRET: not set, and tokens are read with it; set it to the one you send with\n",
    )


@contextmanager
def worker(status: int, body: bytes) -> Iterator[tuple[str, list[str | None]]]:
    """A server that answers so; with its address, and what it was told of who asks."""
    asked: list[str | None] = []

    class Worker(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.headers["authorization"])
            self.send_response(status)
            self.send_header("content-length", str(len(body)))
            self.send_header("location", "https://elsewhere.example")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None: ...

    with HTTPServer(("127.0.0.1", 0), Worker) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/clicks", asked
        server.shutdown()


def test_a_url_is_read_with_its_token() -> None:
    body = line(ADA) + b"x" * (2 * MAX_LINE_BYTES) + b"\n" + line(BO).strip()
    with worker(200, body) as (url, asked), open_lines(url, "a token") as lines:
        read = list(lines)
    assert asked == ["Bearer a token"]
    first, long, last = read
    assert (first, last) == (line(ADA).strip(), line(BO).strip())
    assert MAX_LINE_BYTES < len(long) < 3 * MAX_LINE_BYTES


@pytest.mark.parametrize(
    ("answer", "limit", "words"),
    [
        (ENDLESS_BODY, "MAX_ANSWER_BYTES", "the answer is longer than 1 bytes"),
        (ENDLESS_HEAD, "ANSWER_TIMEOUT_S", "no whole answer within 1 s"),
    ],
)
def test_an_answer_without_an_end_is_a_sentence(
    answer: bytes, limit: str, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(collected_clicks, limit, 1)
    with endless_answer(answer) as url, pytest.raises(ConfigError, match=words), open_lines(url, ""):
        pass


def test_the_tail_of_a_long_line_is_no_line(tmp_path: Path, people: People) -> None:
    clicks = tmp_path / "clicks.jsonl"
    clicks.write_bytes(b"x" * (5 * MAX_LINE_BYTES) + line(ADA) + b"nonsense\n" + line(BO) + b"y" * 2 * MAX_LINE_BYTES)
    with open_lines(str(clicks), "") as lines:
        taken = unsubscribe_clicks(lines, people, [SECRET], NOW)
    assert (taken.left, taken.refused) == (1, 3)
    long = f"a line of over {MAX_LINE_BYTES:,} bytes"
    assert [(fault.line, fault.what) for fault in taken.faults] == [(1, long), (2, "not a line of JSON"), (4, long)]
    assert reasons(people, ADA) == []


@pytest.mark.parametrize("status", [302, 401, 404, 500])
def test_a_url_that_does_not_answer_is_a_sentence(status: int) -> None:
    with worker(status, b"secret words") as (url, _):
        with pytest.raises(ConfigError) as caught, open_lines(url + "?key=secret", "a token"):
            pass
        assert str(caught.value) == (
            f"http://127.0.0.1: answered with status {status}; check the address, and NEWSLETTER_SYNC_TOKEN"
        )


@pytest.mark.parametrize(
    ("source", "sentence"),
    [
        ("http://worker.example.com/clicks", '"http://…": not an https address'),
        ("ftp://worker.example.com/clicks", '"ftp://…": not an https address'),
        ("https://", '"https://…": not a web address; write https://HOST/PATH'),
        ("https://[::1", '"https://…": not a web address'),
        ("https://a.example/\x1b", '"https://…": not a web address'),
        ("https://a.example:x/", '"https://…": not a web address'),
        ("https://xn--zz.invalid/", '"https://…": not a web address'),
        ("nowhere.jsonl", "nowhere.jsonl: cannot be read: No such file or directory"),
        ("http://127.0.0.1:9/clicks", "http://127.0.0.1: cannot be read (ConnectError)"),
    ],
)
def test_what_cannot_be_read_is_a_sentence(source: str, sentence: str) -> None:
    with pytest.raises(ConfigError) as caught, open_lines(source, ""):
        pass
    assert sentence in str(caught.value)


DRIVER = """
import worker from "./worker.mjs";
const kept = new Map();
const env = {
  SYNC_TOKEN: "a token",
  CLICKS: {
    put: async (key, value) => void kept.set(key, value),
    get: async (key) => kept.get(key) ?? null,
    list: async ({ cursor = 0 }) => ({
      keys: [...kept.keys()].slice(cursor, cursor + 1).map((name) => ({ name })),
      cursor: cursor + 1,
      list_complete: cursor + 1 >= kept.size,
    }),
  },
};
const ask = async (path, init) => {
  const answer = await worker.fetch(new Request("https://worker.example" + path, init), env);
  return [answer.status, await answer.text()];
};
const body = "List-Unsubscribe=One-Click";
const seen = [];
for (const token of process.argv.slice(2)) {
  seen.push(await ask("/u/" + token), await ask("/u/" + token, { method: "POST", body }));
}
const authorization = "Bearer a token";
for (const headers of [{}, { authorization: "Bearer another" }, { authorization }]) {
  seen.push(await ask("/clicks", { headers }));
}
console.log(JSON.stringify(seen));
"""


def test_the_worker_keeps_clicks_that_the_command_reads(
    require_program: RequireProgram, people: People, clock: Clock, tmp_path: Path
) -> None:
    """docs/worker.js, run by Node with a store in memory."""
    node = require_program("node")
    (tmp_path / "worker.mjs").write_bytes((CHECKOUT / "docs" / "worker.js").read_bytes())
    (tmp_path / "driver.mjs").write_text(DRIVER)
    tokens = [make_link(SECRET, Link("unsubscribe", address, "daily")) for address in (ADA, BO)]
    done = subprocess.run([node, tmp_path / "driver.mjs", *tokens, "short"], capture_output=True, timeout=600)
    assert done.returncode == 0, done.stderr.decode()
    *clicks, (nobody, _), (stranger, _), (status, lines) = json.loads(done.stdout)
    assert [answer for answer, _ in clicks] == [200, 200, 200, 200, 404, 404]
    assert "<form" in clicks[0][1]
    assert (nobody, stranger, status) == (404, 404, 200)
    now = datetime.now(UTC)
    assert unsubscribe_clicks(lines.encode().splitlines(), people, [SECRET], now).left == 2
    assert reasons(people, ADA) == reasons(people, BO) == [Reason.UNSUBSCRIBED]


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "clicks")
    refused = pytest.raises(ConfigError, match="cannot be read: a pipe, a socket or a device, not a file; give a file")
    with refused, open_lines(str(tmp_path / "clicks"), ""):
        pass
