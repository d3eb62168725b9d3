"""A TCP proxy that holds every byte back, both ways: `python delivery_proxy.py PORT DELAY_MS` prints its own port.

It delays and does not throttle: what came together leaves together, in order, however much of it there is.
"""

from __future__ import annotations

import asyncio
import sys
from collections import deque


class Side(asyncio.Protocol):
    """One end of a connection. What it receives goes to the other end, later.

    No bytes at all stand for the end of what this end sends, None for that of the connection.
    """

    def __init__(self, delay_s: float) -> None:
        self.delay_s = delay_s
        self.loop = asyncio.get_running_loop()
        self.waiting: deque[tuple[float, bytes | None]] = deque()
        self.timer: asyncio.TimerHandle | None = None
        self.transport: asyncio.Transport | None = None
        self.other: Side | None = None
        self.ended = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        transport.set_write_buffer_limits(1 << 30)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.hold(data)

    def eof_received(self) -> bool:
        self.ended = True
        self.hold(b"")
        return True

    def connection_lost(self, exc: Exception | None) -> None:
        self.hold(None)

    def hold(self, data: bytes | None) -> None:
        self.waiting.append((self.loop.time() + self.delay_s, data))
        if self.timer is None and self.other is not None:
            self.timer = self.loop.call_later(self.delay_s, self.release)

    def release(self) -> None:
        self.timer = None
        assert self.other is not None
        transport = self.other.transport
        if transport is None:
            return  # `open` calls again
        now = self.loop.time()
        while self.waiting and self.waiting[0][0] <= now:
            data = self.waiting.popleft()[1]
            if transport.is_closing():
                continue
            if data:
                transport.write(data)
            elif data is None or self.other.ended:
                transport.close()
            else:
                transport.write_eof()
        if self.waiting:
            self.timer = self.loop.call_at(self.waiting[0][0], self.release)


class Front(Side):
    """The end that a client connects to; it opens the other one."""

    def __init__(self, delay_s: float, port: int) -> None:
        super().__init__(delay_s)
        self.port = port
        self.opening: asyncio.Task[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self.opening = self.loop.create_task(self.open())

    async def open(self) -> None:
        back = Side(self.delay_s)
        # Before the first byte can come: what either end receives must know where to go.
        self.other, back.other = back, self
        try:
            await self.loop.create_connection(lambda: back, "127.0.0.1", self.port)
        except OSError:
            assert self.transport is not None
            self.transport.abort()
            return
        self.release()


async def main(port: int, delay_ms: float) -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Front(delay_ms / 1000, port), "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), float(sys.argv[2])))
