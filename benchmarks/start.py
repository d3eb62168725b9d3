"""What starting costs: CPU time of help pages and of a test send, beside Python itself, in turns.

    python benchmarks/start.py [--rounds 5]

The peer is `python -c pass` of the same environment: what nobody who writes in Python can save. CPU time, since a busy
machine makes every start longer, and no start dearer. `send --test` mails the example to a server in this process,
which notes when it said 250; that is the one time by the clock.
"""

from __future__ import annotations

import argparse
import socket
import sys
import sysconfig
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from statistics import median

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session
from figures import ROUNDS, cpu_seconds, in_turns, machine, median_and_least, print_table

PROGRAM = str(Path(sysconfig.get_path("scripts")) / "newsletter")
EXAMPLES = Path(__file__).resolve().parents[1] / "examples"
POST = EXAMPLES / "2026-03-02-ai-daily.md"
LIST = EXAMPLES.parent / "subscribers.example.csv"
PEER = "`python -c pass`"
COMMANDS = {
    PEER: (sys.executable, "-c", "pass"),
    "`newsletter --help`": (PROGRAM, "--help"),
    "`newsletter send --help`": (PROGRAM, "send", "--help"),
    "`newsletter publish --help`": (PROGRAM, "publish", "--help"),
}
WANTED = {"`newsletter --help`": "60 ms"}


class Relay:
    """Takes every message. `taken`: when it last did."""

    taken = 0.0

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's
        self.taken = time.perf_counter()
        return "250 taken"


@contextmanager
def test_send(waits: list[float]) -> Iterator[partial[float]]:
    """A call that sends a test; the seconds from each start to the relay's 250 go to `waits`."""
    relay = Relay()
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    server = Controller(relay, hostname="127.0.0.1", port=port, ready_timeout=60, data_size_limit=10**8)

    def send(command: tuple[str, ...]) -> float:
        start = time.perf_counter()
        spent = cpu_seconds(command)
        waits.append(relay.taken - start)
        return spent

    server.start()
    try:
        with tempfile.TemporaryDirectory() as folder:
            ledger = f"sqlite:///{folder}/newsletter.db"
            test = ("--test", "you@example.com", "--relay", f"smtp://127.0.0.1:{port}", "--ledger", ledger, "--yes")
            yield partial(send, (PROGRAM, "send", str(POST), "--to", str(LIST), *test))
    finally:
        server.stop()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    rounds = parser.parse_args().rounds
    print(f"{machine()}; CPU time, median and least of {rounds} in turns\n")
    waits: list[float] = []
    with test_send(waits) as send:
        ways = {name: partial(cpu_seconds, command) for name, command in COMMANDS.items()}
        taken = in_turns({**ways, "`newsletter send --test`, whole": send}, rounds)
    bare = median(taken[PEER])
    rows = [
        [name, median_and_least(seconds), f"{median(seconds) / bare:.1f}", WANTED.get(name, "")]
        for name, seconds in taken.items()
    ]
    rows.append(["by the clock, from its start to the relay's 250", median_and_least(waits), "", "1,000 ms"])
    print_table(["", "takes", "times Python's start", "wanted"], rows)


if __name__ == "__main__":
    main()
