"""An HTTP server whose answers have no end: a body, a redirect's body, a head that comes byte by byte."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

ENDLESS_BODY = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
ENDLESS_HEAD = b"HTTP/1.1 200 OK\r\nX-Slow: "
_PIECES = {ENDLESS_HEAD: b"a"}
_CHUNK = b"10000\r\n" + bytes(65536) + b"\r\n"


def redirect_to(url: str) -> bytes:
    """A redirect that has a body, which never ends."""
    return f"HTTP/1.1 302 Found\r\nLocation: {url}\r\nTransfer-Encoding: chunked\r\n\r\n".encode()


@contextmanager
def endless_answer(start: bytes) -> Iterator[str]:
    """The address of a server that begins each answer so and goes on until the client leaves or the block ends."""
    closing = threading.Event()
    listening = socket.create_server(("127.0.0.1", 0))

    def answer(client: socket.socket) -> None:
        piece = _PIECES.get(start, _CHUNK)
        with client, suppress(OSError):
            client.recv(65536)
            client.sendall(start)
            while not closing.wait(0.001 if piece is not _CHUNK else 0):
                client.sendall(piece)

    def accept() -> None:
        with suppress(OSError):
            while True:
                client, _ = listening.accept()
                threading.Thread(target=answer, args=(client,), daemon=True).start()

    thread = threading.Thread(target=accept, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}/"
    finally:
        closing.set()
        listening.shutdown(socket.SHUT_RDWR)
        listening.close()
        thread.join()
