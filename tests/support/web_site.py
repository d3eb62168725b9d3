"""The public pages as a real server for tests: `newsletter serve`'s own parts in a thread, a catcher as its relay."""

from __future__ import annotations

import asyncio
import http.client
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from urllib.parse import urlencode

from newsletter.audience.people.store import People
from newsletter.config.config import Config
from newsletter.config.load import load_config
from newsletter.tokens import Link, LinkPurpose, make_link
from newsletter.web.catcher.server import Catcher
from newsletter.web.public.app import Hook
from newsletter.web.public.service import Patience, public_config, run_service
from newsletter.web.sockets import listen

SECRET = "a secret of the operator"
ADA = "ada@example.com"
NOW = datetime(2026, 3, 1, 6, 0, tzinfo=UTC)
DEADLINE_S = 30.0

TOML = """
[newsletter]
name = "AI Daily"
postal_address = "AI Daily, 1 Main Street, Springfield"
unsubscribe_mailto = "leave@example.com"
"""
LISTS = """
[serve]
fields = ["name"]
privacy_url = "https://example.com/privacy"
[serve.lists]
daily = "Every morning"
ai = "Long reads about AI"
"""


class Clock:
    """A clock that only moves when set."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now

    def forward(self, **span: float) -> None:
        self.now += timedelta(**span)


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()


@dataclass
class Site:
    """A running server. `port` is its port, `people` its store, `catcher` its relay."""

    port: int
    config: Config
    clock: Clock
    people: People
    catcher: Catcher
    seen: int = field(default=0)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def ask(
        self, method: str, path: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> Answer:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=DEADLINE_S)
        try:
            connection.request(method, path, body, dict(headers or {}))
            answer = connection.getresponse()
            return Answer(answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read())
        finally:
            connection.close()

    def get(self, path: str, **headers: str) -> Answer:
        return self.ask("GET", path, headers={name.replace("_", "-"): value for name, value in headers.items()})

    def post(self, path: str, fields: object = (), **headers: str) -> Answer:
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        body = urlencode(fields, doseq=True).encode()  # type: ignore[arg-type]
        return self.ask("POST", path, body, {"content-type": "application/x-www-form-urlencoded", **given})

    def one_click(self, token: str) -> Answer:
        return self.post(f"/u/{token}", {"List-Unsubscribe": "One-Click"})

    def join(self, address: str, path: str = "/join", **fields: object) -> Answer:
        """Submit the form as a human does: load it, wait some seconds, send it."""
        page = self.get(path).text
        stamp = page.partition('name="t" value="')[2].partition('"')[0]
        self.clock.forward(seconds=5)
        return self.post(path, {"email": address, "t": stamp, **fields})

    def link(self, purpose: LinkPurpose, address: str = ADA, issue: str = "", within_s: int | None = None) -> str:
        expires = None if within_s is None else int(self.clock.now.timestamp()) + within_s
        return make_link(SECRET, Link(purpose, address, issue, expires))

    def mail(self) -> EmailMessage:
        """The next mail, once it has arrived."""
        self.seen += 1
        caught = self.catcher.wait_for(self.seen, DEADLINE_S)[self.seen - 1]
        message = message_from_bytes(caught.data, policy=policy.default)
        assert isinstance(message, EmailMessage)
        return message

    def state(self) -> object:
        """Everything in the store about Ada, for comparisons."""
        return self.people.history(ADA)


@contextmanager
def running(
    folder: Path,
    toml: str = TOML,
    *,
    hooks: Mapping[str, Hook] | None = None,
    head_s: float = 10.0,
    body_s: float = 10.0,
    answer_s: float = 0.02,
    most_connections: int | None = None,
) -> Iterator[Site]:
    """Serve from a folder, with a store in a file in it."""
    (folder / "newsletter.toml").write_text(toml, "utf-8")
    config = load_config(folder / "newsletter.toml", {"NEWSLETTER_SECRET": SECRET}, folder)
    clock = Clock()
    ready = threading.Event()
    stop: list[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = []
    with Catcher() as catcher, listen("127.0.0.1", 0, "--port") as listening:
        port = listening.getsockname()[1]
        public = public_config(config, "127.0.0.1", port)

        async def run() -> None:
            stopping = asyncio.Event()
            stop.append((asyncio.get_running_loop(), stopping))
            await run_service(
                public,
                public.settings_for(catcher.relay),
                listening,
                clock=clock,
                stopping=stopping,
                on_ready=ready.set,
                hooks=hooks or {},
                patience=Patience(head_s, body_s, answer_s, most_connections),
            )

        thread = threading.Thread(target=lambda: asyncio.run(run()), daemon=True)
        thread.start()
        assert ready.wait(DEADLINE_S)
        try:
            with People.open(public.ledger_place, clock, [SECRET]) as people:
                yield Site(port, public, clock, people, catcher)
        finally:
            loop, stopping = stop[0]
            loop.call_soon_threadsafe(stopping.set)
            thread.join(DEADLINE_S)
            assert not thread.is_alive()


def button_of(message: EmailMessage) -> str:
    """The path of our first link in a mail's text."""
    body = message.get_body(("plain",))
    assert body is not None
    line = next(line for line in body.get_content().splitlines() if line.startswith("http"))
    return "/" + line.split("/", 3)[3]
