"""A running home for tests: a newsletter in a folder of its own, the server in a thread, its answers."""

from __future__ import annotations

import contextlib
import http.client
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from preview_server import DEADLINE_S, Answer

from newsletter.cli.home_send import HomeDesk
from newsletter.cli.named_ledger import utc_now
from newsletter.config.config import Config
from newsletter.config.load import load_config
from newsletter.ledger.ledger import Ledger, Move
from newsletter.model.delivery import State
from newsletter.model.issue_name import Identity
from newsletter.web.home.send_room import SendRoom
from newsletter.web.home.server import HomeServer
from newsletter.web.home.survey import Inputs

NOW = datetime(2026, 3, 10, 9, 0, tzinfo=UTC)
SETTINGS = """[newsletter]
name = "Letters"
from = "me@example.com"
postal_address = "1 Main Street, Springfield"
unsubscribe_mailto = "leave@example.com"

[delivery]
time_zone = "UTC"
"""
BODY = "The first paragraph.\n\nAnd a second one.\n"


@dataclass(frozen=True, slots=True)
class Home:
    """A folder with a newsletter, and its server."""

    server: HomeServer
    folder: Path

    def ask(self, path: str = "/", method: str = "GET", body: bytes | None = None, **headers: str) -> Answer:
        connection = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=DEADLINE_S * 10)
        try:
            key = {"cookie": f"{self.server.cookie}={self.server.key}"}
            named = key | {name.replace("_", "-"): value for name, value in headers.items()}
            connection.request(method, path, body=body, headers=named)
            response = connection.getresponse()
            return Answer(response.status, response.headers, response.read())
        finally:
            connection.close()

    def wait_for_progress(self, words: str) -> None:
        """Return once the progress of the send says these words."""
        connection = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=DEADLINE_S * 10)
        with contextlib.closing(connection):
            connection.request("GET", "/sending/events", headers={"cookie": f"{self.server.cookie}={self.server.key}"})
            response = connection.getresponse()
            while words not in (line := response.readline().decode()):
                assert '"phase": "failed"' not in line, self.room.progress.error
                assert '"phase": "ended"' not in line, "it has ended"

    @property
    def token(self) -> str:
        found = re.search(r'name="token" value="([^"]+)"', self.ask().text)
        assert found is not None
        return found[1]

    def post_form(self, path: str, fields: Mapping[str, str], **headers: str) -> Answer:
        """A form of this page's own, with its token."""
        body = urlencode({"token": self.token, **fields}).encode()
        return self.ask(path, "POST", body, content_type="application/x-www-form-urlencoded", **headers)

    def plan(self, link: str, **fields: str) -> Answer:
        """Ask for the plan of a send, to the first list."""
        return self.post_form(f"{link}/plan", {"list0": "on", **fields})

    def start(self, link: str, planned: Answer, **fields: str) -> Answer:
        """Confirm a plan as its page does."""
        shown = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)">', planned.text)
        kept = {name: unescape(value) for name, value in shown if name != "token"}
        return self.post_form(f"{link}/start", {**kept, **fields})

    @property
    def room(self) -> SendRoom:
        assert self.server.room is not None
        return self.server.room

    def send_link(self, title: str) -> str:
        return self.link(title).replace("/post/", "/send/")[:-1]

    def settle_link(self, title: str) -> str:
        return self.send_link(title).replace("/send/", "/settle/")

    def rows(self) -> dict[str, tuple[str, str]]:
        """By title: the state's label, and what is said of it."""
        found = re.findall(
            r'<li class="post[^>]*>\s*<span class="pill">(.*?)</span>.*?<bdi>(.*?)</bdi>.*?<p class="words">(.*?)</p>',
            self.ask().text,
            re.DOTALL,
        )
        return {unescape(title): (label, unescape(re.sub("<[^>]+>", "", words))) for label, title, words in found}

    def link(self, title: str) -> str:
        """The path of a post's preview."""
        page = self.ask().text
        found = re.search(rf'href="(/post/[^"]+/)"><bdi>{re.escape(title)}</bdi>', page)
        assert found is not None, page
        return found[1]


@dataclass(frozen=True, slots=True)
class Newsletter:
    """Writes what a home shows. Posts are in `posts/`."""

    folder: Path

    @property
    def posts(self) -> Path:
        return self.folder / "posts"

    def post(self, name: str, title: str, *lines: str, body: str = BODY) -> Path:
        self.posts.mkdir(exist_ok=True)
        path = self.posts / f"{name}.md"
        head = "\n".join((f"title: {title}", *lines))
        path.write_text(f"---\n{head}\n---\n\n{body}", "utf-8")
        return path

    def send(self, name: str, title: str, states: Sequence[State], day: date, list_id: str | None = None) -> None:
        """Note a send of an issue: its recipients end in these states."""
        moment = datetime(day.year, day.month, day.day, 8, tzinfo=UTC)
        with Ledger.open(self.folder / "newsletter.db", lambda: moment) as ledger:
            people = [f"reader{number}@example.org" for number in range(len(states))]
            ledger.plan(name, people, content_hash="1", subject=title, identity=Identity(title, day, name, list_id))
            run = ledger.begin_run(name, "test")
            claims = ledger.claim(name, len(states))
            ledger.write(name, [Move(claim.row, State.COMMITTING, message_id=f"<{claim.row}@x>") for claim in claims])
            done = [Move(c.row, state, stage="dot", code=250) for c, state in zip(claims, states, strict=True)]
            ledger.write(name, done)
            ledger.end_run(run, "")


@contextmanager
def home_of(
    folder: Path, *, settings: str = SETTINGS, to: Sequence[str] = (), relay_url: str = "", **options: Any
) -> Iterator[Home]:
    """The home of the newsletter in this folder, at `NOW`. With a relay it can send, by the machine's own clock."""
    config = folder / "newsletter.toml"
    config.write_text(settings, "utf-8")

    def read() -> Config:
        return load_config(None, os.environ, folder)

    desk = HomeDesk(read, tuple(to), relay_url) if relay_url else None
    clock = utc_now if relay_url else lambda: NOW
    named = {"clock": clock, "look_again_s": 0.05, "relay_url": relay_url or None, **options}
    with HomeServer(Inputs(read, None, tuple(to)), desk, **named) as server:
        yield Home(server, folder)
