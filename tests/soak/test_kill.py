"""A thousand deaths of the sending process: `pytest -n 0 -m soak tests/soak/test_kill.py`.

Two senders at a time kill, go on, and kill again, each with an issue of its own in one ledger, against a server that
counts or Postfix's sink. `SOAK_KILLS` and `SOAK_SEED` choose other numbers; the seed decides everything but the speed
of the machine. At the end a table says what was met.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from time import monotonic
from typing import Protocol

import pytest
from command_line import DEADLINE_S, finish, people, start, write_list, write_post
from counting_server import counting_server
from invariants import Accounts, Arrived
from postfix_server import postfix_server
from postgres import PASSWORD
from sink import smtp_sink
from sqlalchemy import make_url

from newsletter.model.delivery import State

pytestmark = pytest.mark.soak

KILLS = int(os.environ.get("SOAK_KILLS", "1000"))
KILLS_WINDOW = int(os.environ.get("SOAK_KILLS_WINDOW", "150"))
KILLS_POSTGRESQL = int(os.environ.get("SOAK_KILLS_POSTGRESQL", "50"))
SEED = os.environ.get("SOAK_SEED", "1")
SENDERS = 2
STARTUP_S = 0.8
"""About how long the program takes until it connects; an early death comes before that."""

DELAYS_S = (0.02, 0.1, 0.4)
"""A death comes at most so long after the first connection: one of these, by turns."""


class Server(Protocol):
    @property
    def url(self) -> str: ...
    def busy(self) -> bool: ...
    def settled(self) -> list[Arrived]: ...


@dataclass(frozen=True, slots=True)
class Campaign:
    """One issue, sent to its end over as many deaths as it takes."""

    number: int
    recipients: int
    connections: int
    pipelining: bool
    postfix: bool
    delay_ms: int
    paragraphs: int
    window: int = 1
    """How many messages may be under way over one connection."""

    chunking: bool = False
    """The server offers CHUNKING. Postfix itself does, its `smtp-sink` does not."""

    @classmethod
    def draw(cls, number: int, chance: random.Random) -> Campaign:
        return cls(
            number,
            recipients=chance.randint(200, 2000),
            connections=chance.choice((1, 4, 10)),
            pipelining=chance.random() < 0.6,
            postfix=chance.random() < 0.25,
            delay_ms=chance.choice((0, 0, 3, 12)),
            paragraphs=chance.choice((1, 1, 1, 300)),  # 300 make a message of 60 KB
        )

    @property
    def issue(self) -> str:
        return f"2026-03-01-issue-{self.number}"


@dataclass(slots=True)
class Tally:
    """What was met, over all campaigns."""

    wanted: int
    campaigns: int = 0
    kills: int = 0
    early: int = 0
    runs: int = 0
    recipients: int = 0
    messages: int = 0
    states: dict[State, int] = field(default_factory=lambda: dict.fromkeys(State, 0))
    uncertain_by_kill: list[int] = field(default_factory=list)
    worst_share: float = 0.0
    copies: int = 0
    lost: int = 0
    failures: list[str] = field(default_factory=list)
    _turn: threading.Lock = field(default_factory=threading.Lock)

    def next_campaign(self) -> int | None:
        """The next one's number; None when there were kills enough."""
        with self._turn:
            if self.kills >= self.wanted or len(self.failures) >= 5:
                return None
            self.campaigns += 1
            return self.campaigns

    def may_kill(self) -> bool:
        with self._turn:
            return self.kills < self.wanted and len(self.failures) < 5

    def note_kill(self, uncertain: int, connections: int, *, early: bool) -> None:
        with self._turn:
            self.kills += 1
            self.early += early
            self.uncertain_by_kill.append(uncertain)
            self.worst_share = max(self.worst_share, uncertain / connections)

    def note_run(self) -> None:
        with self._turn:
            self.runs += 1

    def note_end(self, campaign: Campaign, arrived: Sequence[Arrived], states: dict[State, int]) -> None:
        with self._turn:
            self.recipients += campaign.recipients
            self.messages += len(arrived)
            self.copies += len(arrived) - len({message.message_id for message in arrived})
            for state, count in states.items():
                self.states[state] += count
            self.lost += campaign.recipients - sum(states.values())

    def note_failure(self, campaign: Campaign, error: AssertionError) -> None:
        with self._turn:
            self.failures.append(f"{campaign}: {error}")

    def table(self, title: str, seconds: float) -> str:
        kills = max(len(self.uncertain_by_kill), 1)
        rows = (
            ("kills", f"{self.kills:,} (seed {SEED}; {self.early:,} before the first connection)"),
            ("runs", f"{self.runs:,}"),
            ("issues sent to their end", f"{self.campaigns:,}"),
            ("recipients", f"{self.recipients:,}"),
            ("sent", f"{self.states[State.SENT]:,}"),
            ("refused", f"{self.states[State.REJECTED]:,}"),
            ("deferred", f"{self.states[State.DEFERRED]:,}"),
            ("uncertain", f"{self.states[State.UNCERTAIN]:,}"),
            ("  of them at the server", f"{self.messages - self.states[State.SENT]:,}"),
            (
                "uncertain per kill",
                f"mean {sum(self.uncertain_by_kill) / kills:.2f}, most {max(self.uncertain_by_kill, default=0)}; "
                f"most per connection {self.worst_share:.1f}",
            ),
            ("copies beyond the first", f"{self.copies:,}"),
            ("lost", f"{self.lost:,}"),
            ("violations", f"{len(self.failures):,}"),
            ("minutes", f"{seconds / 60:.1f}"),
        )
        return "\n".join([f"\n{title}", *(f"  {name:<26}{value}" for name, value in rows)])


