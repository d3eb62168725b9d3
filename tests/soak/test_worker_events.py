"""Three workers through hundreds of events: `pytest -n 0 -m soak tests/soak/test_worker_events.py`.

Fifteen issues of 13,400 recipients, each through twenty events: kills, stops, cut connections, repeated jobs, a second
desk, a database that restarts, a clock that is an hour ahead, and, as root, links that are taken down and up: then each
worker is in a network namespace of its own. `SOAK_EVENTS` chooses another number, `SOAK_SEED` another
course. At the end a table says what was met.
"""

from __future__ import annotations

import contextlib
import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from machine import missing
from namespaces import Network, network
from postgres import Server, program, running
from worker_events import CONNECTIONS, WORKERS, Campaign

from newsletter.model.delivery import State

pytestmark = pytest.mark.soak

EVENTS = int(os.environ.get("SOAK_EVENTS", "300"))
SEED = os.environ.get("SOAK_SEED", "1")
EVENTS_EACH, RECIPIENTS = 20, int(os.environ.get("SOAK_RECIPIENTS", "13400"))


@pytest.fixture
def machines() -> Iterator[Network | None]:
    """Namespaces, one for each worker; None where they may not be made, which is told."""
    with contextlib.ExitStack() as opened:
        try:
            made = opened.enter_context(network(WORKERS))
        except OSError as error:
            print(f"no network namespaces ({error}): no link is taken down")
            made = None
        yield made


@pytest.fixture
def server(machines: Network | None) -> Iterator[Server]:
    initdb, pg_ctl = program("initdb"), program("pg_ctl")
    if initdb is None or pg_ctl is None:
        missing("PostgreSQL's server is not installed (Debian: postgresql)")
    reached = {"listen": machines.host, "allow": machines.subnet} if machines is not None else {}
    with running(initdb, pg_ctl, **reached) as made:
        yield made


def test_hundreds_of_events(
    tmp_path: Path, server: Server, machines: Network | None, capsys: pytest.CaptureFixture[str]
) -> None:
    events: Counter[str] = Counter()
    states: Counter[State] = Counter()
    messages = issues = 0
    while sum(events.values()) < EVENTS:
        folder = tmp_path / str(issues)
        folder.mkdir()
        tally = Campaign(
            folder,
            server.emptied(),
            recipients=RECIPIENTS,
            events=EVENTS_EACH,
            seed=f"{SEED} {issues}",
            restart=server.restart,
            network=machines,
        ).run()
        issues += 1
        events += tally.events
        states.update(tally.counts)
        messages += tally.messages
        with capsys.disabled():
            print(f"\n{issues}: {dict(tally.events)}; {tally.messages:,} messages, {tally.counts}", flush=True)
    with capsys.disabled():
        print(
            f"\n{sum(events.values())} events over {issues} issues, {issues * RECIPIENTS:,} recipients: {dict(events)}"
        )
        print(f"{messages:,} messages, {states[State.UNCERTAIN]:,} uncertain ({CONNECTIONS} connections a worker)")
    assert sum(events.values()) >= EVENTS
