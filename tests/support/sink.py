"""Postfix's test server, `smtp-sink`: an independent implementation in C."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from time import monotonic

from command_line import free_ports, takes_connections, wait_until
from invariants import Arrived
from machine import missing
from smtp_server import HANGS_S


@dataclass(frozen=True, slots=True)
class Sink:
    """A running sink. It stores each message in a file of its own in `folder`, complete before it answers the dot."""

    port: int
    pid: int
    folder: Path

    @property
    def url(self) -> str:
        return f"smtp://127.0.0.1:{self.port}"

    def messages(self) -> list[Arrived]:
        return [read_dump(path) for path in sorted(self.folder.iterdir())]

    def settled(self) -> list[Arrived]:
        """All messages, once every connection is closed and incomplete ones are removed."""
        self._wait_until_idle()
        # It is single-threaded, and closes a connection before it removes the file: its greeting shows that both are
        # done.
        with socket.create_connection(("127.0.0.1", self.port), timeout=HANGS_S) as probe:
            assert probe.recv(1)
        self._wait_until_idle()
        return self.messages()

    def _wait_until_idle(self) -> None:
        deadline = monotonic() + HANGS_S
        while self.busy():
            assert monotonic() < deadline, "a connection never ended"

    def busy(self) -> bool:
        """Whether it has a socket beside the listening one (proc(5)); one that was reset may still be there."""
        held = 0
        for file in Path(f"/proc/{self.pid}/fd").iterdir():
            with suppress(FileNotFoundError):
                held += str(file.readlink()).startswith("socket:")
        return held > 1

    @property
    def recipients(self) -> list[str]:
        return sorted(message.recipient for message in self.messages())


def sink_program() -> str:
    """The path of `smtp-sink`; it needs no installed Postfix. If it is missing, skips the test, or fails it in CI."""
    found = os.environ.get("NEWSLETTER_SMTP_SINK") or shutil.which("smtp-sink")
    return found or missing("smtp-sink is not installed (Debian: postfix)")


@contextmanager
def smtp_sink(*options: str) -> Iterator[Sink]:
    """The sink on a free port, with options of its own: `-p` for no PIPELINING, `-q .` to disconnect after a dot."""
    program = sink_program()
    (port,) = free_ports(1)
    # Root must run it as another user, who cannot enter pytest's own folders.
    user = ("-u", "nobody") if os.geteuid() == 0 else ()
    with tempfile.TemporaryDirectory() as dump:
        Path(dump).chmod(0o777)
        process = subprocess.Popen(
            [program, "-h", "sink.test", *user, *options, "-d", f"{dump}/%M.", f"127.0.0.1:{port}", "100"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
        try:
            wait_until(process, lambda: takes_connections(port), "smtp-sink did not come up")
            yield Sink(port, process.pid, Path(dump))
        finally:
            process.kill()
            process.communicate()


def read_dump(path: Path) -> Arrived:
    """The envelope precedes the headers, in lines of the sink's own: X-Mail-Args, X-Rcpt-Args."""
    data = path.read_bytes()
    return Arrived(_found(rb"^X-Rcpt-Args: <([^>]*)>", data), _found(rb"^Message-ID:\s*(\S+)", data))


def _found(pattern: bytes, data: bytes) -> str:
    found = re.search(pattern, data, re.MULTILINE | re.IGNORECASE)
    return found[1].decode() if found else ""