@pytest.mark.timeout(0)  # as long as it takes: each process has a limit of its own
def test_a_thousand_deaths(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    soak(tmp_path, tmp_path / "newsletter.db", KILLS, "kill -9, ledger in SQLite", capsys)


@pytest.mark.timeout(0)
def test_fifty_deaths_with_postgresql(tmp_path: Path, postgres_url: str, capsys: pytest.CaptureFixture[str]) -> None:
    soak(tmp_path, postgres_url, KILLS_POSTGRESQL, "kill -9, ledger in PostgreSQL", capsys)


@pytest.mark.timeout(0)
@pytest.mark.parametrize("postfix", [False, True], ids=["counting", "postfix"])
@pytest.mark.parametrize("window", [1, 4, 8])
def test_deaths_with_several_under_way(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], window: int, postfix: bool
) -> None:
    """`SOAK_KILLS_WINDOW` times for each window and server: Postfix itself, and the one that counts."""

    def changed(campaign: Campaign) -> Campaign:
        return replace(campaign, window=window, chunking=True, pipelining=True, postfix=postfix)

    (tmp_path / "newsletter.toml").write_text(f"[delivery]\nwindow = {window}\n")
    title = f"kill -9, {window} messages under way, {'Postfix' if postfix else 'a server that counts'}"
    soak(tmp_path, tmp_path / "newsletter.db", KILLS_WINDOW, title, capsys, changed)


def soak(
    folder: Path,
    ledger: Path | str,
    kills: int,
    title: str,
    capsys: pytest.CaptureFixture[str],
    changed: Callable[[Campaign], Campaign] = lambda campaign: campaign,
) -> None:
    tally = Tally(kills)
    began = monotonic()

    def work() -> None:
        while (number := tally.next_campaign()) is not None:
            chance = random.Random(f"{SEED}/{title}/{number}")
            campaign = changed(Campaign.draw(number, chance))
            try:
                carry_out(campaign, chance, folder, ledger, tally)
            except AssertionError as error:
                tally.note_failure(campaign, error)

    with ThreadPoolExecutor(SENDERS) as pool:
        for done in [pool.submit(work) for _ in range(SENDERS)]:
            done.result()
    with capsys.disabled():
        print(tally.table(title, monotonic() - began))
    assert tally.failures == []
    assert tally.kills >= kills
    assert (tally.copies, tally.lost) == (0, 0)
    assert tally.states[State.UNCERTAIN] == sum(tally.uncertain_by_kill)
    # A soak that never met the moment that matters would prove nothing.
    assert tally.states[State.UNCERTAIN] > kills / 20


