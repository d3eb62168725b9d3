"""The time-out of replies: one timer for many, each wait with its own limit. The clock is the test's."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, cast

import pytest

from newsletter.delivery.smtp.connect import SILENCE_S
from newsletter.delivery.smtp.reply_timer import ReplyTimer


class Clock:
    """What a timer asks of an event loop."""

    def __init__(self) -> None:
        self.now = 100.0
        self.calls: list[Call] = []
        self.made = 0

    def time(self) -> float:
        return self.now

    def call_at(self, when: float, call: Callable[..., None], *given: Any) -> Call:
        self.made += 1
        self.calls.append(Call(self, when, call, given))
        return self.calls[-1]

    def pass_time(self, seconds: float) -> None:
        until = self.now + seconds
        while due := [call for call in self.calls if call.due_at <= until]:
            first = min(due, key=lambda call: call.due_at)
            self.calls.remove(first)
            self.now = first.due_at
            first.call(*first.given)
        self.now = until


class Call:
    def __init__(self, clock: Clock, due_at: float, call: Callable[..., None], given: tuple[Any, ...]) -> None:
        self.clock, self.due_at, self.call, self.given = clock, due_at, call, given

    def when(self) -> float:
        return self.due_at

    def cancel(self) -> None:
        self.clock.calls.remove(self)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def timer(clock: Clock, said: list[str]) -> ReplyTimer:
    return ReplyTimer(cast(asyncio.AbstractEventLoop, clock), on_silence=said.append, on_end=said.append)


def test_many_replies_need_one_timer(timer: ReplyTimer, clock: Clock, said: list[str]) -> None:
    for _ in range(1000):
        timer.start("RCPT", 300)
        clock.pass_time(0.001)
        timer.stop()
    assert clock.made == 1
    clock.pass_time(1000)
    assert said == []
    assert clock.calls == []


@pytest.mark.parametrize("before_s", [0, 0.5, SILENCE_S - 1, SILENCE_S + 1])
def test_a_silence_is_told_once_and_then_ended(
    timer: ReplyTimer, clock: Clock, said: list[str], before_s: float
) -> None:
    timer.start("MAIL", 300)
    timer.stop()
    clock.pass_time(before_s)
    timer.start("dot", 600)
    clock.pass_time(SILENCE_S - 0.001)
    assert said == []
    clock.pass_time(0.002)
    assert said == [f"has not answered the message for {SILENCE_S:g} s"]
    clock.pass_time(600 - SILENCE_S - 0.002)
    assert len(said) == 1
    clock.pass_time(0.002)
    assert said[1:] == ["no answer to dot within 600 s"]


@pytest.mark.parametrize("limit_s", [0.2, 5, SILENCE_S])
def test_a_short_limit_ends_in_its_time_behind_a_long_one(
    timer: ReplyTimer, clock: Clock, said: list[str], limit_s: float
) -> None:
    timer.start("DATA", 120)
    timer.stop()
    timer.start("QUIT", limit_s)
    clock.pass_time(limit_s - 0.001)
    assert said == []
    clock.pass_time(0.002)
    assert said == [f"no answer to QUIT within {limit_s:g} s"]


def test_a_long_limit_is_not_cut_by_the_short_one_before(timer: ReplyTimer, clock: Clock, said: list[str]) -> None:
    timer.start("QUIT", 5)
    clock.pass_time(1)
    timer.stop()
    timer.start("RSET", 8)
    clock.pass_time(7.9)
    assert said == []
    clock.pass_time(0.2)
    assert said == ["no answer to RSET within 8 s"]


def test_a_closed_session_leaves_no_timer(timer: ReplyTimer, clock: Clock, said: list[str]) -> None:
    timer.start("RCPT", 300)
    timer.cancel()
    timer.cancel()
    assert clock.calls == []
    clock.pass_time(1000)
    assert said == []
