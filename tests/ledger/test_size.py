"""The ledger with long lists: flat in memory, and no page of rows costs more than the one before."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from newsletter.ledger.ledger import Ledger
from newsletter.model.delivery import State

NOW = datetime(2026, 3, 1, 6, 0, tzinfo=UTC)


def peak_of_plan(url: str, count: int) -> int:
    """Peak memory, in KiB, of a process that plans so many streamed addresses and claims a page of them."""
    code = """
import resource, sys
from datetime import UTC, datetime
from newsletter.ledger.ledger import Ledger
count = int(sys.argv[2])
with Ledger.open(sys.argv[1], lambda: datetime.now(UTC)) as ledger:
    people = (f"person{n * 7919 % count}@example.com" for n in range(count))
    assert ledger.plan(f"issue-{count}", people, content_hash="h", subject="s").due == count
    assert len(ledger.claim(f"issue-{count}", 500)) == 500
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""
    done = subprocess.run([sys.executable, "-c", code, url, str(count)], capture_output=True, text=True, check=True)
    return int(done.stdout)


def test_a_plan_is_flat_in_memory(store: Path | str) -> None:
    url = store if isinstance(store, str) else f"sqlite:///{store}"
    few, many = peak_of_plan(url, 10_000), peak_of_plan(url, 120_000)
    assert many / few < 1.15


def test_each_page_starts_with_one_step_through_an_index(tmp_path: Path) -> None:
    asked: list[tuple[str, Any]] = []

    def listen(_db: object, _cursor: object, statement: str, parameters: object, *_rest: object) -> None:
        if statement.lstrip().startswith("SELECT") and "deliveries" in statement:
            asked.append((statement, parameters))

    with Ledger.open(tmp_path / "newsletter.db", lambda: NOW) as ledger:
        people = [f"p{number}@example.com" for number in range(50)]
        ledger.plan("i", people, content_hash="h", subject="s")
        sa.event.listen(sa.Engine, "before_cursor_execute", listen)
        try:
            ledger.claim("i", 10, after=20)
            next(ledger.rows("i", State.CLAIMED))
            next(ledger.rows("i", State.CLAIMED, planned=True))
            list(ledger.holders_of_older("i"))
            ledger.counts("i")
        finally:
            sa.event.remove(sa.Engine, "before_cursor_execute", listen)
        (before_dot,) = (each for each in asked if "json_each" in each[0])
        asked.remove(before_dot)
        assert len(asked) == 6
        with ledger._read() as db:
            steps = [row.detail for row in db.exec_driver_sql(f"EXPLAIN QUERY PLAN {before_dot[0]}", before_dot[1])]
            assert "SEARCH d USING INTEGER PRIMARY KEY (rowid=?)" in steps
            assert "INDEX sqlite_autoindex_suppressions_1 (key=?)" in steps[-1]
            for statement, parameters in asked:
                steps = [row.detail for row in db.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)]
                rows = [step for step in steps if "deliveries" in step or "SEARCH d " in step or "SCAN d" in step]
                assert rows, steps
                assert all("USING" in step and "INDEX standing (issue=?" in step for step in rows), steps
                # What is sorted is at most the page itself.
                assert "CO-ROUTINE" in steps[0] or not any("B-TREE" in step for step in steps), steps


@pytest.mark.parametrize("state", [State.PENDING, State.DEFERRED])
def test_so_does_each_claim_in_postgresql(postgres_url: str, state: State) -> None:
    with Ledger.open(postgres_url, lambda: NOW) as ledger:
        people = (f"p{number}@example.com" for number in range(20_000))
        ledger.plan("i", people, content_hash="h", subject="s")
        with ledger._write() as db:
            db.exec_driver_sql(f"UPDATE deliveries SET state = '{state}'")
            db.exec_driver_sql("ANALYZE deliveries")
            ask = (
                "EXPLAIN SELECT id FROM deliveries "
                f"WHERE issue = 1 AND state = '{state}' AND id > 5000 AND plan = 1 ORDER BY id LIMIT 500"
            )
            steps = "\n".join(db.exec_driver_sql(ask).scalars())
    assert "Index" in steps
    assert "Sort" not in steps
