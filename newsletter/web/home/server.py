"""The home's server: it looks for changes while a page is open, and closes the previews when it stops."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import socket
from collections.abc import Callable
from datetime import datetime
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Self

from newsletter.errors import ConfigError
from newsletter.model.delivery import is_loopback
from newsletter.web.background_server import BackgroundServer, first_to_end
from newsletter.web.home.app import home_app
from newsletter.web.home.key_guard import KeyMiddleware
from newsletter.web.home.open_posts import OpenPosts
from newsletter.web.home.send_order import Desk
from newsletter.web.home.send_room import SendRoom
from newsletter.web.home.survey import Inputs, Survey
from newsletter.web.http_server import serve_http
from newsletter.web.live_updates import LiveUpdates
from newsletter.web.sockets import http_url, listen_near, reachable_host

LOOK_AGAIN_S = 2.0
"""How often files and ledger are looked at while a page is open; a thousand posts cost some milliseconds."""

SLICE = 50
"""Posts that are read at a time in the background, so that a page waits for no more than these."""

GRACE_S = 2


class HomeServer:
    """`start` or `with`, then open `url`. Listens on the next free port if `port` is in use.

    Sends run in `room`, beyond the server's own end; there is none without a `desk`.
    """

    def __init__(
        self,
        inputs: Inputs,
        desk: Desk | None = None,
        *,
        clock: Callable[[], datetime],
        host: str = "127.0.0.1",
        port: int = 0,
        relay_url: str | None = None,
        look_again_s: float = LOOK_AGAIN_S,
    ) -> None:
        # Security: whoever reaches this page can mail the whole list.
        if not is_loopback(host):
            what = f"the home page can send, so that it answers this machine alone, and not {host}"
            raise ConfigError(what, "leave --host out, or name a post to preview")
        self.host, self.port = host, port
        self._inputs, self._clock, self._relay_url, self._look_again_s = inputs, clock, relay_url, look_again_s
        self._server = BackgroundServer("home")
        self.key = secrets.token_urlsafe(18)
        self.room = SendRoom(desk) if desk is not None else None

    @property
    def url(self) -> str:
        """Where it is, with the key of this start."""
        return f"{http_url(reachable_host(self.host), self.port)}/?key={self.key}"

    @property
    def cookie(self) -> str:
        """The name of the cookie that has the key; another home has another port."""
        return f"newsletter-home-{self.port}"

    def start(self) -> None:
        """Return once the page can be opened. ConfigError if no port or address is available."""
        self._server.require_stopped()
        with contextlib.ExitStack() as opened:
            listening = opened.enter_context(listen_near(self.host, self.port, "--port"))
            self._server.start(partial(self._serve, listening))
            self.port = listening.getsockname()[1]
            opened.pop_all()  # the server owns the socket now

    def stop(self) -> None:
        self._server.stop()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()

    async def _serve(self, listening: socket.socket, stopping: asyncio.Event, on_ready: Callable[[], None]) -> None:
        survey = Survey(self._inputs)
        changes = LiveUpdates(0)
        to: Path | str | None = self._inputs.to[0] if self._inputs.to else None
        posts = OpenPosts(self._inputs.load, to, self._relay_url, self._clock)
        if self.room is not None:
            self.room.open(asyncio.get_running_loop())
        self.port = listening.getsockname()[1]
        guard = partial(KeyMiddleware, key=self.key, name=self.cookie)
        app = home_app(survey, posts, changes, self.room, host=self.host, guard=guard, clock=self._clock)
        serving = asyncio.create_task(
            serve_http(app, listening, stopping=stopping, on_ready=on_ready, grace_s=GRACE_S, log_level="critical")
        )
        watching = asyncio.create_task(self._watch(survey, changes, stopping))
        try:
            await first_to_end(stopping, serving, watching)
        finally:
            stopping.set()
            changes.set_open(False)
            if self.room is not None:
                self.room.close()
            await posts.close()
            await asyncio.gather(serving, watching)

    async def _watch(self, survey: Survey, changes: LiveUpdates[int], stopping: asyncio.Event) -> None:
        """Read what the first page left unread, then tell the pages of every change; without a page, rest."""
        seen: object = None
        unread = True
        while not stopping.is_set():
            if unread:
                overview = await asyncio.to_thread(survey.read, self._clock(), SLICE)
                unread = bool(overview.unread)
                if not unread:
                    changes.publish(changes.value + 1)
                continue
            if changes.listeners:
                mark = await asyncio.to_thread(survey.mark, self._clock())
                if mark != seen:
                    changes.publish(changes.value + 1)
                    seen = mark
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stopping.wait(), self._look_again_s)
