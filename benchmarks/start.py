"""What starting costs: CPU time of help pages and of a test send, against Python itself, in turns.

    python benchmarks/start.py [--rounds 20]

The peer is `python -c pass` of the same environment: what nobody who writes in Python can save. CPU time, since a busy
machine makes every start longer, and no start dearer. The smallest of all rounds counts. `send --test` mails the
example to a server in this process, which notes when it said 250.
"""

from __future__ import annotations

import argparse
import resource
import socket
import subprocess
import sys
import sysconfig
import tempfile
import time
from pathlib import Path

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

PROGRAM = str(Path(sysconfig.get_path("scripts")) / "newsletter")
EXAMPLES = Path(__file__).resolve().parents[1] / "examples"
POST = EXAMPLES / "2026-03-02-ai-daily.md"
LIST = EXAMPLES.parent / "subscribers.example.csv"
COMMANDS = {
    "python -c pass": (sys.executable, "-c", "pass"),
    "newsletter --help": (PROGRAM, "--help"),
    "newsletter send --help": (PROGRAM, "send", "--help"),
    "newsletter publish --help": (PROGRAM, "publish", "--help"),
}


def cpu_s(command: tuple[str, ...]) -> float:
    """CPU seconds of one run, its children included."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


class Relay:
    """Takes every message. `taken`: when it last did."""

    taken = 0.0

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's
        self.taken = time.perf_counter()
        return "250 taken"


def print_test_send(rounds: int) -> None:
    relay = Relay()
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    server = Controller(relay, hostname="127.0.0.1", port=port, ready_timeout=60, data_size_limit=10**8)
    server.start()
    try:
        with tempfile.TemporaryDirectory() as folder:
            ledger = f"sqlite:///{folder}/newsletter.db"
            test = ("--test", "you@example.com", "--relay", f"smtp://127.0.0.1:{port}", "--ledger", ledger, "--yes")
            command = (PROGRAM, "send", str(POST), "--to", str(LIST), *test)
            cpu, wait = [], []
            for _ in range(rounds):
                start = time.perf_counter()
                cpu.append(cpu_s(command))
                wait.append(relay.taken - start)
    finally:
        server.stop()
    print(f"{'newsletter send --test':<26} {min(cpu) * 1000:6.0f} ms, {min(wait) * 1000:.0f} ms from the start to 250")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=20)
    rounds = parser.parse_args().rounds
    least = dict.fromkeys(COMMANDS, float("inf"))
    for _ in range(rounds):
        for name, command in COMMANDS.items():
            least[name] = min(least[name], cpu_s(command))
    bare = least["python -c pass"]
    for name, seconds in least.items():
        print(f"{name:<26} {seconds * 1000:6.0f} ms  {seconds / bare:5.1f} times")
    print_test_send(max(rounds // 4, 3))


if __name__ == "__main__":
    main()
