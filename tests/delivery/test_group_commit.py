"""The journal: what has to be on disk is, when its waiter goes on; the rest comes along; an error ends everything."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine, Sequence

import pytest

from newsletter.delivery import group_commit as journals
from newsletter.delivery.group_commit import GroupCommit
from newsletter.ledger.ledger import Move
from newsletter.model.delivery import State


class Disk:
    """Every batch that was written. `ready` is asked before each and may wait or fail."""

    def __init__(self, ready: Callable[[int], object] = lambda number: None) -> None:
        self.batches: list[tuple[int, ...]] = []
        self.ready = ready
        self.busy = threading.Lock()

    def write(self, moves: Sequence[Move]) -> frozenset[int]:
        assert self.busy.acquire(blocking=False), "two writes at once"
        try:
            self.ready(len(self.batches) + 1)
            self.batches.append(tuple(move.row for move in moves))
        finally:
            self.busy.release()
        return frozenset(move.row for move in moves if move.row < 0)

    @property
    def rows(self) -> list[int]:
        return [row for batch in self.batches for row in batch]


@pytest.fixture(params=[False, True], ids=["file", "far"])
def far(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


def commit(row: int) -> Move:
    return Move(row, State.COMMITTING)


def sent(row: int) -> Move:
    return Move(row, State.SENT)


def run(disk: Disk, far: bool, work: Callable[[GroupCommit], Coroutine[None, None, None]]) -> None:
    async def go() -> None:
        journal = GroupCommit(disk.write, far=far)
        try:
            async with asyncio.timeout(20):
                await work(journal)
        finally:
            journal.close()

    asyncio.run(go())


async def until(condition: Callable[[], bool]) -> None:
    """The journal has no event for it: what another thread does, or what nobody waits for."""
    while not condition():  # noqa: ASYNC110
        await asyncio.sleep(0.001)


def test_a_committed_move_is_on_disk(far: bool) -> None:
    disk = Disk()

    async def work(journal: GroupCommit) -> None:
        for row in range(5):
            await journal.committed(commit(row))
            assert disk.rows[-1] == row

    run(disk, far, work)
    assert disk.batches == [(0,), (1,), (2,), (3,), (4,)]


def test_those_who_are_ready_together_share_a_commit(far: bool) -> None:
    disk = Disk()

    async def work(journal: GroupCommit) -> None:
        await asyncio.gather(*(journal.committed(commit(row)) for row in range(10)))

    run(disk, far, work)
    assert disk.batches == [tuple(range(10))]


def test_those_who_come_while_the_disk_is_busy_share_the_next_commit() -> None:
    first_is_out = threading.Event()
    disk = Disk(lambda number: first_is_out.wait(20) if number == 1 else None)

    async def work(journal: GroupCommit) -> None:
        first = asyncio.ensure_future(journal.committed(commit(0)))
        await until(disk.busy.locked)
        others = asyncio.gather(*(journal.committed(commit(row)) for row in range(1, 6)))
        journal.note(sent(9))
        await asyncio.sleep(0)
        assert not first.done()
        first_is_out.set()
        await first
        await others

    run(disk, True, work)
    assert [sorted(batch) for batch in disk.batches] == [[0], [1, 2, 3, 4, 5, 9]]


def test_an_outcome_goes_with_the_next_commit(far: bool) -> None:
    disk = Disk()

    async def work(journal: GroupCommit) -> None:
        journal.note(sent(1))
        await journal.committed(commit(2))

    run(disk, far, work)
    assert disk.batches == [(1, 2)]


def test_an_outcome_that_nothing_follows_is_written_soon(far: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journals, "LINGER_S", 0.01)
    written = threading.Event()
    disk = Disk(lambda number: written.set())

    async def work(journal: GroupCommit) -> None:
        journal.note(sent(1))
        journal.note(sent(2))
        await until(lambda: bool(disk.batches))  # it has no waiter: that is the point
        journal.note(sent(3))
        await until(lambda: len(disk.batches) == 2)

    run(disk, far, work)
    assert disk.batches == [(1, 2), (3,)]


def test_a_flush_leaves_nothing(far: bool) -> None:
    disk = Disk()

    async def work(journal: GroupCommit) -> None:
        await journal.flush()
        journal.note(sent(1))
        await journal.flush()
        assert disk.rows == [1]
        journal.note(sent(2))
        waiting = asyncio.ensure_future(journal.committed(commit(3)))
        await journal.flush()
        assert disk.rows == [1, 2] or disk.rows == [1, 2, 3]
        await waiting
        await journal.flush()

    run(disk, far, work)
    assert disk.rows == [1, 2, 3]


def test_what_is_noted_during_a_write_is_not_lost(far: bool) -> None:
    """Whatever the order, each move is written once."""
    disk = Disk()

    async def work(journal: GroupCommit) -> None:
        async def one(row: int) -> None:
            await journal.committed(commit(row))
            journal.note(sent(1000 + row))

        await asyncio.gather(*(one(row) for row in range(200)))
        await journal.flush()

    run(disk, far, work)
    assert sorted(disk.rows) == [*range(200), *range(1000, 1200)]
    for row in range(200):
        assert disk.rows.index(row) < disk.rows.index(1000 + row)


def test_other_work_never_meets_a_write(far: bool) -> None:
    disk = Disk()

    def read() -> int:
        with disk.busy:
            return len(disk.batches)

    async def work(journal: GroupCommit) -> None:
        reads = [journal.call(read) for _ in range(20)]
        await asyncio.gather(*(journal.committed(commit(row)) for row in range(20)), *reads)

    run(disk, far, work)
    assert sorted(disk.rows) == list(range(20))


def fail(number: int) -> None:
    raise OSError("disk full")


def test_an_error_reaches_everyone_who_waits(far: bool) -> None:
    disk = Disk(fail)

    async def work(journal: GroupCommit) -> None:
        found = await asyncio.gather(*(journal.committed(commit(row)) for row in range(5)), return_exceptions=True)
        assert [str(error) for error in found] == ["disk full"] * 5

    run(disk, far, work)


def test_nothing_is_committed_after_an_error(far: bool) -> None:
    """The disk may take it: but a row that an earlier move was lost of must not go on."""
    disk = Disk(lambda number: None if disk.batches or number != 1 else fail(number))

    async def work(journal: GroupCommit) -> None:
        with pytest.raises(OSError, match="disk full"):
            await journal.committed(commit(1))
        disk.ready = lambda number: None
        with pytest.raises(OSError, match="disk full"):
            await journal.committed(commit(2))
        with pytest.raises(OSError, match="disk full"):
            journal.check()
        journal.note(sent(3))
        with pytest.raises(OSError, match="disk full"):
            await journal.flush()

    run(disk, far, work)
    assert disk.batches == []


def test_those_who_came_while_it_failed_hear_it_too() -> None:
    fails_now = threading.Event()

    def ready(number: int) -> None:
        fails_now.wait(20)
        fail(number)

    disk = Disk(ready)

    async def work(journal: GroupCommit) -> None:
        first = asyncio.ensure_future(journal.committed(commit(0)))
        await until(disk.busy.locked)
        second = asyncio.ensure_future(journal.committed(commit(1)))
        await asyncio.sleep(0)
        fails_now.set()
        found = await asyncio.gather(first, second, return_exceptions=True)
        assert [str(error) for error in found] == ["disk full"] * 2

    run(disk, True, work)


def test_an_error_that_nobody_waited_for_is_seen_at_the_next_look(far: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journals, "LINGER_S", 0.0)
    tried = threading.Event()

    def ready(number: int) -> None:
        tried.set()
        fail(number)

    disk = Disk(ready)

    async def work(journal: GroupCommit) -> None:
        journal.check()
        journal.note(sent(1))
        with pytest.raises(OSError, match="disk full"):  # noqa: PT012
            while True:
                await asyncio.sleep(0.001)
                journal.check()

    run(disk, far, work)
    assert tried.is_set()


def test_whoever_stops_waiting_takes_nothing_from_the_others(far: bool) -> None:
    disk = Disk()

    async def work(journal: GroupCommit) -> None:
        waiting = [asyncio.ensure_future(journal.committed(commit(row))) for row in range(3)]
        await asyncio.sleep(0)
        waiting[0].cancel()
        await asyncio.gather(*waiting[1:])
        with pytest.raises(asyncio.CancelledError):
            await waiting[0]

    run(disk, far, work)
    assert disk.batches == [(0, 1, 2)]


def test_whoever_must_not_be_mailed_is_told_apart_from_the_others_of_the_batch(far: bool) -> None:
    disk = Disk()

    async def work(journal: GroupCommit) -> None:
        assert await asyncio.gather(*(journal.committed(commit(row)) for row in (1, -2, 3))) == [True, False, True]

    run(disk, far, work)
    assert disk.rows == [1, -2, 3]
