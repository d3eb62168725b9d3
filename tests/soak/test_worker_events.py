"""Three workers through hundreds of events: `pytest -n 0 -m soak tests/soak/test_worker_events.py`.

Fifteen issues of 13,400 recipients, each through twenty events: kills, stops, cut connections, repeated jobs, a second
desk, a database that restarts, a clock that is an hour ahead. `SOAK_EVENTS` chooses another number, `SOAK_SEED` another
course. At the end a table says what was met.
"""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path

import pytest
from postgres import Server
from worker_events import CONNECTIONS, Campaign

from newsletter.model.delivery import State

pytestmark = pytest.mark.soak

EVENTS = int(os.environ.get("SOAK_EVENTS", "300"))
SEED = os.environ.get("SOAK_SEED", "1")
EVENTS_EACH, RECIPIENTS = 20, 13_400


def test_hundreds_of_events(tmp_path: Path, postgres_server: Server, capsys: pytest.CaptureFixture[str]) -> None:
    events: Counter[str] = Counter()
    states: Counter[State] = Counter()
    messages = issues = 0
    while sum(events.values()) < EVENTS:
        folder = tmp_path / str(issues)
        folder.mkdir()
        tally = Campaign(
            folder,
            postgres_server.emptied(),
            recipients=RECIPIENTS,
            events=EVENTS_EACH,
            seed=f"{SEED} {issues}",
            restart=postgres_server.restart,
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
