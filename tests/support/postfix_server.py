"""A private Postfix: its own smtpd and cleanup, with what they accept kept in a queue that nobody empties.

Nothing is installed: `smtp-sink` shows where the package was unpacked, and the instance has folders of its own.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import monotonic, sleep

from command_line import free_ports, takes_connections, wait_until
from invariants import Arrived
from machine import missing
from sink import sink_program
from smtp_server import HANGS_S

# Postfix wants a user and a group that nothing else of its own runs as; these two are in every Debian.
OWNER, GROUP = "news", "games"
SETTINGS = """\
compatibility_level = 3.6
queue_directory = {home}/queue
data_directory = {home}/data
daemon_directory = {package}/usr/lib/postfix/sbin
command_directory = {package}/usr/sbin
shlib_directory = {package}/usr/lib/postfix
meta_directory = {package}/etc/postfix
mail_owner = {owner}
setgid_group = {group}
default_privs = nobody
import_environment = LD_LIBRARY_PATH MAIL_CONFIG TZ
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
myhostname = relay.test
mydestination =
mynetworks = 127.0.0.0/8
alias_maps =
local_recipient_maps =
smtpd_peername_lookup = no
smtpd_client_connection_count_limit = 0
in_flow_delay = 0
"""
SERVICES = """\
127.0.0.1:{port} inet n - n - 100 smtpd
cleanup unix n - n - 0 cleanup
rewrite unix - - n - - trivial-rewrite
proxymap unix - - n - - proxymap
anvil unix - - n - 1 anvil
"""
# What it creates when it is installed: the folders of the queue, and who may enter them.
QUEUE = {"active": 0o700, "incoming": 0o700, "deferred": 0o700, "defer": 0o700, "private": 0o700, "public": 0o710}
LISTENS, CLOSES = "0A", "08"
HEAD_BYTES = 1 << 14
"""How much of a queue file is read: its envelope and headers."""


@dataclass(frozen=True, slots=True)
class Postfix:
    port: int
    home: Path

    @property
    def url(self) -> str:
        return f"smtp://127.0.0.1:{self.port}"

    def busy(self) -> bool:
        """Whether a connection is open, or one whose client is dead is still read."""
        return bool(self._connections() & {"01", CLOSES})

    def settled(self) -> list[Arrived]:
        """All messages, once every connection is closed: then everything that a dead sender had written was read."""
        deadline = monotonic() + HANGS_S
        while self.busy() or any(not _is_complete(path) for path in self._files()):
            assert monotonic() < deadline, "a connection never ended"
            sleep(0.01)
        return [read_queue_file(path) for path in self._files()]

    def _files(self) -> list[Path]:
        return sorted((self.home / "queue" / "incoming").iterdir())

    def _connections(self) -> set[str]:
        """The states of the server's sockets (proc(5), /proc/net/tcp), but the listening one's."""
        rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
        return {row[3] for row in rows if row[1].endswith(f":{self.port:04X}")} - {LISTENS}


@contextmanager
def postfix_server(package: Path | None = None) -> Iterator[Postfix]:
    """It runs as root only, like any Postfix; skips the test, or fails it in CI, where that cannot be. `package` is the
    folder of the unpacked package, if it is not beside `smtp-sink`.
    """
    if os.geteuid() != 0:
        missing("Postfix can only be started by root")
    package = package or _unpacked()
    (port,) = free_ports(1)
    # In memory: a queue's many small files are not what is tested. Root's own folders are closed to its processes.
    with tempfile.TemporaryDirectory(dir="/dev/shm" if Path("/dev/shm").is_dir() else None) as folder:
        home = Path(folder)
        home.chmod(0o755)
        _furnish(home, package, port)
        environment = {**os.environ, "LD_LIBRARY_PATH": str(package / "usr/lib/postfix")}
        bell = os.open(home / "queue" / "public" / "qmgr", os.O_RDWR | os.O_NONBLOCK)
        process = subprocess.Popen(
            [package / "usr/lib/postfix/sbin/master", "-c", home / "conf", "-d"],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
        try:
            wait_until(process, lambda: takes_connections(port), "Postfix did not come up")
            yield Postfix(port, home)
        finally:
            process.terminate()  # it ends its own processes
            process.communicate()
            os.close(bell)


def _unpacked() -> Path:
    """The folder in which the whole package is."""
    beside = Path(sink_program()).resolve().parent
    folder = next((each for each in (beside, *beside.parents) if (each / "usr/lib/postfix/sbin/master").exists()), None)
    return folder or missing("Postfix is not unpacked beside smtp-sink (Debian: postfix)")


def _furnish(home: Path, package: Path, port: int) -> None:
    (home / "conf").mkdir()
    settings = SETTINGS.format(home=home, package=package, owner=OWNER, group=GROUP)
    (home / "conf" / "main.cf").write_text(settings)
    (home / "conf" / "master.cf").write_text(SERVICES.format(port=port))
    for name, mode in {**{f"queue/{name}": mode for name, mode in QUEUE.items()}, "data": 0o700}.items():
        folder = home / name
        folder.mkdir(parents=True)
        shutil.chown(folder, OWNER)
        folder.chmod(mode)
    (home / "queue" / "pid").mkdir()
    # cleanup(8) tells the queue manager of each message through this pipe; here nobody acts on it.
    os.mkfifo(home / "queue" / "public" / "qmgr")


# --- queue files ----------------------------------------------------------------------------------------------------


def _is_complete(path: Path) -> bool:
    """cleanup(8) sets the executable bit once the whole message is on disk, before it answers."""
    try:
        return bool(path.stat().st_mode & 0o100)
    except FileNotFoundError:
        return True  # a message that was not finished was removed


def read_queue_file(path: Path) -> Arrived:
    """The envelope's recipient and the Message-ID: records of a letter, a length in sevens of bits, and the content."""
    recipient = message_id = ""
    with path.open("rb") as file:
        data = file.read(HEAD_BYTES)
    at = 0
    while at < len(data) and not (recipient and message_id):
        kind, size, at = data[at : at + 1], 0, at + 1
        shift = 0
        while True:
            byte = data[at]
            at += 1
            size |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                break
        content = data[at : at + size]
        at += size
        if kind == b"R":
            recipient = content.decode()
        elif kind in b"NL" and (found := re.match(rb"(?i)Message-ID:\s*(\S+)", content)):
            message_id = found[1].decode()
    return Arrived(recipient, message_id)
