"""The HTTP server's bounds, over real connections: pipelined requests, headers, heads, answers that nobody reads."""

from __future__ import annotations

import asyncio
import signal
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest
from command_line import start
from starlette.types import ASGIApp, Receive, Scope, Send
from web_site import SECRET, TOML

from newsletter.web import http_server
from newsletter.web.http_server import ConnectionLimits, connection_class, serve_http
from newsletter.web.sockets import listen

DEADLINE_S = 60.0
GET = b"GET / HTTP/1.1\r\n\r\n"


class Paths:
    """Answers each request with its own path, once `gate` is open."""

    def __init__(self) -> None:
        self.begun: list[str] = []
        self.gate = asyncio.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.begun.append(scope["path"])
        await self.gate.wait()
        while (await receive()).get("more_body"):
            pass
        body = scope["path"].encode()
        headers = [(b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})


@asynccontextmanager
async def serving(app: ASGIApp, limits: ConnectionLimits | None = None) -> AsyncIterator[int]:
    """The port of a server on the running loop."""
    stopping, ready = asyncio.Event(), asyncio.Event()
    with listen("127.0.0.1", 0, "--port") as listening:
        port = listening.getsockname()[1]
        task = asyncio.create_task(
            serve_http(app, listening, stopping=stopping, on_ready=ready.set, limits=limits, grace_s=1)
        )
        await ready.wait()
        try:
            yield port
        finally:
            stopping.set()
            await asyncio.wait_for(task, DEADLINE_S)


@pytest.fixture
def connections(monkeypatch: pytest.MonkeyPatch) -> list[http_server.Connection]:
    """Every connection that a server has made."""
    made: list[http_server.Connection] = []
    before = http_server.Connection.connection_made

    def noted(self: http_server.Connection, transport: asyncio.Transport) -> None:
        made.append(self)
        before(self, transport)

    monkeypatch.setattr(http_server.Connection, "connection_made", noted)
    return made


def held(connection: http_server.Connection) -> tuple[int, int]:
    """Requests that wait, bytes that are not parsed."""
    return len(connection.pipeline), len(connection._unread)


def test_requests_sent_ahead_are_neither_parsed_nor_read_beyond_a_few(
    connections: list[http_server.Connection],
) -> None:
    count = 4_000

    async def attack() -> bytes:
        app = Paths()
        async with serving(app) as port:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            sending = asyncio.create_task(send(writer))
            while not app.begun or not connections[0].flow.read_paused:  # noqa: ASYNC110 - the server has no event for it
                await asyncio.sleep(0)
            for _ in range(300):  # rounds in which it could go on reading
                await asyncio.sleep(0)
                waiting, unread = held(connections[0])
                assert waiting <= http_server.PARSED_AT_ONCE // len(GET) + 1
                assert unread <= http_server.READ_BYTES
            assert app.begun == ["/"]
            app.gate.set()
            answers = b""
            while answers.count(b"HTTP/1.1 200") < count:
                answers += await reader.read(1_000_000)
                waiting, unread = held(connections[0])
                assert waiting <= http_server.PARSED_AT_ONCE // len(GET) + 1
                assert unread <= http_server.READ_BYTES
            await sending
            writer.close()
            return answers

    async def send(writer: asyncio.StreamWriter) -> None:
        writer.write(GET * count)
        await writer.drain()

    assert asyncio.run(attack()).count(b"HTTP/1.1 200") == count


def test_requests_sent_ahead_are_answered_in_order() -> None:
    paths = [f"/{number}" for number in range(500)]

    async def ask() -> bytes:
        app = Paths()
        app.gate.set()
        async with serving(app) as port:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            body = "x" * 700  # longer than what is parsed at once
            head = f"HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n"
            last = len(paths) - 1
            for number, path in enumerate(paths):
                close = "Connection: close\r\n" if number == last else ""
                writer.write(f"POST {path} {head}{close}\r\n{body}".encode())
            answer = await reader.read()
            writer.close()
            assert app.begun == paths
            return answer

    answers = asyncio.run(ask()).split(b"HTTP/1.1 200 OK\r\n")[1:]
    assert [answer.partition(b"\r\n\r\n")[2].decode() for answer in answers] == paths


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (b"GET / HTTP/1.1\r\n" + b"a:b\r\n" * (http_server.MAX_HEADERS + 200), b"431"),
        (b"GET / HTTP/1.1\r\nX: " + b"a" * (http_server.MAX_HEAD_BYTES + 1_000), b"431"),
        (b"GET /" + b"a" * (http_server.MAX_HEAD_BYTES + 1_000), b"431"),
        (b"GET / HTTP/1.1\r\n" + b"a:b\r\n" * (http_server.MAX_HEADERS - 1) + b"\r\n", b"200"),
        (b"GET / HTTP/1.1\r\nX: " + b"a" * (http_server.MAX_HEAD_BYTES - 1_000) + b"\r\n\r\n", b"200"),
    ],
)
def test_a_head_has_an_end(request_: bytes, status: bytes) -> None:
    async def ask() -> bytes:
        app = Paths()
        app.gate.set()
        async with serving(app) as port:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(request_)
            answer = await reader.readuntil(b"\r\n\r\n")
            writer.close()
            return answer

    assert asyncio.run(ask()).startswith(b"HTTP/1.1 " + status)


