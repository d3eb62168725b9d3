"""A local HTTP server with every fault of a picture on the web. It never sleeps: it waits for events."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address

from newsletter.render.images.fetch import Fetcher, Limits
from newsletter.safe_http import Address

HERE = ip_address("127.0.0.1")


@dataclass
class ImageServer:
    """`files` maps a path to a type and bytes; `requests` has each requested path, `hosts` each Host header."""

    port: int
    files: dict[str, tuple[str, bytes]] = field(default_factory=dict)
    redirects: dict[str, str] = field(default_factory=dict)
    requests: list[str] = field(default_factory=list)
    hosts: list[str] = field(default_factory=list)
    most_at_once: int = 0
    open_now: int = 0
    gather: threading.Barrier | None = None
    lock: threading.Lock = field(default_factory=threading.Lock)
    closing: threading.Event = field(default_factory=threading.Event)

    def url(self, path: str, host: str = "127.0.0.1") -> str:
        return f"http://{host}:{self.port}{path}"

    def serve(self, path: str, data: bytes, media_type: str = "image/png") -> str:
        self.files[path] = (media_type, data)
        return self.url(path)


class _Handler(BaseHTTPRequestHandler):
    state: ImageServer
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (the name of the base class)
        pass

    def do_GET(self) -> None:
        state = self.state
        with state.lock:
            state.requests.append(self.path)
            state.hosts.append(self.headers["Host"])
            state.open_now += 1
            state.most_at_once = max(state.most_at_once, state.open_now)
        self.close_connection = True
        try:
            if state.gather is not None:
                state.gather.wait(10)
            self._answer()
        except (BrokenPipeError, ConnectionResetError, threading.BrokenBarrierError):
            pass
        finally:
            with state.lock:
                state.open_now -= 1

    def _answer(self) -> None:
        state, path = self.state, self.path.partition("?")[0]
        if path in state.redirects:
            self._head(302, {"Location": state.redirects[path], "Content-Length": "0"})
        elif path in state.files:
            media_type, data = state.files[path]
            self._head(200, {"Content-Type": media_type, "Content-Length": str(len(data))})
            self.wfile.write(data)
        elif path.startswith("/status/"):
            self._head(int(path.rpartition("/")[2]), {"Content-Length": "0"})
        elif path == "/drip":  # a byte, then nothing while the client waits
            self._head(200, {"Content-Type": "image/png", "Content-Length": "1000"})
            self.wfile.write(b"\x89")
            self.wfile.flush()
            state.closing.wait(30)
        elif path == "/silent":
            state.closing.wait(30)
        elif path == "/endless":
            self._head(200, {"Content-Type": "image/png"})
            while not state.closing.is_set():
                self.wfile.write(bytes(65536))
        elif path == "/announced":
            self._head(200, {"Content-Type": "image/png", "Content-Length": str(10**9)})
        elif path.startswith("/truncated/"):
            media_type, data = state.files[path.removeprefix("/truncated")]
            self._head(200, {"Content-Type": media_type, "Content-Length": str(len(data))})
            self.wfile.write(data[: len(data) // 2])
        elif path.startswith("/short/"):  # truncated, without a Content-Length
            media_type, data = state.files[path.removeprefix("/short")]
            self._head(200, {"Content-Type": media_type})
            self.wfile.write(data[: len(data) // 2])
        elif path == "/reset":
            linger = struct.pack("ii", 1, 0)
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            self.rfile.close()
            self.wfile.close()
            self.connection.close()
        elif path == "/noise":
            self.wfile.write(b"220 mail.example.com ESMTP\r\n")
        else:
            self._head(404, {"Content-Length": "0"})

    def _head(self, status: int, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Connection", "close")
        self.end_headers()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        pass  # half of these tests are about a client that disconnects


@contextlib.contextmanager
def serving() -> Iterator[ImageServer]:
    """An image server on a free port, during the block."""
    handler = type("Handler", (_Handler,), {})
    with _Server(("127.0.0.1", 0), handler) as server:
        handler.state = state = ImageServer(server.server_port)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield state
        finally:
            state.closing.set()
            server.shutdown()
            thread.join()


def allow_here(address: Address) -> bool:
    """Allow 127.0.0.1 only, so that every other private address is still refused."""
    return address == HERE


def local_fetcher(names: dict[str, list[str]] | None = None, **limits: float) -> Fetcher:
    """A fetcher that may reach the local server, resolves only these names, and has a test's short time-outs."""

    async def resolve(host: str, port: int) -> list[str]:
        if host not in (names or {}):
            raise OSError(f"{host} is not known here")
        return (names or {})[host]

    return Fetcher(Limits(**limits), allow_here, resolve)  # type: ignore[arg-type]
