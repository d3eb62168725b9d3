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
import select
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
        "cli.doctor",
        "cli.ledger",
        "cli.worker",
        "cli.worker_chores",
    ),
    *("cli.status", "cli.catch", "cli.theme", "render.images.fetch", "message.dkim", "render.inline_css"),
    *("cluster.run_worker", "doctor.send_test", "doctor.try_alerts", "web.public.waiting_letters"),
)
OF_OTHERS = (
    *("premailer", "sqlalchemy.dialects.sqlite", "sqlalchemy.dialects.postgresql.psycopg", "email_validator", "mjml"),
    *(
        "rich.progress",
        "aiosmtpd.smtp",
        "procrastinate.worker",
        "itsdangerous",
        "anyio._backends._asyncio",
        "idna.uts46data",
        "uvicorn.lifespan.on",
    ),
)


def main() -> None:
    import importlib

    import quick_databases

    quick_databases.install()
    from newsletter.cli.main import COMMANDS
    from newsletter.render.inline_css import html_of  # noqa: F401 - what every rendering needs

    for name in PRELOADED:
        importlib.import_module(f"newsletter.{name}")
    for command in COMMANDS.values():
        command.load()
    for name in OF_OTHERS:
        importlib.import_module(name)
    render()
    send()
    gc.freeze()  # or the first collection in each fork would write to every page, and so copy it
    with socket.socket(socket.AF_UNIX) as door:
        door.bind(sys.argv[1])
        door.listen(64)
        Commands(door).run()


def render() -> None:
    """Render a post: templates and style sheets are read once, not in each fork."""
    from pathlib import Path

    from newsletter.model.rendered_email import Masthead
    from newsletter.post.parse import parse_post
    from newsletter.render.render_issue import render_issue
    from newsletter.render.themes.load import load_theme

    issue = parse_post("---\ntitle: Warm\n---\n\nOne paragraph.\n", path="2026-03-01-warm.md").issue
    render_issue(issue, load_theme("classic", Path("/nowhere")), Masthead())


def send() -> None:
    """Send an issue: what the loop needs is there, and the statements of the ledger are compiled."""
    import tempfile
    from pathlib import Path

    import quick_databases
    from send_fixture import ISSUE, IssueLedger, route
    from smtp_server import SmtpServer

    from newsletter.audience.people.store import People
    from newsletter.model.delivery import State
    from newsletter.model.mailbox_providers import provider_of

    with tempfile.TemporaryDirectory() as folder, SmtpServer() as server:
        ledger = IssueLedger(Path(folder) / "newsletter.db", ("warm@example.com",))
        ledger.run(route(server.relay))
        ledger.run(route(server.relay))
        read = ledger.store
        for planned in (False, True):
            unsent = (State.UNCERTAIN, State.DEFERRED, State.REJECTED, State.PENDING)
            for number in range(len(unsent) + 1):  # of none are those of any state
                assert len([*read.rows(ISSUE, *unsent[:number], planned=planned)]) == (not number)
            read.counts(ISSUE, planned=planned)
            read.suppressed(ISSUE, planned=planned)
        of_all = (read.issues, read.latest, read.is_new, read.rate_limit_state)
        of_one = (read.versions, read.identity, read.paths, read.next_due, read.runs, read.by_reply, read.by_domain)
        for of in of_all:
            of()
        for about in of_one:
            about(ISSUE)
        read.end_run(read.begin_run(ISSUE, "warm"), "")
        ledger.close()
        with People.open(Path(folder) / "newsletter.db", ledger.clock.moment) as people:
            people.leave("warm@example.com", "one-click")
            people.person("warm@example.com")
            people.history("warm@example.com")
    assert provider_of("example.com") is None  # by fifty patterns
    quick_databases.compile_as_well("postgresql+psycopg://")
    assert threading.active_count() == 1  # a fork has none of the others, and would wait for their locks


class Commands:
    """The running commands, each with the connection that is told its process id, and its exit code at its end."""

    def __init__(self, door: socket.socket) -> None:
        self.door = door
        self.running: dict[int, socket.socket] = {}
        self.ended, self.bell = socket.socketpair()
        self.ended.setblocking(False)
        self.bell.setblocking(False)

    def run(self) -> None:
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(self.bell.fileno(), warn_on_full_buffer=False)
        print("ready", flush=True)
        while True:
            ready, _, _ = select.select([self.door, self.ended], [], [])
            if self.ended in ready:
                self.ended.recv(4096)
                self.reap()
            if self.door in ready:
                self.start(self.door.accept()[0])

    def start(self, connection: socket.socket) -> None:
        data, streams, _, _ = socket.recv_fds(connection, MAX_REQUEST, 3)
        size, _, data = data.partition(b"\n")
        while len(data) < int(size):
            data += connection.recv(MAX_REQUEST)
        child = os.fork()
        if not child:
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            for each in (self.door, self.ended, self.bell, connection, *self.running.values()):
                each.close()
            run(json.loads(data), streams)
        for stream in streams:
            os.close(stream)
        self.running[child] = connection
        with contextlib.suppress(OSError):  # the client has given up
            connection.sendall(f"{child}\n".encode())

    def reap(self) -> None:
        while self.running:
            child, status = os.waitpid(-1, os.WNOHANG)
            if not child:
                return
            with self.running.pop(child) as connection, contextlib.suppress(OSError):
                connection.sendall(f"{os.waitstatus_to_exitcode(status)}\n".encode())


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
