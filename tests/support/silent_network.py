"""A network namespace of Linux with a firewall that drops packets silently; needs root.

A server's socket is reached over an address in that network. `drop` discards every packet from there without notice, as
a firewall does that has forgotten a connection; `pass_on` lets them through again.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from machine import missing

_FORWARD = """
import asyncio, sys

async def copy(reader, writer):
    try:
        while piece := await reader.read(65536):
            writer.write(piece)
            await writer.drain()
    except OSError:
        pass
    writer.close()

async def take(reader, writer):
    there, back = await asyncio.open_unix_connection(sys.argv[2])
    await asyncio.gather(copy(reader, back), copy(there, writer))

async def main():
    server = await asyncio.start_server(take, sys.argv[1], 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()

asyncio.run(main())
"""


class SilentNetwork:
    """`address` and `port` lead to the socket. The network is removed when `behind_firewall` ends."""

    def __init__(self, name: str, ours: str, address: str, port: int) -> None:
        self.address = address
        self.port = port
        self._name = name
        self._ours = ours

    def drop(self) -> None:
        _ip("-n", self._name, "route", "add", "blackhole", f"{self._ours}/32")

    def pass_on(self) -> None:
        _ip("-n", self._name, "route", "del", "blackhole", f"{self._ours}/32")


@contextmanager
def behind_firewall(socket: Path) -> Iterator[SilentNetwork]:
    """A server's Unix socket, reached through such a network. Skips without the permission to create one."""
    if shutil.which("ip") is None:
        missing("ip is not installed (Debian: iproute2)")
    if os.geteuid() != 0:
        pytest.skip("only root may make a network")
    number = os.getpid()
    name, near, far = f"silent-{number}", f"nl{number}a", f"nl{number}b"
    net = f"10.{213 + number // 16_384 % 16}.{number // 64 % 256}.{number % 64 * 4}"
    ours, theirs = (f"{net.rpartition('.')[0]}.{int(net.rpartition('.')[2]) + each}" for each in (1, 2))
    try:
        _ip("netns", "add", name)
    except subprocess.CalledProcessError as error:
        pytest.skip(f"this machine makes no network namespaces: {error.stderr.strip()}")
    forwarder = None
    try:
        _ip("link", "add", near, "type", "veth", "peer", "name", far, "netns", name)
        _ip("addr", "add", f"{ours}/30", "dev", near)
        _ip("link", "set", near, "up")
        _ip("-n", name, "addr", "add", f"{theirs}/30", "dev", far)
        _ip("-n", name, "link", "set", far, "up")
        command = ["ip", "netns", "exec", name, sys.executable, "-c", _FORWARD, theirs, str(socket)]
        forwarder = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert forwarder.stdout is not None
        yield SilentNetwork(name, ours, theirs, int(forwarder.stdout.readline()))
    finally:
        if forwarder is not None:
            forwarder.kill()
            forwarder.communicate()
        with suppress(subprocess.CalledProcessError):
            _ip("link", "del", near)
        _ip("netns", "del", name)


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True, text=True)
