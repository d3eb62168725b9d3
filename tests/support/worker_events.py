"""Workers send one issue while they are killed, stopped, ended and cut off: a campaign, and what it met."""

from __future__ import annotations

import contextlib
import random
import signal
import subprocess
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import psycopg
from command_line import DEADLINE_S, PROGRAM, environment, finish, people, spawn, start, write_list, write_post
from counting_server import CountingServer, counting_server
from invariants import Arrived, assert_one_copy_each
from machine import missing
from namespaces import Network, write_certificates
from postgres import PASSWORD
from sqlalchemy import make_url

from newsletter.cluster.job_queue import open_queue
from newsletter.ledger.ledger import Ledger
from newsletter.model.delivery import State
from newsletter.pipeline.deliver_shard import Shard

ISSUE = "2026-03-01-hello"
WORKERS = 3
CONNECTIONS = 4


def another_clock(shift: str) -> dict[str, str]:
    """Variables for a process whose clock is off by `+3600s`. The command `faketime` would stand between it and us."""
    library = next(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"), None)
    if library is None:
        missing("faketime is not installed (Debian: faketime)")
    return {"LD_PRELOAD": str(library), "FAKETIME": shift}


@dataclass(slots=True)
class Worker:
    """A running worker. It says what it does into a file: a pipe that nobody reads would stop it."""

    process: subprocess.Popen[bytes]
    said: Path
    machine: int = 0
    is_stopped: bool = False

    def end(self, number: signal.Signals) -> None:
        self.process.send_signal(number)
        if self.is_stopped:
            self.process.send_signal(signal.SIGCONT)
        self.process.wait(DEADLINE_S)


@dataclass(slots=True)
class Tally:
    """What a campaign met."""

    events: Counter[str] = field(default_factory=Counter)
    counts: dict[State, int] = field(default_factory=dict)
    messages: int = 0


class Campaign:
    """One issue to `recipients`, with `events` while it goes out; the seed decides which."""

    def __init__(
        self,
        folder: Path,
        url: str,
        *,
        recipients: int,
        events: int,
        seed: str,
        restart: Callable[[], None] | None = None,
        network: Network | None = None,
    ) -> None:
        """With `restart`, the database is restarted as well, and some machines' clocks are an hour ahead. With a
        `network`, each worker is in a namespace of its own, and its link is taken down and up.
        """
        self.folder = folder
        self.url = url
        self.people = people(recipients)
        self.events = events
        self.chance = random.Random(seed)
        self.restart = restart
        self.network = network
        self.tally = Tally()
        self.workers: list[Worker] = []
        self.started = 0
        write_post(folder)
        write_list(folder, *self.people)

    def run(self) -> Tally:
        """Send it through all events and to its end; every invariant is checked."""
        host = self.network.host if self.network is not None else "127.0.0.1"
        certified = self.folder if self.network is not None else None
        if certified is not None:
            write_certificates(host, certified)
        with counting_server(pipelining=True, delay_ms=4, host=host, certificates=certified) as server, self._ended():
            while len(self.workers) < WORKERS:
                self._start(server)
            sending = self._send("--detach")
            assert finish(sending).code == 0
            share = max(len(self.people) // (self.events + 1), 1)
            for number in range(self.events):
                self._wait_for(server, (number + 1) * share)
                self._event(server)
            for worker in self.workers:
                if worker.is_stopped:
                    worker.process.send_signal(signal.SIGCONT)
                    worker.is_stopped = False
            self._links_up()
            self._finish(server)
            arrived = self._settled(server)
            self._check(arrived)
        return self.tally

    # --- events -----------------------------------------------------------------------------------------------------

    def _event(self, server: CountingServer) -> None:
        ways: list[tuple[str, Callable[[CountingServer], None]]] = [
            ("killed", self._kill),
            ("killed", self._kill),
            ("stopped", self._stop),
            ("told to end", self._terminate),
            ("cut off", self._cut_off),
            ("jobs repeated", self._repeat),
            ("sent again meanwhile", self._send_again),
        ]
        if self.restart is not None:
            ways += [("database restarted", self._restart), ("clock an hour ahead", self._set_clock)]
        for worker in [worker for worker in self.workers if worker.process.poll() is not None]:
            # One that starts while the database restarts ends with a sentence; it is started again, as by systemd.
            assert "cannot be reached" in worker.said.read_text(), worker.said.read_text()
            self._replace(worker, server)
        if self.network is not None:
            ways += [("link down", self._take_link_down)] * 2
            self._links_up()
        name, event = self.chance.choice(ways)
        event(server)
        self.tally.events[name] += 1

    def _one(self) -> Worker:
        return self.chance.choice(self.workers)

    def _kill(self, server: CountingServer) -> None:
        worker = self._one()
        worker.end(signal.SIGKILL)
        self._replace(worker, server)

    def _terminate(self, server: CountingServer) -> None:
        worker = self._one()
        worker.end(signal.SIGTERM)
        # One that has only just started ends at once.
        ended = worker.process.returncode in (0, -signal.SIGTERM)
        assert ended or "cannot be reached" in worker.said.read_text(), worker.said.read_text()
        self._replace(worker, server)

    def _stop(self, server: CountingServer) -> None:
        """Stop one for so long that the server ends its connections; another one goes on where it was stopped."""
        for worker in self.workers:
            if worker.is_stopped:
                worker.process.send_signal(signal.SIGCONT)
                worker.is_stopped = False
        worker = self._one()
        worker.process.send_signal(signal.SIGSTOP)
        worker.is_stopped = True
        name = f"process {worker.process.pid} on %"
        self._end_connections("application_name LIKE %s", name)

    def _cut_off(self, server: CountingServer) -> None:
        self._end_connections("application_name LIKE %s", "process %")

    def _restart(self, server: CountingServer) -> None:
        assert self.restart is not None
        self.restart()

    def _set_clock(self, server: CountingServer) -> None:
        """One is replaced by another whose clock is an hour ahead."""
        worker = self._one()
        worker.end(signal.SIGTERM)
        self._replace(worker, server, clock="+3600s")

    def _take_link_down(self, server: CountingServer) -> None:
        """Until the next event."""
        assert self.network is not None
        self.network.take_down(self._one().machine)

    def _links_up(self) -> None:
        if self.network is not None:
            self.network.all_up()

    def _repeat(self, server: CountingServer) -> None:
        with psycopg.connect(self.url) as db:
            found = db.execute("SELECT id FROM shipments").fetchone()
        if found is not None:
            rows = sorted(self.chance.sample(range(len(self.people)), 2))
            with open_queue(self.url) as queue:
                queue.put([Shard(found[0], 0, len(self.people)), Shard(found[0], *rows)])

    def _send_again(self, server: CountingServer) -> None:
        again = finish(self._send("--detach"))
        assert again.code in (0, 4), again.err

    def _end_connections(self, where: str, value: str) -> None:
        with psycopg.connect(self.url, autocommit=True) as db:
            db.execute(
                "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
                f"WHERE datname = current_database() AND pid <> pg_backend_pid() AND {where}",
                (value,),
            )

    # --- processes --------------------------------------------------------------------------------------------------

    def _command(self, *words: object, host: str = "") -> tuple[object, ...]:
        url = make_url(self.url)._replace(password=None)
        if host:
            url = url.set(host=host, query={})
        return (*words, "--ledger", url.render_as_string())

    def _send(self, *more: str) -> subprocess.Popen[bytes]:
        command = ("send", f"{ISSUE}.md", "--to", "list.csv", "--workers", "--yes", "--first", "--json", *more)
        return start(*self._command(*command), cwd=self.folder, PGPASSWORD=PASSWORD)

    def _start(self, server: CountingServer, clock: str = "") -> None:
        self.started += 1
        said = self.folder / f"worker-{self.started}.log"
        machine = min(set(range(WORKERS)) - {worker.machine for worker in self.workers})
        words = ("worker", "--relay", server.url, "--connections", CONNECTIONS)
        env = {"PGPASSWORD": PASSWORD, **(another_clock(clock) if clock else {})}
        with said.open("wb") as out:
            if self.network is None:
                process = spawn(*self._command(*words), cwd=self.folder, env=env, stdout=out, stderr=out)
            else:
                command = map(str, self._command(*words, host=self.network.host))
                process = subprocess.Popen(
                    [*self.network.inside(machine), PROGRAM, *command],
                    cwd=self.folder,
                    env=environment(**env, SSL_CERT_FILE=str(self.folder / "authority.pem")),
                    stdin=subprocess.DEVNULL,
                    stdout=out,
                    stderr=out,
                )
        self.workers.append(Worker(process, said, machine))

    def _replace(self, worker: Worker, server: CountingServer, clock: str = "") -> None:
        self.workers.remove(worker)
        self._start(server, clock)

    @contextlib.contextmanager
    def _ended(self) -> Iterator[None]:
        try:
            yield
        finally:
            for worker in self.workers:
                worker.end(signal.SIGKILL)

    # --- waiting and checking ---------------------------------------------------------------------------------------

    def _wait_for(self, server: CountingServer, count: int) -> None:
        """Wait until so many have arrived, or nobody is left who could."""
        with server._changed:
            server._changed.wait_for(lambda: len(server._arrived) >= count, 30)

    def _finish(self, server: CountingServer) -> None:
        for _ in range(20):
            done = finish(self._send())
            assert done.code in (0, 3, 4), done.err
            assert "Traceback" not in done.err, done.err
            if done.code != 4 and not done.json["left"]:
                return
        raise AssertionError(f"somebody is always left: {done.out} {done.err}")

    def _settled(self, server: CountingServer) -> list[Arrived]:
        for worker in self.workers:
            worker.end(signal.SIGTERM)
        return server.settled()

    def _check(self, arrived: Sequence[Arrived]) -> None:
        assert_one_copy_each(arrived)
        for said in sorted(self.folder.glob("worker-*.log")):
            assert "Traceback" not in said.read_text(), said.read_text()
        with Ledger.open(self.url, lambda: datetime.now(UTC)) as ledger, ledger.hold(ISSUE):
            states = {row.address: row.state for row in ledger.rows(ISSUE)}
        assert states.keys() == set(self.people)
        reached = {each.recipient for each in arrived}
        sent = {who for who, state in states.items() if state is State.SENT}
        unsure = {who for who, state in states.items() if state is State.UNCERTAIN}
        assert sent | unsure == set(self.people), Counter(states.values())
        assert sent <= reached
        assert not set(self.people) - reached - unsure, "lost"
        ended = sum(self.tally.events[name] for name in ("killed", "stopped", "link down"))
        cut_off = WORKERS * (self.tally.events["cut off"] + self.tally.events["database restarted"])
        assert len(unsure) <= 2 * CONNECTIONS * (ended + cut_off)
        self.tally.messages = len(arrived)
        self.tally.counts = dict(Counter(states.values()))
