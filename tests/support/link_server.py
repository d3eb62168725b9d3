"""A local web server with the possible responses to a post's links. It never sleeps: it waits for events."""

from __future__ import annotations

import contextlib
import socket
import ssl
import struct
import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Answer = tuple[int, dict[str, str]]
OK: Answer = (200, {})


def redirect(code: int, target: str) -> Answer:
    return code, {"Location": target}


@dataclass
class LinkServer:
    """`answers` has a path's responses, one after another, the last of them repeated; `to_head` those to HEAD if they
    differ. A response is a status with headers, or the name of a fault. Other paths are 404.
    """

    port: int
    scheme: str = "http"
    answers: dict[str, list[Answer | str]] = field(default_factory=dict)
    to_head: dict[str, list[Answer | str]] = field(default_factory=dict)
    requests: list[str] = field(default_factory=list)
    headers: list[Message] = field(default_factory=list)
    most_at_once: int = 0
    open_now: int = 0
    gather: threading.Barrier | None = None
    lock: threading.Lock = field(default_factory=threading.Lock)
    date: str = ""
    """The Date header of every response; empty for the current time."""

    closing: threading.Event = field(default_factory=threading.Event)

    def url(self, path: str = "/", host: str = "127.0.0.1") -> str:
        return f"{self.scheme}://{host}:{self.port}{path}"

    def serve(
        self, path: str, *answers: Answer | str, head: Answer | str | None = None, host: str = "127.0.0.1"
    ) -> str:
        self.answers[path] = list(answers or [OK])
        if head is not None:
            self.to_head[path] = [head]
        return self.url(path, host)


class _Handler(BaseHTTPRequestHandler):
    state: LinkServer
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (the name of the base class)
        pass

    def date_time_string(self, timestamp: float | None = None) -> str:
        return self.state.date or super().date_time_string(timestamp)

    def do_HEAD(self) -> None:
        self._count_and_answer()

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", "0")))
        self._count_and_answer()

    def do_GET(self) -> None:
        self._count_and_answer()

    def _count_and_answer(self) -> None:
        state = self.state
        with state.lock:
            state.requests.append(f"{self.command} {self.path}")
            state.headers.append(self.headers)
            state.open_now += 1
            state.most_at_once = max(state.most_at_once, state.open_now)
            choices = state.to_head if self.command == "HEAD" and self.path in state.to_head else state.answers
            queue = choices.get(self.path, [(404, {})])
            answer = queue.pop(0) if len(queue) > 1 else queue[0]
        self.close_connection = True
        with suppress(OSError, threading.BrokenBarrierError):
            if state.gather is not None:
                state.gather.wait(10)
            if isinstance(answer, str):
                self._fault(answer)
        # Closed before the response begins: the client may send the next request before this thread goes on.
        with state.lock:
            state.open_now -= 1
        if not isinstance(answer, str):
            with suppress(OSError):
                self._head(*answer)

    def _head(self, status: int, headers: dict[str, str]) -> None:
        self.send_response(status, "\x1b[2J")  # a custom reason phrase, which must not be displayed
        for name, value in {"Content-Length": "0", "Set-Cookie": "seen=1; Path=/", **headers}.items():
            self.send_header(name, value)
        self.send_header("Connection", "close")
        self.end_headers()

    def _fault(self, name: str) -> None:
        if name == "silent":
            self.state.closing.wait(30)
        elif name == "endless":
            self.wfile.write(b"HTTP/1.1 200 OK\r\n\r\n")
            while not self.state.closing.is_set():
                self.wfile.write(bytes(65536))
        elif name == "endless head":
            self.wfile.write(b"HTTP/1.1 200 OK\r\n")
            while not self.state.closing.is_set():
                self.wfile.write(b"X-More: " + b"x" * 1000 + b"\r\n")
        elif name == "hang up":
            pass
        elif name == "reset":
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.rfile.close()
            self.wfile.close()
            self.connection.close()
        elif name == "noise":
            self.wfile.write(b"220 mail.example.com ESMTP\r\n\r\n")
        else:
            raise AssertionError(name)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    context: ssl.SSLContext | None = None

    def get_request(self) -> tuple[socket.socket, Any]:
        connection, address = super().get_request()
        if self.context is not None:
            # The TLS handshake happens at the first read, in the connection's own thread.
            connection = self.context.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)
        return connection, address

    def handle_error(self, request: object, client_address: object) -> None:
        pass  # half of these tests are about a client that disconnects


@contextlib.contextmanager
def serving(context: ssl.SSLContext | None = None) -> Iterator[LinkServer]:
    """A web server on a free port during the block; with a context, over TLS."""
    handler = type("Handler", (_Handler,), {})
    with _Server(("127.0.0.1", 0), handler) as server:
        server.context = context
        handler.state = state = LinkServer(server.server_port, "https" if context else "http")
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield state
        finally:
            state.closing.set()
            server.shutdown()
            thread.join()
