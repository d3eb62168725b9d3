"""A scripted IMAP server over TLS, for misbehaviour that no real server has."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import trustme

Answer = Callable[[str], bytes | Iterator[bytes]]
"""The response to a command, given without its tag; `TAG` in it is replaced by the tag."""


@dataclass
class ImapServer:
    port: int
    trusted: ssl.SSLContext
    commands: list[str] = field(default_factory=list)


def plain(messages: int) -> dict[str, bytes]:
    """The responses of a normal server that accepts every login and has this many unread messages."""
    return {
        "CAPABILITY": b"* CAPABILITY IMAP4rev1 AUTH=XOAUTH2\r\nTAG OK done\r\n",
        "LOGIN": b"TAG OK done\r\n",
        "EXAMINE": f"* {messages} EXISTS\r\n* OK [UIDVALIDITY 7] x\r\nTAG OK [READ-ONLY] done\r\n".encode(),
        "LOGOUT": b"* BYE\r\nTAG OK done\r\n",
    }


@contextmanager
def imap_server(answer: Answer, messages: int = 3, own: Collection[str] = ()) -> Iterator[ImapServer]:
    """`answer` is called for commands that `plain` does not handle, for those in `own`, and for lines after a `+`."""
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    trusted = ssl.create_default_context()
    authority.configure_trust(trusted)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = ImapServer(listener.getsockname()[1], trusted)
        known = {name: said for name, said in plain(messages).items() if name not in own}
        worker = threading.Thread(target=_serve, args=(listener, context, answer, known, server), daemon=True)
        worker.start()
        yield server
        with contextlib.suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
    worker.join(30)


def _serve(
    listener: socket.socket, context: ssl.SSLContext, answer: Answer, known: dict[str, bytes], server: ImapServer
) -> None:
    with contextlib.suppress(OSError):
        while True:
            raw, _ = listener.accept()
            with contextlib.suppress(OSError), context.wrap_socket(raw, server_side=True) as connection:
                connection.sendall(b"* OK ready\r\n")
                _talk(connection, known, answer, server)


def _talk(connection: ssl.SSLSocket, known: dict[str, bytes], answer: Answer, server: ImapServer) -> None:
    tag = b""
    with connection.makefile("rb") as lines:
        for line in lines:
            first, _, rest = line.rstrip(b"\r\n").partition(b" ")
            command = rest.decode() if rest else first.decode()
            tag = first if rest else tag
            server.commands.append(command)
            given = known.get(command.split(" ")[0]) if rest else None
            reply = given if given is not None else answer(command)
            for piece in [reply] if isinstance(reply, bytes) else reply:
                connection.sendall(piece.replace(b"TAG", tag))
