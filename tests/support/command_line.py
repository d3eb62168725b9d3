"""The installed `newsletter` command, in a process and a folder of its own."""

from __future__ import annotations

import atexit
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import sysconfig
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from time import monotonic
from typing import Any

PROGRAM = str(Path(sysconfig.get_path("scripts")) / ("newsletter.exe" if sys.platform == "win32" else "newsletter"))
CHECKOUT = Path(__file__).parents[2]
# A copy without the newsletter.toml beside it, on which a test must not depend, and where it must leave no ledger.
_COPY = tempfile.TemporaryDirectory(prefix="newsletter-examples-")
shutil.copytree(CHECKOUT / "examples", _COPY.name, dirs_exist_ok=True, ignore=shutil.ignore_patterns("newsletter.*"))
DIGEST = Path(_COPY.name) / "2026-03-02-ai-daily.md"
LIST = CHECKOUT / "subscribers.example.csv"
DEADLINE_S = 600
"""A process hangs after this time. On a busy machine a second's work may take a minute."""

HELLO = "---\ntitle: Hello\n---\n\nOne paragraph for everyone.\n"


@dataclass(frozen=True, slots=True)
class Run:
    """The result of a command. `out` and `err` are its output."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


def environment(**more: str) -> dict[str, str]:
    """Our environment without variables that would influence the program; no proxy, password or colours."""
    kept = {
        name: value for name, value in os.environ.items() if not name.startswith(("NEWSLETTER_", "SSL_CERT", "FORCE_"))
    }
    return {**kept, "PYTHONWARNINGS": "error", **more}


def start(*arguments: object, cwd: Path, **env: str) -> subprocess.Popen[bytes]:
    """A running command, with empty standard input and without a terminal."""
    return subprocess.Popen(
        [PROGRAM, *map(str, arguments)],
        cwd=cwd,
        env=environment(**env),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def finish(process: subprocess.Popen[bytes]) -> Run:
    try:
        out, err = process.communicate(timeout=DEADLINE_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()  # or the next test would get warnings about its open pipes
        raise
    return Run(process.returncode, out.decode(), err.decode())


def newsletter(*arguments: object, cwd: Path, stdin: bytes = b"", **env: str) -> Run:
    """Run the command to its end, in a process of its own. Any traceback fails the test."""
    # The variables that Python itself reads need a cold start.
    cold = any(name.startswith(("PYTHON", "LANG", "LC_")) for name in env)
    run = (_cold if cold else _warm)([*map(str, arguments)], cwd, stdin, environment(**env))
    assert "Traceback" not in run.err, run.err
    return run


def _cold(arguments: list[str], cwd: Path, stdin: bytes, env: dict[str, str]) -> Run:
    done = subprocess.run(
        [PROGRAM, *arguments], cwd=cwd, env=env, input=stdin, capture_output=True, timeout=DEADLINE_S, check=False
    )
    return Run(done.returncode, done.stdout.decode(), done.stderr.decode())


def _warm(arguments: list[str], cwd: Path, stdin: bytes, env: dict[str, str]) -> Run:
    request = json.dumps({"arguments": arguments, "cwd": str(cwd), "env": env}).encode()
    with (
        tempfile.TemporaryFile() as given,
        tempfile.TemporaryFile() as out,
        tempfile.TemporaryFile() as err,
        socket.socket(socket.AF_UNIX) as connection,
    ):
        given.write(stdin)
        given.seek(0)
        connection.settimeout(DEADLINE_S)
        connection.connect(_warm_start())
        streams = [stream.fileno() for stream in (given, out, err)]
        socket.send_fds(connection, [b"%d\n" % len(request)], streams)
        connection.sendall(request)
        with connection.makefile("r") as answer:
            process = int(answer.readline())
            try:
                code = int(answer.readline())
            except TimeoutError:
                os.kill(process, signal.SIGKILL)
                raise subprocess.TimeoutExpired(arguments, DEADLINE_S) from None
        for stream in (out, err):
            stream.seek(0)
        return Run(code, out.read().decode(), err.read().decode())


_WARMING = threading.Lock()


def _warm_start() -> str:
    """The socket of the process that commands are forked from; one for each test worker."""
    with _WARMING:  # `cache` may run twice in two threads, and the socket can be bound once
        return _warm_started()


@cache
def _warm_started() -> str:
    place = f"{_COPY.name}/door"
    process = subprocess.Popen(
        [sys.executable, str(CHECKOUT / "tests" / "support" / "warm_start.py"), place],
        cwd=_COPY.name,
        env=environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
    )
    atexit.register(process.wait)
    atexit.register(process.kill)
    assert process.stdout
    with process.stdout as said:
        assert said.readline() == b"ready\n"
    return place


@contextmanager
def without_root() -> Iterator[None]:
    """Drop root, which ignores file permissions."""
    is_root = hasattr(os, "geteuid") and os.geteuid() == 0
    if is_root:
        os.seteuid(65534)
    try:
        yield
    finally:
        if is_root:
            os.seteuid(0)


def wait_until(process: subprocess.Popen[bytes], condition: Callable[[], bool], what: str) -> None:
    """Poll while the process runs; its end, or the deadline, fails the test."""
    deadline = monotonic() + DEADLINE_S
    while not condition():
        assert monotonic() < deadline, what
        try:
            process.wait(timeout=0.01)
        except subprocess.TimeoutExpired:
            continue
        raise AssertionError(f"{what}: {process.communicate()}")


def takes_connections(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=5).close()
    except OSError:
        return False
    return True


def free_ports(count: int) -> list[int]:
    """Ports that were free a moment ago, for programs that cannot choose one themselves."""
    with ExitStack() as held:
        sockets = [held.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [int(each.getsockname()[1]) for each in sockets]


def write_post(folder: Path, text: str = HELLO, name: str = "2026-03-01-hello.md") -> Path:
    path = folder / name
    path.write_text(text, "utf-8")
    return path


def write_list(folder: Path, *addresses: str, name: str = "list.csv") -> Path:
    path = folder / name
    path.write_text("email,name\n" + "".join(f"{address},{address.partition('@')[0]}\n" for address in addresses))
    return path


def people(count: int) -> list[str]:
    return [f"reader{number:03}@example.com" for number in range(1, count + 1)]
