"""The preview's server and its file watcher, on one event loop in a thread."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from contextlib import aclosing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from watchfiles import awatch

from newsletter.model.delivery import is_loopback
from newsletter.model.findings import Finding
from newsletter.web.live_updates import LiveUpdates
from newsletter.web.local_server import LocalServer, serve_and_watch
from newsletter.web.preview.app import preview_app
from newsletter.web.preview.live_rendering import LiveRendering, Snapshot

STEP_MS = 3
"""How long the files must be unchanged before the post is read, and how often the watcher looks: 0.7 % of a core.

watchfiles' default of 50 ms would be noticeable.
"""

DEBOUNCE_MS = 80
"""The longest wait for that. An editor that writes in pieces has finished by then."""

LOOK_AGAIN_MS = 1_500
"""The polling interval, since network file systems send no events."""

TROUBLE_AFTER_S = 0.12
"""A file may be half written: an error is reported only when it persists this long."""

FINDINGS_AFTER_S = 0.15
"""Findings are computed after the page has drawn the email, which matters more."""


def _utc_now() -> datetime:
    return datetime.now(UTC)


class PreviewServer(LocalServer):
    """Redraws one post as its files change; `on_trouble` gets each error that the page shows instead of a rendering."""

    def __init__(
        self,
        live: LiveRendering,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        relay_url: str | None = None,
        clock: Callable[[], datetime] = _utc_now,
        on_trouble: Callable[[str], None] = lambda text: None,
    ) -> None:
        super().__init__("preview", host, port)
        self._live = live
        self._relay_url = relay_url
        self._clock = clock
        self._on_trouble = on_trouble

    @property
    def is_public(self) -> bool:
        """Whether other machines can reach it."""
        return not is_loopback(self.host)

    async def _serve(self, listening: socket.socket, stopping: asyncio.Event, on_ready: Callable[[], None]) -> None:
        updates = LiveUpdates(Snapshot())
        app = preview_app(self._live, updates, host=self.host, clock=self._clock, relay_url=self._relay_url)
        watch = PostWatch(self._live, updates, stopping, self._on_trouble)
        await watch.render()

        async def close() -> None:
            updates.set_open(False)

        await serve_and_watch(app, listening, stopping, on_ready, watch.run(), close)


class PostWatch:
    """Watches the files, and renders after a change."""

    def __init__(
        self,
        live: LiveRendering,
        updates: LiveUpdates[Snapshot],
        stopping: asyncio.Event,
        on_trouble: Callable[[str], None],
    ) -> None:
        self._live = live
        self._updates = updates
        self._stopping = stopping
        self._on_trouble = on_trouble
        self._inspecting: asyncio.Task[None] | None = None

    async def run(self) -> None:
        while not self._stopping.is_set():
            try:
                await self._watch(self._live.folders(self._updates.value))
            except OSError:  # a folder was removed between the check and the watch
                await asyncio.sleep(TROUBLE_AFTER_S)
        if self._inspecting is not None:
            self._inspecting.cancel()

    async def _watch(self, folders: tuple[Path, ...]) -> None:
        """Return once other folders have to be watched, since a post may reference a picture in a new one."""
        changes = awatch(
            *map(str, folders),
            watch_filter=None,
            debounce=DEBOUNCE_MS,
            step=STEP_MS,
            rust_timeout=LOOK_AGAIN_MS,
            yield_on_timeout=True,
            recursive=False,
            stop_event=self._stopping,
        )
        async with aclosing(changes):
            async for _ in changes:
                if self._live.has_changed(self._updates.value):
                    await self.render()
                if await asyncio.to_thread(self._live.folders, self._updates.value) != folders:
                    return

    async def render(self) -> None:
        """Render and notify the pages; the findings follow."""
        last = self._updates.value
        snapshot = await self._rendered(last)
        while snapshot.error and last.revision and not self._stopping.is_set():
            await asyncio.sleep(TROUBLE_AFTER_S)
            if not self._live.has_changed(last):
                break
            snapshot = await self._rendered(last)
        if snapshot.error and snapshot.error != last.error:
            self._on_trouble(snapshot.error)
        self._updates.publish(snapshot)
        if self._inspecting is not None:
            self._inspecting.cancel()
        self._inspecting = asyncio.create_task(self._inspect(snapshot))

    async def _rendered(self, last: Snapshot) -> Snapshot:
        snapshot, fault = await _result_or_fault(self._live.render, last)
        return snapshot or replace(last, revision=last.revision + 1, error=fault, findings=None)

    async def _inspect(self, snapshot: Snapshot) -> None:
        await asyncio.sleep(FINDINGS_AFTER_S)
        inspected, fault = await _result_or_fault(self._live.inspect, snapshot)
        if self._updates.value is snapshot:
            self._updates.publish(inspected or replace(snapshot, findings=(Finding("fault", fault),)))


async def _result_or_fault(work: Callable[[Snapshot], Snapshot], snapshot: Snapshot) -> tuple[Snapshot | None, str]:
    """The result of the work; for a bug, an error message for the page instead.

    A preview that ended with every bug would close the author's page, and the next save may avoid it.
    """
    task = asyncio.ensure_future(asyncio.to_thread(work, snapshot))
    await asyncio.wait([task])
    fault = task.exception()
    if fault is None:
        return task.result(), ""
    if not isinstance(fault, Exception):
        raise fault
    text = " ".join(str(fault).split())[:300]
    return None, f"a fault in newsletter itself ({type(fault).__name__}: {text}); save again, and report it if it stays"