def test_all_unfinished_heads_together_have_an_end(
    monkeypatch: pytest.MonkeyPatch, connections: list[http_server.Connection]
) -> None:
    monkeypatch.setattr(http_server, "MAX_HEADS_BYTES", 50_000)

    async def attack() -> int:
        async with serving(Paths()) as port:
            writers = []
            for _ in range(40):
                _, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.write(b"GET / HTTP/1.1\r\nX: " + b"a" * 10_000)
                writers.append(writer)
            while len(connections) < 40 or connections[-1]._message_bytes < 9_000:  # noqa: ASYNC110
                await asyncio.sleep(0)
            standing = sum(not connection.transport.is_closing() for connection in connections)
            assert not connections[-1].transport.is_closing(), "the oldest go"
            for writer in writers:
                writer.close()
            return standing

    assert 1 <= asyncio.run(attack()) <= 6


async def endless(scope: Scope, receive: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    for _ in range(200):
        await send({"type": "http.response.body", "body": b"x" * 1_000_000, "more_body": True})
    await send({"type": "http.response.body", "body": b""})


def test_an_answer_that_nobody_reads_ends() -> None:
    async def ask() -> None:
        ended = asyncio.Event()

        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            await endless(scope, receive, send)
            ended.set()

        async with serving(app, ConnectionLimits(taken_within_s=0.05)) as port:
            with socket.create_connection(("127.0.0.1", port)) as connection:
                connection.sendall(GET)
                await asyncio.wait_for(ended.wait(), DEADLINE_S)

    asyncio.run(ask())


def test_an_answer_that_is_read_may_take_its_time() -> None:
    async def ask() -> int:
        async with serving(endless, ConnectionLimits(taken_within_s=30)) as port:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(b"GET / HTTP/1.1\r\nConnection: close\r\n\r\n")
            size = 0
            while piece := await reader.read(1_000_000):
                size += len(piece)
            writer.close()
            return size

    assert asyncio.run(ask()) > 200_000_000


def test_the_server_ends_though_nobody_reads() -> None:
    """`serving` waits for its end: an answer in the midst, requests behind it, a cancelled one that writes again."""

    async def stubborn(scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await endless(scope, receive, send)
        except asyncio.CancelledError:
            await send({"type": "http.response.body", "body": b"x" * 1_000_000, "more_body": True})

    async def attack() -> None:
        with socket.socket() as connection:
            async with serving(stubborn) as port:
                connection.connect(("127.0.0.1", port))
                connection.sendall(GET * 300)
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.write(GET)
                await reader.read(1)  # so the first was begun as well
                writer.transport.abort()

    asyncio.run(attack())


def test_an_upgrade_is_answered_and_the_connection_ends() -> None:
    async def ask() -> bytes:
        app = Paths()
        app.gate.set()
        async with serving(app) as port:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            head = b"GET /a HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
            writer.write(head + b"GET /b HTTP/1.1\r\n\r\n" * 100)
            answer = await reader.read()
            writer.close()
            assert app.begun == ["/a"]
            return answer

    assert b"connection: close" in asyncio.run(ask())


def test_two_servers_share_nothing() -> None:
    limits = ConnectionLimits(connections=5)
    assert connection_class(limits).shared is not connection_class(limits).shared


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_serve_amid_clients_that_pipeline_and_read_nothing(tmp_path: Path, number: int) -> None:
    (tmp_path / "newsletter.toml").write_text(TOML + '[relay]\nurl = "smtp://127.0.0.1:9"\n')
    process = start("serve", "--port", "0", "--quiet", cwd=tmp_path, NEWSLETTER_SECRET=SECRET)
    clients = []
    try:
        assert process.stdout
        port = int(process.stdout.readline().decode().rpartition(":")[2])
        for _ in range(20):
            client = socket.create_connection(("127.0.0.1", port), timeout=DEADLINE_S)
            client.setblocking(False)
            clients.append(client)
            with suppress(BlockingIOError):
                while client.send(b"GET /join HTTP/1.1\r\nHost: x\r\n\r\n" * 1_000):
                    pass
        process.send_signal(number)
        assert process.wait(DEADLINE_S) == 0
    finally:
        for client in clients:
            client.close()
        process.kill()
        process.communicate()
