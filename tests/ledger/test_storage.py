"""The one database of a process that has it open more than once, with other processes coming and going."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa

from newsletter.audience.people.records import Reason
from newsletter.audience.people.store import People
from newsletter.errors import ConfigError
from newsletter.ledger.database.schema import suppressions
from newsletter.ledger.database.storage import Storage

LOOK = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from newsletter.audience.people.store import People
with People.open(Path(sys.argv[1]), lambda: datetime.now(UTC)) as people:
    print(*(row.key for row in people.suppressed()))
"""


def looked_at(place: Path) -> list[str]:
    """Whom another process finds suppressed. It is the last to close the database wherever nobody holds it."""
    done = subprocess.run([sys.executable, "-c", LOOK, str(place)], capture_output=True, text=True, check=True)
    return done.stdout.split()


def now() -> datetime:
    return datetime(2026, 3, 1, tzinfo=UTC)


def test_a_second_opening_in_one_process_lets_go_of_nothing(tmp_path: Path) -> None:
    place = tmp_path / "newsletter.db"
    with People.open(place, now) as first, People.open(place, now) as second:
        first.suppress("ada@example.com", Reason.MANUAL)
        second.suppress("bob@example.com", Reason.MANUAL)
        Storage.open(place).close()
        assert looked_at(place) == ["ada@example.com", "bob@example.com"]
        # Whoever was taken for gone would write to a log that nobody reads.
        first.suppress("cy@example.com", Reason.MANUAL)
        second.suppress("dan@example.com", Reason.MANUAL)
        assert looked_at(place) == ["ada@example.com", "bob@example.com", "cy@example.com", "dan@example.com"]
    assert len(looked_at(place)) == 4


def test_a_file_of_another_kind_is_refused_each_time(tmp_path: Path) -> None:
    place = tmp_path / "newsletter.db"
    place.write_text("Dear diary, nothing of SQLite's here.")
    for _ in range(2):
        with pytest.raises(ConfigError, match="no SQLite database"):
            Storage.open(place)
    place.unlink()
    Storage.open(place).close()
    place.write_text("Dear diary, nothing of SQLite's here.")
    with pytest.raises(ConfigError, match="no SQLite database"):
        Storage.open(place)


def test_what_one_block_reads_is_of_one_moment(store: Path | str) -> None:
    """A report that counts twice while a send writes counts the same twice."""
    with People.open(store, now) as people, People.open(store, now) as other:
        people.suppress("ada@example.com", Reason.MANUAL)
        count = sa.select(sa.func.count()).select_from(suppressions)
        with people.storage.read() as db:
            assert db.scalar(count) == 1
            other.suppress("bob@example.com", Reason.MANUAL)
            assert db.scalar(count) == 1
        with people.storage.read() as db:
            assert db.scalar(count) == 2
