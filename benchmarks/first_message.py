"""A million recipients: from the command `newsletter send` to the first message at the relay, and where the time goes.

    python benchmarks/first_message.py [ROWS] [--rounds 5]

Lists of name and address, and of six columns with names beyond ASCII, each sent into a fresh ledger in SQLite; the
relay answers at once. The command is killed after its first message. A bare pass of csv.reader takes turns with it.
"CPU" is the processor's time of the command until then. The stages are of one more run.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import socket
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from statistics import median
from subprocess import DEVNULL, PIPE, Popen, run
from typing import NamedTuple

from delivery_project import POST, SETTINGS, environment, send_command
from figures import ROUNDS, in_turns, machine, print_table

PASS = "a bare pass of csv.reader"
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
    took[what] = 0.0
    def outer(*a, **k):
        began = time.process_time()
        try:
            return inner(*a, **k)
        finally:
            took[what] += time.process_time() - began
    setattr(owner, name, outer)
timed(plan_send, "read_audience", "read, check, store the list")
timed(audience.Audience, "_drop_duplicates", "of it: duplicates")
timed(plan_send, "render_post", "render")
timed(plan_send, "empty_fields", "empty fields")
timed(ledger.Ledger, "plan", "plan in the ledger")
timed(ledger.planning, "list_people", "of it: store")
timed(ledger.suppression, "mark", "of it: suppressions")
timed(ledger.planning, "count_plan", "of it: count, compare with the last list")
def stop(*_a, **_k):
    for what, seconds in took.items():
        print(what, seconds, sep="\\t", file=sys.stderr)
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


class Until(NamedTuple):
    """What it took until the first message was at the relay."""

    seconds: float
    cpu_s: float
    peak_mb: float


def first_message(people: Path) -> Until:
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
        return Until(seconds, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024)


def bare_pass(people: Path) -> Until:
    done = run([sys.executable, "-c", PEER, str(people)], capture_output=True, text=True, check=True)
    return Until(0.0, float(done.stdout), 0.0)


def stages(people: Path) -> dict[str, float]:
    """Seconds of CPU of each stage of a send that ends before its first message."""
    with project() as post:
        options = send_command(post, people, "smtp://127.0.0.1:1", 10)[3:]
        command = [sys.executable, "-c", STAGES, *options]
        said = run(command, cwd=post.parent, env=environment(), check=True, stdout=DEVNULL, stderr=PIPE, text=True)
    lines = (line.rpartition("\t") for line in said.stderr.splitlines())
    return {what: float(spent) for what, tab, spent in lines if tab}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rows", nargs="?", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    arguments = parser.parse_args()
    rows, rounds = arguments.rows, arguments.rounds
    print(f"{machine()}; {rows:,} rows; medians of {rounds} in turns\n")
    with tempfile.TemporaryDirectory() as name:
        lists = write_lists(Path(name), rows)
        ways = {what: partial(first_message, people) for what, people in lists.items()}
        peers = {f"{PASS}, {what}": partial(bare_pass, people) for what, people in lists.items()}
        found = in_turns({**ways, **peers}, rounds)
        parts = {what: stages(people) for what, people in lists.items()}
    table = []
    for what in lists:
        seconds, cpu, peak = (median(each[number] for each in found[what]) for number in range(3))
        bare = median(until.cpu_s for until in found[f"{PASS}, {what}"])
        table.append(
            [what, f"{seconds:.1f} s", "5 s", f"{cpu:.1f} s", f"{bare:.2f} s", f"{cpu / bare:.1f}", f"{peak:.0f} MB"]
        )
    print_table(["", "first message after", "wanted", "CPU", PASS, "times", "peak memory"], table)
    print("\nCPU of one more run of each, in seconds:\n")
    names = dict.fromkeys(stage for each in parts.values() for stage in each)
    print_table(["", *parts], ([stage, *(f"{each.get(stage, 0):.1f}" for each in parts.values())] for stage in names))


if __name__ == "__main__":
    main()
