"""An SMTP server in a process of its own that only counts messages, and connections opened and closed.

Run as a program it prints its port, then one line for each event, before it replies: `+` a connection, `-` its end, and
the recipient and the Message-ID of each message. It stores nothing.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import re
import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from invariants import Arrived

MOST_BYTES = 1 << 26
HANGS_S = 600
_MESSAGE_ID = re.compile(rb"^Message-ID:\s*(\S+)", re.MULTILINE | re.IGNORECASE)


class CountingServer:
    """A client of the running server for tests."""

    def __init__(self, process: subprocess.Popen[bytes], host: str) -> None:
        self.host = host
        self.authority: ssl.SSLContext | None = None
        assert process.stdout is not None
        self._lines = process.stdout
        self.port = int(self._lines.readline())
        self.connections = 0
        self._open = 0
        self._arrived: list[Arrived] = []
        self._changed = threading.Condition()
        threading.Thread(target=self._read, name="counting server", daemon=True).start()

    @property
    def url(self) -> str:
        return f"{'smtps' if self.authority else 'smtp'}://{self.host}:{self.port}"

    def busy(self) -> bool:
        """Whether a connection is open."""
        return self._open > 0

    def settled(self) -> list[Arrived]:
        """All messages, once every connection is closed: then everything that a dead sender had written was read."""
        # The server numbers its connections. Ours is the last, so all earlier ones have been reported by then.
        with contextlib.ExitStack() as opened:
            probe = opened.enter_context(socket.create_connection((self.host, self.port), timeout=HANGS_S))
            if self.authority is not None:
                probe = opened.enter_context(self.authority.wrap_socket(probe, server_hostname=self.host))
            lines = opened.enter_context(probe.makefile("rb"))
            number = int(lines.readline().split()[-1])
        with self._changed:
            over = self._changed.wait_for(lambda: self.connections >= number and not self._open, HANGS_S)
            assert over, "a connection never ended"
            return list(self._arrived)

    def _read(self) -> None:
        for line in self._lines:
            with self._changed:
                if line == b"+\n":
                    self.connections += 1
                    self._open += 1
                elif line == b"-\n":
                    self._open -= 1
                else:
                    recipient, message_id = line.decode().split()
                    self._arrived.append(Arrived(recipient, message_id))
                self._changed.notify_all()


@contextmanager
def counting_server(
    *,
    pipelining: bool,
    delay_ms: float,
    chunking: bool = False,
    host: str = "127.0.0.1",
    certificates: Path | None = None,
) -> Iterator[CountingServer]:
    """Each message is answered after up to `delay_ms`. Recipients named `gone…` get 550 5.1.1, `busy…` 450 4.2.1.

    With a folder of `certificates` it talks TLS alone.
    """
    options = ([] if pipelining else ["--step-by-step"]) + (["--chunking"] if chunking else [])
    authority = None
    if certificates is not None:
        authority = ssl.create_default_context(cafile=certificates / "authority.pem")
        options += ["--certificate", str(certificates / "server.pem")]
    command = [sys.executable, Path(__file__), *options, "--delay-ms", str(delay_ms), "--host", host]
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE) as process:
        try:
            server = CountingServer(process, host)
            server.authority = authority
            yield server
        finally:
            process.kill()


# --- the program ----------------------------------------------------------------------------------------------------


def _tell(line: str) -> None:
    os.write(1, f"{line}\n".encode())  # unbuffered, and before the reply


class _Talk:
    def __init__(self, extensions: list[str], delay_ms: float) -> None:
        self.ehlo = "".join(f"250-{line}\r\n" for line in ["count.test", *extensions]) + "250 HELP\r\n"
        self.delay_s = delay_ms / 1000
        self.connections = self.messages = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        _tell("+")
        try:
            writer.write(f"220 count.test ESMTP {self.connections}\r\n".encode())
            await self._talk(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # the sender died
        finally:
            _tell("-")
            writer.transport.abort()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        recipient = chunks = b""
        while line := await reader.readline():
            match line[:4].upper():
                case b"EHLO":
                    writer.write(self.ehlo.encode())
                case b"MAIL":
                    recipient = chunks = b""
                    writer.write(b"250 2.1.0 sender ok\r\n")
                case b"RCPT":
                    recipient = line.partition(b"<")[2].partition(b">")[0]
                    if recipient.startswith(b"gone"):
                        writer.write(b"550 5.1.1 nobody here\r\n")
                        recipient = b""
                    elif recipient.startswith(b"busy"):
                        writer.write(b"450 4.2.1 later\r\n")
                        recipient = b""
                    else:
                        writer.write(b"250 2.1.5 recipient ok\r\n")
                case b"DATA" if recipient:
                    writer.write(b"354 end with a dot\r\n")
                    await self._take(recipient, await reader.readuntil(b"\r\n.\r\n"), writer)
                case b"BDAT":
                    size, *last = line.split()[1:]
                    chunks += await reader.readexactly(int(size))
                    if not recipient:
                        writer.write(b"503 5.5.1 no valid recipients\r\n")
                    elif last:
                        await self._take(recipient, chunks, writer)
                    else:
                        writer.write(b"250 2.0.0 some octets\r\n")
                case b"DATA":
                    writer.write(b"503 5.5.1 no valid recipients\r\n")
                case b"RSET":
                    writer.write(b"250 2.0.0 reset\r\n")
                case b"QUIT":
                    writer.write(b"221 2.0.0 bye\r\n")
                    return
                case _:
                    writer.write(b"502 5.5.1 not known here\r\n")

    async def _take(self, recipient: bytes, text: bytes, writer: asyncio.StreamWriter) -> None:
        found = _MESSAGE_ID.search(text)
        _tell(f"{recipient.decode()} {found[1].decode() if found else '?'}")
        if self.delay_s:
            self.messages += 1
            await asyncio.sleep(self.delay_s * (self.messages * 7 % 11) / 10)
        writer.write(b"250 2.0.0 queued\r\n")


async def _main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--step-by-step", action="store_true")
    parser.add_argument("--chunking", action="store_true")
    parser.add_argument("--delay-ms", type=float, default=0)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--certificate", default="")
    options = parser.parse_args()
    secure = None
    if options.certificate:
        secure = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        secure.load_cert_chain(options.certificate)
    extensions = ["SIZE 50000000", "8BITMIME", "SMTPUTF8"] + ([] if options.step_by_step else ["PIPELINING"])
    extensions += ["CHUNKING"] if options.chunking else []
    talk = _Talk(extensions, options.delay_ms)
    server = await asyncio.start_server(talk.serve, options.host, 0, limit=MOST_BYTES, ssl=secure)
    _tell(str(server.sockets[0].getsockname()[1]))
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_main())
