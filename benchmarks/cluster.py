"""How much faster several workers are than one, where each has a relay of its own that is held to a rate.

    python benchmarks/cluster.py [RECIPIENTS] [RATE] [ROUNDS]     4,000 recipients, 200 messages a second, 3 rounds

One worker and three take turns. Each worker is a process with a relay of its own, a server that counts; only the time
from the first message to the last counts. Beside it stands a `newsletter send` from one machine without any rate, with
the ledger in the same PostgreSQL, and one worker without a rate: what the queue and the shards cost. It needs
PostgreSQL's server.
"""

from __future__ import annotations

import contextlib
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

CHECKOUT = Path(__file__).parents[1]
sys.path.insert(0, str(CHECKOUT / "tests" / "support"))

from command_line import PROGRAM, environment, finish, people, start, write_list, write_post  # noqa: E402
from counting_server import CountingServer, counting_server  # noqa: E402
from postgres import PASSWORD, program, running  # noqa: E402
from sqlalchemy import make_url  # noqa: E402

ISSUE = "2026-03-01-hello"
CONNECTIONS = 4


class Stopwatch:
    """When the first and the last message came to any of the servers."""

    def __init__(self, servers: list[CountingServer], recipients: int) -> None:
        self.servers = servers
        self.recipients = recipients

    def seconds(self) -> float:
        first = last = 0.0
        seen = 0
        while seen < self.recipients:
            time.sleep(0.005)
            now = sum(len(server._arrived) for server in self.servers)
            if now and not first:
                first = time.monotonic()
            if now != seen:
                seen, last = now, time.monotonic()
        return last - first


def send(url: str, recipients: int, workers: int, rate: int) -> float:
    """Seconds of a send by so many workers; by none it goes from here."""
    option = make_url(url)._replace(password=None).render_as_string()
    with tempfile.TemporaryDirectory() as name, contextlib.ExitStack() as opened:
        folder = Path(name)
        write_post(folder)
        write_list(folder, *people(recipients))
        servers = [opened.enter_context(counting_server(pipelining=True, delay_ms=0)) for _ in range(max(workers, 1))]
        for number, server in enumerate(servers[:workers]):
            opened.enter_context(worker(folder / f"machine-{number}", option, server, number, rate))
        how = ["--workers"] if workers else ["--relay", servers[0].url, "--connections", str(CONNECTIONS)]
        command = ("send", f"{ISSUE}.md", "--to", "list.csv", "--yes", "--first", "--json", "--ledger", option, *how)
        sending = start(*command, cwd=folder, PGPASSWORD=PASSWORD)
        took = Stopwatch(servers, recipients).seconds()
        done = finish(sending)
        assert done.code == 0, done.err
    return took


@contextlib.contextmanager
def worker(folder: Path, ledger: str, server: CountingServer, number: int, rate: int) -> Iterator[None]:
    folder.mkdir()
    held = f'rate = "{rate}/s"\n' if rate else ""
    (folder / "newsletter.toml").write_text(
        f'[[relays]]\nname = "relay-{number}"\nurl = "{server.url}"\nconnections = {CONNECTIONS}\n{held}'
    )
    with (folder / "said").open("wb") as said:
        process = subprocess.Popen(
            [PROGRAM, "worker", "--ledger", ledger],
            cwd=folder,
            env=environment(PGPASSWORD=PASSWORD),
            stdout=said,
            stderr=said,
        )
    try:
        yield
    finally:
        process.terminate()
        process.wait()


def main() -> None:
    numbers = [int(each) for each in sys.argv[1:4]]
    recipients, rate, rounds = (*numbers, *(4_000, 200, 3)[len(numbers) :])
    initdb, pg_ctl = program("initdb"), program("pg_ctl")
    if initdb is None or pg_ctl is None:
        print("PostgreSQL's server is missing (Debian: postgresql): nothing was measured")
        return
    print(
        f"{recipients:,} recipients, {rate} messages a second and worker, medians of {rounds}, {os.cpu_count()} cores"
    )
    with running(initdb, pg_ctl) as database:
        ways = {"one worker": (1, rate), "three workers": (3, rate), "from here": (0, 0), "one, no rate": (1, 0)}
        took: dict[str, list[float]] = {way: [] for way in ways}
        for _ in range(rounds):
            for way, (workers, held) in ways.items():
                took[way].append(send(database.emptied(), recipients, workers, held))
    middle = {way: statistics.median(seconds) for way, seconds in took.items()}
    for way, seconds in middle.items():
        print(f"  {way:<14} {seconds:7.2f} s   {recipients / seconds:8,.0f} messages a second")
    print(f"  three workers are {middle['one worker'] / middle['three workers']:.2f} times one")
    print(f"  a send by one worker takes {middle['one, no rate'] / middle['from here']:.2f} of one from here")


if __name__ == "__main__":
    main()
