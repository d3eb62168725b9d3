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
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from time import monotonic
from types import MappingProxyType
from typing import IO, Any

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
    left_out = ("NEWSLETTER_", "SSL_CERT", "FORCE_", "COLUMNS", "LINES")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(left_out)}
    return {**kept, "PYTHONWARNINGS": "error", **more}


class Process:
    """A running command, forked from the warm start: what tests use of `subprocess.Popen`."""

    def __init__(self, connection: socket.socket, stdout: IO[bytes] | None, stderr: IO[bytes] | None) -> None:
        """`connection` tells the process id, and the exit code at the end."""
        self.stdout = stdout
        self.stderr = stderr
        self.returncode: int | None = None
        self._connection = connection
        self._told = b""
        self._lock = threading.Lock()
        self.pid = int(self._line(DEADLINE_S))

    def _line(self, timeout: float | None) -> bytes:
        """The next line, waited for; `TimeoutError` if it takes longer."""
        self._connection.settimeout(timeout)
        while b"\n" not in self._told:
            data = self._connection.recv(4096)
            assert data, "the warm start has ended"
            self._told += data
        line, _, self._told = self._told.partition(b"\n")
        return line

    def wait(self, timeout: float | None = None) -> int:
        with self._lock:
            if self.returncode is None:
                try:
                    self.returncode = int(self._line(timeout))
                except (TimeoutError, BlockingIOError):
                    raise subprocess.TimeoutExpired("newsletter", timeout or 0) from None
                self._connection.close()
            return self.returncode

    def poll(self) -> int | None:
        with suppress(subprocess.TimeoutExpired):
            return self.wait(0)
        return None

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def communicate(self, timeout: float | None = None) -> tuple[bytes | None, bytes | None]:
        """Read both outputs to their end, and wait."""
        deadline = None if timeout is None else monotonic() + timeout
        said: dict[IO[bytes], bytes] = {}

        def read(stream: IO[bytes]) -> None:
            with stream:
                said[stream] = stream.read()

        streams = [stream for stream in (self.stdout, self.stderr) if stream is not None and not stream.closed]
        readers = [threading.Thread(target=read, args=(stream,), daemon=True) for stream in streams]
        for reader in readers:
            reader.start()
        for reader in readers:
            reader.join(None if deadline is None else max(0, deadline - monotonic()))
            if reader.is_alive():
                raise subprocess.TimeoutExpired("newsletter", timeout or 0)
        self.wait(None if deadline is None else max(0.001, deadline - monotonic()))
        out, err = (said.get(stream, b"") if stream is not None else None for stream in (self.stdout, self.stderr))
        return out, err


# What the interpreter or the loader reads before any line of ours needs a cold start.
_READ_AT_START = ("PYTHON", "LANG", "LC_", "LD_")


def start(*arguments: object, cwd: Path, **env: str) -> subprocess.Popen[bytes]:
    """A running command, with empty standard input and without a terminal."""
    return spawn(*arguments, cwd=cwd, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def spawn(
    *arguments: object,
    cwd: Path,
    env: Mapping[str, str] = MappingProxyType({}),
    stdin: int | IO[bytes] = subprocess.DEVNULL,
    stdout: int | IO[bytes],
    stderr: int | IO[bytes],
    new_session: bool = False,
    closed: Sequence[int] = (),
) -> subprocess.Popen[bytes]:
    """A running command with these streams, but for the `closed` ones: a process of its own, which takes signals."""
    if any(name.startswith(_READ_AT_START) for name in env):
        return subprocess.Popen(
            [PROGRAM, *map(str, arguments)],
            cwd=cwd,
            env=environment(**env),
            stdin=stdin,
            stdout=stdout,
            stderr=stderr,
            start_new_session=new_session,
        )
    with ExitStack() as theirs:

        def given(stream: int | IO[bytes]) -> int:
            if stream == subprocess.DEVNULL:
                return theirs.enter_context(Path(os.devnull).open("r+b", 0)).fileno()
            return stream if isinstance(stream, int) else stream.fileno()

        def written(stream: int | IO[bytes]) -> tuple[int, IO[bytes] | None]:
            if stream != subprocess.PIPE:
                return given(stream), None
            reader, writer = os.pipe()
            theirs.callback(os.close, writer)
            return writer, os.fdopen(reader, "rb")

        (out, ours), (err, ours_too) = written(stdout), written(stderr)
        request = {
            "arguments": [*map(str, arguments)],
            "cwd": str(cwd),
            "env": environment(**env),
            "new_session": new_session,
            "closed": [*closed],
        }
        return Process(_requested(request, [given(stdin), out, err]), ours, ours_too)


def _requested(request: Mapping[str, Any], streams: list[int]) -> socket.socket:
    data = json.dumps(request).encode()
    connection = socket.socket(socket.AF_UNIX)
    connection.settimeout(DEADLINE_S)
    connection.connect(_warm_start())
    socket.send_fds(connection, [b"%d\n" % len(data)], streams)
    connection.sendall(data)
    return connection


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
    cold = any(name.startswith(_READ_AT_START) for name in env)
    run = (_cold if cold else _warm)([*map(str, arguments)], cwd, stdin, environment(**env))
    assert "Traceback" not in run.err, run.err
    return run


def _cold(arguments: list[str], cwd: Path, stdin: bytes, env: dict[str, str]) -> Run:
    done = subprocess.run(
        [PROGRAM, *arguments], cwd=cwd, env=env, input=stdin, capture_output=True, timeout=DEADLINE_S, check=False
    )
    return Run(done.returncode, done.stdout.decode(), done.stderr.decode())


def _warm(arguments: list[str], cwd: Path, stdin: bytes, env: dict[str, str]) -> Run:
    with tempfile.TemporaryFile() as given, tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        given.write(stdin)
        given.seek(0)
        streams = [stream.fileno() for stream in (given, out, err)]
        process = Process(_requested({"arguments": arguments, "cwd": str(cwd), "env": env}, streams), None, None)
        try:
            code = process.wait(DEADLINE_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise
        for stream in (out, err):
            stream.seek(0)
        return Run(code, out.read().decode(), err.read().decode())


def shortcut(folder: Path) -> str:
    """A PATH on which a shell finds `newsletter` in `folder`: a program that has it forked from the warm start."""
    program = folder / "newsletter"
    program.write_text(
        f"""#!{sys.executable} -ISE
import json, os, signal, socket
connection = socket.socket(socket.AF_UNIX)
connection.connect({_warm_start()!r})
env = dict(os.environ) | {{"PYTHONWARNINGS": "error"}}
data = json.dumps({{"arguments": os.sys.argv[1:], "cwd": os.getcwd(), "env": env}}).encode()
socket.send_fds(connection, [b"%d\\n" % len(data)], [0, 1, 2])
connection.sendall(data)
told = connection.makefile()
process = int(told.readline())
for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
    signal.signal(number, lambda number, frame: os.kill(process, number))
code = int(told.readline())
os._exit(code if code >= 0 else 128 - code)
"""
    )
    program.chmod(0o755)
    # The interpreter's own folder as well: where no environment is activated, there may be no `python` on PATH.
    return os.pathsep.join((str(folder), str(Path(sys.executable).parent), os.environ["PATH"]))


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
