"""What the benchmark's messages are sent to, each a process of its own on loopback that ends with its `with`."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import trustme
from delivery_tools import CACHE, postfix, stunnel

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "support"))
from postfix_server import postfix_server

START_TIMEOUT_S = 10.0
BACKLOG = "128"


@dataclass(slots=True)
class Sink:
    """A running server. Once it has ended: how many messages it counted, and the processor's time that it used, if that
    is known.
    """

    port: int
    messages: int = 0
    cpu_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Encrypted:
    """A port that speaks TLS from the first byte, and the file of the authority that vouches for it."""

    port: int
    authority: Path


@contextmanager
def sink() -> Iterator[Sink]:
    program, environment = postfix("smtp-sink")
    server = Sink(free_port())
    # smtp-sink refuses to run as root; -c has it count on its standard output.
    user = ("-u", "nobody") if os.getuid() == 0 else ()
    command = (*program, "-c", *user, f"127.0.0.1:{server.port}", BACKLOG)
    with tempfile.TemporaryFile(dir=scratch()) as log:
        process = subprocess.Popen(command, env={**os.environ, **environment}, stdout=log, stderr=log)
        try:
            await_port(server.port, process)
            yield server
        finally:
            server.cpu_s = ended(process)
            log.seek(0)
            counts = re.findall(rb"mesg=(\d+)", log.read())
            server.messages = int(counts[-1]) if counts else 0


@contextmanager
def real_postfix() -> Iterator[Sink]:
    """Postfix itself: smtpd(8) and cleanup(8), which keep each message in a queue in memory."""
    (program,), _ = postfix("smtp-sink")
    with postfix_server(Path(program).parents[2]) as running_postfix:
        server = Sink(running_postfix.port)
        yield server
        server.messages = len(running_postfix.settled())


@contextmanager
def delayed(port: int, delay_ms: int) -> Iterator[int]:
    """A port whose bytes reach `port`, and the answers back, so much later."""
    script = Path(__file__).with_name("delivery_proxy.py")
    with running((sys.executable, str(script), str(port), str(delay_ms))) as process:
        assert process.stdout is not None
        yield int(process.stdout.readline())


@contextmanager
def encrypted(port: int) -> Iterator[Encrypted]:
    program, environment = stunnel()
    with ExitStack() as opened:
        folder = Path(opened.enter_context(tempfile.TemporaryDirectory(dir=scratch())))
        authority = trustme.CA()
        authority.cert_pem.write_to_path(folder / "authority.pem")
        authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(folder / "server.pem")
        front = free_port()
        settings = {"accept": f"127.0.0.1:{front}", "connect": f"127.0.0.1:{port}", "cert": folder / "server.pem"}
        lines = ["foreground = yes", "pid =", "debug = 0", "[smtps]"]
        lines += [f"{key} = {value}" for key, value in settings.items()]
        (folder / "stunnel.conf").write_text("\n".join(lines) + "\n")
        process = opened.enter_context(running((*program, str(folder / "stunnel.conf")), environment))
        await_port(front, process)
        yield Encrypted(front, folder / "authority.pem")


@contextmanager
def running(command: Sequence[str], environment: dict[str, str] | None = None) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(command, env={**os.environ, **(environment or {})}, stdout=subprocess.PIPE)
    try:
        yield process
    finally:
        ended(process)
        if process.stdout is not None:
            process.stdout.close()


def ended(process: subprocess.Popen[bytes]) -> float:
    """End it -> the processor's time that it used, in seconds."""
    process.terminate()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    return usage.ru_utime + usage.ru_stime


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def await_port(port: int, process: subprocess.Popen[bytes]) -> None:
    """Return once something listens there."""
    deadline = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < deadline and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.02)
        else:
            return
    raise RuntimeError(f"{process.args!r} did not start listening")


def scratch() -> Path:
    """A folder on the disk, since /tmp may be memory."""
    folder = CACHE / "run"
    folder.mkdir(parents=True, exist_ok=True)
    return folder
