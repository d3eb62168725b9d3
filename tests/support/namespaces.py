"""Machines in network namespaces of their own, with links to this one that are taken down and up. Needs root."""

from __future__ import annotations

import contextlib
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import trustme


def _ip(*words: str) -> None:
    done = subprocess.run(["ip", *words], capture_output=True, text=True, timeout=600, check=False)
    if done.returncode:
        raise OSError(f"ip {' '.join(words)}: {done.stderr.strip()}")


class Network:
    """Namespaces of machines that reach this one at `host`."""

    def __init__(self, machines: int) -> None:
        self._name = f"nl{os.getpid() % 100_000}"
        third = os.getpid() % 250
        self.host = f"10.213.{third}.1"
        self.subnet = f"10.213.{third}.0/24"
        self._machines = machines
        self._down: set[int] = set()

    def make(self) -> None:
        """Raises OSError where it may not be."""
        _ip("link", "add", self._name, "type", "bridge")
        _ip("address", "add", f"{self.host}/24", "dev", self._name)
        _ip("link", "set", self._name, "up")
        for number in range(self._machines):
            space, ours, theirs = self._space(number), self._link(number), f"{self._link(number)}m"
            _ip("netns", "add", space)
            _ip("link", "add", ours, "type", "veth", "peer", "name", theirs)
            _ip("link", "set", ours, "master", self._name)
            _ip("link", "set", ours, "up")
            _ip("link", "set", theirs, "netns", space)
            _ip("-n", space, "address", "add", f"{self.host.removesuffix('.1')}.{number + 2}/24", "dev", theirs)
            _ip("-n", space, "link", "set", theirs, "up")
            _ip("-n", space, "link", "set", "lo", "up")

    def inside(self, number: int) -> list[str]:
        """The words before a command that is to run on this machine."""
        return ["ip", "netns", "exec", self._space(number)]

    def take_down(self, number: int) -> None:
        _ip("link", "set", self._link(number), "down")
        self._down.add(number)

    def all_up(self) -> None:
        for number in sorted(self._down):
            _ip("link", "set", self._link(number), "up")
        self._down.clear()

    def remove(self) -> None:
        for number in range(self._machines):
            with contextlib.suppress(OSError):
                _ip("link", "delete", self._link(number))
            with contextlib.suppress(OSError):
                _ip("netns", "delete", self._space(number))
        with contextlib.suppress(OSError):
            _ip("link", "delete", self._name)

    def _space(self, number: int) -> str:
        return f"{self._name}-{number}"

    def _link(self, number: int) -> str:
        return f"{self._name}v{number}"


@contextlib.contextmanager
def network(machines: int) -> Iterator[Network]:
    """Raises OSError where it may not be made."""
    made = Network(machines)
    try:
        made.make()
        yield made
    finally:
        made.remove()


def write_certificates(host: str, folder: Path) -> None:
    """Certificates of a relay at this address: mail goes to another machine by TLS alone."""
    authority = trustme.CA()
    authority.issue_cert(host).private_key_and_cert_chain_pem.write_to_path(str(folder / "server.pem"))
    authority.cert_pem.write_to_path(str(folder / "authority.pem"))
