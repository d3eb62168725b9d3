"""The previews that are open: one for each post that was looked at, the least recently used one closed first."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from starlette.routing import Router

from newsletter.web.live_updates import LiveUpdates
from newsletter.web.preview.app import preview_routes
from newsletter.web.preview.live_rendering import LiveRendering, Snapshot
from newsletter.web.preview.server import PostWatch

if TYPE_CHECKING:
    from newsletter.config.config import Config

MOST = 8
"""Open at once: each watches its post's folders, and has its last rendering in memory."""


@dataclass(slots=True)
class _OpenPost:
    router: Router
    updates: LiveUpdates[Snapshot]
    stopping: asyncio.Event
    watching: asyncio.Task[None]

    async def close(self) -> None:
        self.stopping.set()
        self.updates.set_open(False)
        await self.watching


class OpenPosts:
    """Used on the server's event loop alone."""

    def __init__(
        self, load: Callable[[], Config], to: Path | str | None, relay_url: str | None, clock: Callable[[], datetime]
    ) -> None:
        self._load, self._to, self._relay_url, self._clock = load, to, relay_url, clock
        self._open: dict[str, _OpenPost] = {}
        self._opening = asyncio.Lock()

    async def router(self, key: str, post: Path) -> Router:
        """The pages of a post, under /post/KEY; its first rendering is done."""
        async with self._opening:
            found = self._open.pop(key, None)
            if found is None:
                found = await self._opened(key, post)
            self._open[key] = found
            while len(self._open) > MOST:
                await self._open.pop(next(iter(self._open))).close()
        return found.router

    async def close(self) -> None:
        while self._open:
            await self._open.popitem()[1].close()

    async def _opened(self, key: str, post: Path) -> _OpenPost:
        live = LiveRendering(post, self._load, to=self._to)
        updates = LiveUpdates(Snapshot())
        stopping = asyncio.Event()
        watch = PostWatch(live, updates, stopping, lambda text: None)
        await watch.render()
        routes = preview_routes(live, updates, clock=self._clock, relay_url=self._relay_url, base=f"/post/{key}")
        router = Router(routes=routes, redirect_slashes=False)
        return _OpenPost(router, updates, stopping, asyncio.create_task(watch.run()))
