"""Three workers, twelve events, one issue: nobody is lost, nobody is mailed twice. `pytest -m soak` runs more."""

from __future__ import annotations

from pathlib import Path

from worker_events import Campaign

from newsletter.model.delivery import State


def test_whatever_happens_to_workers_everyone_gets_it_once(tmp_path: Path, postgres_url: str) -> None:
    tally = Campaign(tmp_path, postgres_url, recipients=2_400, events=12, seed="twelve").run()
    assert sum(tally.events.values()) == 12
    assert len(tally.events) >= 5
    assert tally.counts[State.SENT] > 2_100
