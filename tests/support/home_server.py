"""A running home for tests: a newsletter in a folder of its own, the server in a thread, its answers."""

from __future__ import annotations

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

from newsletter.config.load import load_config
from newsletter.ledger.ledger import Ledger, Move
from newsletter.model.delivery import State
from newsletter.model.issue_name import Identity
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
            named = {name.replace("_", "-"): value for name, value in headers.items()}
            connection.request(method, path, body=body, headers=named)
            response = connection.getresponse()
            return Answer(response.status, response.headers, response.read())
        finally:
            connection.close()

    @property
    def token(self) -> str:
        found = re.search(r'name="token" value="([^"]+)"', self.ask().text)
        assert found is not None
        return found[1]

    def post_form(self, path: str, fields: Mapping[str, str], **headers: str) -> Answer:
        """A form of this page's own, with its token."""
        body = urlencode({"token": self.token, **fields}).encode()
        return self.ask(path, "POST", body, content_type="application/x-www-form-urlencoded", **headers)

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

    def send(self, name: str, title: str, states: Sequence[State], day: date) -> None:
        """Note a send of an issue: its recipients end in these states."""
        moment = datetime(day.year, day.month, day.day, 8, tzinfo=UTC)
        with Ledger.open(self.folder / "newsletter.db", lambda: moment) as ledger:
            people = [f"reader{number}@example.org" for number in range(len(states))]
            ledger.plan(name, people, content_hash="1", subject=title, identity=Identity(title, day, name))
            run = ledger.begin_run(name, "test")
            claims = ledger.claim(name, len(states))
            ledger.write(name, [Move(claim.row, State.COMMITTING, message_id=f"<{claim.row}@x>") for claim in claims])
            done = [Move(c.row, state, stage="dot", code=250) for c, state in zip(claims, states, strict=True)]
            ledger.write(name, done)
            ledger.end_run(run, "")


@contextmanager
def home_of(folder: Path, *, settings: str = SETTINGS, to: Sequence[str] = (), **options: Any) -> Iterator[Home]:
    """The home of the newsletter in this folder, at `NOW`."""
    config = folder / "newsletter.toml"
    config.write_text(settings, "utf-8")
    inputs = Inputs(lambda: load_config(None, os.environ, folder), None, tuple(to))
    with HomeServer(inputs, **{"clock": lambda: NOW, "look_again_s": 0.05, **options}) as server:
        yield Home(server, folder)
