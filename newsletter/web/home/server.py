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

from newsletter.errors import ConfigError
from newsletter.model.delivery import is_loopback
from newsletter.web.home.app import home_app
from newsletter.web.home.key_guard import KeyMiddleware
from newsletter.web.home.open_posts import OpenPosts
from newsletter.web.home.send_order import Desk
from newsletter.web.home.send_room import SendRoom
from newsletter.web.home.survey import Inputs, Survey
from newsletter.web.live_updates import LiveUpdates
from newsletter.web.local_server import LocalServer, serve_and_watch

LOOK_AGAIN_S = 2.0
"""How often files and ledger are looked at while a page is open; a thousand posts cost some milliseconds."""

SLICE = 50
"""Posts that are read at a time in the background, so that a page waits for no more than these."""


class HomeServer(LocalServer):
    """The posts, their states and the sends, which run in `room` beyond the server's end; none without a `desk`."""

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
        super().__init__("home", host, port)
        self._inputs, self._clock, self._relay_url, self._look_again_s = inputs, clock, relay_url, look_again_s
        self.key = secrets.token_urlsafe(18)
        self.room = SendRoom(desk) if desk is not None else None

    @property
    def url(self) -> str:
        """Where it is, with the key of this start."""
        return f"{super().url}?key={self.key}"

    @property
    def cookie(self) -> str:
        """The name of the cookie that has the key; another home has another port."""
        return f"newsletter-home-{self.port}"

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

        async def close() -> None:
            changes.set_open(False)
            if self.room is not None:
                self.room.close()
            await posts.close()

        await serve_and_watch(app, listening, stopping, on_ready, self._watch(survey, changes, stopping), close)

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
