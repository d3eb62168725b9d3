"""The `newsletter` command, forked from a process that has already imported its modules.

A command run this way is a process of its own, with its own arguments, folder, environment and standard streams, and
its own exit code. It saves the import of two hundred modules, several hundred times in the suite. Cold starts are
covered by `cli/test_cli.py`, the tests that start `PROGRAM` themselves, and the benchmarks.

    python tests/support/warm_start.py SOCKET       one request a connection: JSON, and the three streams beside it
"""

from __future__ import annotations

import atexit
import contextlib
import gc
import json
import os
import signal
import socket
import sys
import threading
import time
import traceback
from typing import Any

MAX_REQUEST = 1 << 20
PRELOADED = (
    *(
        "cli.send",
        "cli.check",
        "cli.preview",
        "cli.report",
        "cli.serve",
        "cli.bounces",
        "cli.subscriber_lists",
        "cli.subscriber_people",
        "cli.subscriber_suppress",
        "cli.render",
        "cli.publish",
        "cli.resume",
    ),
    *("cli.status", "cli.catch", "cli.theme", "render.images.fetch", "message.dkim", "render.inline_css"),
)


def main() -> None:
    import importlib

    from newsletter.cli.main import COMMANDS
    from newsletter.render.inline_css import html_of  # noqa: F401 - what every rendering needs

    for name in PRELOADED:
        importlib.import_module(f"newsletter.{name}")
    for command in COMMANDS.values():
        command.load()
    for name in ("premailer", "sqlalchemy.dialects.sqlite", "email_validator", "mjml", "rich.progress"):
        importlib.import_module(name)
    gc.freeze()  # or the first collection in each fork would write to every page, and so copy it
    # Commands are waited for by their own watchers; the watchers themselves are reaped automatically.
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    with socket.socket(socket.AF_UNIX) as door:
        door.bind(sys.argv[1])
        door.listen(64)
        print("ready", flush=True)
        while True:
            connection, _ = door.accept()
            if os.fork():
                connection.close()
                continue
            door.close()
            watch(connection)


def watch(connection: socket.socket) -> None:
    """Start the command, report its process id, wait, report its exit code."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    data, streams, _, _ = socket.recv_fds(connection, MAX_REQUEST, 3)
    size, _, data = data.partition(b"\n")
    while len(data) < int(size):
        data += connection.recv(MAX_REQUEST)
    child = os.fork()
    if not child:
        connection.close()
        run(json.loads(data), streams)
    for stream in streams:
        os.close(stream)
    connection.sendall(f"{child}\n".encode())
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    with contextlib.suppress(BrokenPipeError):  # the client has given up
        connection.sendall(f"{code}\n".encode())
    os._exit(0)


def run(request: dict[str, Any], streams: list[int]) -> None:
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    if request.get("new_session"):
        os.setsid()
    # The interpreter asks of its streams when it starts whether they are open, and terminals.
    sys.stdout.reconfigure(line_buffering=sys.stdout.isatty())  # type: ignore[union-attr]
    for number in request.get("closed", ()):
        os.close(number)
        setattr(sys, ("stdin", "stdout", "stderr")[number], None)
    os.environ.clear()
    os.environ.update(request["env"])
    time.tzset()
    os.chdir(request["cwd"])
    sys.argv = ["newsletter", *request["arguments"]]
    code: object = 0
    try:
        from newsletter.cli.main import main as command

        command()
    except SystemExit as end:
        code = end.code
    except BaseException:  # noqa: BLE001 - as the interpreter does
        traceback.print_exc()
        code = 1
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError as error:  # as the interpreter does, with its code
            with contextlib.suppress(OSError):
                os.write(2, f"Exception ignored in: {stream.name}\n{type(error).__name__}: {error}\n".encode())
            code = 120
    os._exit(code if isinstance(code, int) else 0 if code is None else 1)


if __name__ == "__main__":
    main()
