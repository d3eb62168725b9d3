"""Group commit: what has to be on disk is, when its waiter goes on; the rest comes along; errors reach who waits."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, TypeAlias

import pytest
from smtp_server import HANGS_S

from newsletter import group_commit
from newsletter.group_commit import GroupCommit
from newsletter.ledger.ledger import Move
from newsletter.model.delivery import State

Commits: TypeAlias = GroupCommit[Move, frozenset[int]]


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


@pytest.fixture(params=[False, True], ids=["in the loop", "in a thread"])
def in_thread(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


def commit(row: int) -> Move:
    return Move(row, State.COMMITTING)


def sent(row: int) -> Move:
    return Move(row, State.SENT)


def run(disk: Disk, in_thread: bool, work: Callable[[Commits], Coroutine[None, None, None]], **options: Any) -> None:
    async def go() -> None:
        commits = GroupCommit(disk.write, in_thread=in_thread, **{"ends_with_error": True, **options})
        try:
            async with asyncio.timeout(HANGS_S):
                await work(commits)
        finally:
            commits.close()

    asyncio.run(go())


async def until(condition: Callable[[], bool]) -> None:
    """There is no event for it: what another thread does, or what nobody waits for."""
    while not condition():  # noqa: ASYNC110
        await asyncio.sleep(0.001)


def test_a_committed_move_is_on_disk(in_thread: bool) -> None:
    disk = Disk()

    async def work(commits: Commits) -> None:
        for row in range(5):
            await commits.commit(commit(row))
            assert disk.rows[-1] == row

    run(disk, in_thread, work)
    assert disk.batches == [(0,), (1,), (2,), (3,), (4,)]


def test_those_who_are_ready_together_share_a_commit(in_thread: bool) -> None:
    disk = Disk()

    async def work(commits: Commits) -> None:
        await asyncio.gather(*(commits.commit(commit(row)) for row in range(10)))

    run(disk, in_thread, work)
    assert disk.batches == [tuple(range(10))]


def test_those_who_come_while_the_disk_is_busy_share_the_next_commit() -> None:
    first_is_out = threading.Event()
    disk = Disk(lambda number: first_is_out.wait(HANGS_S) if number == 1 else None)

    async def work(commits: Commits) -> None:
        first = asyncio.ensure_future(commits.commit(commit(0)))
        await until(disk.busy.locked)
        others = asyncio.gather(*(commits.commit(commit(row)) for row in range(1, 6)))
        commits.note(sent(9))
        await asyncio.sleep(0)
        assert not first.done()
        first_is_out.set()
        await first
        await others

    run(disk, True, work)
    assert [sorted(batch) for batch in disk.batches] == [[0], [1, 2, 3, 4, 5, 9]]


def test_an_outcome_goes_with_the_next_commit(in_thread: bool) -> None:
    disk = Disk()

    async def work(commits: Commits) -> None:
        commits.note(sent(1))
        await commits.commit(commit(2))

    run(disk, in_thread, work)
    assert disk.batches == [(1, 2)]


def test_an_outcome_that_nothing_follows_is_written_soon(in_thread: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(group_commit, "LINGER_S", 0.01)
    written = threading.Event()
    disk = Disk(lambda number: written.set())

    async def work(commits: Commits) -> None:
        commits.note(sent(1))
        commits.note(sent(2))
        await until(lambda: bool(disk.batches))  # it has no waiter: that is the point
        commits.note(sent(3))
        await until(lambda: len(disk.batches) == 2)

    run(disk, in_thread, work)
    assert disk.batches == [(1, 2), (3,)]


def test_a_flush_leaves_nothing(in_thread: bool) -> None:
    disk = Disk()

    async def work(commits: Commits) -> None:
        await commits.flush()
        commits.note(sent(1))
        await commits.flush()
        assert disk.rows == [1]
        commits.note(sent(2))
        waiting = asyncio.ensure_future(commits.commit(commit(3)))
        await commits.flush()
        assert disk.rows == [1, 2] or disk.rows == [1, 2, 3]
        await waiting
        await commits.flush()

    run(disk, in_thread, work)
    assert disk.rows == [1, 2, 3]


def test_what_is_noted_during_a_write_is_not_lost(in_thread: bool) -> None:
    """Whatever the order, each move is written once."""
    disk = Disk()

    async def work(commits: Commits) -> None:
        async def one(row: int) -> None:
            await commits.commit(commit(row))
            commits.note(sent(1000 + row))

        await asyncio.gather(*(one(row) for row in range(200)))
        await commits.flush()

    run(disk, in_thread, work)
    assert sorted(disk.rows) == [*range(200), *range(1000, 1200)]
    for row in range(200):
        assert disk.rows.index(row) < disk.rows.index(1000 + row)


def test_other_work_never_meets_a_write(in_thread: bool) -> None:
    disk = Disk()

    def read() -> int:
        with disk.busy:
            return len(disk.batches)

    async def work(commits: Commits) -> None:
        reads = [commits.call(read) for _ in range(20)]
        await asyncio.gather(*(commits.commit(commit(row)) for row in range(20)), *reads)

    run(disk, in_thread, work)
    assert sorted(disk.rows) == list(range(20))


def fail(number: int) -> None:
    raise OSError("disk full")


def test_an_error_reaches_everyone_who_waits(in_thread: bool) -> None:
    disk = Disk(fail)

    async def work(commits: Commits) -> None:
        found = await asyncio.gather(*(commits.commit(commit(row)) for row in range(5)), return_exceptions=True)
        assert [str(error) for error in found] == ["disk full"] * 5

    run(disk, in_thread, work)


def test_nothing_is_committed_after_an_error(in_thread: bool) -> None:
    """The disk may take it: but a row that an earlier move was lost of must not go on."""
    disk = Disk(lambda number: None if disk.batches or number != 1 else fail(number))

    async def work(commits: Commits) -> None:
        with pytest.raises(OSError, match="disk full"):
            await commits.commit(commit(1))
        disk.ready = lambda number: None
        with pytest.raises(OSError, match="disk full"):
            await commits.commit(commit(2))
        with pytest.raises(OSError, match="disk full"):
            commits.check()
        commits.note(sent(3))
        with pytest.raises(OSError, match="disk full"):
            await commits.flush()

    run(disk, in_thread, work)
    assert disk.batches == []


def test_those_who_came_while_it_failed_hear_it_too() -> None:
    fails_now = threading.Event()

    def ready(number: int) -> None:
        fails_now.wait(HANGS_S)
        fail(number)

    disk = Disk(ready)

    async def work(commits: Commits) -> None:
        first = asyncio.ensure_future(commits.commit(commit(0)))
        await until(disk.busy.locked)
        second = asyncio.ensure_future(commits.commit(commit(1)))
        await asyncio.sleep(0)
        fails_now.set()
        found = await asyncio.gather(first, second, return_exceptions=True)
        assert [str(error) for error in found] == ["disk full"] * 2

    run(disk, True, work)


def test_an_error_that_nobody_waited_for_is_seen_at_the_next_look(
    in_thread: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(group_commit, "LINGER_S", 0.0)
    tried = threading.Event()

    def ready(number: int) -> None:
        tried.set()
        fail(number)

    disk = Disk(ready)

    async def work(commits: Commits) -> None:
        commits.check()
        commits.note(sent(1))
        with pytest.raises(OSError, match="disk full"):  # noqa: PT012
            while True:
                await asyncio.sleep(0.001)
                commits.check()

    run(disk, in_thread, work)
    assert tried.is_set()


def test_whoever_stops_waiting_takes_nothing_from_the_others(in_thread: bool) -> None:
    disk = Disk()

    async def work(commits: Commits) -> None:
        waiting = [asyncio.ensure_future(commits.commit(commit(row))) for row in range(3)]
        await asyncio.sleep(0)
        waiting[0].cancel()
        await asyncio.gather(*waiting[1:])
        with pytest.raises(asyncio.CancelledError):
            await waiting[0]

    run(disk, in_thread, work)
    assert disk.batches == [(0, 1, 2)]


def test_all_waiters_of_a_batch_get_what_was_written(in_thread: bool) -> None:
    disk = Disk()

    async def work(commits: Commits) -> None:
        assert await asyncio.gather(*(commits.commit(commit(row)) for row in (1, -2, 3))) == [{-2}] * 3

    run(disk, in_thread, work)
    assert disk.rows == [1, -2, 3]


@pytest.mark.parametrize("waits", [True, False])
def test_a_transaction_has_no_more_than_it_may(waits: bool) -> None:
    """The others go into the next one, in their order; whether somebody waits for them or not."""
    first_is_out = threading.Event()
    disk = Disk(lambda number: first_is_out.wait(HANGS_S) if number == 1 else None)

    async def work(commits: Commits) -> None:
        waiting = [asyncio.ensure_future(commits.commit(commit(0)))]
        await until(disk.busy.locked)
        for row in range(1, 8):
            if waits:
                waiting.append(asyncio.ensure_future(commits.commit(commit(row))))
            else:
                commits.note(commit(row))
        await asyncio.sleep(0)
        assert not any(each.done() for each in waiting), "nobody goes on before it is on disk"
        first_is_out.set()
        await asyncio.gather(*waiting)
        await commits.flush()

    run(disk, True, work, at_most=3)
    assert disk.batches == [(0,), (1, 2, 3), (4, 5, 6), (7,)]


def test_where_an_error_is_its_batch_s_own_the_next_one_is_written(in_thread: bool) -> None:
    disk = Disk(lambda number: None if disk.batches or recovered else fail(number))
    recovered: list[bool] = []

    async def work(commits: Commits) -> None:
        found = await asyncio.gather(*(commits.commit(commit(row)) for row in range(3)), return_exceptions=True)
        assert [str(error) for error in found] == ["disk full"] * 3
        recovered.append(True)
        await commits.commit(commit(4))

    run(disk, in_thread, work, ends_with_error=False)
    assert disk.batches == [(4,)]


def test_other_work_is_done_in_the_thread_where_there_is_one(in_thread: bool) -> None:
    async def work(commits: Commits) -> None:
        assert (await commits.call(threading.get_ident) != threading.get_ident()) == in_thread

    run(Disk(), in_thread, work)