def carry_out(campaign: Campaign, chance: random.Random, folder: Path, ledger: Path | str, tally: Tally) -> None:
    write_post(folder, text_of(campaign), f"{campaign.issue}.md")
    names = people(campaign.recipients)
    refused = set() if campaign.postfix else {names[number] for number in chance.sample(range(len(names)), 6)}
    audience = [refusing(name, number) if name in refused else name for number, name in enumerate(names)]
    refused = set(audience) - set(names)
    write_list(folder, *audience, name=f"{campaign.issue}.csv")
    accounts = Accounts(ledger, campaign.issue, audience, campaign.connections, refused, campaign.window)
    with server_for(campaign) as server:
        while True:
            may_resume = bool(server.settled())  # whoever was mailed stands in a plan that was whole
            process = start(
                *command(campaign, chance, server, ledger, resume=may_resume), cwd=folder, PGPASSWORD=PASSWORD
            )
            tally.note_run()
            early = chance.random() < 0.1
            if tally.may_kill():
                kill_some_time(process, server, chance, early=early)
            run = finish(process)
            assert "Traceback" not in run.err, run.err
            arrived = server.settled()
            if run.code != -signal.SIGKILL:
                assert run.code in (0, 3), f"{run.code}: {run.err}"
                break
            tally.note_kill(accounts.after_kill(arrived), campaign.connections, early=early)
        counts = dict(accounts.at_end(arrived))
        complete = not counts[State.DEFERRED] and not counts[State.UNCERTAIN]
        assert run.code == (0 if complete else 3), run.err
        tally.note_end(campaign, arrived, counts)


def text_of(campaign: Campaign) -> str:
    title = f"Issue {campaign.number} for {{{{ subscriber.name | default('you') }}}}"
    words = "A sentence of some length, so that there is something to send. " * 3
    return f"---\ntitle: {title}\n---\n\n" + "\n\n".join([words] * campaign.paragraphs) + "\n"


def refusing(name: str, number: int) -> str:
    """An address that the counting server refuses for good, or puts off."""
    return f"{'gone' if number % 2 else 'busy'}-{name}"


def command(
    campaign: Campaign, chance: random.Random, server: Server, ledger: Path | str, *, resume: bool
) -> list[str]:
    way = ["--relay", server.url, "--connections", str(campaign.connections), "--yes", "--json"]
    if isinstance(ledger, str):
        way += ["--ledger", make_url(ledger)._replace(password=None).render_as_string()]
    if resume and chance.random() < 0.5:
        return ["resume", campaign.issue, *way]
    return ["send", f"{campaign.issue}.md", "--to", f"{campaign.issue}.csv", "--changed-list", "--first", *way]


# --- the server and the deaths --------------------------------------------------------------------------------------


@contextmanager
def server_for(campaign: Campaign) -> Iterator[Server]:
    if campaign.postfix and campaign.chunking:
        with postfix_server() as server:
            yield server
    elif campaign.postfix:
        with smtp_sink(*([] if campaign.pipelining else ["-p"])) as sink:
            yield sink
    else:
        with counting_server(
            pipelining=campaign.pipelining, delay_ms=campaign.delay_ms, chunking=campaign.chunking
        ) as server:
            yield server


def kill_some_time(process: subprocess.Popen[bytes], server: Server, chance: random.Random, *, early: bool) -> None:
    """Kill it at a random time; or not at all, where it has come to its end before."""
    seconds = chance.uniform(0, STARTUP_S if early else chance.choice(DELAYS_S))
    if not early and not wait_for_connection(process, server):
        return
    with suppress(subprocess.TimeoutExpired):
        process.wait(timeout=seconds)
    process.kill()


def wait_for_connection(process: subprocess.Popen[bytes], server: Server) -> bool:
    """False when the process has ended without one."""
    deadline = monotonic() + DEADLINE_S
    while not server.busy():
        assert monotonic() < deadline, "it never connected"
        with suppress(subprocess.TimeoutExpired):
            process.wait(timeout=0.002)
            return False
    return True
