"""A million recipients: from the command `newsletter send` to the first message at the relay, and where the time goes.

    python benchmarks/first_message.py [ROWS] [ROUNDS]

Lists of name and address, and of six columns with names beyond ASCII, each sent into a fresh ledger in SQLite; the
relay answers at once. The command is killed after its first message. Beside it stands a bare pass of csv.reader. "CPU"
is the processor's time of the command until then; medians. The stages are of one more run, each with what is in it.
"""

from __future__ import annotations

import contextlib
import os
import socket
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from subprocess import DEVNULL, Popen, run

from delivery_project import POST, SETTINGS, environment, send_command

PEER = (
    "import csv, sys, time; n = sum(1 for _ in csv.reader(open(sys.argv[1], newline=''))); print(time.process_time())"
)
NAMES = ("王小明", "Łukasz", "김민수", "Ann")
STAGES = """
import atexit, os, sys, time
from newsletter.audience import audience
from newsletter.ledger import ledger
from newsletter.pipeline import deliver_to_list, plan_send, prepare_send
took = {}
def timed(owner, name, what):
    inner = getattr(owner, name)
    def outer(*a, **k):
        began = time.process_time()
        try:
            return inner(*a, **k)
        finally:
            took[what] = took.get(what, 0) + time.process_time() - began
    setattr(owner, name, outer)
timed(plan_send, "read_audience", "read, check, store the list")
timed(audience.Audience, "_drop_duplicates", "  of it: duplicates")
timed(plan_send, "render_post", "render")
timed(plan_send, "empty_fields", "empty fields")
timed(ledger.Ledger, "plan", "plan in the ledger")
timed(ledger.planning, "list_people", "  of it: store")
timed(ledger.suppression, "mark", "  of it: suppressions")
timed(ledger.planning, "count_plan", "  of it: count, compare with the last list")
def stop(*_a, **_k):
    for what, seconds in took.items():
        print(f"    {what:<46} {seconds:>6.2f} s of CPU", file=sys.stderr)
    sys.stderr.flush()
    os._exit(0)
deliver_to_list.start_delivery = stop
from newsletter.cli.main import main
main()
"""


def write_lists(folder: Path, rows: int) -> dict[str, Path]:
    plain, wide = folder / "plain.csv", folder / "wide.csv"
    with plain.open("w", encoding="utf-8") as file:
        file.write("email,name\n")
        file.writelines(f"reader.{n * 7919 % rows}@mail{n % 40}.example.com,Reader {n}\n" for n in range(rows))
    with wide.open("w", encoding="utf-8") as file:
        file.write("name,email,plan,tags,joined,city\n")
        file.writelines(
            f"{NAMES[n % 4]} {n},reader.{n * 7919 % rows}@mail{n % 40}.example.com,{'pro' if n % 5 else 'free'},ai;ml,"
            f"2026-01-{n % 28 + 1:02},{'北京' if n % 2 else 'Kraków'}\n"
            for n in range(rows)
        )
    return {"email and name": plain, "six columns, not ASCII": wide}


@contextmanager
def relay() -> Iterator[tuple[int, threading.Event]]:
    """A port, and what is set once a message has come whole."""
    came = threading.Event()

    def serve(connection: socket.socket) -> None:
        # Closing the file fails as well where the command was killed with something still to be written.
        with contextlib.suppress(OSError), connection, connection.makefile("rwb") as wire:
            try:
                wire.write(b"220 relay ESMTP\r\n")
                wire.flush()
                while line := wire.readline():
                    command = line[:4].upper()
                    if command == b"EHLO":
                        wire.write(b"250-relay\r\n250-PIPELINING\r\n250 8BITMIME\r\n")
                    elif command == b"DATA":
                        wire.write(b"354 go on\r\n")
                        wire.flush()
                        while wire.readline() not in (b".\r\n", b""):
                            pass
                        came.set()
                        wire.write(b"250 2.0.0 Ok\r\n")
                    else:
                        wire.write(b"250 2.0.0 Ok\r\n")
                    wire.flush()
            except OSError:
                pass  # the command was killed

    def accept() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=serve, args=(connection,), daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=accept, daemon=True).start()
        yield listener.getsockname()[1], came


@contextmanager
def project() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "newsletter.toml").write_text(SETTINGS % "classic")
        post = folder / "2026-03-02-today.md"
        post.write_text(POST + "Hello.\n")
        yield post


def first_message(people: Path) -> tuple[float, float, float]:
    """Seconds, CPU seconds, and peak memory in MB until the first message was at the relay."""
    with project() as post, relay() as (port, came):
        command = send_command(post, people, f"smtp://127.0.0.1:{port}", 10)
        started = time.monotonic()
        process = Popen(command, cwd=post.parent, env=environment(), stdout=DEVNULL, stderr=DEVNULL)
        if not came.wait(900):
            raise RuntimeError("no message came")
        seconds = time.monotonic() - started
        process.kill()
        _, _, used = os.wait4(process.pid, 0)
        process.returncode = -9
        return seconds, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024


def main() -> None:
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 5
    with tempfile.TemporaryDirectory() as name:
        for what, people in write_lists(Path(name), rows).items():
            found, peers = [], []
            for _ in range(rounds):
                found.append(first_message(people))
                done = run([sys.executable, "-c", PEER, str(people)], capture_output=True, text=True, check=True)
                peers.append(float(done.stdout))
            seconds, cpu, peak = (median(each[number] for each in found) for number in range(3))
            peer = median(peers)
            print(f"{rows:,} rows, {what}: first message after {seconds:.2f} s, CPU {cpu:.2f} s, peak {peak:.0f} MB")
            print(f"    {'a bare pass of csv.reader':<46} {peer:>6.2f} s of CPU: {cpu / peer:.1f} times", flush=True)
            with project() as post:
                options = send_command(post, people, "smtp://127.0.0.1:1", 10)[3:]
                run(
                    [sys.executable, "-c", STAGES, *options],
                    cwd=post.parent,
                    env=environment(),
                    check=True,
                    stdout=DEVNULL,
                )


if __name__ == "__main__":
    main()
