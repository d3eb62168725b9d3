"""Three workers through events, one issue: nobody is lost, nobody is mailed twice. `pytest -m soak` runs more."""

from __future__ import annotations

from pathlib import Path

import pytest
from worker_events import Campaign

from newsletter.model.delivery import State


@pytest.mark.parametrize(
    ("events", "recipients", "seed"),
    [(12, 1_200, "twelve"), pytest.param(20, 5_000, "short", marks=pytest.mark.whole)],
    ids=["twelve events", "twenty events"],
)
def test_whatever_happens_to_workers_everyone_gets_it_once(
    tmp_path: Path, postgres_url: str, events: int, recipients: int, seed: str
) -> None:
    tally = Campaign(tmp_path, postgres_url, recipients=recipients, events=events, seed=seed).run()
    assert sum(tally.events.values()) == events
    assert len(tally.events) >= 5
    assert tally.counts[State.SENT] > recipients * 7 // 8
