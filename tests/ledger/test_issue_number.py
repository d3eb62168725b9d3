"""An issue's place among those that went out, in both databases."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from newsletter.errors import LedgerError
from newsletter.ledger.issue_number import count_before
from newsletter.ledger.ledger import Ledger
from newsletter.ledger.records import Move
from newsletter.model.delivery import State


def send(ledger: Ledger, name: str) -> None:
    ledger.plan(name, ["ada@example.org"], content_hash="1", subject=name)
    run = ledger.begin_run(name, "1 here")
    (claim,) = ledger.claim(name, 1)
    ledger.write(name, [Move(claim.row, State.COMMITTING, message_id="<1@a.example>")])
    ledger.write(name, [Move(claim.row, State.SENT, stage="dot", code=250, reply="ok")])
    ledger.end_run(run, "")


def test_issues_count_in_the_order_in_which_they_went_out(store: Path | str) -> None:
    assert count_before(store, "b") == 0
    now = [datetime(2026, 3, 1, tzinfo=UTC)]
    with Ledger.open(store, lambda: now[0]) as ledger:
        for name in ("b", "a"):
            send(ledger, name)
        ledger.plan("planned", ["ada@example.org"], content_hash="1", subject="c")
    assert [count_before(store, name) for name in ("b", "a", "planned", "new")] == [0, 1, 2, 2]


def test_a_file_that_is_no_ledger_is_named(tmp_path: Path) -> None:
    path = tmp_path / "newsletter.db"
    assert count_before(path, "a") == 0
    assert not path.exists()
    path.write_text("not a database, but long enough to be taken for one by nobody")
    with pytest.raises(LedgerError, match=r"newsletter\.db: issues cannot be counted \(file is not a database\); run"):
        count_before(path, "a")


def test_a_database_that_is_not_there_is_named(postgres_url: str) -> None:
    with pytest.raises(LedgerError, match=r"issues cannot be counted \(.*; run `newsletter ledger check`"):
        count_before(postgres_url.replace("host=", "port=1&host="), "a")
